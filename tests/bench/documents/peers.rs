//! The peers: installed from the registries at fixed versions, and driven by a line of JSON for each turn.

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::json;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

const PYTHON: [&str; 1] = ["docxtpl==0.20.2"];
const UNOSERVER: [&str; 1] = ["unoserver==3.7"];
const NODE: [&str; 2] = ["docxtemplater@3.71.0", "pizzip@3.3.0"];
/// Python with LibreOffice's `uno` is the distribution's.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// Where the peers are, and the scripts that drive them.
pub struct Peers {
    folder: PathBuf,
    scripts: PathBuf,
}

impl Peers {
    /// Installs what is missing.
    pub fn install() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = root.join("target/peers");
        fs::create_dir_all(&folder)?;
        let peers = Self {
            scripts: root.join("tests/bench/documents/peers"),
            folder,
        };
        peers.virtual_environment("docxtpl", "python3", &[], &PYTHON)?;
        peers.node()?;
        Ok(peers)
    }

    /// unoserver, which wants LibreOffice's Python.
    pub fn install_unoserver(&self) -> anyhow::Result<()> {
        let has_uno = Command::new(SYSTEM_PYTHON)
            .args(["-c", "import uno"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !has_uno {
            println!("installing python3-uno and python3-venv (Debian)");
            run(Command::new("apt-get")
                .args(["install", "--yes", "--quiet", "--no-install-recommends"])
                .args(["python3-uno", "python3-venv"]))?;
        }
        let shared = ["--system-site-packages"];
        self.virtual_environment("unoserver", SYSTEM_PYTHON, &shared, &UNOSERVER)
    }

    fn virtual_environment(
        &self,
        name: &str,
        python: &str,
        options: &[&str],
        packages: &[&str],
    ) -> anyhow::Result<()> {
        let folder = self.folder.join(name);
        let installed = folder.join(packages.join("+"));
        if installed.exists() {
            return Ok(());
        }
        println!("installing {}", packages.join(" "));
        run(Command::new(python)
            .args(["-m", "venv", "--clear"])
            .args(options)
            .arg(&folder))?;
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet"])
            .args(packages))?;
        Ok(fs::write(installed, "")?)
    }

    fn node(&self) -> anyhow::Result<()> {
        let folder = self.folder.join("node");
        let installed = folder.join(NODE.join("+"));
        if installed.exists() {
            return Ok(());
        }
        println!("installing {}", NODE.join(" "));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("package.json"), "{\"private\": true}")?;
        run(Command::new("npm")
            .args(["install", "--silent", "--no-fund", "--no-audit"])
            .args(NODE)
            .current_dir(&folder))?;
        Ok(fs::write(installed, "")?)
    }

    /// Python in a peer's environment, about to run one of our scripts.
    pub fn python(&self, environment: &str, script: &str) -> Command {
        let mut command = Command::new(self.folder.join(environment).join("bin/python"));
        command.arg(self.scripts.join(script));
        command
    }

    /// Node, about to run one of our scripts.
    pub fn javascript(&self, script: &str) -> Command {
        let mut command = Command::new("node");
        command
            .env("NODE_PATH", self.folder.join("node/node_modules"))
            .arg(self.scripts.join(script));
        command
    }

    /// A folder for what the bench writes, emptied.
    pub fn workplace(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join("work").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// A peer that waits for orders; ended when dropped.
pub struct Driven {
    program: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What a peer says of a turn.
#[derive(Debug, Deserialize)]
pub struct Turn {
    /// Processor seconds.
    pub cpu: f64,
}

impl Driven {
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let mut program = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{command:?}"))?;
        let orders = program.stdin.take().context("no standard input")?;
        let answers = program.stdout.take().context("no standard output")?;
        Ok(Self {
            program,
            orders,
            answers: BufReader::new(answers),
        })
    }

    /// Sends one line and waits for the next.
    pub fn ask(&mut self, order: &serde_json::Value) -> anyhow::Result<String> {
        writeln!(self.orders, "{order}")?;
        self.answer()
    }

    pub fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        ensure!(self.answers.read_line(&mut line)? > 0, "the peer died");
        Ok(line)
    }

    /// Has the letters `from..from + count` made, and kept in `folder` if given.
    pub fn turn(
        &mut self,
        from: usize,
        count: usize,
        folder: Option<&Path>,
    ) -> anyhow::Result<Turn> {
        let order = json!({ "from": from, "count": count, "folder": folder });
        Ok(serde_json::from_str(&self.ask(&order)?)?)
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
