//! What is true of every page, whatever it is given.

use super::catalogues::keys;
use super::{attributes, hostile_name, hostile_pages, tags, text};
use crate::pages::Language;

fn every_page() -> impl Iterator<Item = (String, String)> {
    Language::ALL.into_iter().flat_map(|language| {
        hostile_pages(language)
            .into_iter()
            .map(move |(name, page)| (format!("{} {name}", language.tag()), page))
    })
}

#[test]
fn hostile_values_stay_text() {
    let known = [
        "!doctype", "html", "head", "meta", "title", "link", "body", "header", "main", "section", "h1", "h2",
        "p", "dl", "dt", "dd", "div", "ul", "li", "span", "strong", "bdi", "code", "a", "form", "input",
        "label", "button", "svg", "path", "circle",
    ];
    for (name, page) in every_page() {
        for tag in tags(&page) {
            let element = tag.split_whitespace().next().unwrap_or_default().trim_start_matches('/');
            assert!(known.contains(&element), "{name}: <{tag}>");
            for attribute in attributes(tag) {
                let inline = attribute.starts_with("on") || attribute == "style" || attribute == "srcdoc";
                assert!(!inline, "{name}: <{tag}>");
            }
        }
    }
}

#[test]
fn every_element_is_closed() {
    let void = ["!doctype", "meta", "link", "input"];
    for (name, page) in every_page() {
        let mut open = Vec::new();
        for tag in tags(&page) {
            let element = tag.split_whitespace().next().unwrap_or_default();
            match element.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{name}: <{tag}>"),
                None if void.contains(&element) || tag.ends_with('/') => {}
                None => open.push(element),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?} left open");
    }
}

#[test]
fn links_lead_nowhere_unexpected() {
    for (name, page) in every_page() {
        for tag in tags(&page) {
            for attribute in [" href=\"", " action=\"", " src=\""] {
                let Some((_, address)) = tag.split_once(attribute) else { continue };
                let address = address.split('"').next().unwrap_or_default();
                let ours = !address.contains(':') && !address.starts_with("//");
                let sample =
                    ["https://a.example/", "https://xn--pple-43d.com/", "http://127.0.0.1:1/", "cursor://x/"];
                let clients = sample.iter().any(|start| address.starts_with(start));
                assert!(ours || clients && tag.starts_with("a class=\"button\""), "{name}: <{tag}>");
            }
        }
    }
}

#[test]
fn names_are_bounded_and_free_of_invisible_characters() {
    for (name, page) in every_page().filter(|(name, _)| name.contains("consent") || name.contains("leave")) {
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

#[test]
fn no_value_is_missing_from_a_sentence() {
    for (name, page) in every_page() {
        // Fluent shows a missing argument as `{$name}`; a missing message shows as its key.
        let text = text(&page);
        assert!(!text.contains("{$") && !text.contains("{duration"), "{name}: {text}");
        let bare_key = keys().filter(|key| key.contains('-')).find(|key| text.contains(key));
        assert_eq!(bare_key, None, "{name}: {text}");
    }
}

#[test]
fn every_page_names_its_language_title_and_main_part() {
    for language in Language::ALL {
        for (name, page) in hostile_pages(language) {
            assert!(page.starts_with("<!doctype html>"), "{name}");
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())), "{name}");
            for once in ["<title>", "<h1", "<main>", "<header ", "rel=\"stylesheet\" href=\"assets/style."] {
                assert_eq!(page.matches(once).count(), 1, "{name}: {once}");
            }
        }
    }
}

#[test]
fn every_field_has_a_label_and_every_reference_a_target() {
    for (name, page) in every_page() {
        for tag in tags(&page) {
            for (attribute, target) in
                [("aria-describedby=\"", "id"), ("aria-labelledby=\"", "id"), ("for=\"", "id")]
            {
                let Some(value) = tag.split(attribute).nth(1).and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                for id in value.split(' ') {
                    assert_eq!(page.matches(&format!(" {target}=\"{id}\"")).count(), 1, "{name}: <{tag}>");
                }
            }
            if tag.starts_with("input") && !tag.contains("type=\"hidden\"") {
                let id = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
                assert!(page.contains(&format!("<label for=\"{id}\">")), "{name}: <{tag}>");
            }
        }
    }
}

#[test]
fn the_hostile_name_is_hostile() {
    // Guards the tests above against a hostile name that lost its point.
    let name = hostile_name();
    assert!(name.contains("<script>") && name.contains('\u{e000}') && name.chars().count() > 500);
}
