//! As many worker programs as the machine has room for. One that dies, hangs or says nonsense is replaced,
//! and costs its document one retry; a document that breaks its own copy costs nobody else anything.

use super::{
    chunk::{Alone, Letter},
    folders,
    machine::Machine,
    process::{Job, Trouble, Worker},
    together::Together,
};
use crate::{merge::archive::Archive, pdf::Purpose};
use chrono::{DateTime, Utc};
use navette_domain::ports::{
    Answer, FailureClass, MergeFailure, Neighbour, OfficeFormat, Pdf, PortFailure,
};
use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How a pool is made.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// How many documents are converted at once, at least 1.
    pub workers: usize,
    /// How long one conversion may take.
    pub timeout: Duration,
    /// The bytes of address space that one conversion may use.
    pub address_space: u64,
    /// The worker program and its arguments; the worker's own folder is added as the last one.
    pub worker_command: Vec<OsString>,
    /// The folder of LibreOffice's programs, when it is not where distributions put it.
    pub libreoffice: Option<PathBuf>,
    /// Whether PDFs are PDF/A-2b, for signature and archive.
    pub archival: bool,
    /// How many letters of one template are converted together at most. A letter that can be has the same
    /// bytes whatever letters it was converted with, or by itself; with 0, all files are converted one by
    /// one, and have the bytes that LibreOffice gives them.
    pub letters_together: usize,
}

/// What is gained by more is little; what one bad letter makes the others lose grows.
pub const LETTERS_TOGETHER: usize = 20;

impl PoolOptions {
    /// As many workers as this machine has room for, a minute per document, PDF/A-2b.
    pub fn for_this_machine(worker_command: Vec<OsString>) -> Self {
        let machine = Machine::this();
        Self {
            workers: machine.workers(),
            timeout: Duration::from_mins(1),
            address_space: machine.address_space(),
            worker_command,
            libreoffice: None,
            archival: true,
            letters_together: LETTERS_TOGETHER,
        }
    }

    pub(super) fn purpose(&self) -> Purpose {
        if self.archival {
            Purpose::Archive
        } else {
            Purpose::Reading
        }
    }
}

/// Converts office files to PDF with supervised worker programs.
pub struct PdfPool {
    pub(super) options: PoolOptions,
    pub(super) room: Semaphore,
    pub(super) together: Together,
    idle: Mutex<Vec<Worker>>,
    conversions: AtomicU64,
}

impl PdfPool {
    /// A pool; workers are started when first needed.
    pub fn new(options: PoolOptions) -> Self {
        folders::sweep();
        Self {
            room: Semaphore::new(options.workers.max(1)),
            together: Together::default(),
            idle: Mutex::default(),
            conversions: AtomicU64::new(0),
            options,
        }
    }

    /// Converts `office`, which must be a sound file of `format`, to a checked PDF dated `at`.
    pub async fn convert(
        &self,
        office: &[u8],
        format: OfficeFormat,
        at: DateTime<Utc>,
    ) -> Answer<Pdf> {
        let office = scan(office.to_vec(), format).await?;
        self.convert_scanned(&office, format, at).await
    }

    /// Converts what was scanned already, or is our own.
    pub(crate) async fn convert_scanned(
        &self,
        office: &[u8],
        format: OfficeFormat,
        at: DateTime<Utc>,
    ) -> Answer<Pdf> {
        if self.options.letters_together > 0 && format == OfficeFormat::Odt {
            match read_letter(office.to_vec()).await {
                Ok(letter) => {
                    if let Some(pdf) = self.convert_letter(letter, at).await? {
                        return Ok(pdf);
                    }
                }
                Err(why) => tracing::debug!(%why, "a letter is converted alone"),
            }
        }
        let job = Job {
            office,
            format,
            at,
            marked: false,
        };
        let _room = self.enter().await?;
        let outcome = match self.attempt_anew(job).await {
            // The machine may have been short of memory; the worker is sound.
            Err(Trouble::Crashed(_)) => {
                let idle = self.idle().pop();
                self.attempt(job, idle).await
            }
            outcome => outcome,
        };
        outcome.map_err(Trouble::into_failure)
    }

    /// The bytes of memory that each waiting worker holds.
    pub fn resident(&self) -> Vec<u64> {
        self.idle().iter().filter_map(Worker::resident).collect()
    }

    /// Waits for one's turn.
    pub(super) async fn enter(&self) -> Answer<SemaphorePermit<'_>> {
        let room = self.room.acquire().await;
        room.map_err(|error| stopped().because(error))
    }

    /// Tries with a new worker when the first breaks: whatever broke it may have broken the idle ones too.
    pub(super) async fn attempt_anew(&self, job: Job<'_>) -> Result<Pdf, Trouble> {
        let idle = self.idle().pop();
        match self.attempt(job, idle).await {
            Err(trouble) if trouble.is_the_workers() => self.attempt(job, None).await,
            outcome => outcome,
        }
    }

    /// How many times LibreOffice was given something to convert.
    pub fn conversions(&self) -> u64 {
        self.conversions.load(Ordering::Relaxed)
    }

    async fn attempt(&self, job: Job<'_>, idle: Option<Worker>) -> Result<Pdf, Trouble> {
        self.conversions.fetch_add(1, Ordering::Relaxed);
        let mut worker = match idle {
            Some(worker) => worker,
            None => self.new_worker().await?,
        };
        let outcome = worker.convert(job, &self.options).await;
        // A worker that is not put back is dropped, which kills it.
        match outcome {
            Ok(pdf) => {
                self.put_back(worker);
                Ok(pdf)
            }
            Err(trouble) if trouble.is_the_workers() => Err(trouble),
            Err(trouble) => {
                // Is it the document? A worker that cannot do what it did at its start is to blame.
                if !worker.is_sound(&self.options).await {
                    return Err(io::Error::other(trouble).into());
                }
                self.put_back(worker);
                Err(trouble)
            }
        }
    }

    /// Started by a thread of the runtime, because a worker ends with the thread that started it.
    async fn new_worker(&self) -> Result<Worker, Trouble> {
        tokio::spawn(Worker::start(self.options.clone()))
            .await
            .map_err(io::Error::other)?
    }

    fn put_back(&self, worker: Worker) {
        if !worker.is_worn() {
            self.idle().push(worker);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
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

async fn read_letter(office: Vec<u8>) -> Result<Letter, Alone> {
    tokio::task::spawn_blocking(move || Letter::read(&office))
        .await
        .unwrap_or(Err(Alone::Unreadable))
}

fn stopped() -> PortFailure {
    PortFailure::new(
        Neighbour::Office,
        FailureClass::Transient,
        "la conversion en PDF est arrêtée",
    )
}
