//! Having a PDF signed, and bringing it back.

use super::{Errand, Outcome, Report, StepFailure, StepResult, Steps};
use crate::{
    dispatch::DispatchFailure,
    unit::{Envelope, NAVETTE, Unit},
};
use anyhow::Context as _;
use futures::FutureExt as _;
use navette_adapters::{log::StreamState, pdf};
use navette_domain::{
    chain::Action,
    digest::Digest,
    document::{DocumentCommand, PdfRef},
    ids::{CommandId, SignatureId},
    ports::{DeskProgress, SigningRequest},
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
        if !self.prepare(errand, signature, sheet).await? {
            return Ok(Report::default().into());
        }
        let request = SigningRequest {
            signature,
            title: errand.journey.title().chars().take(100).collect(),
            desk_type: desk_type.clone(),
            desk_subtype: desk_subtype.clone(),
            file_name: errand.file_name(),
            pdf: self.file(pdf).await?,
        };
        self.ports.desk.submit(&request, errand.attempt()).await?;
        let at = self.clock.now();
        Ok(Report {
            document: Some(DocumentCommand::RecordSentForSignature {
                step: errand.step(),
                signature,
                at,
            }),
            signature: Some((signature, vec![SignatureCommand::RecordSubmitted { at }])),
            dossier: None,
        }
        .into())
    }

    /// Writes down what is about to be submitted, before the desk hears of it: nothing may be at the desk
    /// that the log does not know. Answers no when it was taken back meanwhile.
    async fn prepare(
        &self,
        errand: &Errand<'_>,
        signature: SignatureId,
        sheet: Sheet,
    ) -> StepResult<bool> {
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
            Ok(_) => Ok(true),
            Err(DispatchFailure::Refused(refusal)) => {
                tracing::info!(%signature, %refusal, "a deposit was given up");
                Ok(false)
            }
            Err(failure) => Err(anyhow::Error::from(failure).into()),
        }
    }

    pub(super) async fn watch_signature(
        &self,
        errand: &Errand<'_>,
        signature: SignatureId,
    ) -> StepResult {
        let at = self.clock.now();
        match self.ports.desk.progress(signature).await? {
            DeskProgress::InProgress(word) => {
                tracing::debug!(%signature, word, "the desk has not finished");
                Ok(Outcome::NotYet)
            }
            DeskProgress::Finished => self.bring_back(errand, signature).await,
            DeskProgress::Rejected { by, reason } => Ok(Report {
                document: Some(DocumentCommand::RecordSignatureRefused { step: errand.step(), signature, reason: reason.clone(), at }),
                signature: Some((signature, vec![SignatureCommand::RecordRejected { by, reason, at }])),
                dossier: None,
            }.into()),
            DeskProgress::Unknown => Err(StepFailure::Stuck(
                "Le dossier a disparu du parapheur avant d'être signé : annulez le document, puis relancez-le dans un nouveau lot.".to_owned(),
            )),
        }
    }

    /// The signed PDF is checked and kept here before the desk is told that it may forget it.
    async fn bring_back(&self, errand: &Errand<'_>, signature: SignatureId) -> StepResult {
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
        let folder = self.ports.desk.retrieve(signature).await?;
        let file = self.keep(&folder.pdf).await?;
        let verdict = tokio::task::spawn_blocking(move || pdf::returned(&sent, &folder.pdf))
            .await
            .context("checking the signed PDF")?
            .map_err(|refusal| {
                StepFailure::Stuck(format!(
                    "Le PDF rapporté du parapheur n'est pas acceptable : {refusal}"
                ))
            })?;
        let slip = match &folder.slip {
            Some(slip) => Some(self.keep(slip).await?),
            None => None,
        };
        let at = self.clock.now();
        Ok(Report {
            document: Some(DocumentCommand::RecordSigned {
                step: errand.step(),
                signature,
                pdf: PdfRef {
                    file,
                    pages: verdict.pages,
                },
                at,
            }),
            signature: Some((
                signature,
                vec![
                    SignatureCommand::RecordSigned { at },
                    SignatureCommand::RecordRetrieved {
                        pdf: file,
                        slip,
                        binding: verdict.binding,
                        at,
                    },
                ],
            )),
            dossier: None,
        }
        .into())
    }

    pub(super) async fn archive_signature(&self, signature: SignatureId) -> StepResult {
        self.ports.desk.archive(signature).await?;
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

    pub(super) async fn withdraw_signature(&self, signature: SignatureId) -> StepResult {
        self.ports.desk.withdraw(signature).await?;
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
