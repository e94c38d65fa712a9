//! What it takes to read the whole description of GitHub: 13 MB of JSON, more than a thousand operations.

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
const DESCRIPTION: &str = "node_modules/@octokit/openapi/generated/api.github.com.json";

/// Prints all rows, or says why there are none.
pub(crate) fn measure(table: &mut Table) {
    let Some(description) = description() else {
        println!("| openapi: import not measured, run `cargo xtask setup` first | | | | | | | |");
        return;
    };
    let mut runs: Vec<Run> = (0..RUNS).map(|_| import(&description)).collect();
    runs.sort_by_key(|run| run.time);
    let median = &runs[RUNS / 2];
    let count = |member: &str| median.said[member].as_u64().expect("a number");
    table.print_start("openapi: import of GitHub's description", median.time, Some(TIME_GOAL));
    table.print_memory("openapi: memory of that import", median.memory, Some(MEMORY_GOAL));
    let operations = median.said["operations"].as_array().expect("a list").len();
    Table::print_count("openapi: its operations", u64::try_from(operations).expect("few"));
    Table::print_count("openapi: tokens of all its tools", count("tokens"));
    Table::print_count(
        "openapi: tokens of the same as the document has them",
        count("tokens_in_the_document"),
    );
}

struct Run {
    time: Duration,
    /// The most that it had, in MiB.
    memory: f64,
    said: Value,
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

/// Where `cargo xtask setup` has put it.
fn description() -> Option<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let lines = fs::read_to_string(repository.join("target/test-clients")).ok()?;
    let documents = lines.lines().find_map(|line| line.strip_prefix("VESTIBULE_TEST_DOCUMENTS="))?;
    Some(Path::new(documents).join(DESCRIPTION)).filter(|path| path.exists())
}
