//! Navette's own process, which is killed: this program, called again. It works as `navette serve` does, with
//! projections that follow; only the neighbours are trivial.

use crate::{
    engine::{Ledger, Process},
    ports,
};
use anyhow::Context as _;
use navette::{
    app::{self, App},
    clock::Clock,
    workers::RetryPolicy,
};
use navette_adapters::keys::Keys;
use navette_domain::third_party::Retention;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::path::{Path, PathBuf};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
    sync::watch,
};

/// Tells a process of this program that it is to work.
const WORK: &str = "NAVETTE_BENCH_CHAINS";

/// How much may be under way at each neighbour, unless `AT_ONCE` says otherwise: trivial ones have no limits of
/// their own.
fn at_once() -> anyhow::Result<usize> {
    match std::env::var("AT_ONCE") {
        Ok(at_once) => at_once.parse().context("AT_ONCE is not a number"),
        Err(_) => Ok(256),
    }
}

/// What is to be worked on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Work {
    url: String,
    ledger: Option<PathBuf>,
}

/// How often work was claimed, and how long it took in all.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Claims {
    pub count: u32,
    pub busy_ms: f64,
}

impl Work {
    pub fn new(url: String, ledger: Option<&Ledger>) -> Self {
        Self {
            url,
            ledger: ledger.map(|ledger| ledger.0.clone()),
        }
    }

    /// The work of this process, if it is there for one.
    pub fn of_this_process() -> Option<Self> {
        serde_json::from_str(&std::env::var(WORK).ok()?).ok()
    }

    /// Has another process do it.
    pub fn start(&self) -> anyhow::Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        Process::start(command.env(WORK, serde_json::to_string(self)?))
    }

    /// Works until its input ends; each line of it is answered with the claims until then.
    pub async fn run(self) -> anyhow::Result<()> {
        let pool = app::connect(self.url.parse()?).await?;
        let app = app(pool, self.ledger.map(Ledger).as_ref()).await?;
        let (stop, stopping) = watch::channel(false);
        let mut workers = app.follow(&stopping);
        workers.extend(app.work("bench", &stopping).await?);
        println!("ready");
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while lines.next_line().await?.is_some() {
            let timings = app.timings.snapshot();
            if std::env::var_os("TIMINGS").is_some() {
                eprintln!("{timings:#?}");
            }
            let claims = timings.get("claim").copied().unwrap_or_default();
            let claims = Claims {
                count: claims.count,
                busy_ms: claims.busy.as_secs_f64() * 1000.0,
            };
            println!("{}", serde_json::to_string(&claims)?);
        }
        let _ = stop.send(true);
        for worker in workers {
            worker.await?;
        }
        Ok(())
    }
}

/// Navette on this database.
pub async fn app(pool: PgPool, ledger: Option<&Ledger>) -> anyhow::Result<App> {
    let at_once = at_once()?;
    let policy = RetryPolicy {
        at_once,
        limits: toml::from_str(&format!("office.at_once = {at_once}"))?,
        ..RetryPolicy::default()
    };
    App::build(
        pool.clone(),
        Keys::of_tests(pool),
        ports::ports(ledger)?,
        Clock::system(),
        policy,
        Retention::default(),
        // Nothing is sealed here.
        Path::new("checkpoint.key").to_owned(),
    )
    .await
}
