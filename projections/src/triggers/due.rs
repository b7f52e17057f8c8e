//! What triggers are to answer to: a row for each event that is the occasion of one, until the log says what came
//! of it.

use crate::{
    kinds::{DocumentStatus, DossierStatus},
    scope::Scope,
};
use async_graphql::SimpleObject;
use chrono::{DateTime, Utc};
use navette_domain::{document::DocumentEvent, dossier::DossierEvent, event::Recorded};
use sqlx::{PgConnection, PgPool, QueryBuilder};
use uuid::Uuid;

/// The most dossiers that are told of one trigger's, latest first.
const TOLD: i64 = 100;

/// The status that a dossier reaches by this event, if it does.
fn reached(event: &DossierEvent) -> Option<DossierStatus> {
    use DossierEvent as E;
    Some(match event {
        E::Registered { .. } => DossierStatus::Deposited,
        E::TakenOver { .. } | E::Granted { .. } => DossierStatus::Granted,
        E::Completed { .. } => DossierStatus::Complete,
        E::TakenUp { .. } | E::Reopened { .. } => DossierStatus::UnderInstruction,
        E::Scheduled { .. } => DossierStatus::Scheduled,
        E::Refused { .. } => DossierStatus::Refused,
        E::Adjourned { .. } => DossierStatus::Adjourned,
        E::Notified { .. } => DossierStatus::Notified,
        E::Closed { .. } => DossierStatus::Closed,
        E::Amended { .. } => return None,
    })
}

/// How a document ends by this event, if it does.
fn ended(event: &DocumentEvent) -> Option<DocumentStatus> {
    use DocumentEvent as E;
    match event {
        E::Delivered { .. } => Some(DocumentStatus::Delivered),
        E::VisaRefused { .. } => Some(DocumentStatus::VisaRefused),
        E::SignatureRefused { .. } => Some(DocumentStatus::SignatureRefused),
        E::Cancelled { .. } => Some(DocumentStatus::Cancelled),
        _ => None,
    }
}

pub(super) async fn of_dossier(
    connection: &mut PgConnection,
    recorded: &Recorded,
    event: &DossierEvent,
) -> Result<(), sqlx::Error> {
    let Some(status) = reached(event) else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO trigger_due (trigger_id, position, dossier_id, recorded_at)
         SELECT id, $1, $2, $3 FROM triggers
         WHERE kind = 'status' AND status = $4 AND suspended_at IS NULL
         ON CONFLICT DO NOTHING",
    )
    .bind(recorded.position)
    .bind(recorded.stream_id)
    .bind(recorded.recorded_at)
    .bind(status.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn of_document(
    connection: &mut PgConnection,
    recorded: &Recorded,
    event: &DocumentEvent,
) -> Result<(), sqlx::Error> {
    let Some(status) = ended(event) else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO trigger_due (trigger_id, position, dossier_id, batch_id, recorded_at)
         SELECT id, $1, $2, batch_id, $3
         FROM triggers JOIN trigger_batches ON chain_id = after_chain_id
         WHERE batch_id = $4 AND kind = 'chain' AND status = $5 AND suspended_at IS NULL
         ON CONFLICT DO NOTHING",
    )
    .bind(recorded.position)
    .bind(recorded.metadata.dossier.map(|dossier| dossier.0))
    .bind(recorded.recorded_at)
    .bind(recorded.metadata.batch)
    .bind(status.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

/// The triggers that are to fire: their calendar is due, or the first of what they are to answer to was recorded
/// by then.
pub async fn ready(
    pool: &PgPool,
    now: DateTime<Utc>,
    recorded_by: DateTime<Utc>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM triggers
         WHERE suspended_at IS NULL AND (next_at <= $1 OR EXISTS (
            SELECT FROM trigger_due WHERE trigger_id = id AND recorded_at <= $2))
         ORDER BY name, id",
    )
    .bind(now)
    .bind(recorded_by)
    .fetch_all(pool)
    .await
}

/// What a trigger is to answer to after a place in the log, oldest first: each place, with its dossier. Of a
/// document about a whole batch, all the dossiers of that batch. At most so many rows, of which the last place may
/// lack some.
pub async fn due(
    pool: &PgPool,
    trigger: Uuid,
    after: i64,
    most: i64,
) -> Result<Vec<(i64, Uuid)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT position, COALESCE(due.dossier_id, member.dossier_id)
         FROM trigger_due due
         LEFT JOIN batch_dossiers member ON due.dossier_id IS NULL AND member.batch_id = due.batch_id
         WHERE trigger_id = $1 AND position > $2
         ORDER BY position, member.place LIMIT $3",
    )
    .bind(trigger)
    .bind(after)
    .bind(most)
    .fetch_all(pool)
    .await
}

/// A dossier that the chain of a trigger did not take.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "TriggerLeftOut")]
pub struct LeftOutRow {
    /// The trigger.
    #[graphql(skip)]
    pub trigger_id: Uuid,
    /// The dossier.
    pub dossier_id: Uuid,
    /// Why, in French.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The last dossiers that the chains of these triggers did not take, of those that `scope` sees.
pub async fn left_out(
    pool: &PgPool,
    scope: &Scope,
    triggers: &[Uuid],
) -> Result<Vec<LeftOutRow>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT told.* FROM unnest(");
    query.push_bind(triggers.to_vec()).push(
        "::uuid[]) AS asked (id) CROSS JOIN LATERAL (
            SELECT trigger_id, dossier_id, reason, at FROM trigger_left_out left_out
            WHERE trigger_id = asked.id AND ",
    );
    scope.sees_dossier(&mut query, "left_out.dossier_id");
    query
        .push(" ORDER BY position DESC, dossier_id LIMIT ")
        .push_bind(TOLD)
        .push(") AS told");
    query.build_query_as().fetch_all(pool).await
}
