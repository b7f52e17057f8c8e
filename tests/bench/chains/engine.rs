//! Whoever takes chains from step to step, and the processes in which they do.

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// An engine that stops moving is a failure of the bench.
pub const PATIENCE: Duration = Duration::from_mins(10);
/// What errors bear costs Restate most of its time while it starts, and is of use to nobody here.
pub const BACKTRACE: &str = "RUST_BACKTRACE";
/// How often one looks whether all is done.
pub const GLANCE: Duration = Duration::from_millis(20);

/// See the module.
#[async_trait(?Send)]
pub trait Engine {
    /// What people call it.
    fn name(&self) -> &'static str;
    /// Orders so many chains, and waits until the order is kept.
    async fn order(&mut self, chains: usize) -> anyhow::Result<()>;
    /// Waits until the last step of every chain is recorded.
    async fn until_done(&mut self) -> anyhow::Result<()>;
    /// Kills its processes, at once.
    async fn kill(&mut self) -> anyhow::Result<()>;
    /// Starts them again, without waiting for them.
    async fn restart(&mut self) -> anyhow::Result<()>;
}

/// Where steps that run add a byte each.
#[derive(Debug, Clone)]
pub struct Ledger(pub PathBuf);

impl Ledger {
    /// How many steps ran.
    pub fn steps(&self) -> usize {
        let length = std::fs::metadata(&self.0).map_or(0, |file| file.len());
        usize::try_from(length).unwrap_or(usize::MAX)
    }

    /// The same as an argument of a program.
    pub fn argument(ledger: Option<&Self>) -> &Path {
        ledger.map_or(Path::new("-"), |ledger| &ledger.0)
    }
}

/// A process that reads lines and answers some; killed when dropped.
pub struct Process {
    child: Child,
    input: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let spawned = command
            .env(BACKTRACE, "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.with_context(|| format!("{command:?}"))?;
        Ok(Self {
            input: child.stdin.take().context("no input")?,
            said: BufReader::new(child.stdout.take().context("no output")?).lines(),
            child,
        })
    }

    /// The next line that it says.
    pub async fn hear(&mut self) -> anyhow::Result<String> {
        let line = timeout(PATIENCE, self.said.next_line()).await??;
        line.context("a process of the bench has ended")
    }

    /// Waits until it says `word`.
    pub async fn until(&mut self, word: &str) -> anyhow::Result<()> {
        while self.hear().await? != word {}
        Ok(())
    }

    pub async fn tell(&mut self, line: &str) -> anyhow::Result<()> {
        self.input.write_all(format!("{line}\n").as_bytes()).await?;
        Ok(self.input.flush().await?)
    }

    pub async fn kill(&mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// The memory that it has now, in megabytes.
    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        let id = self.child.id().context("it has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = kilobytes.context("no VmRSS")?.parse()?;
        Ok(kilobytes / 1024.0)
    }
}

/// Runs a command that installs something.
pub async fn install(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().await;
    let status = status.with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
