//! `vestibule openapi import`: from the description of an API to a server that may be started.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clients;

/// Somebody with documents in a directory.
struct Operator(TempDir);

impl Operator {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory can be made"))
    }

    fn has(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).expect("a file can be written");
        path
    }

    fn imports(&self, arguments: &[&str]) -> Output {
        self.runs(&[&["openapi", "import"], arguments].concat())
    }

    fn runs(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command.output().expect("the binary starts")
    }
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_description_of_github_becomes_a_server() {
    let operator = Operator::new();
    let github = clients::documents().join("node_modules/@octokit/openapi/generated/api.github.com.json");
    operator.has("github.json", &fs::read(github).expect("the description of GitHub is installed"));

    let (code, toml, stderr) =
        said(&operator.imports(&["github.json", "--include", "issues/*", "--exclude", "*lock*"]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.starts_with("52 of 1223 operations are tools"), "{stderr}");
    assert!(toml.contains("base_url = \"https://api.github.com\""), "{toml}");
    assert!(toml.contains("\"issues/create\", # POST /repos/{owner}/{repo}/issues, "), "{toml}");

    let configuration = operator.has("vestibule.toml", toml.as_bytes()).display().to_string();
    let (code, _, stderr) =
        said(&operator.runs(&["serve", "--check-config", "--config", &configuration, "--data-dir", "."]));
    assert_eq!(code, Some(0), "{stderr}\n{toml}");
}

#[test]
fn the_examples_of_the_documentation_are_a_configuration() {
    let operator = Operator::new();
    let github = clients::documents().join("node_modules/@octokit/openapi/generated/api.github.com.json");
    operator.has("github.json", &fs::read(github).expect("the description of GitHub is installed"));
    let text = include_str!("../../../../docs/openapi.md");
    let blocks = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let configuration = blocks.collect::<Vec<_>>().join("\n");
    assert!(
        configuration.contains("[server.openapi.override.")
            && configuration.contains("[[server.openapi.prompt]]")
    );
    let configuration = operator.has("vestibule.toml", configuration.as_bytes()).display().to_string();
    let (code, _, stderr) =
        said(&operator.runs(&["serve", "--check-config", "--config", &configuration, "--data-dir", "."]));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("names nothing in the document"), "{stderr}");
}

#[test]
fn a_configuration_is_checked_against_its_documents() {
    let operator = Operator::new();
    operator.has("api.yaml", b"openapi: 3.1.0\npaths:\n  /a:\n    get: {operationId: look}\n");
    let check = |document: &str, include: &str| {
        let server = "[[server]]\nname = \"a\"\nkind = \"openapi\"\nbase_url = \"https://a.test\"";
        let text = format!("{server}\ndocument = {document:?}\n[server.openapi]\ninclude = [{include:?}]\n");
        let file = operator.has("checked.toml", text.as_bytes()).display().to_string();
        let (code, _, stderr) =
            said(&operator.runs(&["serve", "--check-config", "--config", &file, "--data-dir", "."]));
        (code, stderr)
    };
    assert_eq!(check("api.yaml", "look"), (Some(0), "the configuration is fine\n".to_owned()));
    let (code, told) = check("api.yaml", "lok");
    assert!(code == Some(0) && told.contains("include = \"lok\" names nothing in the document"), "{told}");
    let (code, told) = check("gone.yaml", "look");
    assert!(code == Some(2) && told.contains("gone.yaml cannot be read"), "{told}");
}

#[test]
fn every_operation_is_listed_with_what_it_costs() {
    let operator = Operator::new();
    operator.has(
        "api.yaml",
        b"openapi: 3.1.0\npaths:\n  /a:\n    get: {operationId: look}\n    delete: {operationId: drop}\n",
    );
    let (code, stdout, stderr) = said(&operator.imports(&["api.yaml", "--list"]));
    assert_eq!(code, Some(0), "{stderr}");
    let lines: Vec<Vec<&str>> = stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["TOOL", "TOKENS", "NAME", "OPERATION"]);
    assert_eq!([lines[1][0], lines[1][2], lines[1][4]], ["yes", "look", "/a"]);
    assert_eq!([lines[2][0], lines[2][2], lines[2][3]], ["no", "drop", "DELETE"]);

    let (_, stdout, _) = said(&operator.imports(&["api.yaml", "--json", "--method", "delete"]));
    let proposal: Value = serde_json::from_str(&stdout).expect("JSON");
    let selected: Vec<_> =
        proposal["operations"].as_array().expect("a list").iter().map(|one| &one["selected"]).collect();
    assert_eq!(selected, [&json!(true), &json!(true)]);
}

#[test]
fn oa_07_a_document_that_refers_to_other_places_is_refused_by_name() {
    let operator = Operator::new();
    operator.has("evil.json", br#"{"openapi":"3.0.0","paths":{"/a":{"$ref":"file:///etc/passwd"}}}"#);
    let (code, stdout, stderr) = said(&operator.imports(&["evil.json"]));
    assert_ne!(code, Some(0));
    assert_eq!(stdout, "");
    assert!(stderr.contains("`file:///etc/passwd`") && !stderr.contains("root:"), "{stderr}");
}
