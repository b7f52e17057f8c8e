//! Worker programs that misbehave.

use navette_adapters::libreoffice::worker;
use std::{
    fs::{self, OpenOptions},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Command, ExitCode, Stdio},
};

/// Is ready, takes a document and does not convert it; the second time, works.
pub fn fails_once(how: &str, marker: &Path, folder: &Path) -> ExitCode {
    if marker.exists() {
        return worker::run(folder);
    }
    fs::write(marker, "").unwrap();
    say("\"ready\"");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    match how {
        "dies" => {}
        "raves" => say("<html>Session expirée</html>"),
        "lies" => say("\"converted\""),
        _ => return hangs(),
    }
    ExitCode::FAILURE
}

/// Until the pool kills us: its end of the pipe stays open.
fn hangs() -> ExitCode {
    std::io::stdin().read_to_string(&mut String::new()).unwrap();
    ExitCode::SUCCESS
}

pub fn always_hangs() -> ExitCode {
    say("\"ready\"");
    hangs()
}

/// Works, notes in `log` that it was started, and keeps `mebibytes` more of memory after each document.
pub fn leaks(log: &Path, mebibytes: usize, folder: &Path) -> ExitCode {
    let mut log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .unwrap();
    writeln!(log, "started").unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap())
        .arg("pdf-worker")
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut requests = program.stdin.take().unwrap();
    let mut replies = BufReader::new(program.stdout.take().unwrap()).lines();
    say(&replies.next().unwrap().unwrap());
    let mut kept = Vec::new();
    for request in std::io::stdin().lines() {
        writeln!(requests, "{}", request.unwrap()).unwrap();
        let reply = replies.next().unwrap().unwrap();
        kept.resize(kept.len() + (mebibytes << 20), 1_u8);
        say(&reply);
    }
    drop(requests);
    let _ = program.wait();
    ExitCode::SUCCESS
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
