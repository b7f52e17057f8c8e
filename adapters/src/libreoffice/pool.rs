//! As many worker programs as the machine has room for; a dead or hung one is replaced, and costs its
//! document one retry.

use super::{
    folders, output,
    worker::{Reply, Request},
};
use crate::merge::archive::Archive;
use navette_domain::ports::{
    Answer, FailureClass, MergeFailure, Neighbour, OfficeFormat, Pdf, PortFailure,
};
use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
    sync::Semaphore,
    time::timeout,
};

/// How a pool is made.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// How many documents are converted at once, at least 1.
    pub workers: usize,
    /// How long one conversion may take.
    pub timeout: Duration,
    /// The worker program and its arguments; the worker's own folder is added as the last one.
    pub worker_command: Vec<OsString>,
    /// Whether PDFs are PDF/A-2b, for signature and archive.
    pub archival: bool,
}

impl PoolOptions {
    /// One worker per core, a minute per document, PDF/A-2b.
    pub fn for_this_machine(worker_command: Vec<OsString>) -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            timeout: Duration::from_mins(1),
            worker_command,
            archival: true,
        }
    }
}

/// A worker is replaced after so many documents, whatever its health.
const DOCUMENTS_PER_WORKER: u32 = 2_000;
/// How long LibreOffice may take to start and warm up.
const START: Duration = Duration::from_secs(90);
/// What the pool waits beyond the worker's own deadline.
const GRACE: Duration = Duration::from_secs(2);
/// The largest PDF that is read back.
const LARGEST_PDF: u64 = 128 << 20;

/// Converts office files to PDF with supervised worker programs.
pub struct PdfPool {
    options: PoolOptions,
    room: Semaphore,
    idle: Mutex<Vec<Worker>>,
}

impl PdfPool {
    /// A pool; workers are started when first needed.
    pub fn new(options: PoolOptions) -> Self {
        folders::sweep();
        Self {
            room: Semaphore::new(options.workers.max(1)),
            idle: Mutex::default(),
            options,
        }
    }

    /// Converts `office`, which must be a sound file of `format`, to a checked PDF.
    pub async fn convert(&self, office: &[u8], format: OfficeFormat) -> Answer<Pdf> {
        let office = scan(office.to_vec(), format).await?;
        let _room = self
            .room
            .acquire()
            .await
            .map_err(|error| stopped().because(error))?;
        let idle = self.idle().pop();
        let mut outcome = self.try_once(idle, &office, format).await;
        if outcome.is_err() {
            // With a new worker: whatever broke the first may have broken the idle ones too.
            outcome = self.try_once(None, &office, format).await;
        }
        outcome.map_err(Trouble::into_failure)
    }

