//! The proposal.

use serde_json::json;

use super::*;
use crate::Limits;

fn document() -> Document {
    let document = json!({
        "openapi": "3.0.3",
        "info": { "title": "Shop\"\n[[server]]\nname = \"evil\"", "version": "1" },
        "servers": [{ "url": "http://plain.test" }, { "url": "https://shop.test/v1" }],
        "components": { "securitySchemes": { "key": { "type": "apiKey", "in": "header", "name": "X-Key" } } },
        "paths": {
            "/items": {
                "get": { "operationId": "items/list", "summary": "Lists\nitems # \" '''" },
                "post": { "operationId": "items/create" }
            },
            "/items/{id}": {
                "get": { "operationId": "twice\n*" },
                "delete": { "operationId": "items/delete" }
            }
        }
    });
    Document::parse(document.to_string().as_bytes(), &Limits::default()).unwrap()
}

fn propose(selection: Selection) -> Proposal {
    let settings = Settings { selection, target: "shop".to_owned(), ..Settings::default() };
    let request = Request { name: "shop", document: "shop.json", settings: &settings };
    proposal(&document(), &request).unwrap()
}

#[test]
fn a_proposal_is_a_server_whose_tools_are_named_one_by_one() {
    let proposal = propose(Selection::default());
    let parsed: toml::Table = proposal.toml.parse().unwrap();
    let servers = parsed["server"].as_array().unwrap();
    assert_eq!(servers.len(), 1, "{}", proposal.toml);
    let server = servers[0].as_table().unwrap();
    assert_eq!(server["name"].as_str(), Some("shop"));
    assert_eq!(server["kind"].as_str(), Some("openapi"));
    assert_eq!(server["document"].as_str(), Some("shop.json"));
    assert_eq!(server["base_url"].as_str(), Some("https://shop.test/v1"));
    let include: Vec<_> =
        server["openapi"]["include"].as_array().unwrap().iter().filter_map(toml::Value::as_str).collect();
    assert_eq!(include, ["items/list", "GET /items/{id}"]);
    assert!(proposal.toml.contains("# Credentials: key, a key in the header X-Key"), "{}", proposal.toml);
}

#[test]
fn every_operation_is_shown_with_its_cost_and_what_is_proposed_selects_the_same() {
    let proposal = propose(Selection { include: vec!["items/*".to_owned()], ..Selection::default() });
    let shown: Vec<_> = proposal.rows.iter().map(|row| (row.place.as_str(), row.is_selected)).collect();
    assert_eq!(
        shown,
        [
            ("GET /items", true),
            ("POST /items", true),
            ("GET /items/{id}", false),
            ("DELETE /items/{id}", true)
        ]
    );
    assert!(proposal.rows.iter().all(|row| row.cost.tokens > 10));
    let selected = proposal.rows.iter().filter(|row| row.is_selected);
    assert_eq!(proposal.cost.tokens, selected.map(|row| row.cost.tokens).sum::<usize>());

    let parsed: toml::Table = proposal.toml.parse().unwrap();
    let again: Selection = parsed["server"][0]["openapi"].clone().try_into().unwrap();
    let again = propose(again);
    assert_eq!(again.rows, proposal.rows);
}
