//! A child process in a group of its own, so that what it starts ends with it.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{sleep, timeout};

use super::StdioSettings;

/// How often a process is asked whether it has exited. It only matters where closed streams do not tell.
const POLL: Duration = Duration::from_millis(50);
/// How long a process may take to leave after the end of its input, before it is asked to.
const END_OF_INPUT: Duration = Duration::from_millis(500);

/// A running process and its group.
///
/// The group's number is the process's own. It can be given to strangers once the process is reaped, so the process
/// stays a zombie until the group has got its last signal.
pub(super) struct Process {
    child: Child,
    leader: Pid,
}

/// The standard streams of a process.
pub(super) struct Streams {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
    pub(super) stderr: ChildStderr,
}

impl Process {
    /// Starts the configured command: no shell, and nothing in its environment but `PATH`, `LANG` and what the
    /// configuration names.
    pub(super) fn start(settings: &StdioSettings) -> io::Result<(Self, Streams)> {
        let missing = |what| io::Error::new(io::ErrorKind::InvalidInput, what);
        let (program, arguments) = settings.command.split_first().ok_or_else(|| missing("no command"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", &settings.path)
            .env("LANG", "C.UTF-8")
            .envs(settings.environment.iter().map(|(name, value)| (name, value.expose())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(directory) = &settings.directory {
            command.current_dir(directory);
        }
        let mut child = command.spawn()?;
        let leader =
            child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or_else(|| missing("no id"))?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => {
                Ok((Self { child, leader }, Streams { stdin, stdout, stderr }))
            }
            _ => Err(missing("no streams")),
        }
    }

    /// Returns once the process has exited; it is not reaped yet.
    pub(super) async fn exited(&self) {
        while !self.has_exited() {
            sleep(POLL).await;
        }
    }

    /// Ends the whole group in three steps: its input has ended already, then it is asked to terminate, and what is left
    /// when the process has exited or `grace` is over is killed (2025-11-25, Lifecycle, Shutdown). Returns when the
    /// process is reaped.
    pub(super) async fn end(mut self, grace: Duration) {
        let _ = timeout(END_OF_INPUT, self.exited()).await;
        self.signal(Signal::TERM);
        let _ = timeout(grace, self.exited()).await;
        self.signal(Signal::KILL);
        match self.child.wait().await {
            Ok(status) => {
                tracing::debug!(pid = self.leader.as_raw_nonzero(), %status, "a server process ended");
            }
            Err(error) => tracing::warn!(%error, "a server process cannot be waited for"),
        }
    }

    fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.leader), options), Ok(None) | Err(Errno::INTR))
    }

    fn signal(&self, signal: Signal) {
        if let Err(error) = kill_process_group(self.leader, signal)
            && error != Errno::SRCH
        {
            tracing::warn!(%error, "a server's process group cannot be signalled");
        }
    }
}

/// When the runtime goes away nobody can wait: the group is killed at once.
impl Drop for Process {
    fn drop(&mut self) {
        let is_reaped = self.child.id().is_none();
        if !is_reaped {
            self.signal(Signal::KILL);
        }
    }
}
