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
use navette_domain::ports::{OfficeFormat, Pdf};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// The text of letters that stand in one document, at most: what one of ten pages has some fifty times.
const LARGEST_TEXT: usize = 8 << 20;
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
    answer: oneshot::Sender<Told>,
}

/// What the one who waits is told.
enum Told {
    Done(Pdf),
    /// It did not work; `among` others, or by itself.
    Broken {
        among: bool,
    },
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
    /// Converts a letter with those that wait; `None` when it must be tried in the way of other files.
    pub(super) async fn convert_letter(&self, letter: Letter, at: DateTime<Utc>) -> Option<Pdf> {
        let letter = Arc::new(letter);
        match self.among_others(Arc::clone(&letter), at).await {
            Some(Told::Done(pdf)) => return Some(pdf),
            Some(Told::Broken { among: false }) => return None,
            Some(Told::Broken { among: true }) | None => {}
        }
        let _room = self.room.acquire().await.ok()?;
        let (waiting, mut told) = Waiting::new(letter, at);
        self.convert_group(vec![waiting]).await;
        match told.try_recv() {
            Ok(Told::Done(pdf)) => Some(pdf),
            _ => None,
        }
    }

    async fn among_others(&self, letter: Arc<Letter>, at: DateTime<Utc>) -> Option<Told> {
        let (waiting, mut told) = Waiting::new(letter, at);
        self.together.queue().push_back(waiting);
        loop {
            let room = tokio::select! {
                biased;
                // An error: the one who had it gave up.
                told = &mut told => return told.ok(),
                room = self.room.acquire() => room.ok()?,
            };
            let group = self.together.take(self.options.letters_together);
            if group.is_empty() {
                drop(room);
                return told.await.ok();
            }
            self.convert_group(group).await;
        }
    }

    /// Converts letters that can stand together, and answers for each.
    async fn convert_group(&self, mut group: Vec<Waiting>) {
        let mut known: HashMap<usize, u32> = HashMap::new();
        // A second time for those that had another number of pages than they said.
        for _ in 0..2 {
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
                    tracing::info!(letters = group.len(), %cause, "letters are converted one by one");
                    break;
                }
            };
            let mut again = Vec::new();
            known.clear();
            for ((waiting, (letter, said, _)), part) in group.into_iter().zip(letters).zip(parts) {
                self.together.learn(&letter, part.pages);
                if letter.counts_pages && part.pages != said {
                    known.insert(again.len(), part.pages);
                    again.push(waiting);
                } else {
                    waiting.tell(Told::Done(part));
                }
            }
            group = again;
            if group.is_empty() {
                return;
            }
        }
        let among = group.len() > 1;
        for waiting in group {
            waiting.tell(Told::Broken { among });
        }
    }

    /// The checked PDF of each letter.
    async fn parts(
        &self,
        letters: &[(Arc<Letter>, u32, DateTime<Utc>)],
    ) -> Result<Vec<Pdf>, Apart> {
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
        let idle = self.idle().pop();
        let whole = self.attempt(job, idle).await?;
        let purpose = self.options.purpose();
        blocking(move || split(&whole.bytes, &dates, purpose)).await
    }
}

fn split(whole: &[u8], dates: &[DateTime<Utc>], purpose: Purpose) -> Result<Vec<Pdf>, Apart> {
    pdf::split(whole, MARK, dates)?
        .into_iter()
        .map(|part| {
            let pages = pdf::produced(&part.bytes, purpose).map_err(Trouble::Output)?;
            let bytes = part.bytes;
            Ok(Pdf { bytes, pages })
        })
        .collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Apart> + Send + 'static,
) -> Result<T, Apart> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

impl Waiting {
    fn new(letter: Arc<Letter>, at: DateTime<Utc>) -> (Self, oneshot::Receiver<Told>) {
        let (answer, told) = oneshot::channel();
        let waiting = Self { letter, at, answer };
        (waiting, told)
    }

    /// Whoever does not wait any more needs no answer.
    fn tell(self, told: Told) {
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
