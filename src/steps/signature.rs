//! Having a PDF signed, and bringing it back.

use super::{Errand, Report, StepFailure, StepResult, Steps};
use crate::{
    dispatch::DispatchFailure,
    unit::{Envelope, NAVETTE, Unit},
};
use anyhow::Context as _;
use futures::FutureExt as _;
use navette_adapters::{log::StreamState, pdf};
use navette_domain::{
    chain::{Action, Work},
    digest::Digest,
    document::{DocumentCommand, PdfRef},
    ids::{CommandId, SignatureId},
    ports::{DeskProgress, FailureClass, Passage, SigningRequest, Tray},
    signature::{Sheet, Signature, SignatureCommand},
};

impl Steps {
    pub(super) async fn submit(&self, errand: &Errand<'_>, signature: SignatureId) -> StepResult {
        let Action::Sign {
            desk_type,
            desk_subtype,
        } = errand.action()?
        else {
            return Err(anyhow::anyhow!("not a step of signature").into());
        };
        let pdf = errand.pdf()?.file;
        let sheet = Sheet {
            document: errand.claimed.effect.document,
            pdf,
            desk_type: desk_type.clone(),
            desk_subtype: desk_subtype.clone(),
        };
        self.prepare(errand, signature, sheet).await?;
        let request = SigningRequest {
            signature,
            title: errand.journey.title().chars().take(100).collect(),
            desk_type: desk_type.clone(),
            desk_subtype: desk_subtype.clone(),
            file_name: errand.file_name(),
            pdf: self.file(pdf).await?,
        };
        let folder = Some(self.ports.desk.submit(&request, errand.attempt()).await?);
        let at = self.clock.now();
        Ok(Report {
            document: Some(DocumentCommand::RecordSentForSignature {
                step: errand.step(),
                signature,
                at,
            }),
            signature: Some((
                signature,
                vec![SignatureCommand::RecordSubmitted { folder, at }],
            )),
            ..Report::default()
        }
        .into())
    }

    /// Writes down what is about to be submitted, before the desk hears of it: nothing may be at the desk
    /// that the log does not know. It says no to what was taken back meanwhile.
    async fn prepare(
        &self,
        errand: &Errand<'_>,
        signature: SignatureId,
        sheet: Sheet,
    ) -> StepResult<()> {
        let envelope = Envelope {
            command: CommandId::following(errand.claimed.lease, "prepare"),
            content: Digest::of(errand.claimed.lease.as_bytes()),
            actor: NAVETTE.to_owned(),
            expected_version: None,
        };
        let belonging = errand.belonging();
        let at = self.clock.now();
        let sheet = &sheet;
        let prepared = self
            .dispatcher
            .commit(&envelope, |mut unit: Unit| {
                async move {
                    let mut loaded: StreamState<Signature> =
                        self.dispatcher.load(signature.0).await?;
                    let command = SignatureCommand::Prepare {
                        sheet: sheet.clone(),
                        at,
                    };
                    unit.decide(signature.0, &mut loaded, belonging, command)
                        .map_err(DispatchFailure::Refused)?;
                    Ok(unit)
                }
                .boxed()
            })
            .await;
        match prepared {
            Ok(_) => Ok(()),
            Err(DispatchFailure::Refused(refusal)) => Err(StepFailure::Stuck(refusal.to_string())),
            Err(failure) => Err(anyhow::Error::from(failure).into()),
        }
    }

    /// What the desk is asked about.
    async fn passage(&self, signature: SignatureId) -> StepResult<Passage> {
        let loaded: StreamState<Signature> = self.dispatcher.load(signature.0).await?;
        Ok(Passage {
            signature,
            folder: loaded.state.folder().cloned(),
        })
    }

    pub(super) async fn watch_signature(
        &self,
        errand: &Errand<'_>,
        signature: SignatureId,
    ) -> StepResult {
        let at = self.clock.now();
        let passage = self.passage(signature).await?;
        match self.ports.desk.progress(&passage).await? {
            DeskProgress::InProgress(word) => {
                tracing::debug!(%signature, word, "the desk has not finished");
                let Action::Sign {
                    desk_type,
                    desk_subtype,
                } = errand.action()?
                else {
                    return Err(anyhow::anyhow!("not a step of signature").into());
                };
                let tray = Tray::Desk {
                    desk_type: desk_type.clone(),
                    desk_subtype: desk_subtype.clone(),
                };
                self.waits(errand, tray, signature.to_string())
            }
            DeskProgress::Finished => self.bring_back(errand, signature).await,
            DeskProgress::Rejected { by, reason } => Ok(Report {
                document: Some(DocumentCommand::RecordSignatureRefused { step: errand.step(), signature, reason: reason.clone(), at }),
                signature: Some((signature, vec![SignatureCommand::RecordRejected { by, reason, at }])),
                ..Report::default()
            }.into()),
            DeskProgress::Unknown => Err(StepFailure::Stuck(
                "Le dossier a disparu du parapheur avant d'être signé : annulez le document, puis relancez-le dans un nouveau lot.".to_owned(),
            )),
        }
    }

