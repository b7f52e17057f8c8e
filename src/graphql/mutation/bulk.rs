//! The same change to many: each is a command of its own, done or refused by itself and reported by itself.
//!
//! The key of each command follows from the request's key and from what it changes, so a repetition of the
//! request does what was left, and answers what was done alike.

mod documents;

pub use documents::BulkDocumentMutation;

use crate::{
    dispatch::Dispatcher,
    graphql::{
        asking::{Asker, asker},
        chosen::Chosen,
        refusal::{Answer, Refusal, RefusalCode, RefusedRow, answer},
    },
    unit::Envelope,
};
use async_graphql::{Context, Error, InputObject, Object, Result, SimpleObject};
use chrono::NaiveDate;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use navette_domain::{
    dossier::{self, DossierCommand},
    ids::{CommandId, DossierId},
    policy::Permission,
};
use navette_projections::{dossiers::DossierFilter, kinds::Position};
use serde::Serialize;
use uuid::Uuid;

/// The most dossiers that one request changes.
const MOST: usize = 1_000;
/// How many are changed at the same time: the log appends them together.
const AT_ONCE: usize = 32;

/// Changes to many.
#[derive(Default)]
pub struct BulkMutation;

#[derive(Debug, Clone, InputObject, Serialize)]
struct ScheduleDossiersInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// The dossiers. Either this, or `filter`, or `selection`.
    dossiers: Option<Vec<Uuid>>,
    /// Which dossiers.
    filter: Option<DossierFilter>,
    /// A selection that is kept.
    selection: Option<Uuid>,
    /// The commission's date.
    commission: NaiveDate,
    /// The position at which the filter must look, as earlier mutations answered it.
    at_least: Option<Position>,
}

/// What became of one of many.
#[derive(SimpleObject)]
pub struct BulkRow {
    /// Which.
    id: Uuid,
    #[graphql(flatten)]
    answer: Answer,
}

/// What a change to many answers.
#[derive(SimpleObject)]
pub struct BulkPayload {
    /// How many were changed, now or by an earlier repetition.
    done: usize,
    /// How many were refused.
    refused: usize,
    /// What became of each.
    rows: Vec<BulkRow>,
    /// The position to pass as `atLeast` to read all that was written.
    position: Option<Position>,
    /// Why nothing was tried at all.
    refusal: Option<Refusal>,
}

impl BulkPayload {
    fn of(rows: Vec<BulkRow>) -> Self {
        let refused = rows
            .iter()
            .filter(|row| row.answer.refusal.is_some())
            .count();
        Self {
            done: rows.len() - refused,
            refused,
            position: rows.iter().filter_map(|row| row.answer.position).max(),
            rows,
            refusal: None,
        }
    }

    fn impossible(refusal: Refusal) -> Self {
        Self {
            refusal: Some(refusal),
            ..Self::of(vec![])
        }
    }
}

fn too_many(most: usize) -> Refusal {
    let sentence = format!("Une demande ne peut pas changer plus de {most} objets.");
    Refusal::new(RefusalCode::InvalidInput, sentence)
}

/// The command for one of many.
fn envelope(
    asker: &Asker,
    mutation: &str,
    key: Uuid,
    id: Uuid,
    asked: &impl Serialize,
) -> Envelope {
    let key = CommandId::following(key, &id.to_string()).0;
    asker.envelope(mutation, key, None, asked)
}

#[Object]
impl BulkMutation {
    /// Puts dossiers before a commission, each by itself; at most 1 000.
    async fn schedule_dossiers(
        &self,
        context: &Context<'_>,
        input: ScheduleDossiersInput,
    ) -> Result<BulkPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let chosen = Chosen {
            dossiers: input.dossiers.as_ref(),
            filter: input.filter.as_ref(),
            selection: input.selection,
        };
        let (ids, unseen) = match chosen.dossiers(context, asker, input.at_least).await? {
            Ok(sorted) => sorted,
            Err(refusal) => return Ok(BulkPayload::impossible(refusal)),
        };
        if ids.len() + unseen.len() > MOST {
            return Ok(BulkPayload::impossible(too_many(MOST)));
        }
        let dispatcher = context.data::<Dispatcher>()?;
        let (commission, key) = (input.commission, input.idempotency_key);
        let schedule = |id: DossierId| async move {
            let envelope = envelope(asker, "scheduleDossiers", key, id.0, &commission);
            let at = dispatcher.now();
            let command = DossierCommand::Schedule { commission, at };
            let end = dispatcher
                .dispatch::<dossier::Dossier>(&envelope, id.0, command)
                .await;
            let (id, answer) = (id.0, answer(end)?);
            Ok::<_, Error>(BulkRow { id, answer })
        };
        let work = ids.into_iter().map(schedule);
        let mut rows: Vec<BulkRow> = stream::iter(work).buffered(AT_ONCE).try_collect().await?;
        rows.extend(unseen.into_iter().map(hidden));
        Ok(BulkPayload::of(rows))
    }
}

fn hidden(row: RefusedRow) -> BulkRow {
    BulkRow {
        id: row.dossier_id,
        answer: Refusal::new(row.code, row.sentence).into(),
    }
}
