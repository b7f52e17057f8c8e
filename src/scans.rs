//! Scanned letters that come back signed: read, told apart, kept, and taken on in their chains. Each document is taken
//! by itself: what is wrong with the pages of one keeps no other back, and the same pages again change nothing.
//!
//! The file that was sent is not kept, since it is about many: only what was cut out of it for each document is.

use crate::{
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    unit::{Envelope, Unit},
};
use anyhow::Context as _;
use futures::FutureExt as _;
use navette_adapters::{
    log::StreamState,
    pdf::{NotAPdf, ScannedFile, ScannedPage},
    scan::{self as reading, NotDrawn, SeenPage},
};
use navette_domain::{
    chain::StepId,
    digest::Digest,
    document::{Document, DocumentCommand, PdfRef},
    ids::{CommandId, DocumentId},
    paper_reference::PaperReference,
    ports::FileStore,
    scan::{Left, Page, Pages, ScanFault, awaited, kept, sort},
};
use navette_projections::{
    documents::{self, DocumentRow},
    scope::Scope,
};
use std::{
    fs::File,
    io::{Read as _, Seek as _},
    sync::Arc,
};
use tokio::sync::Semaphore;
use uuid::Uuid;

/// The most pages of one file.
pub const MOST_PAGES: u32 = 500;

/// A file of scanned letters, as it was sent.
pub struct Upload {
    /// What it holds.
    pub file: File,
    /// Its SHA-256.
    pub digest: Digest,
}

/// A document whose scan was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Which.
    pub document: Uuid,
    /// What people call it.
    pub title: String,
    /// Its pages in the file, those that were dropped as blank among them.
    pub pages: Pages,
    /// Where it stands in the log.
    pub receipt: Receipt,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sorted {
    /// How many pages it has.
    pub pages: u32,
    /// What was taken, in the order of its pages.
    pub taken: Vec<Taken>,
    /// What was not, in the order of its pages, with the title of the document that is named there.
    pub left: Vec<(Left, Option<String>)>,
}

/// Why nothing of a file was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanRefusal {
    /// It cannot be read.
    #[error("Le scan n'est pas lisible : {0}. Enregistrez-le en PDF, puis envoyez-le de nouveau.")]
    NotAPdf(#[from] NotAPdf),
    /// It is too long.
    #[error(
        "Ce scan a {0} pages : envoyez-le en plusieurs fois, de {MOST_PAGES} pages au plus, sans séparer les pages d'un document."
    )]
    TooLong(u32),
    /// This machine reads no scans.
    #[error("{0}")]
    NoReader(String),
    /// It is not of the document that it was sent for.
    #[error("Le scan n'est pas pris : {0}.")]
    Fault(#[from] ScanFault),
}

/// Takes scans.
#[derive(Clone)]
pub struct Scans {
    dispatcher: Dispatcher,
    files: Arc<dyn FileStore>,
    /// One file is read at a time: it takes memory and processors.
    turn: Arc<Semaphore>,
}

/// A file that was read.
struct Whole {
    file: Arc<ScannedFile>,
    seen: Vec<SeenPage>,
    digest: Digest,
}

impl Whole {
    fn pages(&self) -> Vec<Page> {
        self.seen.iter().map(|seen| seen.page.clone()).collect()
    }

    /// A PDF of these pages, each set upright.
    async fn cut(&self, numbers: Vec<u32>) -> anyhow::Result<Vec<u8>> {
        let turn = |number: u32| {
            let index = usize::try_from(number).unwrap_or_default().checked_sub(1);
            let seen = index.and_then(|index| self.seen.get(index));
            seen.map_or(0, |seen| seen.turn)
        };
        let pages = numbers.into_iter().map(|number| ScannedPage {
            number,
            turn: turn(number),
        });
        let (pages, file) = (pages.collect::<Vec<_>>(), self.file.clone());
        let cut = tokio::task::spawn_blocking(move || file.cut(&pages)).await?;
        cut.context("cutting a letter out of a scan")
    }
}

type Outcome<T, R> = Result<T, DispatchFailure<R>>;

