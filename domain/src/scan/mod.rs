//! A file of scanned letters that come back signed: whose pages are whose, and what may be taken of them.

#[cfg(test)]
mod tests;

use crate::{
    chain::{Action, Definition, StepId},
    document::{DocumentStatus, Journey},
    french,
    paper_reference::PaperReference,
};
use serde::Serialize;
use std::fmt;

/// What was read on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The references of documents on it, each once.
    pub references: Vec<PaperReference>,
    /// Whether there is nothing on it: the back of a sheet, most often.
    pub is_blank: bool,
}

/// Pages that follow each other in a file, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pages {
    /// The first.
    pub first: u32,
    /// The last.
    pub last: u32,
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "Page {}", self.first)
        } else {
            write!(f, "Pages {} à {}", self.first, self.last)
        }
    }
}

/// The pages of a document, from one that bears its reference up to those of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letter {
    /// Which.
    pub reference: PaperReference,
    /// Its pages.
    pub pages: Pages,
}

/// Pages that nothing was done with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub pages: Pages,
    /// The document that they name, if they name one.
    pub reference: Option<PaperReference>,
    /// Why.
    pub fault: ScanFault,
}

/// Why pages are left, in words that follow their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScanFault {
    /// Nothing tells whose they are.
    #[error(
        "aucune référence de document n'y est lisible : numérisez-les mieux, ou envoyez-les à part pour leur document"
    )]
    NoReference,
    /// A page of two documents.
    #[error("plusieurs références de documents s'y trouvent : numérisez chaque page à part")]
    SeveralReferences,
    /// The pages of a document are in several places of the file.
    #[error(
        "ce document est à plusieurs endroits du fichier : numérisez toutes ses pages à la suite, une seule fois"
    )]
    Twice,
    /// No such document, or none that whoever sends the file may see.
    #[error("leur référence n'est celle d'aucun document qui vous soit visible")]
    Unknown,
    /// The document started over since they were printed, or they are another's.
    #[error(
        "elles ont été imprimées avant que le document ne recommence : imprimez et faites signer celui qui est en vigueur"
    )]
    OtherRound,
    /// The document has its scan.
    #[error("le scan de ce document est déjà là")]
    AlreadyBack,
    /// The document does not wait for a scan.
    #[error("ce document est « {} » et n'attend pas de scan", french::document_status(*.status))]
    NotOnPaper {
        /// Where it stands.
        #[serde(skip)]
        status: DocumentStatus,
    },
    /// Pages are missing, or too many.
    #[error(
        "{printed} pages de ce document ont été imprimées, et {scanned} sont là, sans compter les blanches : numérisez-le entier, ou envoyez-le à part"
    )]
    OtherPages {
        /// How many were printed.
        printed: u32,
        /// How many came back that are not blank.
        scanned: u32,
    },
    /// What was sent for one document bears the reference of another.
    #[error("une page porte la référence d'un autre document")]
    OtherDocument,
}

/// Whose pages are whose: a page with a reference begins its document, or goes on with it; one without goes on with
/// the one before. Blank pages before the first are nobody's, and are not told.
pub fn sort(pages: &[Page]) -> (Vec<Letter>, Vec<Left>) {
    let (mut letters, mut left) = (Vec::<Letter>::new(), Vec::<Left>::new());
    // Whether the page before was the last letter's.
    let mut open = false;
    for (number, page) in (1..).zip(pages) {
        let here = Pages {
            first: number,
            last: number,
        };
        match (page.references.as_slice(), letters.last_mut()) {
            ([], Some(letter)) if open => letter.pages.last = number,
            ([], _) if page.is_blank => {}
            ([], _) => match left.last_mut() {
                Some(before)
                    if before.fault == ScanFault::NoReference
                        && before.pages.last + 1 == number =>
                {
                    before.pages.last = number;
                }
                _ => left.push(Left {
                    pages: here,
                    reference: None,
                    fault: ScanFault::NoReference,
                }),
            },
            ([one], Some(letter)) if open && letter.reference == *one => {
                letter.pages.last = number;
            }
            ([one], _) => {
                open = true;
                letters.push(Letter {
                    reference: *one,
                    pages: here,
                });
            }
            (_, _) => {
                open = false;
                left.push(Left {
                    pages: here,
                    reference: None,
                    fault: ScanFault::SeveralReferences,
                });
            }
        }
    }
    let is_met_again = |letter: &Letter| {
        let same = letters
            .iter()
            .filter(|other| other.reference.document == letter.reference.document);
        same.count() > 1
    };
    let (twice, letters): (Vec<_>, Vec<_>) = letters.iter().copied().partition(is_met_again);
    left.extend(twice.into_iter().map(|letter| Left {
        pages: letter.pages,
        reference: Some(letter.reference),
        fault: ScanFault::Twice,
    }));
    left.sort_by_key(|left| left.pages);
    (letters, left)
}

/// The step of a document that its scan ends, if it waits for one. `reference` is what the scan bears, if it bears
/// anything.
///
/// # Errors
///
/// Why the scan cannot be taken.
pub fn awaited(
    definition: &Definition,
    journey: &Journey,
    reference: Option<PaperReference>,
) -> Result<StepId, ScanFault> {
    let is_print = |step: &StepId| {
        let step = definition.step(step);
        step.is_some_and(|step| step.action == Action::Print)
    };
    let is_of_another = reference.is_some_and(|reference| !journey.bears(reference));
    match journey.on_paper(definition) {
        _ if is_of_another => Err(ScanFault::OtherRound),
        Some(step) => Ok(step.clone()),
        None if journey.done.iter().any(is_print) => Err(ScanFault::AlreadyBack),
        None => Err(ScanFault::NotOnPaper {
            status: journey.status(),
        }),
    }
}

/// The pages of a letter that was printed on so many: all of them, or those that are not blank.
///
/// # Errors
///
/// [`ScanFault::OtherPages`] when neither are as many.
pub fn kept(letter: Pages, pages: &[Page], printed: u32) -> Result<Vec<u32>, ScanFault> {
    let all: Vec<u32> = (letter.first..=letter.last).collect();
    let count = |pages: &[u32]| u32::try_from(pages.len()).unwrap_or(u32::MAX);
    if count(&all) == printed {
        return Ok(all);
    }
    let is_written = |number: &u32| {
        let index = usize::try_from(number - 1).ok();
        index.is_some_and(|index| pages.get(index).is_some_and(|page| !page.is_blank))
    };
    let written: Vec<u32> = all.into_iter().filter(is_written).collect();
    let scanned = count(&written);
    if scanned == printed {
        Ok(written)
    } else {
        Err(ScanFault::OtherPages { printed, scanned })
    }
}
