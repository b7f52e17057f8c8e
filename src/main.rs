//! The `navette` program.

use clap::Parser as _;
use navette::cli::{Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The worker copies its own process: nothing may have started a thread before it.
    if let Command::PdfWorker { folder } = &cli.command {
        return navette_adapters::libreoffice::worker::run(folder);
    }
    cli.run()
}