impl Scans {
    /// Scans of the documents of this dispatcher's log, kept in this store.
    pub fn new(dispatcher: Dispatcher, files: Arc<dyn FileStore>) -> Self {
        Self {
            dispatcher,
            files,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Takes the letters of a file, each told by the reference on it, of which `scope` sees the document.
    pub async fn take_all(
        &self,
        scope: &Scope,
        envelope: &Envelope,
        upload: Upload,
    ) -> Outcome<Sorted, ScanRefusal> {
        let whole = self.read(upload).await?;
        let pages = whole.pages();
        let (letters, left) = sort(&pages);
        let named = left.iter().filter_map(|left| left.reference);
        let named = letters.iter().map(|letter| letter.reference).chain(named);
        let rows = self.seen(scope, named).await?;
        let title = |reference: Option<PaperReference>| {
            let row = rows
                .iter()
                .find(|row| Some(row.id) == reference.map(|it| it.document.0));
            row.map(|row| row.title.clone())
        };
        let mut sorted = Sorted {
            pages: whole.file.pages(),
            taken: vec![],
            left: left
                .into_iter()
                .map(|it| (it.clone(), title(it.reference)))
                .collect(),
        };
        for letter in letters {
            let document = letter.reference.document;
            let choose = |printed| kept(letter.pages, &pages, printed);
            let taken = match title(Some(letter.reference)) {
                None => Err(DispatchFailure::Refused(ScanFault::Unknown)),
                Some(title) => {
                    let (part, references) = (part(envelope, document), [letter.reference]);
                    let taken =
                        self.take(&part, &whole, &references, document, letter.pages, choose);
                    taken.await.map(|receipt| (title, receipt))
                }
            };
            match taken {
                Ok((title, receipt)) => sorted.taken.push(Taken {
                    document: document.0,
                    title,
                    pages: letter.pages,
                    receipt,
                }),
                Err(DispatchFailure::Refused(fault)) => {
                    let reference = Some(letter.reference);
                    let left = Left {
                        pages: letter.pages,
                        reference,
                        fault,
                    };
                    sorted.left.push((left, title(reference)));
                }
                Err(failure) => return Err(failure.into_refusal()),
            }
        }
        sorted.left.sort_by_key(|(left, _)| left.pages);
        Ok(sorted)
    }

    /// Takes a file that is the scan of this document, of which `scope` sees it, as somebody says: no page needs a
    /// reference, and there may be more or fewer than were printed. What bears the reference of another is refused.
    pub async fn take_one(
        &self,
        scope: &Scope,
        envelope: &Envelope,
        document: DocumentId,
        upload: Upload,
    ) -> Outcome<Taken, ScanRefusal> {
        let named = PaperReference { document, round: 1 };
        let row = self.seen(scope, [named].into_iter()).await?.pop();
        let refused = |fault: ScanFault| DispatchFailure::Refused(ScanRefusal::from(fault));
        let row = row.ok_or_else(|| refused(ScanFault::Unknown))?;
        let whole = self.read(upload).await?;
        let pages = whole.pages();
        let references: Vec<_> = pages.iter().flat_map(|it| it.references.clone()).collect();
        if references.iter().any(|other| other.document != document) {
            return Err(refused(ScanFault::OtherDocument));
        }
        let all = Pages {
            first: 1,
            last: whole.file.pages(),
        };
        let choose =
            |printed| Ok(kept(all, &pages, printed).unwrap_or_else(|_| (1..=all.last).collect()));
        let taken = self.take(envelope, &whole, &references, document, all, choose);
        let receipt = taken.await.map_err(DispatchFailure::into_refusal)?;
        Ok(Taken {
            document: document.0,
            title: row.title,
            pages: all,
            receipt,
        })
    }

    /// Reads a file, when its turn comes.
    async fn read(&self, upload: Upload) -> Outcome<Whole, ScanRefusal> {
        let refused = |refusal: ScanRefusal| DispatchFailure::Refused(refusal);
        let turn = self.turn.acquire().await;
        let _turn = turn.context("waiting for the scans before")?;
        let Upload { mut file, digest } = upload;
        let opened = tokio::task::spawn_blocking(move || {
            let mut bytes = vec![];
            file.rewind()?;
            file.read_to_end(&mut bytes)?;
            std::io::Result::Ok((ScannedFile::open(&bytes), file))
        });
        let opened = opened.await.context("opening a scan")?;
        let (scanned, file) = opened.context("reading a scan again")?;
        let scanned = scanned.map_err(|fault| refused(fault.into()))?;
        let pages = scanned.pages();
        if pages > MOST_PAGES {
            return Err(refused(ScanRefusal::TooLong(pages)));
        }
        let seen = reading::read(&file, pages)
            .await
            .map_err(|cause| match cause {
                NotDrawn::NoProgram => {
                    tracing::error!(%cause, "scans cannot be read on this machine");
                    refused(ScanRefusal::NoReader(cause.to_string()))
                }
                NotDrawn::Fault(_) => DispatchFailure::Fault(cause.into()),
            })?;
        Ok(Whole {
            file: Arc::new(scanned),
            seen,
            digest,
        })
    }

    /// The documents that are named, of those that `scope` sees.
    async fn seen<R: std::error::Error>(
        &self,
        scope: &Scope,
        named: impl Iterator<Item = PaperReference>,
    ) -> Outcome<Vec<DocumentRow>, R> {
        let ids: Vec<Uuid> = named.map(|reference| reference.document.0).collect();
        let rows = documents::by_ids(self.dispatcher.log().pool(), scope, &ids).await;
        Ok(rows.context("looking for scanned documents")?)
    }

    /// Takes the scan of one document; `choose` says which pages are kept of it, when so many were printed.
    async fn take(
        &self,
        envelope: &Envelope,
        whole: &Whole,
        references: &[PaperReference],
        document: DocumentId,
        pages: Pages,
        choose: impl Fn(u32) -> Result<Vec<u32>, ScanFault>,
    ) -> Outcome<Receipt, ScanFault> {
        if let Some(receipt) = self.dispatcher.answered(envelope).await? {
            return Ok(receipt);
        }
        let (_, waits) = self.waits(document, references).await?;
        let numbers = choose(waits.printed.pages).map_err(DispatchFailure::Refused)?;
        let count = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let scan = whole.cut(numbers).await?;
        // A file is in the store before an event names it.
        let stored = self.files.put(scan).await;
        let stored = stored.map_err(|cause| anyhow::anyhow!(cause));
        let pdf = PdfRef {
            file: stored.context("storing a scan")?,
            pages: count,
        };
        let waited = &waits;
        self.dispatcher
            .commit(envelope, |mut unit: Unit| {
                async move {
                    let (mut loaded, waits) = self.waits(document, references).await?;
                    if waits != *waited {
                        return Err(DispatchFailure::Refused(ScanFault::OtherRound));
                    }
                    let chain = loaded.state.journey().map(|journey| journey.order.chain);
                    let chain = chain.context("a scan without its document")?;
                    let definition = self.dispatcher.definition(chain).await?;
                    let command = DocumentCommand::RecordScanReturned {
                        step: waits.step,
                        pdf,
                        upload: whole.digest,
                        first: pages.first,
                        last: pages.last,
                        at: unit.at(),
                    };
                    unit.decide_document(&definition, document, &mut loaded, command)
                        .context("recording a scan that is waited for")?;
                    Ok(unit)
                }
                .boxed()
            })
            .await
    }

    /// For what a document waits, if it may take a scan that bears these references.
    async fn waits(
        &self,
        document: DocumentId,
        references: &[PaperReference],
    ) -> Outcome<(StreamState<Document>, Waits), ScanFault> {
        let refused = |fault: ScanFault| DispatchFailure::Refused(fault);
        let loaded = self.dispatcher.load::<Document>(document.0).await?;
        let journey = loaded.state.journey();
        let journey = journey.ok_or_else(|| refused(ScanFault::Unknown))?;
        let definition = self.dispatcher.definition(journey.order.chain).await?;
        let mut step = awaited(&definition, journey, None);
        for reference in references {
            step = awaited(&definition, journey, Some(*reference)).and(step);
        }
        let printed = journey
            .stage
            .pdf()
            .context("a printed document without its PDF");
        let waits = Waits {
            step: step.map_err(refused)?,
            printed: printed?,
            round: journey.round,
        };
        Ok((loaded, waits))
    }
}

/// For what a document waits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Waits {
    step: StepId,
    printed: PdfRef,
    round: u32,
}

/// The part of a request that is about one document: repeated, it is the same part.
fn part(whole: &Envelope, document: DocumentId) -> Envelope {
    Envelope {
        command: CommandId::following(whole.command.0, &document.to_string()),
        ..whole.clone()
    }
}
