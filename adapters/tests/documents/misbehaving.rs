//! Worker programs that misbehave.

use navette_adapters::libreoffice::worker;
use serde_json::Value;
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
    let mut kept = Vec::new();
    around(folder, |_| {
        kept.resize(kept.len() + (mebibytes << 20), 1_u8);
        None
    })
}

/// The words of letters that [`chokes`] cannot convert.
pub const CRASHES: &str = "Indigeste";
pub const HANGS: &str = "Interminable";

/// Works, but on documents that hold one of the words: its copy of the process dies, or never ends.
pub fn chokes(folder: &Path) -> ExitCode {
    around(folder, |request| {
        let request: Value = serde_json::from_str(request).unwrap();
        let document = fs::read(request["input"].as_str().unwrap()).unwrap();
        // Letters that are put together are not compressed, even one by itself.
        let holds = |word: &str| {
            let mut windows = document.windows(word.len());
            windows.any(|bytes| bytes == word.as_bytes())
        };
        if holds(CRASHES) {
            Some("{\"crashed\":\"SIGSEGV\"}")
        } else {
            holds(HANGS).then_some("\"late\"")
        }
    })
}

/// Passes requests on to a real worker and its replies back, but for those that `instead` replies to.
fn around(folder: &Path, mut instead: impl FnMut(&str) -> Option<&'static str>) -> ExitCode {
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
    for request in std::io::stdin().lines() {
        let request = request.unwrap();
        if let Some(reply) = instead(&request) {
            say(reply);
        } else {
            writeln!(requests, "{request}").unwrap();
            say(&replies.next().unwrap().unwrap());
        }
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
