//! DBOS and Restate, installed by the bench, with the settings that were found best on two cores.

use crate::{
    engine::{BACKTRACE, Engine, GLANCE, Ledger, PATIENCE, Process, install},
    place::Place,
};
use anyhow::ensure;
use async_trait::async_trait;
use sqlx::{ConnectOptions as _, PgPool};
use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    process::{Child, Command},
    task::JoinSet,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Node is installed with it.
const PACKAGES: [&str; 3] = [
    "node@24.21.0",
    "@restatedev/restate-server@1.7.12",
    "@restatedev/restate-sdk@1.17.2",
];
/// The connections of DBOS.
const POOL: &str = "20";
/// How many chains Restate has under way.
const IN_FLIGHT: usize = 1_000;

fn peers(name: &str) -> PathBuf {
    Path::new(ROOT).join("target/peers").join(name)
}

/// DBOS in Rust, which is the fastest of its kind: a queue without limits that is looked at every 10 ms.
pub struct Dbos {
    program: PathBuf,
    url: String,
    ledger: Option<Ledger>,
    pool: PgPool,
    process: Process,
    orders: usize,
}

impl Dbos {
    /// On a database of its own.
    pub async fn start(place: &Place, ledger: Option<&Ledger>) -> anyhow::Result<Self> {
        let (program, options) = (Self::install().await?, place.empty().await?);
        let url: String = options.to_url_lossy().into();
        let mut process = Self::launch(&program, &url, ledger)?;
        process.until("ready").await?;
        Ok(Self {
            pool: PgPool::connect_with(options).await?,
            ledger: ledger.cloned(),
            orders: 0,
            program,
            url,
            process,
        })
    }

    /// Builds it apart, so that nothing of ours depends on it.
    async fn install() -> anyhow::Result<PathBuf> {
        let program = peers("dbos").join("release/dbos-chains");
        if !program.exists() {
            println!("building dbos");
            let manifest = Path::new(ROOT).join("tests/bench/chains/peers/dbos/Cargo.toml");
            let mut cargo = Command::new("cargo");
            cargo.args(["build", "--release", "--quiet", "--manifest-path"]);
            cargo.arg(manifest).arg("--target-dir").arg(peers("dbos"));
            install(&mut cargo).await?;
        }
        Ok(program)
    }

    fn launch(program: &Path, url: &str, ledger: Option<&Ledger>) -> anyhow::Result<Process> {
        let mut command = Command::new(program);
        command.arg(url).arg(Ledger::argument(ledger)).arg(POOL);
        Process::start(&mut command)
    }
}

#[async_trait(?Send)]
impl Engine for Dbos {
    fn name(&self) -> &'static str {
        "DBOS 0.5.0 (Rust)"
    }

    async fn order(&mut self, chains: usize) -> anyhow::Result<()> {
        self.orders += 1;
        let order = format!("order{} {chains}", self.orders);
        self.process.tell(&order).await?;
        self.process.until("enqueued").await
    }

    async fn until_done(&mut self) -> anyhow::Result<()> {
        let left = "SELECT EXISTS (SELECT FROM dbos.workflow_status
                    WHERE name = 'chain' AND status IN ('ENQUEUED', 'PENDING'))";
        let began = Instant::now();
        while sqlx::query_scalar(left).fetch_one(&self.pool).await? {
            ensure!(began.elapsed() < PATIENCE, "DBOS does not end");
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = Self::launch(&self.program, &self.url, self.ledger.as_ref())?;
        Ok(())
    }
}

/// Restate with its service in TypeScript, which is the faster of the two that were tried, on two partitions.
pub struct Restate {
    folder: PathBuf,
    ledger: Option<Ledger>,
    /// Of the requests, of administration, of the node and of the service.
    ports: [u16; 4],
    processes: [Child; 2],
    client: reqwest::Client,
    asked: JoinSet<anyhow::Result<()>>,
    orders: usize,
}

