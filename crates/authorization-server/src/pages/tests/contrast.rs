//! The contrast of the stylesheet's tokens (WCAG 2.2, success criteria 1.4.3 and 1.4.11), light and dark.

use std::collections::HashMap;

const STYLE: &str = include_str!("../../../assets/style.css");

/// Colours of the first and of the second `:root` block: light and dark.
fn schemes() -> [HashMap<&'static str, [f64; 3]>; 2] {
    let mut blocks = STYLE.split(":root {").skip(1).map(|block| {
        let declarations =
            block.split('}').next().unwrap().split(';').filter_map(|line| line.trim().split_once(": #"));
        declarations.map(|(name, hex)| (name, channels(hex))).collect()
    });
    [blocks.next().unwrap(), blocks.next().unwrap()]
}

fn channels(hex: &str) -> [f64; 3] {
    assert_eq!(hex.len(), 6, "{hex}");
    [0, 2, 4].map(|start| f64::from(u8::from_str_radix(&hex[start..start + 2], 16).unwrap()) / 255.0)
}

/// WCAG 2.2, "relative luminance".
fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
    linear.iter().zip([0.2126, 0.7152, 0.0722]).map(|(channel, weight)| channel * weight).sum()
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn the_measure_is_right() {
    assert!((contrast(channels("000000"), channels("ffffff")) - 21.0).abs() < 1e-9);
    assert!((contrast(channels("777777"), channels("ffffff")) - 4.478).abs() < 1e-3);
}

#[test]
fn text_has_four_and_a_half_to_one_and_edges_three_to_one() {
    let mut pairs = vec![
        ("--ink", "--paper", 4.5),
        ("--ink", "--card", 4.5),
        ("--muted", "--card", 4.5),
        ("--accent", "--card", 4.5),
        ("--accent", "--paper", 4.5),
        ("--on-accent", "--accent", 4.5),
        ("--danger", "--card", 4.5),
        ("--danger", "--danger-tint", 4.5),
        ("--ink", "--danger-tint", 4.5),
        ("--ink", "--warning-tint", 4.5),
        ("--ink", "--ok-tint", 4.5),
        ("--warning", "--card", 4.5),
        ("--warning", "--warning-tint", 4.5),
        ("--ok", "--ok-tint", 4.5),
        ("--ok", "--card", 4.5),
        ("--edge", "--card", 3.0),
        ("--edge", "--paper", 3.0),
    ];
    let tints: Vec<String> = (0..crate::pages::destination::TINTS).map(|n| format!("--tint-{n}")).collect();
    pairs.extend(tints.iter().map(|tint| ("--ink", tint.as_str(), 4.5)));
    for (scheme, name) in schemes().iter().zip(["light", "dark"]) {
        for (front, back, least) in &pairs {
            let ratio = contrast(scheme[front], scheme[back]);
            assert!(ratio >= *least, "{name}: {front} on {back} is {ratio:.2}, less than {least}");
        }
    }
}

#[test]
fn every_tint_has_its_class() {
    for tint in 0..crate::pages::destination::TINTS {
        assert!(STYLE.contains(&format!(".tint-{tint} {{ background: var(--tint-{tint}); }}")));
    }
}