    async fn try_once(
        &self,
        idle: Option<Worker>,
        office: &[u8],
        format: OfficeFormat,
    ) -> Result<Pdf, Trouble> {
        let mut worker = match idle {
            Some(worker) => worker,
            None => Worker::start(&self.options.worker_command).await?,
        };
        // A worker that failed in any way is dropped here, which kills it.
        let pdf = worker.convert(office, format, &self.options).await?;
        if worker.documents < DOCUMENTS_PER_WORKER {
            self.idle().push(worker);
        }
        Ok(pdf)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// LibreOffice makes PDFs of rubbish: only files that we can read ourselves are given to it.
async fn scan(office: Vec<u8>, format: OfficeFormat) -> Answer<Vec<u8>> {
    let scanned = tokio::task::spawn_blocking(move || {
        let found = Archive::open(&office)?.format();
        Ok((found, office))
    });
    let refused = |sentence| {
        Err(PortFailure::new(
            Neighbour::Office,
            FailureClass::Rejected,
            sentence,
        ))
    };
    match scanned.await {
        Ok(Ok((found, office))) if found == format => Ok(office),
        Ok(Ok(_)) => refused(format!(
            "le fichier n'est pas au format {} annoncé",
            format.extension()
        )),
        Ok(Err(MergeFailure::Unreadable(sentence))) => refused(sentence),
        Ok(Err(MergeFailure::Faults(_))) => refused("le fichier est illisible".into()),
        Err(error) => Err(stopped().because(error)),
    }
}

fn stopped() -> PortFailure {
    PortFailure::new(
        Neighbour::Office,
        FailureClass::Transient,
        "la conversion en PDF est arrêtée",
    )
}

/// Why one try failed; for an engineer, until the clerk is told.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the worker program cannot be used: {0}")]
    Worker(#[from] io::Error),
    #[error("the worker did not answer in time")]
    Late,
    #[error("the conversion broke: {0}")]
    Crashed(String),
    #[error("LibreOffice refuses the document")]
    Refused,
    #[error(transparent)]
    Output(#[from] output::NotAPdf),
}

impl Trouble {
    fn into_failure(self) -> PortFailure {
        let (class, sentence) = match &self {
            Self::Worker(_) => (
                FailureClass::Transient,
                "LibreOffice n'a pas pu être utilisé : la conversion sera retentée",
            ),
            Self::Late | Self::Crashed(_) => (
                FailureClass::Transient,
                "LibreOffice s'est arrêté ou a pris trop de temps sur ce document",
            ),
            Self::Refused | Self::Output(_) => (
                FailureClass::Rejected,
                "LibreOffice n'a pas pu convertir ce document en PDF : vérifier le modèle",
            ),
        };
        PortFailure::new(Neighbour::Office, class, sentence).because(self)
    }
}

/// One worker program and its private folder. Dropping it kills the program and removes the folder.
struct Worker {
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    documents: u32,
    /// Before the folder, so that the program is killed first.
    _program: Child,
    folder: TempDir,
}

impl Worker {
    async fn start(command: &[OsString]) -> Result<Self, Trouble> {
        let folder = folders::create()?;
        let (program, arguments) = command
            .split_first()
            .ok_or_else(|| io::Error::other("no worker command"))?;
        let mut program = Command::new(program)
            .args(arguments)
            .arg(folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env("SAL_USE_VCLPLUGIN", "svp")
            .env("SAL_LOK_OPTIONS", "unipoll")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
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
            _program: program,
            folder,
        };
        match worker.reply(START).await? {
            Reply::Ready => Ok(worker),
            other => Err(Trouble::Crashed(format!("unexpected reply {other:?}"))),
        }
    }

    async fn convert(
        &mut self,
        office: &[u8],
        format: OfficeFormat,
        options: &PoolOptions,
    ) -> Result<Pdf, Trouble> {
        self.documents += 1;
        let request = self.request(format, options);
        tokio::fs::write(&request.input, office).await?;
        let mut line = serde_json::to_vec(&request).map_err(io::Error::from)?;
        line.push(b'\n');
        self.requests.write_all(&line).await?;
        match self.reply(options.timeout + GRACE).await? {
            Reply::Converted => {}
            Reply::Refused => return Err(Trouble::Refused),
            Reply::Crashed(how) => return Err(Trouble::Crashed(how)),
            Reply::Ready => return Err(Trouble::Crashed("the worker started again".into())),
        }
        let mut bytes = Vec::new();
        // LibreOffice says that it is done even when it has written nothing.
        tokio::fs::File::open(&request.output)
            .await
            .map_err(|_| Trouble::Refused)?
            .take(LARGEST_PDF)
            .read_to_end(&mut bytes)
            .await?;
        tokio::fs::remove_file(&request.output).await?;
        tokio::fs::remove_file(&request.input).await?;
        Ok(output::check(bytes)?)
    }

    fn request(&self, format: OfficeFormat, options: &PoolOptions) -> Request {
        let file = |name: String| -> PathBuf { self.folder.path().join(name) };
        let filter = match format {
            OfficeFormat::Odt | OfficeFormat::Docx => "writer_pdf_Export",
            OfficeFormat::Ods | OfficeFormat::Xlsx => "calc_pdf_Export",
        };
        let version = if options.archival { "2" } else { "0" };
        Request {
            input: file(format!("document.{}", format.extension())),
            output: file("document.pdf".into()),
            filter: filter.into(),
            options: format!(r#"{{"SelectPdfVersion":{{"type":"long","value":"{version}"}}}}"#),
            seconds: u32::try_from(options.timeout.as_secs()).unwrap_or(u32::MAX),
        }
    }

    async fn reply(&mut self, patience: Duration) -> Result<Reply, Trouble> {
        let mut line = String::new();
        let mut read = (&mut self.replies).take(1 << 16);
        match timeout(patience, read.read_line(&mut line)).await {
            Err(_) => Err(Trouble::Late),
            Ok(Ok(0)) => Err(Trouble::Crashed("the worker died".into())),
            Ok(Ok(_)) => Ok(serde_json::from_str(&line).map_err(io::Error::from)?),
            Ok(Err(error)) => Err(error.into()),
        }
    }
}

/// What a worker says goes to the log: it never holds data of the document.
async fn log(words: ChildStderr) {
    let mut lines = BufReader::new(words).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::debug!(target: "pdf_worker", "{line}");
    }
}
