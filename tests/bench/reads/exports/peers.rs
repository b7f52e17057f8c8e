//! The peers: installed at fixed versions, each writing its file from the rows between tabs.

use super::data::{self, Data};
use anyhow::{Context as _, ensure};
use navette_domain::export::Format;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

const PYTHON: [&str; 3] = ["openpyxl==3.1.5", "pandas==2.3.3", "pyarrow==21.0.0"];

/// See the module.
pub struct Peers {
    folder: PathBuf,
    scripts: PathBuf,
}

impl Peers {
    /// Installs what is missing.
    pub fn install() -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let peers = Self {
            folder: root.join("target/peers"),
            scripts: root.join("tests/bench/reads/exports/peers"),
        };
        fs::create_dir_all(&peers.folder)?;
        peers.install_python()?;
        peers.install_sheets()?;
        Ok(peers)
    }

    fn install_python(&self) -> anyhow::Result<()> {
        let folder = self.folder.join("sheets-python");
        let installed = folder.join(PYTHON.join("+"));
        if installed.exists() {
            return Ok(());
        }
        println!("installing {}", PYTHON.join(" "));
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet"])
            .args(PYTHON))?;
        Ok(fs::write(installed, "")?)
    }

    /// Builds the peers that are written in Rust, apart, so that nothing of ours depends on them.
    fn install_sheets(&self) -> anyhow::Result<()> {
        if self.sheets_program().exists() {
            return Ok(());
        }
        println!("building rust_xlsxwriter and spreadsheet-ods");
        run(Command::new("cargo")
            .args(["build", "--release", "--quiet", "--manifest-path"])
            .arg(self.scripts.join("sheets/Cargo.toml"))
            .arg("--target-dir")
            .arg(self.folder.join("sheets")))
    }

    fn sheets_program(&self) -> PathBuf {
        self.folder.join("sheets/release/sheets")
    }

    /// How long `psql` takes for a CSV of the same query.
    pub fn psql(data: &Data) -> anyhow::Result<f64> {
        let file = data.place("psql.csv");
        let (statement, file) = (&data.statement, file.display());
        let began = Instant::now();
        data.psql(&format!(
            "\\copy ({statement}) TO '{file}' WITH (FORMAT csv, HEADER)"
        ))?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// How long a workbook takes by one of the peers in Rust.
    pub fn sheets(&self, peer: &str, data: &Data) -> anyhow::Result<f64> {
        let mut command = Command::new(self.sheets_program());
        command.arg(peer).arg(&data.text).arg(data.place(peer));
        told(command.args(kinds()?))
    }

    /// How long a workbook takes by openpyxl.
    pub fn openpyxl(&self, data: &Data) -> anyhow::Result<f64> {
        let mut command = self.python("openpyxl_sheet.py");
        command.arg(&data.text).arg(data.place("openpyxl.xlsx"));
        told(command.args(kinds()?))
    }

    /// Whether pandas reads the same values in the CSV, the XLSX and the Parquet file of ours, and the ODS has them.
    pub fn compare(&self, data: &Data, rows: usize) -> anyhow::Result<()> {
        let mut command = self.python("compare.py");
        for format in [Format::Csv, Format::Xlsx, Format::Ods, Format::Parquet] {
            command.arg(data.place(&format!("ours.{}", format.code())));
        }
        run(command.arg(rows.to_string()).args(kinds()?))
    }

    fn python(&self, script: &str) -> Command {
        let mut command = Command::new(self.folder.join("sheets-python/bin/python"));
        command.arg(self.scripts.join(script));
        command
    }
}

/// The kinds of the columns, which tell the peers what the cells are.
fn kinds() -> anyhow::Result<Vec<&'static str>> {
    let headings = data::headings()?;
    Ok(headings.iter().map(|heading| heading.kind.code()).collect())
}

/// The seconds that a peer says it took, from the first row to the end of the file.
fn told(command: &mut Command) -> anyhow::Result<f64> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{command:?}: {said}");
    let seconds = String::from_utf8_lossy(&output.stdout).trim().parse();
    seconds.with_context(|| format!("{command:?}"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}
