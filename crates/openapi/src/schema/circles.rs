//! Which definitions lead back to themselves.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::Definition;

/// The definitions that lead to themselves, and those between two such: what remains when everything is taken away that
/// leads nowhere, and everything that nothing leads to.
pub(super) fn circles<'r>(
    reached: &'r HashMap<String, Rc<Definition>>,
    edges: impl Fn(&'r Definition) -> Vec<&'r str>,
) -> HashSet<String> {
    let forward: Vec<_> = reached
        .iter()
        .flat_map(|(from, definition)| edges(definition).into_iter().map(move |to| (from.as_str(), to)))
        .collect();
    let backward: Vec<_> = forward.iter().map(|(from, to)| (*to, *from)).collect();
    let everything: HashSet<&str> = reached.keys().map(String::as_str).collect();
    let leading_on = without_ends(everything, &forward);
    without_ends(leading_on, &backward).into_iter().map(str::to_owned).collect()
}

/// Takes away, again and again, what leads to nothing that is still there.
fn without_ends<'r>(mut there: HashSet<&'r str>, edges: &[(&'r str, &'r str)]) -> HashSet<&'r str> {
    let mut leading: HashMap<&str, usize> = HashMap::new();
    let mut led_by: HashMap<&str, Vec<&str>> = HashMap::new();
    for (from, to) in edges.iter().filter(|(from, to)| there.contains(from) && there.contains(to)) {
        *leading.entry(from).or_default() += 1;
        led_by.entry(to).or_default().push(from);
    }
    let mut ends: Vec<&str> = there.iter().copied().filter(|name| !leading.contains_key(name)).collect();
    while let Some(end) = ends.pop() {
        there.remove(end);
        for from in led_by.remove(end).unwrap_or_default() {
            let left = leading.get_mut(from).expect("every edge was counted");
            *left -= 1;
            if *left == 0 {
                ends.push(from);
            }
        }
    }
    there
}
