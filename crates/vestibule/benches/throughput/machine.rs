//! Which core does what.

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
    process::{self, Command, Stdio},
    time::{Duration, Instant},
};

use crate::load::{self, Client};

/// The core of the server and of its limits.
const SERVER_CORE: &str = "0";
/// The core of the load.
const LOAD_CORE: &str = "1";

/// Puts this process, with every thread it starts from now on, on the core of the load.
pub(crate) fn pin_this_process() {
    let status = Command::new("taskset")
        .args(["-p", "-c", LOAD_CORE, &process::id().to_string()])
        .stdout(Stdio::null())
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the benchmark needs two cores and the program taskset (package util-linux)"
    );
}

/// A program on the core of the server. Its process id is the child's.
pub(crate) fn on_server_core(program: impl AsRef<OsStr>) -> Command {
    on(SERVER_CORE, program)
}

/// A program on the core of the load.
pub(crate) fn on_load_core(program: impl AsRef<OsStr>) -> Command {
    on(LOAD_CORE, program)
}

fn on(core: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(program);
    command
}

/// Linux counts the time of a process in hundredths of a second, whatever its kernel counts in.
const MILLISECONDS_PER_TICK: u64 = 10;

/// How fast something is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Answers per second.
    pub(crate) per_second: f64,
    /// Time of the core for each. Unlike the rate it hardly depends on what else the machine is doing.
    pub(crate) microseconds: f64,
}

/// How fast the process at `address` answers these clients, who are given back.
pub(crate) async fn pace<C: Client>(
    (process, address): (u32, SocketAddr),
    clients: Vec<C>,
    duration: Duration,
) -> (Vec<C>, Pace) {
    let (before, began) = (core_time(process), Instant::now());
    let (clients, per_second) = load::run(address, clients, duration).await;
    let count = per_second * began.elapsed().as_secs_f64();
    let microseconds = core_time(process).saturating_sub(before).as_secs_f64() * 1e6 / count;
    (clients, Pace { per_second, microseconds })
}

/// What all threads of a process ran together.
fn core_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"));
    let stat = stat.expect("a running process has a state");
    // The name in parentheses may have spaces; user and system time are the 14th and 15th field.
    let fields = stat.rsplit_once(')').expect("it has a name").1.split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u32>().expect("a number")).sum();
    Duration::from_millis(u64::from(ticks) * MILLISECONDS_PER_TICK)
}
