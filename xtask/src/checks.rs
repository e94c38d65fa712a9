//! `cargo xtask test`: format, lints, and every test, with one line at the end that counts.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, ExitCode, Stdio},
};

use anyhow::{Context as _, Result};

use crate::{
    clients::{self, Clients},
    environment,
};

/// Installs what the tests need and runs the checks; with filters, only the tests that match one.
///
/// A check that fails, or a test binary that does not build or dies, counts as one failure.
pub(crate) fn run(filters: &[String]) -> Result<ExitCode> {
    let clients = clients::install()?;
    let mut sum = Counts::default();
    if filters.is_empty() {
        sum.failed += failures_of(&["fmt", "--all", "--check"])?;
        sum.failed += failures_of(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    }
    sum.add(run_tests(filters, &clients)?);
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

fn failures_of(arguments: &[&str]) -> Result<u64> {
    let status = cargo().args(arguments).status().context("cargo does not start")?;
    if status.success() {
        return Ok(0);
    }
    println!("failed: cargo {}", arguments.join(" "));
    Ok(1)
}

fn run_tests(filters: &[String], clients: &Clients) -> Result<Counts> {
    let mut child = cargo()
        .args(["test", "--workspace", "--no-fail-fast", "--"])
        .args(filters)
        .envs(clients.variables())
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo does not start")?;
    let output = child.stdout.take().context("the output of cargo is not piped")?;
    let mut sum = Counts::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("the output of cargo cannot be read")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        sum.add(counts_of(&line).unwrap_or_default());
    }
    let status = child.wait().context("cargo cannot be waited for")?;
    if !status.success() && sum.failed == 0 {
        println!("failed: a test binary did not build, or died");
        sum.failed = 1;
    }
    Ok(sum)
}

/// The numbers of a line like `test result: ok. 12 passed; 0 failed; 0 ignored; …`.
fn counts_of(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number_before = |word: &str| {
        let field = numbers.split("; ").find_map(|field| field.strip_suffix(word))?;
        field.parse::<u64>().ok()
    };
    Some(Counts { passed: number_before(" passed")?, failed: number_before(" failed")? })
}

fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(environment::repository());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted_and_other_lines_are_not() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.10s";
        assert_eq!(counts_of(line), Some(Counts { passed: 12, failed: 3 }));
        assert_eq!(counts_of("test result: ok. 0 passed; 0 failed; 0 ignored"), Some(Counts::default()));
        assert_eq!(counts_of("test pages::consent ... ok"), None);
        assert_eq!(counts_of("running 12 tests"), None);
    }
}
