//! The worker program: a warm LibreOffice that copies itself for each document.
//!
//! Started by the pool as `… pdf-worker <folder>`, it reads one JSON [`Request`] per line on its standard
//! input and writes one [`Reply`] per line on its standard output. Each conversion happens in a forked
//! copy of the warm process, with limits on time, memory and file size and with no network: what a
//! document breaks, leaks or hangs is gone with its copy. Without LibreOfficeKit, the copy becomes `soffice`.

use super::{
    clock,
    confine::{self, Limits},
    folders,
    installation::Installation,
    kit::{Kit, KitError, Turn, in_child, leave},
    profile,
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{signal::Signal, wait::WaitStatus},
    unistd::{dup, dup2_stdout},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

/// One document to convert.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// The office file, its name ending with its format.
    pub input: PathBuf,
    /// Where the PDF goes.
    pub output: PathBuf,
    /// LibreOffice's name of the export filter.
    pub filter: String,
    /// The filter's options, in LibreOffice's JSON.
    pub options: String,
    /// The document's own date, in seconds since 1970.
    pub date: i64,
    /// What the conversion may use.
    pub limits: Limits,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// The worker is warm and waits; written once, before any request.
    Ready,
    /// LibreOffice says that it is done: to be checked.
    Converted,
    /// LibreOffice refuses the document.
    Refused,
    /// The copy took longer than it may.
    Late,
    /// The copy died.
    Crashed(String),
}

/// A small letter: what converting it brings into memory is shared by all the copies.
pub const WARM_TEXT: &str = include_str!("warm.fodt");

/// Where the worker is told that LibreOffice is, when it is not where distributions put it.
pub const FOLDER_VARIABLE: &str = "NAVETTE_LIBREOFFICE";

const REFUSED: i32 = 3;
/// `soffice.bin` has completed a new profile and asks to be started again.
const PROFILE_MADE: i32 = 81;

