//! What is true of every page, whatever it is given.

use std::collections::BTreeSet;

use super::hostile_pages;
use crate::pages::{
    Language,
    rules::{addresses, hold, hostile_text, messages},
};

#[test]
fn every_page_keeps_the_rules() {
    let keys: BTreeSet<_> = messages(super::ENGLISH).into_keys().collect();
    for language in Language::ALL {
        for (name, page) in hostile_pages(language) {
            hold(&format!("{} {name}", language.tag()), &page, language, &keys);
        }
    }
}

#[test]
fn links_lead_nowhere_unexpected() {
    for (name, page) in Language::ALL.into_iter().flat_map(hostile_pages) {
        for (address, tag) in addresses(&page) {
            let ours = !address.contains(':') && !address.starts_with("//");
            let sample =
                ["https://a.example/", "https://xn--pple-43d.com/", "http://127.0.0.1:1/", "cursor://x/"];
            let clients = sample.iter().any(|start| address.starts_with(start));
            assert!(ours || clients && tag.starts_with("a class=\"button\""), "{name}: <{tag}>");
        }
    }
}

#[test]
fn names_are_bounded_and_free_of_invisible_characters() {
    let pages = Language::ALL.into_iter().flat_map(hostile_pages);
    for (name, page) in pages.filter(|(name, _)| shows_a_client(name)) {
        let heading =
            page.split("<h1 class=\"sentence\">").nth(1).and_then(|rest| rest.split("</h1>").next()).unwrap();
        assert!(heading.contains("&#34;&#39;&#62;&#60;img src=x onerror=alert(1)"), "{name}: {heading}");
        assert!(!heading.contains("AAAA"), "{name}: {heading}");
        assert!(
            !heading.contains(['\u{202e}', '\u{200b}', '\u{0}', '\u{e000}', '\u{e001}']),
            "{name}: {heading}"
        );
    }
}

fn shows_a_client(name: &str) -> bool {
    ["consent", "leave", "onward"].iter().any(|page| name.contains(page))
}

#[test]
fn the_hostile_text_is_hostile() {
    // Guards the tests above against a hostile text that lost its point.
    let text = hostile_text();
    assert!(text.contains("<script>") && text.contains('\u{e000}') && text.chars().count() > 500);
}
