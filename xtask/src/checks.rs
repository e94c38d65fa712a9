//! `cargo xtask test`: format, lints, and every test, with one line at the end that counts.
//!
//! The tests run in one build, with every feature: what a feature adds does nothing until the configuration asks for it.
//! That the product also builds without is what the lints see, which check and do not build.

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
    let mut sum = Sum::default();
    if filters.is_empty() {
        sum.check(&["fmt", "--all", "--check"])?;
        sum.check(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
        sum.check(&[
            "clippy",
            "-p",
            "vestibule",
            "--all-targets",
            "--features",
            "otlp",
            "--",
            "-D",
            "warnings",
        ])?;
    }
    sum.test(filters, &clients)?;
    for failure in &sum.failures {
        println!("failed: {failure}");
    }
    println!("{} passed, {} failed", sum.counts.passed, sum.counts.failed);
    Ok(if sum.counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Default)]
struct Sum {
    counts: Counts,
    /// The names of what failed, to be told again at the end of a long output.
    failures: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
}

impl Sum {
    fn check(&mut self, arguments: &[&str]) -> Result<()> {
        let status = cargo().args(arguments).status().context("cargo does not start")?;
        if !status.success() {
            self.fail(format!("cargo {}", arguments.join(" ")));
        }
        Ok(())
    }

    fn test(&mut self, filters: &[String], clients: &Clients) -> Result<()> {
        let mut child = cargo()
            .args(["test", "--workspace", "--features", "vestibule/otlp", "--no-fail-fast", "--"])
            .args(filters)
            .envs(clients.variables())
            .stdout(Stdio::piped())
            .spawn()
            .context("cargo does not start")?;
        let output = child.stdout.take().context("the output of cargo is not piped")?;
        let failed_before = self.counts.failed;
        for line in BufReader::new(output).split(b'\n') {
            let line = line.context("the output of cargo cannot be read")?;
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            self.read(&line);
        }
        let status = child.wait().context("cargo cannot be waited for")?;
        if !status.success() && self.counts.failed == failed_before {
            self.fail("a test binary did not build, or died".to_owned());
        }
        Ok(())
    }

    fn read(&mut self, line: &str) {
        let counts = counts_of(line).unwrap_or_default();
        self.counts.passed += counts.passed;
        self.counts.failed += counts.failed;
        let failed_test = line.strip_prefix("test ").and_then(|line| line.strip_suffix(" ... FAILED"));
        self.failures.extend(failed_test.map(str::to_owned));
    }

    fn fail(&mut self, failure: String) {
        self.counts.failed += 1;
        self.failures.push(failure);
    }
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

    #[test]
    fn failed_tests_are_named() {
        let mut sum = Sum::default();
        for line in
            ["test a::b ... ok", "test a::c ... FAILED", "test result: FAILED. 1 passed; 1 failed; 0 ignored"]
        {
            sum.read(line);
        }
        assert_eq!((sum.counts, sum.failures), (Counts { passed: 1, failed: 1 }, vec!["a::c".to_owned()]));
    }
}
