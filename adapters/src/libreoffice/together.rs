//! Letters of one template that wait for a worker at the same time are converted in one go.
//!
//! Whoever gets the next free worker takes its letter and those that can stand beside it; each gets its own
//! answer. When anything goes wrong, each letter is converted by itself, so that a bad one costs the others
//! a second conversion and nothing more. Nobody waits for letters to come: a letter that finds a free
//! worker goes at once.

use super::{
    chunk::{self, Letter, MARK},
    pool::PdfPool,
    process::{Job, Trouble},
};
use crate::pdf::{self, NotSplit, Purpose};
use chrono::{DateTime, Utc};
use navette_domain::ports::{Answer, OfficeFormat, Pdf};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// The text of letters that stand in one document, at most.
const LARGEST_TEXT: usize = 4 << 20;
/// A second time for letters that had another number of pages than they said.
const TRIES: usize = 2;
/// Templates, and letters of each, whose numbers of pages are remembered.
const TEMPLATES: usize = 64;
const LENGTHS: usize = 256;

/// The letters that wait, and what is known of their pages.
#[derive(Default)]
pub(super) struct Together {
    queue: Mutex<VecDeque<Waiting>>,
    pages: Mutex<HashMap<[u8; 32], BTreeMap<usize, u32>>>,
}

struct Waiting {
    letter: Arc<Letter>,
    at: DateTime<Utc>,
    /// Its PDF, or nothing when it must be converted by itself.
    answer: oneshot::Sender<Option<Pdf>>,
}

/// Why letters were not converted together; for an engineer.
#[derive(Debug, thiserror::Error)]
enum Apart {
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error(transparent)]
    NotSplit(#[from] NotSplit),
}

impl From<io::Error> for Apart {
    fn from(error: io::Error) -> Self {
        Trouble::from(error).into()
    }
}

impl PdfPool {
    /// Converts a letter with those that wait, or by itself; `None` when it must go the way of other files.
    pub(super) async fn convert_letter(
        &self,
        letter: Letter,
        at: DateTime<Utc>,
    ) -> Answer<Option<Pdf>> {
        let letter = Arc::new(letter);
        if let Some(pdf) = self.among_others(Arc::clone(&letter), at).await {
            return Ok(Some(pdf));
        }
        let _room = self.enter().await?;
        self.by_itself(letter, at)
            .await
            .map_err(Trouble::into_failure)
    }

    async fn by_itself(
        &self,
        letter: Arc<Letter>,
        at: DateTime<Utc>,
    ) -> Result<Option<Pdf>, Trouble> {
        let mut said = self.together.guess(&letter);
        for _ in 0..TRIES {
            let parts = match self.parts(&[(Arc::clone(&letter), said, at)]).await {
                Ok(parts) => parts,
                Err(Apart::Trouble(trouble)) => return Err(trouble),
                Err(cause @ Apart::NotSplit(_)) => {
                    tracing::info!(%cause, "a letter goes the way of other files");
                    return Ok(None);
                }
            };
            for part in parts {
                let pdf = part?;
                self.together.learn(&letter, pdf.pages);
                if !letter.counts_pages || pdf.pages == said {
                    return Ok(Some(pdf));
                }
                said = pdf.pages;
            }
        }
        // Its number of pages depends on what it says of it.
        Ok(None)
    }

    async fn among_others(&self, letter: Arc<Letter>, at: DateTime<Utc>) -> Option<Pdf> {
        let (waiting, mut told) = Waiting::new(letter, at);
        self.together.queue().push_back(waiting);
        loop {
            let room = tokio::select! {
                biased;
                // An error: the one who had it gave up.
                told = &mut told => return told.ok().flatten(),
                room = self.room.acquire() => room.ok()?,
            };
            let group = self.together.take(self.options.letters_together);
            if group.is_empty() {
                drop(room);
                return told.await.ok().flatten();
            }
            self.convert_group(group).await;
        }
    }

