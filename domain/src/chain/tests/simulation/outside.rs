//! The neighbours, as far as their contracts go: what they hold, what they answer, and their own ledger of
//! what they really did. Each does a thing once under its key, but for the mail register and the mail relay,
//! which know no key of ours.

use super::random::Random;
use crate::{
    digest::Digest,
    ids::{DocumentId, EffectId, SignatureId},
    ports::Neighbour,
};
use std::collections::BTreeMap;

/// One outside request. A file's place bears its document and its round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// Our own merging or converting: it leaves nothing outside.
    Make,
    Put(DocumentId, u32, Digest),
    AskForVisa(DocumentId, u32),
    Find(DocumentId, u32),
    VisaState(u64),
    Remove(u64),
    Create(SignatureId, Digest),
    History(SignatureId),
    Content(SignatureId),
    TakeBack(SignatureId),
    Archive(SignatureId),
    EraseRejected(SignatureId),
    Search(DocumentId),
    Register(DocumentId, Digest),
    Deposit(Neighbour, DocumentId, Digest),
    ReportStatus(EffectId),
    Mail(EffectId, Digest),
}

impl Request {
    /// Whether the neighbour knows it again by a key of ours, so that it may come twice.
    pub(super) fn has_a_key(self) -> bool {
        !matches!(self, Self::Register(..))
    }
}

/// What a neighbour answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Done,
    /// Refused as things are; the caller looks again.
    No,
    Absent,
    File(u64),
    Pending,
    Approved(Digest),
    Rejected,
    Finished,
    Pdf(Digest),
    Number(u64),
}

/// What those who give visas and sign will say, and when.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    at: u64,
    yes: bool,
    annotates: bool,
}

#[derive(Debug)]
pub(super) struct File {
    pub place: (DocumentId, u32),
    content: Digest,
    verdict: Option<Verdict>,
    /// It was put under a lease that was lost by then.
    pub too_late: bool,
}

#[derive(Debug)]
pub(super) struct Folder {
    content: Digest,
    verdict: Verdict,
    taken_back: bool,
    pub too_late: bool,
}

/// What became of a letter in the mail register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Registered {
    pub content: Digest,
    pub too_late: bool,
}

#[derive(Debug, Default)]
pub(super) struct Outside {
    pub files: BTreeMap<u64, File>,
    pub folders: BTreeMap<SignatureId, Folder>,
    pub register: BTreeMap<DocumentId, Vec<Registered>>,
    pub deposits: BTreeMap<(Neighbour, DocumentId), Digest>,
    pub statuses: BTreeMap<EffectId, u32>,
    pub mails: BTreeMap<EffectId, Vec<Digest>>,
    /// How often each place and each folder was made, but for what came too late.
    pub made_places: BTreeMap<(DocumentId, u32), u32>,
    pub made_folders: BTreeMap<SignatureId, u32>,
    files_ever: u64,
}

/// The PDF as the desk gives it back.
pub(super) fn signed(sent: Digest) -> Digest {
    Digest::of_parts([b"signed".as_slice(), sent.as_bytes()])
}

fn annotated(sent: Digest) -> Digest {
    Digest::of_parts([b"annotated".as_slice(), sent.as_bytes()])
}

