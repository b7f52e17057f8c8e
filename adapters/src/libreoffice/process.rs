//! One worker program, seen from the pool.

use super::{
    confine::Limits,
    folders, machine,
    pool::PoolOptions,
    worker::{FOLDER_VARIABLE, Reply, Request, WARM_TEXT},
};
use crate::pdf::{self, Purpose};
use chrono::{DateTime, Utc};
use navette_domain::ports::{FailureClass, Neighbour, OfficeFormat, Pdf, PortFailure};
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use std::{
    fs::Permissions, io, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Stdio,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    fs,
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long LibreOffice may take to start and warm up.
const START: Duration = Duration::from_secs(90);
/// What the pool waits beyond the worker's own deadline.
const GRACE: Duration = Duration::from_secs(2);
/// The largest PDF that is read back.
const LARGEST_PDF: u64 = 128 << 20;
/// A worker is replaced after so many documents, whatever its health,
const MOST_DOCUMENTS: u32 = 2_000;
/// or when it has grown so much since it was warm.
const MOST_GROWTH: u64 = 256 << 20;

/// Why one try failed; for an engineer, until the clerk is told.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The worker program cannot be used, or does not say what it should.
    #[error("the worker program cannot be used: {0}")]
    Worker(#[from] io::Error),
    /// The worker program is gone.
    #[error("the worker program died")]
    Died,
    /// The worker program says nothing more.
    #[error("the worker program did not answer in time")]
    Silent,
    /// The copy of the worker that had the document died.
    #[error("the conversion broke: {0}")]
    Crashed(String),
    /// The document takes longer than documents may.
    #[error("the conversion took too long")]
    Late,
    /// LibreOffice says no.
    #[error("LibreOffice refuses the document")]
    Refused,
    /// What LibreOffice made cannot be used.
    #[error("LibreOffice made an unusable PDF: {0}")]
    Output(pdf::Unfit),
}

impl Trouble {
    /// Whether it comes from the worker program rather than from the document.
    pub fn is_the_workers(&self) -> bool {
        matches!(self, Self::Worker(_) | Self::Died | Self::Silent)
    }

    pub fn into_failure(self) -> PortFailure {
        let (class, sentence) = match &self {
            Self::Worker(_) => (
                FailureClass::Transient,
                "LibreOffice n'a pas pu être utilisé : la conversion sera retentée".to_owned(),
            ),
            Self::Died | Self::Silent | Self::Crashed(_) | Self::Late => (
                FailureClass::Transient,
                "LibreOffice s'est arrêté ou a pris trop de temps sur ce document".to_owned(),
            ),
            Self::Refused => (
                FailureClass::Rejected,
                "LibreOffice n'a pas pu convertir ce document en PDF : vérifier le modèle"
                    .to_owned(),
            ),
            Self::Output(unfit) => (
                FailureClass::Rejected,
                format!("le PDF fait par LibreOffice ne convient pas : {unfit}"),
            ),
        };
        PortFailure::new(Neighbour::Office, class, sentence).because(self)
    }
}

/// One file to convert.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The office file.
    pub office: &'a [u8],
    /// Its format.
    pub format: OfficeFormat,
    /// Its date.
    pub at: DateTime<Utc>,
    /// Whether it is letters with a mark at the start of each, which the PDF must show.
    pub marked: bool,
}

/// One worker program and its private folder. Dropping it kills the program and removes the folder.
pub struct Worker {
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    documents: u32,
    resident_when_warm: u64,
    /// Before the folder, so that the program is killed first.
    program: Child,
    folder: TempDir,
}

