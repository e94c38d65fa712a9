//! What is true of every page, whatever it is given; for the tests of whoever makes pages.
//!
//! A test renders its pages with [`hostile_text`] for every value and holds each one to [`hold`], and its templates and
//! catalogues to [`templates_trust_nothing`] and [`catalogues_agree`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use fluent_bundle::FluentResource;

use super::Language;

/// Markup, attribute breakouts, template syntax, controls, a forged slot, and more than anybody can read.
pub fn hostile_text() -> String {
    let attack = r#""'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}{ $server }"#;
    format!("\u{202e}{attack}\u{200b}\u{0}\u{e000}\u{e001}{}", "A".repeat(500))
}

/// Holds a page to what is true of all of them. `keys` are those of the catalogues it speaks from.
///
/// # Panics
/// When a rule is broken; the message says which, and where.
#[track_caller]
pub fn hold(name: &str, page: &str, language: Language, keys: &BTreeSet<&str>) {
    elements_are_ours(name, page);
    every_element_is_closed(name, page);
    nothing_is_missing(name, page, keys);
    references_have_targets(name, page);
    assert!(page.starts_with("<!doctype html>"), "{name}");
    assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())), "{name}");
    for once in ["<title>", "<h1", "<main>", "<header ", "rel=\"stylesheet\" href=\"assets/style."] {
        assert_eq!(page.matches(once).count(), 1, "{name}: {once}");
    }
}

/// Hostile values stay text: no element that no template has, no attribute that runs or styles anything.
#[track_caller]
fn elements_are_ours(name: &str, page: &str) {
    let known = [
        "!doctype", "html", "head", "meta", "title", "link", "body", "header", "main", "section", "h1", "h2",
        "p", "dl", "dt", "dd", "div", "ul", "li", "span", "strong", "bdi", "code", "a", "form", "input",
        "label", "button", "time", "svg", "path", "circle",
    ];
    for tag in tags(page) {
        let element = tag.split_whitespace().next().unwrap_or_default().trim_start_matches('/');
        let is_our_script = tag.starts_with("script src=\"assets/") && tag.ends_with(".js\" defer");
        let ends_it = tag == "/script";
        assert!(known.contains(&element) || is_our_script || ends_it, "{name}: <{tag}>");
        for attribute in attributes(tag) {
            let inline = attribute.starts_with("on") || attribute == "style" || attribute == "srcdoc";
            assert!(!inline, "{name}: <{tag}>");
        }
    }
}

#[track_caller]
fn every_element_is_closed(name: &str, page: &str) {
    let void = ["!doctype", "meta", "link", "input"];
    let mut open = Vec::new();
    for tag in tags(page) {
        let element = tag.split_whitespace().next().unwrap_or_default();
        match element.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}: <{tag}>"),
            None if void.contains(&element) || tag.ends_with('/') => {}
            None => open.push(element),
        }
    }
    assert!(open.is_empty(), "{name}: {open:?} left open");
}

/// Fluent shows a missing argument as `{$name}`; a missing message shows as its key.
#[track_caller]
fn nothing_is_missing(name: &str, page: &str, keys: &BTreeSet<&str>) {
    let text = text(page);
    assert!(!text.contains("{$") && !text.contains("{duration"), "{name}: {text}");
    let bare_key = keys.iter().filter(|key| key.contains('-')).find(|key| text.contains(**key));
    assert_eq!(bare_key, None, "{name}: {text}");
}

/// Every field has a label, and every reference inside of the page a target.
#[track_caller]
fn references_have_targets(name: &str, page: &str) {
    for tag in tags(page) {
        for attribute in ["aria-describedby=\"", "aria-labelledby=\"", "for=\""] {
            for id in value_of(tag, attribute).into_iter().flat_map(|ids| ids.split(' ')) {
                assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{name}: <{tag}>");
            }
        }
        if tag.starts_with("input") && !tag.contains("type=\"hidden\"") {
            let id = value_of(tag, " id=\"").unwrap_or_else(|| panic!("{name}: no id in <{tag}>"));
            assert!(page.contains(&format!("<label for=\"{id}\">")), "{name}: <{tag}>");
        }
    }
}