    /// The signed PDF is checked and kept here before the desk is told that it may forget it.
    async fn bring_back(&self, errand: &Errand<'_>, signature: SignatureId) -> StepResult {
        let (pdf, commands) = self.retrieve(signature).await?;
        Ok(Report {
            document: Some(DocumentCommand::RecordSigned {
                step: errand.step(),
                signature,
                pdf,
                at: self.clock.now(),
            }),
            signature: Some((signature, commands)),
            ..Report::default()
        }
        .into())
    }

    /// The signed PDF, and what the log must know of it.
    async fn retrieve(
        &self,
        signature: SignatureId,
    ) -> StepResult<(PdfRef, Vec<SignatureCommand>)> {
        let loaded: StreamState<Signature> = self.dispatcher.load(signature.0).await?;
        let sent = self
            .file(
                loaded
                    .state
                    .sheet()
                    .context("a signature without its sheet")?
                    .pdf,
            )
            .await?;
        let passage = Passage {
            signature,
            folder: loaded.state.folder().cloned(),
        };
        let folder = self.ports.desk.retrieve(&passage).await?;
        let file = self.keep(&folder.pdf).await?;
        let at = self.clock.now();
        let signatories = self.ports.signatories.clone();
        let check = move || {
            let expected = signatories.at(at)?;
            anyhow::Ok(pdf::returned(&sent, &folder.pdf, &expected))
        };
        let verdict = tokio::task::spawn_blocking(check)
            .await
            .context("checking the signed PDF")??
            .map_err(|refusal| {
                StepFailure::Stuck(format!(
                    "Le PDF rapporté du parapheur n'est pas acceptable : {refusal} Voyez avec le signataire, puis relancez pour le reprendre, ou annulez le document."
                ))
            })?;
        let slip = match &folder.slip {
            Some(slip) => Some(self.keep(slip).await?),
            None => None,
        };
        let pdf = PdfRef {
            file,
            pages: verdict.pages,
        };
        let commands = vec![
            // The deposit's own answer may never have been heard.
            SignatureCommand::RecordSubmitted {
                folder: passage.folder,
                at,
            },
            SignatureCommand::RecordSigned { at },
            SignatureCommand::RecordRetrieved {
                pdf: file,
                slip,
                binding: verdict.binding,
                examination: Some(verdict.examination),
                at,
            },
        ];
        Ok((pdf, commands))
    }

    pub(super) async fn archive_signature(&self, signature: SignatureId) -> StepResult {
        let passage = self.passage(signature).await?;
        self.ports.desk.archive(&passage).await?;
        Ok(Report {
            signature: Some((
                signature,
                vec![SignatureCommand::RecordArchived {
                    at: self.clock.now(),
                }],
            )),
            ..Report::default()
        }
        .into())
    }

    /// Takes a passage back. What was signed meanwhile cannot be: it is kept, and the history tells it.
    pub(super) async fn withdraw_signature(&self, signature: SignatureId) -> StepResult {
        let passage = self.passage(signature).await?;
        if let Err(failure) = self.ports.desk.withdraw(&passage).await {
            let is_signed = failure.class == FailureClass::Rejected
                && self.ports.desk.progress(&passage).await? == DeskProgress::Finished;
            if !is_signed {
                return Err(failure.into());
            }
            let (_, commands) = self.retrieve(signature).await?;
            return Ok(Report {
                signature: Some((signature, commands)),
                then: Some(Work::ArchiveSignature { signature }),
                ..Report::default()
            }
            .into());
        }
        Ok(Report {
            signature: Some((
                signature,
                vec![SignatureCommand::RecordWithdrawn {
                    at: self.clock.now(),
                }],
            )),
            ..Report::default()
        }
        .into())
    }
}
