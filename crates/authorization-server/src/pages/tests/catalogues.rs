//! The message catalogues: same keys, same arguments, every key used, every use known.

use std::{collections::BTreeSet, path::Path};

use super::{ENGLISH, SIMPLIFIED_CHINESE};
use crate::pages::{
    ErrorKind,
    rules::{catalogues_agree, messages, templates_trust_nothing},
};

/// The keys that a source file names as plain strings with this start.
fn named(source: &str, start: &str) -> BTreeSet<String> {
    let strings = source.split('"').skip(1).step_by(2);
    strings.filter(|text| text.starts_with(start)).map(str::to_owned).collect()
}

#[test]
fn templates_and_catalogues_name_the_same_keys() {
    let english = messages(ENGLISH);
    assert!(english.len() > 50 && english["duration"].contains("count"));
    let mut elsewhere = named(include_str!("../set_up.rs"), "set-up-");
    for stem in ErrorKind::ALL.map(ErrorKind::message) {
        elsewhere.extend(["what", "meaning", "remedy"].map(|part| format!("{stem}-{part}")));
    }
    // Used by other messages.
    elsewhere.insert("duration".to_owned());
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    catalogues_agree([ENGLISH, SIMPLIFIED_CHINESE], &templates, &[], elsewhere);
}

#[test]
fn templates_contain_no_words_and_trust_nothing() {
    templates_trust_nothing(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"));
}