/// Where the links, forms and pictures of a page lead, with the tag.
pub fn addresses(page: &str) -> impl Iterator<Item = (&str, &str)> {
    tags(page).into_iter().flat_map(|tag| {
        let attributes = [" href=\"", " action=\"", " src=\""];
        attributes.into_iter().filter_map(move |attribute| Some((value_of(tag, attribute)?, tag)))
    })
}

fn value_of<'a>(tag: &'a str, attribute: &str) -> Option<&'a str> {
    tag.split_once(attribute)?.1.split('"').next()
}

/// Both catalogues parse, have the same keys with the same arguments, and name those keys and no others that the
/// templates of `directory` say, beside `named_elsewhere`; without those whose beginning is in `of_others`, which stand
/// in another catalogue.
///
/// # Panics
/// When they do not.
#[track_caller]
pub fn catalogues_agree(
    [english, chinese]: [&str; 2],
    directory: &Path,
    of_others: &[&str],
    named_elsewhere: impl IntoIterator<Item = String>,
) {
    for catalogue in [english, chinese] {
        assert!(FluentResource::try_new(catalogue.to_owned()).is_ok());
        assert!(!catalogue.contains(|character: char| ('\u{e000}'..='\u{f8ff}').contains(&character)));
        assert!(!catalogue.contains(['!', '\u{ff01}']), "no exclamation marks");
    }
    assert_eq!(messages(english), messages(chinese));
    let mut used: BTreeSet<String> = named_elsewhere.into_iter().collect();
    said(directory, &mut used);
    used.retain(|key| !of_others.iter().any(|start| key.starts_with(start)));
    let known: BTreeSet<String> = messages(english).into_keys().map(str::to_owned).collect();
    assert_eq!(used, known);
}

/// Every key with the arguments of its message.
///
/// # Panics
/// When a key stands twice.
pub fn messages(catalogue: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut messages = BTreeMap::<_, BTreeSet<_>>::new();
    let mut key = "";
    for line in catalogue.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut text = line;
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            (key, text) = line.split_once(" =").expect("a message has a value");
            assert!(messages.insert(key, BTreeSet::new()).is_none(), "{key} stands twice");
        }
        let arguments = text.split('$').skip(1).filter_map(|rest| rest.split([' ', '}']).next());
        messages.entry(key).or_default().extend(arguments);
    }
    messages
}

/// What stands between `say("` and `"` in the files of a directory and below.
fn said(directory: &Path, keys: &mut BTreeSet<String>) {
    for path in files(directory) {
        let text = fs::read_to_string(&path).expect("templates are text");
        let calls = text.split("say(\"").skip(1);
        keys.extend(calls.filter_map(|rest| rest.split('"').next()).map(str::to_owned));
    }
}

/// No template of `directory` has words of its own, and none prints anything unescaped.
///
/// # Panics
/// When one does.
#[track_caller]
pub fn templates_trust_nothing(directory: &Path) {
    for path in files(directory) {
        let template = fs::read_to_string(&path).expect("templates are text");
        assert!(!template.contains("safe"), "{} prints something unescaped", path.display());
        let words = outside("<", ">", &outside("{%", "%}", &outside("{{", "}}", &template)));
        assert!(!words.contains(char::is_alphabetic), "{}: {words}", path.display());
    }
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).expect("there is a directory of templates");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The text without the parts between these marks.
fn outside(open: &str, close: &str, text: &str) -> String {
    text.split(open).map(|piece| piece.split_once(close).map_or(piece, |(_, after)| after)).collect()
}

/// The start tags of a document, in order. Text and attribute values of ours never contain a bare `<` or `>`.
pub fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag).collect()
}

/// The names of a tag's attributes.
pub fn attributes(tag: &str) -> Vec<&str> {
    let outside_values = tag.split('"').step_by(2);
    outside_values.flat_map(str::split_whitespace).map(|name| name.trim_end_matches('=')).skip(1).collect()
}

/// The text of a document without its tags, for looking at sentences.
pub fn text(page: &str) -> String {
    let pieces = page.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    pieces.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}
