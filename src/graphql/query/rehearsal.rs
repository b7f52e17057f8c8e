//! What a chain would do of dossiers, step by step, before anything starts.

use super::Fallible;
use crate::{
    batches::StartBatch,
    graphql::{
        asking::asker,
        chosen::Chosen,
        refusal::{Refusal, RefusalCode, RefusedRow, refusal},
    },
    rehearsal::{self, Rehearsals},
};
use async_graphql::{Context, Enum, Object, SimpleObject};
use navette_domain::{chain::StepId, document::Subject, ids::BatchId, policy::Permission};
use navette_projections::{dossiers::DossierFilter, kinds::Position};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The most dossiers of one rehearsal: each of their letters is merged while the answer is awaited.
const MOST: usize = 200;

/// How a step would end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "rehearsal::StepEnd")]
pub enum RehearsedEnd {
    /// It is done, once whoever is asked has said yes.
    Done,
    /// Its condition does not hold.
    LeftOut,
    /// Somebody must mend something: the steps after it are not reached.
    Stopped,
}

/// A step, as it would end.
#[derive(SimpleObject)]
pub struct RehearsedStep {
    /// Which, as the chain names it.
    step: String,
    /// How it would end.
    end: RehearsedEnd,
    /// What people would read of it: why it stops or is left out, until when it waits. In French.
    sentence: Option<String>,
}

/// A document, as it would go.
#[derive(SimpleObject)]
pub struct RehearsedDocument {
    /// Its dossier; none for a document about all of them.
    dossier_id: Option<Uuid>,
    /// What people would call it.
    title: String,
    /// Whether it would reach the end of its chain.
    delivered: bool,
    /// Its steps, as far as they are reached.
    steps: Vec<RehearsedStep>,
}

/// A step at which documents would stop.
#[derive(SimpleObject)]
pub struct RehearsedStop {
    /// Which, as the chain names it.
    step: String,
    /// How many documents would stop there.
    documents: usize,
    /// Why, for the first of them. In French.
    example: String,
}

/// What a chain would do of dossiers, if all who are asked said yes and all neighbours answered.
#[derive(SimpleObject)]
pub struct BatchRehearsal {
    /// How many of its documents would reach the end of the chain.
    delivered: usize,
    /// How many would stop.
    stopped: usize,
    /// Where they would stop.
    stops: Vec<RehearsedStop>,
    /// Each document.
    documents: Vec<RehearsedDocument>,
    /// The dossiers that would be left out, and why.
    refused: Vec<RefusedRow>,
    /// Why nothing can be rehearsed at all: no such chain, too many dossiers…
    refusal: Option<Refusal>,
}

/// Questions about what would become of dossiers.
#[derive(Default)]
pub struct RehearsalQuery;

#[Object]
impl RehearsalQuery {
    /// Goes through a chain for these dossiers (200 at most) without asking anybody outside and without keeping
    /// anything: the conditions, data and templates are those of a batch that would be started now. No PDF is
    /// made.
    #[graphql(complexity = "500 + child_complexity")]
    async fn batch_rehearsal(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The code of the chain.")] chain: String,
        #[graphql(desc = "Either these dossiers, or a filter, or a selection.")] dossiers: Option<
            Vec<Uuid>,
        >,
        filter: Option<DossierFilter>,
        selection: Option<Uuid>,
        at_least: Option<Position>,
    ) -> Fallible<BatchRehearsal> {
        let answer = async {
            let asker = asker(context, Permission::StartBatch)?;
            let chosen = Chosen {
                dossiers: dossiers.as_ref(),
                filter: filter.as_ref(),
                selection,
            };
            let (dossiers, unseen) = match chosen.dossiers(context, asker, at_least).await? {
                Ok(sorted) => sorted,
                Err(refusal) => return Ok(impossible(refusal)),
            };
            if dossiers.len() > MOST {
                let sentence = format!(
                    "Une répétition porte sur {MOST} dossiers au plus, et {} sont choisis : choisissez-en moins.",
                    dossiers.len()
                );
                return Ok(impossible(Refusal::new(
                    RefusalCode::InvalidInput,
                    sentence,
                )));
            }
            let ask = StartBatch {
                batch: BatchId(Uuid::nil()),
                label: "Répétition".to_owned(),
                chain_code: chain,
                dossiers,
                reply_to: asker.principal.email.clone(),
            };
            let rehearsals = context.data::<Rehearsals>()?;
            match rehearsals.rehearse(&asker.principal.actor, &ask).await {
                Ok(rehearsed) => Ok(told(rehearsed, unseen)),
                Err(failure) => Ok(impossible(refusal(failure)?)),
            }
        };
        Some(answer.await)
    }
}

fn impossible(refusal: Refusal) -> BatchRehearsal {
    BatchRehearsal {
        delivered: 0,
        stopped: 0,
        stops: vec![],
        documents: vec![],
        refused: vec![],
        refusal: Some(refusal),
    }
}

fn told(rehearsed: rehearsal::Rehearsed, mut refused: Vec<RefusedRow>) -> BatchRehearsal {
    let documents = rehearsed.documents;
    let delivered = documents.iter().filter(|it| it.delivered).count();
    let mut stops = BTreeMap::<&StepId, (usize, &str)>::new();
    let steps = documents.iter().flat_map(|document| &document.steps);
    for step in steps.filter(|step| step.end == rehearsal::StepEnd::Stopped) {
        let example = step.sentence.as_deref().unwrap_or_default();
        stops.entry(&step.step).or_insert((0, example)).0 += 1;
    }
    let stops = stops
        .into_iter()
        .map(|(step, (documents, example))| RehearsedStop {
            step: step.to_string(),
            documents,
            example: example.to_owned(),
        });
    refused.extend(rehearsed.refused.into_iter().map(Into::into));
    BatchRehearsal {
        delivered,
        stopped: documents.len() - delivered,
        stops: stops.collect(),
        refused,
        refusal: None,
        documents: documents.into_iter().map(document).collect(),
    }
}

fn document(document: rehearsal::RehearsedDocument) -> RehearsedDocument {
    let steps = document.steps.into_iter();
    RehearsedDocument {
        dossier_id: match document.subject {
            Subject::Dossier(dossier) => Some(dossier.0),
            Subject::Batch => None,
        },
        title: document.title,
        delivered: document.delivered,
        steps: steps
            .map(|step| RehearsedStep {
                step: step.step.to_string(),
                end: step.end.into(),
                sentence: step.sentence,
            })
            .collect(),
    }
}
