//! Worker programs that misbehave.

use navette_adapters::libreoffice::worker;
use std::{
    fs,
    io::{Read as _, Write as _},
    path::Path,
    process::ExitCode,
};

/// Is ready, takes a document and dies; the second time, works.
pub fn dies_once(marker: &Path, folder: &Path) -> ExitCode {
    if marker.exists() {
        return worker::run(folder);
    }
    fs::write(marker, "").unwrap();
    ready();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    ExitCode::FAILURE
}

pub fn hangs() -> ExitCode {
    ready();
    // Until the pool kills us: its end of the pipe stays open.
    std::io::stdin().read_to_string(&mut String::new()).unwrap();
    ExitCode::SUCCESS
}

fn ready() {
    let mut out = std::io::stdout();
    writeln!(out, "\"ready\"").unwrap();
    out.flush().unwrap();
}
