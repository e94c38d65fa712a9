//! What is lost between two measurements.

use std::collections::BTreeSet;

use super::measured::Counts;

/// A check that did not pass as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loss {
    /// The revision of the client.
    pub(super) client: &'static str,
    /// The revision of the server behind the gateway; `None` when the client met its server directly.
    pub(super) upstream: Option<&'static str>,
    pub(super) scenario: String,
    pub(super) check: String,
    /// What the suite says.
    pub(super) said: String,
}

/// What fails already without the gateway, and the scenarios of which the suite looks at nothing.
pub(super) fn shortcomings(client: &'static str, direct: &Counts) -> Vec<Loss> {
    let loss = |scenario: &String, check: &String, said: &str| Loss {
        client,
        upstream: None,
        scenario: scenario.clone(),
        check: check.clone(),
        said: said.to_owned(),
    };
    let mut losses = Vec::new();
    for (name, scenario) in direct {
        losses.extend(scenario.failed.iter().map(|(check, said)| loss(name, check, said)));
        if scenario.failed.is_empty() && scenario.passed.is_empty() {
            losses.push(loss(name, name, "the suite leaves it out"));
        }
    }
    losses
}

/// What passes directly and does not pass through the gateway: a check that fails there, or that the suite does not
/// come to any more, or leaves out.
pub(super) fn losses(
    client: &'static str,
    upstream: &'static str,
    direct: &Counts,
    through: &Counts,
) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (name, scenario) in direct {
        let found = through.get(name);
        let passed = |check: &String| found.and_then(|found| found.passed.get(check)).copied().unwrap_or(0);
        let fewer = scenario.passed.iter().filter(|(check, count)| passed(check) < **count);
        let failed = found.into_iter().flat_map(|found| found.failed.keys());
        let failed_anew = failed.filter(|check| !scenario.failed.contains_key(*check));
        let lost: BTreeSet<&String> = fewer.map(|(check, _)| check).chain(failed_anew).collect();
        losses.extend(lost.into_iter().map(|check| {
            Loss {
                client,
                upstream: Some(upstream),
                scenario: name.clone(),
                check: check.clone(),
                said: found
                    .and_then(|found| found.failed.get(check))
                    .map_or_else(|| "the suite did not come to it".to_owned(), Clone::clone),
            }
        }));
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::measured::Scenario;

    fn counts(passed: &[(&str, usize)], failed: &[&str]) -> Counts {
        let scenario = Scenario {
            passed: passed.iter().map(|(check, count)| ((*check).to_owned(), *count)).collect(),
            failed: failed.iter().map(|check| ((*check).to_owned(), String::new())).collect(),
        };
        Counts::from([("ping".to_owned(), scenario)])
    }

    #[test]
    fn what_fails_directly_and_what_nothing_is_looked_at_of_falls_short() {
        let falls_short = |direct: &Counts| {
            let losses = shortcomings("2025-11-25", direct);
            losses.into_iter().map(|loss| loss.check).collect::<Vec<_>>()
        };
        assert_eq!(falls_short(&counts(&[("a", 1)], &["b"])), ["b"]);
        assert_eq!(falls_short(&counts(&[], &[])), ["ping"]);
        assert!(falls_short(&counts(&[("a", 1)], &[])).is_empty());
    }

    #[test]
    fn a_check_that_fails_or_is_not_reached_or_passes_less_often_is_lost() {
        let direct = counts(&[("a", 2), ("b", 1)], &["never"]);
        for (through, lost) in [
            (counts(&[("a", 2), ("b", 1)], &[]), vec![]),
            (counts(&[("a", 2), ("b", 1)], &["never"]), vec![]),
            (counts(&[("a", 1), ("b", 1)], &[]), vec!["a"]),
            (counts(&[("a", 2)], &["b"]), vec!["b"]),
            (counts(&[("a", 2), ("b", 1)], &["new"]), vec!["new"]),
            (Counts::new(), vec!["a", "b"]),
        ] {
            let losses = losses("2025-11-25", "2026-07-28", &direct, &through);
            assert_eq!(losses.iter().map(|loss| loss.check.as_str()).collect::<Vec<_>>(), lost);
        }
    }
}
