//! PDF, from end to end. This program is also the worker that its tests need, hence no ordinary harness.
use std::{path::Path, process::ExitCode};
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|first| first == "pdf-worker") {
        return navette_adapters::libreoffice::worker::run(Path::new(&arguments[2]));
    }
    ExitCode::SUCCESS
}