    /// Converts letters that can stand together, and answers for each.
    async fn convert_group(&self, mut group: Vec<Waiting>) {
        let mut known: HashMap<usize, u32> = HashMap::new();
        for _ in 0..TRIES {
            let letters: Vec<_> = (group.iter().enumerate())
                .map(|(rank, waiting)| {
                    let guess = || self.together.guess(&waiting.letter);
                    let pages = known.get(&rank).copied().unwrap_or_else(guess);
                    (Arc::clone(&waiting.letter), pages, waiting.at)
                })
                .collect();
            let parts = match self.parts(&letters).await {
                Ok(parts) => parts,
                Err(cause) => {
                    tracing::info!(letters = group.len(), %cause, "letters are converted by themselves");
                    break;
                }
            };
            let mut again = Vec::new();
            known.clear();
            for ((waiting, (letter, said, _)), part) in group.into_iter().zip(letters).zip(parts) {
                let Ok(part) = part else {
                    waiting.tell(None);
                    continue;
                };
                self.together.learn(&letter, part.pages);
                if letter.counts_pages && part.pages != said {
                    known.insert(again.len(), part.pages);
                    again.push(waiting);
                } else {
                    waiting.tell(Some(part));
                }
            }
            group = again;
            if group.is_empty() {
                return;
            }
        }
        for waiting in group {
            waiting.tell(None);
        }
    }

    /// The PDF of each letter, if it is fit.
    async fn parts(
        &self,
        letters: &[(Arc<Letter>, u32, DateTime<Utc>)],
    ) -> Result<Vec<Result<Pdf, Trouble>>, Apart> {
        let owned = letters.to_vec();
        let office = blocking(move || {
            let letters: Vec<_> = (owned.iter())
                .map(|(letter, pages, _)| (letter.as_ref(), *pages))
                .collect();
            Ok(chunk::combine(&letters)?)
        })
        .await?;
        let dates: Vec<_> = letters.iter().map(|(_, _, at)| *at).collect();
        let job = Job {
            office: &office,
            format: OfficeFormat::Odt,
            at: dates.first().copied().unwrap_or_default(),
            marked: true,
        };
        let whole = self.attempt_anew(job).await?;
        let purpose = self.options.purpose();
        blocking(move || split(&whole.bytes, &dates, purpose)).await
    }
}

fn split(
    whole: &[u8],
    dates: &[DateTime<Utc>],
    purpose: Purpose,
) -> Result<Vec<Result<Pdf, Trouble>>, Apart> {
    let parts = pdf::split(whole, MARK, dates)?.into_iter();
    let checked = parts.map(|part| {
        let pages = pdf::produced(&part.bytes, purpose).map_err(Trouble::Output)?;
        let bytes = part.bytes;
        Ok(Pdf { bytes, pages })
    });
    Ok(checked.collect())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Apart> + Send + 'static,
) -> Result<T, Apart> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

impl Waiting {
    fn new(letter: Arc<Letter>, at: DateTime<Utc>) -> (Self, oneshot::Receiver<Option<Pdf>>) {
        let (answer, told) = oneshot::channel();
        let waiting = Self { letter, at, answer };
        (waiting, told)
    }

    /// Whoever does not wait any more needs no answer.
    fn tell(self, told: Option<Pdf>) {
        let _ = self.answer.send(told);
    }
}

impl Together {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The letter that has waited longest, and at most `most - 1` that can stand beside it.
    fn take(&self, most: usize) -> Vec<Waiting> {
        let mut queue = self.queue();
        queue.retain(|waiting| !waiting.answer.is_closed());
        let Some(first) = queue.pop_front() else {
            return Vec::new();
        };
        let (key, mut text) = (first.letter.key, first.letter.length);
        let mut group = vec![first];
        let mut left = VecDeque::new();
        for waiting in queue.drain(..) {
            let longer = text + waiting.letter.length;
            if group.len() < most && waiting.letter.key == key && longer <= LARGEST_TEXT {
                text = longer;
                group.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        *queue = left;
        group
    }

    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], BTreeMap<usize, u32>>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many pages a letter will have: as many as the one of its template that is nearest in length.
    fn guess(&self, letter: &Letter) -> u32 {
        let known = self.known();
        let Some(lengths) = known.get(&letter.key) else {
            return 1;
        };
        let below = lengths.range(..=letter.length).next_back();
        let above = lengths.range(letter.length..).next();
        [below, above]
            .into_iter()
            .flatten()
            .min_by_key(|(length, _)| length.abs_diff(letter.length))
            .map_or(1, |(_, pages)| *pages)
    }

    fn learn(&self, letter: &Letter, pages: u32) {
        let mut known = self.known();
        if known.len() >= TEMPLATES && !known.contains_key(&letter.key) {
            known.clear();
        }
        let lengths = known.entry(letter.key).or_default();
        if lengths.len() >= LENGTHS {
            lengths.clear();
        }
        lengths.insert(letter.length, pages);
    }
}
