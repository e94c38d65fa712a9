//! The message catalogues: same keys, same arguments, every key used, every use known.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fluent_bundle::FluentResource;

use crate::pages::ErrorKind;

const ENGLISH: &str = include_str!("../../../messages/en.ftl");
const SIMPLIFIED_CHINESE: &str = include_str!("../../../messages/zh-Hans.ftl");

/// The English catalogue's keys.
pub(super) fn keys() -> impl Iterator<Item = &'static str> {
    messages(ENGLISH).into_keys()
}

/// Every key with the arguments of its message.
fn messages(catalogue: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut messages = BTreeMap::new();
    let mut key = "";
    for line in catalogue.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let mut text = line;
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            (key, text) = line.split_once(" =").unwrap();
            assert!(messages.insert(key, BTreeSet::new()).is_none(), "{key} stands twice");
        }
        let arguments = text.split('$').skip(1).map(|rest| rest.split([' ', '}']).next().unwrap());
        messages.get_mut(key).unwrap().extend(arguments);
    }
    messages
}

/// What stands between `say("` and `"` in the files of a directory and below.
fn said(directory: &Path, said_keys: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            said(&path, said_keys);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let calls = text.split("say(\"").skip(1);
            said_keys.extend(calls.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
}

/// The keys that a source file names as plain strings with this start.
fn named(source: &str, start: &str) -> BTreeSet<String> {
    let strings = source.split('"').skip(1).step_by(2);
    strings.filter(|text| text.starts_with(start)).map(str::to_owned).collect()
}

#[test]
fn both_parse_and_have_no_character_of_private_use() {
    for catalogue in [ENGLISH, SIMPLIFIED_CHINESE] {
        assert!(FluentResource::try_new(catalogue.to_owned()).is_ok());
        assert!(!catalogue.contains(|character: char| ('\u{e000}'..='\u{f8ff}').contains(&character)));
        assert!(!catalogue.contains(['!', '\u{ff01}']), "no exclamation marks");
    }
}

#[test]
fn both_have_the_same_keys_with_the_same_arguments() {
    let (english, chinese) = (messages(ENGLISH), messages(SIMPLIFIED_CHINESE));
    assert!(english.len() > 50 && english["duration"].contains("count"));
    assert_eq!(english, chinese);
}

#[test]
fn templates_and_catalogues_name_the_same_keys() {
    let mut used = BTreeSet::new();
    said(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"), &mut used);
    assert!(used.len() > 30);
    used.extend(named(include_str!("../set_up.rs"), "set-up-"));
    for stem in ErrorKind::ALL.map(ErrorKind::message) {
        used.extend(["what", "meaning", "remedy"].map(|part| format!("{stem}-{part}")));
    }
    // Used by other messages.
    used.insert("duration".to_owned());
    let known: BTreeSet<String> = messages(ENGLISH).into_keys().map(str::to_owned).collect();
    assert_eq!(used, known);
}

#[test]
fn templates_contain_no_words_and_trust_nothing() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for entry in fs::read_dir(templates).unwrap() {
        let path = entry.unwrap().path();
        let Ok(template) = fs::read_to_string(&path) else { continue };
        assert!(!template.contains("safe"), "{} prints something unescaped", path.display());
        let words = outside("<", ">", &outside("{%", "%}", &outside("{{", "}}", &template)));
        assert!(!words.contains(char::is_alphabetic), "{}: {words}", path.display());
    }
}

/// The text without the parts between these marks.
fn outside(open: &str, close: &str, text: &str) -> String {
    text.split(open).map(|piece| piece.split_once(close).map_or(piece, |(_, after)| after)).collect()
}
