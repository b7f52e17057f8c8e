//! LibreOfficeKit used as plainly as can be: one long-lived process that opens and exports, document after
//! document, with nothing around it. What the workers are measured against.

use super::{
    installation::Installation,
    kit::Kit,
    profile,
    worker::{Reply, file_url, say},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, BufRead, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// One document to convert.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// The office file.
    pub input: PathBuf,
    /// Where the PDF goes.
    pub output: PathBuf,
    /// The options of the export filter, in LibreOffice's JSON.
    pub options: String,
}

/// Reads one [`Order`] per line and writes one [`Reply`] per line, after a first [`Reply::Ready`].
pub fn run(folder: &Path) -> ExitCode {
    match serve(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn serve(folder: &Path) -> io::Result<()> {
    // LibreOffice sometimes speaks on the standard output: keep the real one for the replies.
    let mut replies = File::from(nix::unistd::dup(io::stdout())?);
    nix::unistd::dup2_stdout(io::stderr())?;
    let profile = folder.join("profile");
    profile::write(&profile)?;
    let installation = Installation::find(None)
        .ok_or_else(|| io::Error::other("LibreOffice is not installed"))?
        .complete(&folder.join("libreoffice"))?;
    let kit = Kit::start(&installation, &file_url(&profile)).map_err(io::Error::other)?;
    let mut reply = |reply: &Reply| {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        replies.write_all(&line)
    };
    reply(&Reply::Ready)?;
    for line in io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let converted = kit
            .open(&file_url(&order.input))
            .and_then(|document| document.export(&file_url(&order.output), "pdf", &order.options));
        reply(&match converted {
            Ok(()) => Reply::Converted,
            Err(error) => Reply::Crashed(error.to_string()),
        })?;
    }
    Ok(())
}
