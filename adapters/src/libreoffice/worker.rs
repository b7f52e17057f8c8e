//! The worker program: a warm LibreOffice that copies itself for each document.
//!
//! Started by the pool as `… pdf-worker <folder>`, it reads one JSON [`Request`] per line on its standard
//! input and writes one [`Reply`] per line on its standard output. Each conversion happens in a forked
//! copy of the warm process, with limits on time, memory and file size and with no network: what a
//! document breaks, leaks or hangs is gone with its copy. Without LibreOfficeKit, and for spreadsheets,
//! the copy becomes `soffice`.

use super::{
    kit::{self, Kit, KitError, Turn, in_child, leave},
    profile,
};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sched::{CloneFlags, unshare},
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::Signal,
        wait::WaitStatus,
    },
    unistd::{alarm, dup, dup2_stdout},
};
use serde::{Deserialize, Serialize};
use std::{
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
    /// How long the conversion may take, in seconds.
    pub seconds: u32,
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
    /// The copy died or was too slow.
    Crashed(String),
}

/// A small text: what warms the process up is shared by all its copies.
const WARM_TEXT: &str = include_str!("warm.fodt");

const REFUSED: i32 = 3;
/// `soffice.bin` has completed a new profile and asks to be started again.
const PROFILE_MADE: i32 = 81;
const MEMORY_LIMIT: u64 = 4 << 30;
const FILE_LIMIT: u64 = 256 << 20;

/// The `pdf-worker` subcommand. Must be called before the process has a second thread.
pub fn run(folder: &Path) -> ExitCode {
    match serve(folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pdf-worker: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(folder: &Path) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // LibreOffice sometimes speaks on the standard output: keep the real one for the replies.
    let replies = File::from(dup(io::stdout())?);
    dup2_stdout(io::stderr())?;
    let profile = folder.join("profile");
    profile::write(&profile)?;
    // A profile serves one LibreOffice at a time.
    let soffice_profile = folder.join("soffice-profile");
    profile::write(&soffice_profile)?;
    let mut line = Line {
        requests: BufReader::new(io::stdin()),
        replies,
    };
    match Kit::start(&file_url(&profile)) {
        Ok(kit) => {
            let mut zygote = Zygote {
                line,
                folder: folder.to_owned(),
                soffice_profile,
                warm: false,
            };
            kit.run(&mut zygote);
            Ok(())
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "pdf-worker: {error}; using soffice");
            line.reply(&Reply::Ready)?;
            while let Some(request) = line.next()? {
                let reply = convert(None, &request, &soffice_profile);
                line.reply(&reply)?;
            }
            Ok(())
        }
    }
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
    soffice_profile: PathBuf,
    warm: bool,
}

impl Turn for Zygote {
    fn turn(&mut self, kit: &Kit, patience: Option<Duration>) {
        if !self.warm {
            self.warm = true;
            if let Err(error) = warm_up(kit, &self.folder) {
                let _ = writeln!(io::stderr(), "pdf-worker: warming up: {error}");
                leave(1);
            }
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
        let reply = convert(Some(kit), &request, &self.soffice_profile);
        if self.line.reply(&reply).is_err() {
            leave(1);
        }
    }
}

fn warm_up(kit: &Kit, folder: &Path) -> Result<(), KitError> {
    let url = |name: &str| file_url(&folder.join(name));
    fs::write(folder.join("warm.fodt"), WARM_TEXT)
        .map_err(|error| KitError::Start(error.to_string()))?;
    kit.convert(&url("warm.fodt"), &url("warm.odt"), "odt", "")?;
    kit.convert(&url("warm.fodt"), &url("warm.docx"), "docx", "")?;
    kit.convert(&url("warm.odt"), &url("warm.pdf"), "pdf", "")?;
    kit.convert(&url("warm.docx"), &url("warm.pdf"), "pdf", "")
}

/// Converts in a copy of this process: by the warm office when there is one and it can, else by a
/// program of its own. LibreOfficeKit 7.4 without GUI cannot open spreadsheets.
fn convert(kit: Option<&Kit>, request: &Request, profile: &Path) -> Reply {
    let spreadsheet = request.filter.starts_with("calc");
    let attempt = || {
        in_child(|| {
            if confine(request.seconds).is_err() {
                return 1;
            }
            match kit {
                Some(kit) if !spreadsheet => with_kit(kit, request),
                _ => with_soffice(request, profile),
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
        Ok(status) => Reply::Crashed(format!("{status:?}")),
        Err(error) => Reply::Crashed(error.to_string()),
    }
}

fn with_kit(kit: &Kit, request: &Request) -> i32 {
    let (source, target) = (file_url(&request.input), file_url(&request.output));
    match kit.convert(&source, &target, "pdf", &request.options) {
        Ok(()) => 0,
        Err(error) => {
            let _ = writeln!(io::stderr(), "pdf-worker: {error}");
            REFUSED
        }
    }
}

/// Becomes `soffice`, which writes the PDF beside its input, under the same name.
fn with_soffice(request: &Request, profile: &Path) -> i32 {
    let error = Command::new(kit::soffice().unwrap_or_else(|| "soffice".into()))
        .env_remove("SAL_LOK_OPTIONS")
        .arg(format!("-env:UserInstallation={}", file_url(profile)))
        .args(["--headless", "--norestore", "--nologo", "--convert-to"])
        .arg(format!("pdf:{}:{}", request.filter, request.options))
        .arg("--outdir")
        .arg(request.output.parent().unwrap_or(Path::new(".")))
        .arg(&request.input)
        .stdin(Stdio::null())
        .exec();
    let _ = writeln!(io::stderr(), "pdf-worker: soffice: {error}");
    1
}

/// What a copy may use. The network is closed where the kernel lets us; the pre-scan and the profile
/// hold where it does not.
fn confine(seconds: u32) -> nix::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    alarm::set(seconds.max(1));
    let cpu = u64::from(seconds.max(1));
    setrlimit(Resource::RLIMIT_CPU, cpu, cpu)?;
    setrlimit(Resource::RLIMIT_AS, MEMORY_LIMIT, MEMORY_LIMIT)?;
    setrlimit(Resource::RLIMIT_FSIZE, FILE_LIMIT, FILE_LIMIT)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    if unshare(CloneFlags::CLONE_NEWNET).is_err() {
        let _ = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET);
    }
    Ok(())
}

/// The `file://` address of a path, with what an address cannot hold written as `%XX`.
fn file_url(path: &Path) -> String {
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
