//! The one program: its roles are subcommands.

use std::{path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "pdf-worker", folder] => navette_adapters::libreoffice::worker::run(Path::new(folder)),
        _ => ExitCode::from(2),
    }
}