/// The `pdf-worker` subcommand. Must be called before the process has a second thread.
pub fn run(folder: &Path) -> ExitCode {
    match serve(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// What goes to the pool's log.
pub(super) fn say(words: &str) {
    let _ = writeln!(io::stderr(), "pdf-worker: {words}");
}

fn serve(folder: &Path) -> io::Result<()> {
    confine::settle(folder)?;
    // LibreOffice sometimes speaks on the standard output: keep the real one for the replies.
    let replies = File::from(dup(io::stdout())?);
    dup2_stdout(io::stderr())?;
    let profile = folder.join("profile");
    profile::write(&profile)?;
    // A profile serves one LibreOffice at a time.
    let soffice_profile = folder.join("soffice-profile");
    profile::write(&soffice_profile)?;
    let installation = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let installation = Installation::find(installation)
        .ok_or_else(|| io::Error::other("LibreOffice is not installed"))?
        .complete(&folder.join("libreoffice"))?;
    let mut line = Line {
        requests: BufReader::new(io::stdin()),
        replies,
    };
    let kit = Kit::start(&installation, &file_url(&profile));
    let soffice = Soffice {
        program: installation.soffice(),
        profile: soffice_profile,
    };
    match kit {
        Ok(kit) => {
            let mut zygote = Zygote {
                line,
                folder: folder.to_owned(),
                soffice,
                own_files: None,
            };
            kit.run(&mut zygote);
            Ok(())
        }
        Err(error) => {
            say(&format!("{error}; using soffice"));
            line.reply(&Reply::Ready)?;
            while let Some(request) = line.next()? {
                let reply = convert(None, &request, &soffice);
                line.reply(&reply)?;
            }
            Ok(())
        }
    }
}

/// LibreOffice's own program.
struct Soffice {
    program: PathBuf,
    profile: PathBuf,
}

struct Line {
    requests: BufReader<io::Stdin>,
    replies: File,
}

impl Line {
    fn next(&mut self) -> io::Result<Option<Request>> {
        let mut line = String::new();
        if self.requests.by_ref().take(1 << 16).read_line(&mut line)? == 0 {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    fn reply(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.replies.write_all(&line)
    }

    /// Waits at most `patience` for a request to arrive.
    fn waits(&self, patience: Option<Duration>) -> bool {
        let timeout = patience.map_or(PollTimeout::NONE, |patience| {
            PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX)
        });
        let mut ready = [PollFd::new(
            self.requests.get_ref().as_fd(),
            PollFlags::POLLIN,
        )];
        poll(&mut ready, timeout).is_ok_and(|count| count > 0)
    }
}

struct Zygote {
    line: Line,
    folder: PathBuf,
    soffice: Soffice,
    /// LibreOffice's own temporary files, once it is warm.
    own_files: Option<BTreeSet<PathBuf>>,
}

impl Turn for Zygote {
    fn turn(&mut self, kit: &Kit, patience: Option<Duration>) {
        if self.own_files.is_none() {
            if let Err(error) = warm_up(kit, &self.folder) {
                say(&format!("warming up: {error}"));
                leave(1);
            }
            self.own_files = Some(folders::scraps(&self.folder));
            if self.line.reply(&Reply::Ready).is_err() {
                leave(1);
            }
        }
        if !self.line.waits(patience) {
            return;
        }
        let Ok(Some(request)) = self.line.next() else {
            leave(0);
        };
        let reply = convert(Some(kit), &request, &self.soffice);
        if let Some(own_files) = &self.own_files {
            folders::remove_scraps(&self.folder, own_files);
        }
        if self.line.reply(&reply).is_err() {
            leave(1);
        }
    }
}

fn warm_up(kit: &Kit, folder: &Path) -> Result<(), KitError> {
    let url = |name: &str| file_url(&folder.join(name));
    let convert = |source: &str, target: &str, format: &str, options: &str| {
        kit.open(&url(source))?
            .export(&url(target), format, options)
    };
    fs::write(folder.join("warm.fodt"), WARM_TEXT)
        .map_err(|error| KitError::Start(error.to_string()))?;
    convert("warm.fodt", "warm.odt", "odt", "")?;
    convert("warm.fodt", "warm.docx", "docx", "")?;
    let archival = super::process::export_options(true, false);
    convert("warm.odt", "warm.pdf", "pdf", &archival)?;
    convert("warm.docx", "warm.pdf", "pdf", &archival)?;
    if clock::interpose() == 0 {
        say("the clock could not be interposed: the same file will not give the same bytes");
    }
    Ok(())
}

/// Converts in a copy of this process: by the warm office when there is one, else by a program of its own.
fn convert(kit: Option<&Kit>, request: &Request, soffice: &Soffice) -> Reply {
    let attempt = || {
        in_child(|| {
            if confine::limit(request.limits).is_err() {
                return 1;
            }
            match kit {
                Some(kit) => with_kit(kit, request),
                None => with_soffice(request, soffice),
            }
        })
    };
    let mut outcome = attempt();
    if matches!(outcome, Ok(WaitStatus::Exited(_, PROFILE_MADE))) {
        outcome = attempt();
    }
    match outcome {
        Ok(WaitStatus::Exited(_, 0)) => Reply::Converted,
        Ok(WaitStatus::Exited(_, REFUSED)) => Reply::Refused,
        Ok(WaitStatus::Signaled(_, Signal::SIGALRM | Signal::SIGXCPU, _)) => Reply::Late,
        Ok(status) => Reply::Crashed(format!("{status:?}")),
        Err(error) => Reply::Crashed(error.to_string()),
    }
}

fn with_kit(kit: &Kit, request: &Request) -> i32 {
    clock::show(request.date);
    let outcome = kit.open(&file_url(&request.input)).and_then(|document| {
        let target = file_url(&request.output);
        let outcome = document.export(&target, "pdf", &request.options);
        // This copy ends now: closing the document would only cost time.
        std::mem::forget(document);
        outcome
    });
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            say(&error.to_string());
            REFUSED
        }
    }
}

/// Becomes `soffice`, which writes the PDF beside its input, under the same name.
fn with_soffice(request: &Request, soffice: &Soffice) -> i32 {
    let error = Command::new(&soffice.program)
        .env_remove("SAL_LOK_OPTIONS")
        .arg(format!(
            "-env:UserInstallation={}",
            file_url(&soffice.profile)
        ))
        .args(["--headless", "--norestore", "--nologo", "--convert-to"])
        .arg(format!("pdf:{}:{}", request.filter, request.options))
        .arg("--outdir")
        .arg(request.output.parent().unwrap_or(Path::new(".")))
        .arg(&request.input)
        .stdin(Stdio::null())
        .exec();
    say(&format!("soffice: {error}"));
    1
}

/// The `file://` address of a path, with what an address cannot hold written as `%XX`.
pub(super) fn file_url(path: &Path) -> String {
    use std::fmt::Write as _;
    let mut url = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            url.push(char::from(*byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}
