//! Taking the outcome of a step to the log.

use super::{CarryOut, Next};
use crate::{
    steps::Report,
    unit::{Belonging, Envelope, NAVETTE, Unit, document_belonging},
};
use navette_adapters::{
    effects::Claimed,
    log::{AppendRefusal, Appended, Commit, FinishedEffect, StreamState},
};
use navette_domain::{
    chain::Effect,
    digest::Digest,
    document::{Document, DocumentCommand},
    dossier::Dossier,
    ids::{CommandId, EffectId},
    signature::Signature,
};
use std::sync::atomic::Ordering;

/// Whether a decision can be taken to the log.
enum Decided {
    /// The document is as what was decided leaves it.
    Whole(StreamState<Document>),
    /// It is a refusal, on a document that may have moved since it was read.
    OnTooLittle,
}

impl CarryOut {
    /// Takes an outcome to the log, with the end of the effect. It is decided on the document as the step has
    /// `seen` it: the log refuses what is decided on a document that has moved, and then it is read anew. A lost
    /// lease means that somebody else carries the effect out: what we did is found done by them.
    pub(super) async fn report(
        &self,
        claimed: &Claimed,
        report: Report,
        mut seen: Option<StreamState<Document>>,
    ) -> anyhow::Result<Option<Next>> {
        let envelope = Envelope {
            command: CommandId::following(claimed.lease, "report"),
            content: Digest::of(claimed.lease.as_bytes()),
            actor: NAVETTE.to_owned(),
            expected_version: None,
        };
        loop {
            let mut unit = Unit::new(&envelope, self.dispatcher.now());
            unit.finish(FinishedEffect {
                id: claimed.effect.id,
                lease: claimed.lease,
            });
            let decided = self.decide(&mut unit, claimed, &report, seen.take());
            let Decided::Whole(document) = decided.await? else {
                continue;
            };
            let mut commit = unit.into_commit();
            let next = self.hand_over(claimed, &mut commit, document);
            match self.dispatcher.log().append(commit).await {
                Ok(appended) => return self.follow(appended, next).await,
                Err(AppendRefusal::Conflict { .. }) => {}
                Err(AppendRefusal::LeaseLost) => {
                    tracing::warn!(effect = %claimed.effect.id, "a result came too late and was dropped");
                    return Ok(None);
                }
                Err(refusal) => return Err(refusal.into()),
            }
        }
    }

    /// Asks for the lease of what begins, if there is room for it and nothing else comes first.
    fn hand_over(
        &self,
        claimed: &Claimed,
        commit: &mut Commit,
        document: StreamState<Document>,
    ) -> Option<Next> {
        let [effect] = commit.begun.as_slice() else {
            return None;
        };
        if self.stopping.load(Ordering::Relaxed) || self.effects.holds_back(effect) {
            return None;
        }
        let passing = self.gates.pass(effect.work.neighbour())?;
        let lease = CommandId::following(claimed.lease, "next").0;
        let next = Claimed {
            effect: effect.clone(),
            lease,
            failures: 0,
        };
        commit.handed = Some(self.effects.hand(&next));
        Some(Next {
            claimed: next,
            passing,
            seen: Some(document),
        })
    }

    /// What is gone on with. When it is not known whether its lease was granted, it is given back.
    async fn follow(&self, appended: Appended, next: Option<Next>) -> anyhow::Result<Option<Next>> {
        match next {
            Some(next) if appended.handed => Ok(Some(next)),
            Some(next) if appended.replayed => {
                self.effects.give_back(&next.claimed).await?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    async fn decide(
        &self,
        unit: &mut Unit,
        claimed: &Claimed,
        report: &Report,
        seen: Option<StreamState<Document>>,
    ) -> anyhow::Result<Decided> {
        let id = claimed.effect.document;
        let was_seen = seen.is_some();
        let mut document = match seen {
            Some(seen) => seen,
            None => self.dispatcher.load(id.0).await?,
        };
        let Some(chain) = document.state.journey().map(|journey| journey.order.chain) else {
            anyhow::bail!("an effect without its document")
        };
        let definition = self.dispatcher.definition(chain).await?;
        let belonging =
            document_belonging(&document.state, &DocumentCommand::Deliver { at: unit.at() });
        if let Some(command) = &report.document {
            // A document that was cancelled meanwhile says no: the effect ends. What it left outside is taken
            // back by the work that the cancellation began.
            if let Err(refusal) =
                unit.decide_document(&definition, id, &mut document, command.clone())
            {
                // Nothing is written of the document, so that the log would not tell whether it has moved.
                if was_seen {
                    return Ok(Decided::OnTooLittle);
                }
                tracing::info!(document = %id, kind = claimed.effect.work.kind(), %refusal, "an outcome was not taken");
                return Ok(Decided::Whole(document));
            }
        }
        if let Some((signature, commands)) = &report.signature {
            let mut loaded: StreamState<Signature> = self.dispatcher.load(signature.0).await?;
            for command in commands {
                if let Err(refusal) =
                    unit.decide(signature.0, &mut loaded, belonging, command.clone())
                {
                    tracing::info!(%signature, %refusal, "an outcome was not taken");
                }
            }
        }
        if let Some(work) = report.then.clone() {
            unit.begin(Effect {
                id: EffectId(CommandId::following(claimed.effect.id.0, work.kind()).0),
                work,
                doubtful: false,
                ..claimed.effect.clone()
            });
        }
        if let Some((dossier, command)) = &report.dossier {
            let mut loaded: StreamState<Dossier> = self.dispatcher.load(dossier.0).await?;
            let belonging = Belonging {
                dossier: Some(*dossier),
                ..belonging
            };
            if let Err(refusal) = unit.decide(dossier.0, &mut loaded, belonging, command.clone()) {
                tracing::info!(%dossier, %refusal, "an outcome was not taken");
            }
        }
        Ok(Decided::Whole(document))
    }
}
