//! The project's own commands, run as `cargo xtask COMMAND`.

mod checks;
mod clients;
mod debian;
mod environment;

use std::process::ExitCode;

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask COMMAND

Commands:
  test [FILTER...]  install what the tests need, then check format and lints and run every test;
                    with FILTERs: run only the tests whose names contain one of them
  setup             only install what the tests need

Options:
  -h, --help        print this

Environment:
  VESTIBULE_TEST_CACHE  where the npm and PyPI test clients are kept
                        (default: vestibule-tests in the platform's cache directory)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asks_for_help = arguments.iter().any(|argument| argument == "-h" || argument == "--help");
    let (command, rest) =
        arguments.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let outcome = match command {
        _ if asks_for_help => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        "test" => checks::run(rest),
        "setup" if rest.is_empty() => clients::install().map(|_| ExitCode::SUCCESS),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
