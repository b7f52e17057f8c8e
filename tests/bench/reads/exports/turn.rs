//! One export by a process of its own: this program, called again.

use super::data::{self, Data};
use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use futures::FutureExt as _;
use navette::exports::{Broken, Source, Target};
use navette_domain::export::{Format, Order};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    process::Command,
    time::Instant,
};

/// Tells a process of this program that it is to take a turn.
const TURN: &str = "NAVETTE_BENCH_TURN";

/// What is to be exported, and where to.
#[derive(Debug, Serialize, Deserialize)]
pub struct Turn {
    url: String,
    format: Format,
    file: PathBuf,
}

/// What it took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Taken {
    pub seconds: f64,
    pub first_byte_ms: f64,
    pub memory_mb: f64,
}

struct Draft {
    file: File,
    began: Instant,
    first_byte: Option<f64>,
}

#[async_trait]
impl Target for Draft {
    async fn take(&mut self, bytes: &mut Vec<u8>, _: u64) -> Result<(), Broken> {
        if self.first_byte.is_none() && !bytes.is_empty() {
            self.first_byte = Some(self.began.elapsed().as_secs_f64() * 1000.0);
        }
        let written = self.file.write_all(bytes);
        written.map_err(|cause| Broken::Fault(cause.into()))
    }
}

impl Turn {
    pub fn new(format: Format, data: &Data) -> Self {
        Self {
            url: data.url(),
            format,
            file: data.place(&format!("ours.{}", format.code())),
        }
    }

    /// The turn that this process is to take, if it is there for one.
    pub fn of_this_process() -> Option<Self> {
        serde_json::from_str(&std::env::var(TURN).ok()?).ok()
    }

    /// Has another process take it.
    pub fn run(&self) -> anyhow::Result<Taken> {
        let output = Command::new(std::env::current_exe()?)
            .env(TURN, serde_json::to_string(self)?)
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).context(said)
    }

    /// Takes it: from an open connection on, as a server that runs has them.
    pub fn take(self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let taken = runtime.block_on(self.taken())?;
        println!("{}", serde_json::to_string(&taken)?);
        Ok(())
    }

    async fn taken(self) -> anyhow::Result<Taken> {
        let pool = data::connect(&self.url).await?;
        let order = Order {
            label: "bench".into(),
            format: self.format,
            columns: data::choices(),
            filter: serde_json::json!({}),
            selection: None,
            services: vec![],
            schemes: vec![],
            kept: false,
            requested_by: "bench".into(),
        };
        let mut draft = Draft {
            file: File::create(&self.file)?,
            began: Instant::now(),
            first_byte: None,
        };
        let source = Source::open(&pool, &order, 60).await?;
        let (made, _) = source
            .pour(60, &mut draft, std::future::pending().boxed())
            .await;
        made?;
        Ok(Taken {
            seconds: draft.began.elapsed().as_secs_f64(),
            first_byte_ms: draft.first_byte.context("nothing was written")?,
            memory_mb: peak_memory()?,
        })
    }
}

/// The most memory that this process had at once.
fn peak_memory() -> anyhow::Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: f64 = kilobytes.context("no VmHWM")?.parse()?;
    Ok(kilobytes / 1024.0)
}