impl Restate {
    /// With a folder of its own.
    pub async fn start(place: &Place, ledger: Option<&Ledger>) -> anyhow::Result<Self> {
        Self::install().await?;
        // rustls has no provider until somebody names one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let ports = free()?;
        let folder = place.folder.path().join(format!("restate-{}", ports[0]));
        fs::create_dir(&folder)?;
        let restate = Self {
            processes: Self::launch(&folder, ports, ledger)?,
            ledger: ledger.cloned(),
            client: reqwest::Client::new(),
            asked: JoinSet::new(),
            orders: 0,
            folder,
            ports,
        };
        let began = Instant::now();
        while let Err(error) = restate.register().await {
            ensure!(began.elapsed() < Duration::from_mins(1), "{error:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(restate)
    }

    async fn install() -> anyhow::Result<()> {
        let folder = peers("restate");
        let installed = folder.join(PACKAGES.join("+").replace('/', "_"));
        if installed.exists() {
            return Ok(());
        }
        println!("installing {}", PACKAGES.join(" "));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("package.json"), "{\"private\": true}")?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-fund", "--no-audit"]);
        install(npm.args(PACKAGES).current_dir(&folder)).await?;
        Ok(fs::write(installed, "")?)
    }

    /// The server, then the service.
    fn launch(
        folder: &Path,
        [requests, administration, node, service]: [u16; 4],
        ledger: Option<&Ledger>,
    ) -> anyhow::Result<[Child; 2]> {
        let modules = peers("restate").join("node_modules");
        let journal = File::options()
            .append(true)
            .create(true)
            .open(folder.join("journal"))?;
        let local = |port: u16| format!("127.0.0.1:{port}");
        let arch = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            _ => "x64",
        };
        // Not its wrapper in JavaScript, which would be killed in its place.
        let program = format!("@restatedev/restate-server-linux-{arch}/bin/restate-server");
        let server = Command::new(modules.join(program))
            .arg("--base-dir")
            .arg(folder)
            .args(["--listen-mode", "tcp"])
            .env("RESTATE_BIND_ADDRESS", local(node))
            .env("RESTATE_INGRESS__BIND_ADDRESS", local(requests))
            .env("RESTATE_ADMIN__BIND_ADDRESS", local(administration))
            .env("RESTATE_DEFAULT_NUM_PARTITIONS", "2")
            .env("RESTATE_LOG_FILTER", "warn")
            .env("RESTATE_DISABLE_TELEMETRY", "true")
            .env("DO_NOT_TRACK", "1")
            .env(BACKTRACE, "0")
            .stdout(journal.try_clone()?)
            .stderr(journal.try_clone()?)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        // A module finds its packages beside itself only.
        let script = peers("restate").join("restate.mjs");
        fs::copy(
            Path::new(ROOT).join("tests/bench/chains/peers/restate.mjs"),
            &script,
        )?;
        let service = Command::new(modules.join("node/bin/node"))
            .arg(script)
            .arg(service.to_string())
            .arg(Ledger::argument(ledger))
            .env("NODE_ENV", "production")
            .env("RESTATE_LOGGING", "WARN")
            .stdout(journal.try_clone()?)
            .stderr(journal)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Ok([server, service])
    }

    /// Tells the server of the service.
    async fn register(&self) -> anyhow::Result<()> {
        let [_, administration, _, service] = self.ports;
        let deployments = format!("http://127.0.0.1:{administration}/deployments");
        let body = serde_json::json!({ "uri": format!("http://127.0.0.1:{service}") });
        let asked = self.client.post(deployments).json(&body).send().await?;
        asked.error_for_status()?;
        Ok(())
    }
}

/// Asks for one chain until it is answered: under its key, it is the same chain each time.
async fn ask(client: reqwest::Client, address: String, key: String) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let asked = client.post(&address).header("idempotency-key", &key);
        match asked.json(&1).send().await {
            Ok(answer) if answer.status().is_success() => {
                // Until its last byte.
                if answer.bytes().await.is_ok() {
                    return Ok(());
                }
            }
            failed => ensure!(began.elapsed() < PATIENCE, "Restate: {failed:?}"),
        }
        tokio::time::sleep(GLANCE).await;
    }
}

#[async_trait(?Send)]
impl Engine for Restate {
    fn name(&self) -> &'static str {
        "Restate 1.7.12 (TypeScript)"
    }

    async fn order(&mut self, chains: usize) -> anyhow::Result<()> {
        self.orders += 1;
        let address = format!("http://127.0.0.1:{}/chain/run", self.ports[0]);
        for number in 0..chains {
            while self.asked.len() >= IN_FLIGHT {
                self.asked.join_next().await.transpose()?.transpose()?;
            }
            let key = format!("order{}-{number}", self.orders);
            self.asked
                .spawn(ask(self.client.clone(), address.clone(), key));
        }
        Ok(())
    }

    async fn until_done(&mut self) -> anyhow::Result<()> {
        while let Some(asked) = self.asked.join_next().await {
            asked??;
        }
        Ok(())
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            process.kill().await?;
        }
        Ok(())
    }

    async fn restart(&mut self) -> anyhow::Result<()> {
        self.processes = Self::launch(&self.folder, self.ports, self.ledger.as_ref())?;
        Ok(())
    }
}

/// Ports that nobody uses yet.
fn free() -> anyhow::Result<[u16; 4]> {
    let listening = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let all = [listening()?, listening()?, listening()?, listening()?];
    let mut ports = [0; 4];
    for (port, listener) in ports.iter_mut().zip(all) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}
