//! Files that are added to dossiers: told from their content, kept, then recorded.

use crate::{
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    unit::{Belonging, Envelope, Unit},
};
use anyhow::Context as _;
use futures::FutureExt as _;
use navette_domain::{
    attachment::{Attachment, AttachmentCommand, AttachmentFormat, AttachmentRefusal, NewFile},
    dossier::{Dossier, DossierRefusal},
    ids::{AttachmentId, DossierId, ThirdPartyId},
    policy::{self, Principal},
    third_party::{ThirdParty, ThirdPartyRefusal},
};
use navette_projections::attachments;
use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
};
use uuid::Uuid;
use zip::ZipArchive;

/// The most attachments of one dossier.
const MOST: usize = 200;
/// Enough of a file to tell its format, unless it is an archive.
const HEAD: u64 = 128;

/// Why a file was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddRefusal {
    /// There is no such dossier, or it is not seen by whoever asks.
    #[error(transparent)]
    Dossier(#[from] DossierRefusal),
    /// Nothing can be recorded for its third party.
    #[error(transparent)]
    ThirdParty(#[from] ThirdPartyRefusal),
    /// There are enough.
    #[error("Ce dossier a déjà {MOST} pièces jointes : retirez-en avant d'en ajouter.")]
    Full,
    /// The attachment itself says no.
    #[error(transparent)]
    Attachment(#[from] AttachmentRefusal),
}

/// Adds files to dossiers, and takes them away.
#[derive(Clone)]
pub struct Attachments {
    dispatcher: Dispatcher,
}

impl Attachments {
    /// Attachments in this dispatcher's log.
    pub fn new(dispatcher: Dispatcher) -> Self {
        Self { dispatcher }
    }

    /// Adds a file, which is in the store, to a dossier that `principal` sees.
    pub async fn add(
        &self,
        principal: &Principal,
        envelope: &Envelope,
        id: AttachmentId,
        dossier: DossierId,
        file: NewFile,
    ) -> Result<Receipt, DispatchFailure<AddRefusal>> {
        if let Some(receipt) = self.dispatcher.answered(envelope).await? {
            return Ok(receipt);
        }
        let third_party = self.owner(principal, dossier).await?;
        let command = AttachmentCommand::Add {
            dossier,
            third_party,
            file,
            at: self.dispatcher.now(),
        };
        let taken = self.take(envelope, id, dossier, &command).await;
        taken.map_err(DispatchFailure::into_refusal)
    }

    /// Takes an attachment away from a dossier that `principal` sees.
    pub async fn remove(
        &self,
        principal: &Principal,
        envelope: &Envelope,
        id: AttachmentId,
        reason: String,
    ) -> Result<Receipt, DispatchFailure<AttachmentRefusal>> {
        if let Some(receipt) = self.dispatcher.answered(envelope).await? {
            return Ok(receipt);
        }
        let loaded = self.dispatcher.load::<Attachment>(id.0).await?;
        envelope.expects(loaded.version)?;
        let unknown = DispatchFailure::Refused(AttachmentRefusal::NotAdded);
        let Some(dossier) = loaded.state.dossier() else {
            return Err(unknown);
        };
        if self.seen(principal, dossier).await?.is_none() {
            return Err(unknown);
        }
        let at = self.dispatcher.now();
        let command = AttachmentCommand::Remove { reason, at };
        self.take(envelope, id, dossier, &command).await
    }

    /// Whose dossier it is, if a file can be added to it.
    async fn owner(
        &self,
        principal: &Principal,
        dossier: DossierId,
    ) -> Result<ThirdPartyId, DispatchFailure<AddRefusal>> {
        let refused = |refusal: AddRefusal| DispatchFailure::Refused(refusal);
        let owner = self.seen(principal, dossier).await?;
        let owner = owner.ok_or_else(|| refused(DossierRefusal::NotRegistered.into()))?;
        match self.dispatcher.load::<ThirdParty>(owner.0).await?.state {
            ThirdParty::Unborn => Err(refused(ThirdPartyRefusal::NotRegistered.into())),
            ThirdParty::Erased => Err(refused(ThirdPartyRefusal::Erased.into())),
            ThirdParty::Known(_) => {
                let pool = self.dispatcher.log().pool();
                let known = attachments::of_dossiers(pool, &[dossier.0]).await;
                let known = known.context("counting the attachments of a dossier")?;
                if known.len() >= MOST {
                    return Err(refused(AddRefusal::Full));
                }
                Ok(owner)
            }
        }
    }

    /// The third party of a dossier that `principal` sees.
    async fn seen(
        &self,
        principal: &Principal,
        dossier: DossierId,
    ) -> anyhow::Result<Option<ThirdPartyId>> {
        let loaded = self.dispatcher.load::<Dossier>(dossier.0).await?;
        Ok(match &loaded.state {
            Dossier::Open { request, .. } if policy::sees_dossier(principal, &loaded.state) => {
                Some(request.third_party)
            }
            _ => None,
        })
    }

    async fn take(
        &self,
        envelope: &Envelope,
        id: AttachmentId,
        dossier: DossierId,
        command: &AttachmentCommand,
    ) -> Result<Receipt, DispatchFailure<AttachmentRefusal>> {
        let belonging = Belonging {
            batch: None,
            dossier: Some(dossier),
        };
        self.dispatcher
            .commit(envelope, |mut unit: Unit| {
                async move {
                    let mut loaded = self.dispatcher.load::<Attachment>(id.0).await?;
                    envelope.expects(loaded.version)?;
                    unit.decide(id.0, &mut loaded, belonging, command.clone())
                        .map_err(DispatchFailure::Refused)?;
                    Ok(unit)
                }
                .boxed()
            })
            .await
    }
}

/// The format of a file, told from its content; none when it is none of ours, or carries a program.
pub fn format(file: &mut File) -> io::Result<Option<AttachmentFormat>> {
    file.rewind()?;
    let mut head = vec![];
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    let begins = AttachmentFormat::of(&head);
    if !head.starts_with(b"PK") {
        return Ok(begins);
    }
    file.rewind()?;
    let Ok(archive) = ZipArchive::new(file) else {
        return Ok(None);
    };
    let names: Vec<&[u8]> = archive.file_names_raw().collect();
    let runs = |name: &&[u8]| name.ends_with(b"vbaProject.bin") || name.starts_with(b"Basic/");
    if names.iter().any(runs) {
        return Ok(None);
    }
    let holds = |name: &[u8]| names.contains(&name);
    Ok(match begins {
        Some(format) => Some(format),
        None if holds(b"word/document.xml") => Some(AttachmentFormat::Docx),
        None if holds(b"xl/workbook.xml") => Some(AttachmentFormat::Xlsx),
        None => None,
    })
}

/// The name that a file keeps of the one that it was sent under: programs send paths too.
pub fn name(sent: &str) -> &str {
    sent.rsplit(['/', '\\']).next().unwrap_or_default().trim()
}

/// The id of the attachment that this request makes: repetitions name the same one.
pub fn id(key: Uuid) -> AttachmentId {
    AttachmentId(navette_domain::ids::CommandId::following(key, "attachment").0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leaves_its_last_part_as_the_name() {
        for (sent, kept) in [
            ("Devis.pdf", "Devis.pdf"),
            ("C:\\Documents\\Devis.pdf", "Devis.pdf"),
            ("../../etc/passwd", "passwd"),
            ("a/", ""),
        ] {
            assert_eq!(name(sent), kept);
        }
    }
}