impl Worker {
    /// Starts one, and waits until it is warm.
    pub async fn start(options: PoolOptions) -> Result<Self, Trouble> {
        let folder = folders::create()?;
        let (program, arguments) = options
            .worker_command
            .split_first()
            .ok_or_else(|| io::Error::other("no worker command"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env("SAL_USE_VCLPLUGIN", "svp")
            .env("SAL_LOK_OPTIONS", "unipoll")
            .envs(
                options
                    .libreoffice
                    .iter()
                    .map(|path| (FOLDER_VARIABLE, path)),
            )
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut program = command.spawn()?;
        let (Some(requests), Some(replies)) = (program.stdin.take(), program.stdout.take()) else {
            return Err(io::Error::other("the worker has no pipes").into());
        };
        if let Some(words) = program.stderr.take() {
            tokio::spawn(log(words));
        }
        let mut worker = Self {
            requests,
            replies: BufReader::new(replies),
            documents: 0,
            resident_when_warm: 0,
            program,
            folder,
        };
        match worker.reply(START).await? {
            Reply::Ready => {}
            other => return Err(unexpected(&other)),
        }
        worker.resident_when_warm = worker.resident().unwrap_or(u64::MAX);
        Ok(worker)
    }

    /// The bytes of memory that the program holds.
    pub fn resident(&self) -> Option<u64> {
        machine::resident(self.program.id()?)
    }

    /// Whether it has done its time.
    pub fn is_worn(&self) -> bool {
        let grown = self
            .resident()
            .is_none_or(|now| now.saturating_sub(self.resident_when_warm) > MOST_GROWTH);
        grown || self.documents >= MOST_DOCUMENTS
    }

    /// Whether it still converts what it converted at its start.
    pub async fn is_sound(&mut self, options: &PoolOptions) -> bool {
        let extension = "fodt";
        let (text, at) = (WARM_TEXT.as_bytes(), DateTime::UNIX_EPOCH);
        let export = export_options(options.archival, false);
        let probe = self.request((extension, "writer_pdf_Export", export), at, options);
        self.fulfil(&probe, text, options).await.is_ok()
    }

    /// Converts one file.
    pub async fn convert(&mut self, job: Job<'_>, options: &PoolOptions) -> Result<Pdf, Trouble> {
        self.documents += 1;
        let filter = match job.format {
            OfficeFormat::Odt | OfficeFormat::Docx => "writer_pdf_Export",
            OfficeFormat::Ods | OfficeFormat::Xlsx => "calc_pdf_Export",
        };
        let export = export_options(options.archival, job.marked);
        let how = (job.format.extension(), filter, export);
        let request = self.request(how, job.at, options);
        let bytes = self.fulfil(&request, job.office, options).await?;
        check(bytes, options.purpose()).await
    }

    fn request(
        &self,
        (extension, filter, export): (&str, &str, String),
        at: DateTime<Utc>,
        options: &PoolOptions,
    ) -> Request {
        let file = |name: String| -> PathBuf { self.folder.path().join(name) };
        Request {
            input: file(format!("document.{extension}")),
            output: file("document.pdf".into()),
            filter: filter.into(),
            options: export,
            date: at.timestamp(),
            limits: Limits {
                seconds: u32::try_from(options.timeout.as_secs()).unwrap_or(u32::MAX),
                memory: options.address_space,
            },
        }
    }

    /// The bytes that the worker wrote for `request`; its files are removed, however it ends.
    async fn fulfil(
        &mut self,
        request: &Request,
        office: &[u8],
        options: &PoolOptions,
    ) -> Result<Vec<u8>, Trouble> {
        fs::write(&request.input, office).await?;
        // The folder is private; within it, the worker's account must be able to read.
        fs::set_permissions(&request.input, Permissions::from_mode(0o644)).await?;
        let outcome = match self.ask(request, options).await {
            Ok(()) => read_output(&request.output).await,
            Err(trouble) => Err(trouble),
        };
        // What one document leaves must never be taken for the next one's.
        for file in [&request.input, &request.output] {
            match fs::remove_file(file).await {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        outcome
    }

    async fn ask(&mut self, request: &Request, options: &PoolOptions) -> Result<(), Trouble> {
        let mut line = serde_json::to_vec(request).map_err(io::Error::from)?;
        line.push(b'\n');
        self.requests.write_all(&line).await?;
        match self.reply(options.timeout + GRACE).await? {
            Reply::Converted => Ok(()),
            Reply::Refused => Err(Trouble::Refused),
            Reply::Late => Err(Trouble::Late),
            Reply::Crashed(how) => Err(Trouble::Crashed(how)),
            other @ Reply::Ready => Err(unexpected(&other)),
        }
    }

    async fn reply(&mut self, patience: Duration) -> Result<Reply, Trouble> {
        let mut line = String::new();
        let mut read = (&mut self.replies).take(1 << 16);
        match timeout(patience, read.read_line(&mut line)).await {
            Err(_) => Err(Trouble::Silent),
            Ok(Ok(0)) => Err(Trouble::Died),
            Ok(Ok(_)) => Ok(serde_json::from_str(&line).map_err(io::Error::from)?),
            Ok(Err(error)) => Err(error.into()),
        }
    }
}

/// LibreOffice's options of its PDF export. Pictures keep their resolution: LibreOffice would scale the one
/// of a header anew for each page, which costs more than the rest of the page.
pub fn export_options(archival: bool, marked: bool) -> String {
    let version = if archival { "2" } else { "0" };
    format!(
        r#"{{"SelectPdfVersion":{{"type":"long","value":"{version}"}},"ReduceImageResolution":{{"type":"boolean","value":"false"}},"ExportBookmarksToPDFDestination":{{"type":"boolean","value":"{marked}"}}}}"#
    )
}

fn unexpected(reply: &Reply) -> Trouble {
    io::Error::other(format!("unexpected reply {reply:?}")).into()
}

/// LibreOffice says that it is done even when it has written nothing; and what it wrote is not trusted to
/// be a file.
async fn read_output(path: &PathBuf) -> Result<Vec<u8>, Trouble> {
    let opened = fs::OpenOptions::new()
        .read(true)
        .custom_flags(O_NOFOLLOW | O_NONBLOCK)
        .open(path)
        .await;
    let file = opened.map_err(|_| Trouble::Refused)?;
    if !file.metadata().await?.is_file() {
        return Err(Trouble::Refused);
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_PDF).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

async fn check(bytes: Vec<u8>, purpose: Purpose) -> Result<Pdf, Trouble> {
    let checked = tokio::task::spawn_blocking(move || {
        let pages = pdf::produced(&bytes, purpose)?;
        Ok(Pdf { bytes, pages })
    });
    match checked.await {
        Ok(checked) => checked.map_err(Trouble::Output),
        Err(error) => Err(io::Error::other(error).into()),
    }
}

/// What a worker says goes to the log: it never holds data of the document.
async fn log(words: ChildStderr) {
    let mut lines = BufReader::new(words).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "pdf_worker", "{line}");
    }
}
