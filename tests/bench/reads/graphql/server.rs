//! The two servers: each a process of its own, on the same PostgreSQL.

use super::data::{Data, TOKEN};
use crate::processes;
use anyhow::{Context as _, ensure};
use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Node is installed with it: it wants a newer one than distributions have.
const PACKAGES: [&str; 3] = [
    "node@24.21.0",
    "postgraphile@5.1.5",
    "postgraphile-plugin-connection-filter@4.0.1",
];
const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(100);

/// A server that runs; ended when dropped.
pub struct Server {
    pub name: &'static str,
    pub address: SocketAddr,
    pub token: Option<String>,
    process: Child,
}

impl Server {
    /// Navette, as a site would start it on a PostgreSQL of its own.
    pub fn ours(data: &Data) -> anyhow::Result<Self> {
        let address = free()?;
        let mut command = navette(data);
        command
            .args(["serve", "--no-work", "--listen"])
            .arg(address.to_string());
        let token = Some(data.token.clone());
        Self::start("Navette", address, token, &mut command, data)
    }

    /// PostGraphile, with its settings for production.
    pub fn postgraphile(data: &Data) -> anyhow::Result<Self> {
        let folder = install()?;
        let address = free()?;
        let modules = folder.join("node_modules");
        let script = "tests/bench/reads/graphql/peers/postgraphile.js";
        let mut command = Command::new(modules.join("node/bin/node"));
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script))
            .env("NODE_PATH", modules)
            .env("NODE_ENV", "production")
            .env("GRAPHILE_ENV", "production")
            .env("PORT", address.port().to_string())
            .env("DATABASE_URL", data.url())
            .env("SCHEMAS", data.schemas.join(","));
        Self::start("PostGraphile 5.1.5", address, None, &mut command, data)
    }

    fn start(
        name: &'static str,
        address: SocketAddr,
        token: Option<String>,
        command: &mut Command,
        data: &Data,
    ) -> anyhow::Result<Self> {
        let journal = data.place(&format!("{name}.log"));
        let file = File::create(&journal)?;
        let process = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let mut server = Self {
            name,
            address,
            token,
            process,
        };
        let began = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            let alive = server.process.try_wait()?.is_none();
            let said = || fs::read_to_string(&journal).unwrap_or_default();
            ensure!(
                alive && began.elapsed() < PATIENCE,
                "{name} does not answer: {}",
                said()
            );
            std::thread::sleep(GLANCE);
        }
        Ok(server)
    }

    /// The most memory that it had at once.
    pub fn memory_mb(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        let kilobytes: f64 = kilobytes.context("no VmHWM")?.parse()?;
        Ok(kilobytes / 1024.0)
    }

    /// The processor seconds that it and PostgreSQL have used.
    pub fn processor(&self, postgres: u32) -> anyhow::Result<f64> {
        let all = processes::all()?;
        let both = [self.process.id(), postgres].map(|root| processes::used_below(&all, root));
        Ok(both.iter().sum::<Duration>().as_secs_f64())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program of Navette, about to run on this data.
pub fn navette(data: &Data) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    command.arg("--config").arg(data.place("navette.toml"));
    command
}

/// A token of whoever may read everything.
pub fn token(data: &Data) -> anyhow::Result<String> {
    let output = navette(data)
        .args(["token", "issue", TOKEN, "--role", "auditor"])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{said}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The process of this PostgreSQL.
pub fn postgres_process(folder: &Path) -> anyhow::Result<u32> {
    let file = fs::read_to_string(folder.join("cluster/postmaster.pid"))?;
    Ok(file.lines().next().context("no process")?.trim().parse()?)
}

fn free() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn install() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers/postgraphile");
    let installed = folder.join(PACKAGES.join("+"));
    if installed.exists() {
        return Ok(folder);
    }
    println!("installing {}", PACKAGES.join(" "));
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.json"), "{\"private\": true}")?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-fund", "--no-audit"])
        .args(PACKAGES)
        .current_dir(&folder);
    let status = npm.status().with_context(|| format!("{npm:?}"))?;
    ensure!(status.success(), "{npm:?}: {status}");
    fs::write(installed, "")?;
    Ok(folder)
}