impl Outside {
    /// Does what is asked at this moment, once however often it is asked.
    pub(super) fn apply(
        &mut self,
        request: Request,
        at: u64,
        too_late: bool,
        favour: u64,
        random: &mut Random,
    ) -> Said {
        match request {
            Request::Make => Said::Done,
            Request::Put(document, round, content) => {
                let place = (document, round);
                if let Some(id) = self.file_at(place) {
                    return Said::File(id);
                }
                self.files_ever += 1;
                *self.made_places.entry(place).or_default() += u32::from(!too_late);
                let file = File {
                    place,
                    content,
                    verdict: None,
                    too_late,
                };
                self.files.insert(self.files_ever, file);
                Said::File(self.files_ever)
            }
            Request::AskForVisa(document, round) => {
                let Some(id) = self.file_at((document, round)) else {
                    return Said::Absent;
                };
                let verdict = verdict(at, favour, random);
                let file = self.files.get_mut(&id).expect("a file that is there");
                file.verdict.get_or_insert(verdict);
                Said::Done
            }
            Request::Find(document, round) => self
                .file_at((document, round))
                .map_or(Said::Absent, Said::File),
            Request::VisaState(id) => match self.files.get(&id) {
                None => Said::Absent,
                Some(file) => match file.verdict {
                    Some(verdict) if verdict.at <= at && verdict.yes && verdict.annotates => {
                        Said::Approved(annotated(file.content))
                    }
                    Some(verdict) if verdict.at <= at && verdict.yes => {
                        Said::Approved(file.content)
                    }
                    Some(verdict) if verdict.at <= at => Said::Rejected,
                    Some(_) => Said::Pending,
                    None => Said::Absent,
                },
            },
            Request::Remove(id) => {
                self.files.remove(&id);
                Said::Done
            }
            Request::Create(..)
            | Request::History(_)
            | Request::Content(_)
            | Request::TakeBack(_)
            | Request::Archive(_)
            | Request::EraseRejected(_) => self.desk(request, at, too_late, favour, random),
            Request::Search(document) => match self.register.get(&document) {
                Some(found) => Said::Number(found.len() as u64),
                None => Said::Absent,
            },
            Request::Register(document, content) => {
                let letters = self.register.entry(document).or_default();
                letters.push(Registered { content, too_late });
                Said::Number(letters.len() as u64)
            }
            Request::Deposit(neighbour, document, content) => {
                self.deposits.insert((neighbour, document), content);
                Said::Done
            }
            Request::ReportStatus(effect) => {
                self.statuses.insert(effect, 1);
                Said::Done
            }
            Request::Mail(effect, content) => {
                self.mails.entry(effect).or_default().push(content);
                Said::Done
            }
        }
    }

    fn desk(
        &mut self,
        request: Request,
        at: u64,
        too_late: bool,
        favour: u64,
        random: &mut Random,
    ) -> Said {
        if let Request::Create(id, content) = request {
            if self.folders.contains_key(&id) {
                return Said::No;
            }
            *self.made_folders.entry(id).or_default() += u32::from(!too_late);
            let folder = Folder {
                content,
                verdict: verdict(at, favour, random),
                taken_back: false,
                too_late,
            };
            self.folders.insert(id, folder);
            return Said::Done;
        }
        let (Request::History(id)
        | Request::Content(id)
        | Request::TakeBack(id)
        | Request::Archive(id)
        | Request::EraseRejected(id)) = request
        else {
            return Said::No;
        };
        let Some(folder) = self.folders.get_mut(&id) else {
            return Said::Absent;
        };
        let is_decided = !folder.taken_back && folder.verdict.at <= at;
        let (is_signed, is_rejected) = (
            is_decided && folder.verdict.yes,
            is_decided && !folder.verdict.yes,
        );
        match request {
            Request::History(_) if is_signed => Said::Finished,
            Request::History(_) if is_rejected => Said::Rejected,
            Request::History(_) => Said::Pending,
            Request::Content(_) if is_signed => Said::Pdf(signed(folder.content)),
            Request::Content(_) => Said::Pdf(folder.content),
            Request::TakeBack(_) if is_decided || folder.taken_back => Said::No,
            Request::TakeBack(_) => {
                folder.taken_back = true;
                Said::Done
            }
            Request::Archive(_) if is_signed || folder.taken_back => {
                self.folders.remove(&id);
                Said::Done
            }
            Request::EraseRejected(_) if is_rejected => {
                self.folders.remove(&id);
                Said::Done
            }
            _ => Said::No,
        }
    }

    fn file_at(&self, place: (DocumentId, u32)) -> Option<u64> {
        let mut files = self.files.iter();
        files.find_map(|(id, file)| (file.place == place).then_some(*id))
    }
}

impl File {
    /// Whether somebody is still to look at it, or nobody was asked yet.
    pub(super) fn is_undecided(&self, at: u64) -> bool {
        self.verdict.is_none_or(|verdict| verdict.at > at)
    }
}

/// People take from some seconds to some minutes.
fn verdict(at: u64, favour: u64, random: &mut Random) -> Verdict {
    Verdict {
        at: at + random.between(6_000, 120_000),
        yes: random.percent(favour),
        annotates: random.percent(20),
    }
}
