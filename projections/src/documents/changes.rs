//! The changes of a stretch of the log, written in few statements: those that rows begin with first, then the first
//! change of every document, the second of those that have one, and so on. Changes of different documents do not
//! depend on each other.

use super::statement::{Change, together};
use chrono::{DateTime, NaiveDate, Utc};
use navette_domain::{
    document::{DocumentEvent, Order, Subject},
    event::Recorded,
    template::Included,
};
use sqlx::{PgConnection, types::Json};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// See the module.
#[derive(Default)]
pub(super) struct Changes<'q> {
    begun: Vec<(&'q Recorded, &'q Order, DateTime<Utc>)>,
    /// By how many of the same document came before them, and by their statement.
    turns: Vec<BTreeMap<&'static str, Vec<Change<'q>>>>,
    /// How many each document has.
    of: HashMap<Uuid, usize>,
}

impl<'q> Changes<'q> {
    pub fn add(&mut self, recorded: &'q Recorded, event: &'q DocumentEvent) {
        if let DocumentEvent::Requested { order, at } = event {
            self.begun.push((recorded, order, *at));
        }
        let Some(change) = Change::of(recorded, event) else {
            return;
        };
        let turn = self.of.entry(change.document).or_default();
        if self.turns.len() == *turn {
            self.turns.push(BTreeMap::new());
        }
        if let Some(changes) = self.turns.get_mut(*turn) {
            changes.entry(change.sql).or_default().push(change);
        }
        *turn += 1;
    }

    pub async fn write(self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        begin(&self.begun, connection).await?;
        for (sql, changes) in self.turns.into_iter().flatten() {
            together(sql, &changes).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

/// Makes the rows of documents that were asked for.
async fn begin(
    begun: &[(&Recorded, &Order, DateTime<Utc>)],
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    fn column<'a, R, T>(rows: &'a [R], of: impl Fn(&'a R) -> T) -> Vec<T> {
        rows.iter().map(of).collect()
    }
    if begun.is_empty() {
        return Ok(());
    }
    let dossier = |order: &Order| match order.subject {
        Subject::Dossier(dossier) => Some(dossier.0),
        Subject::Batch => None,
    };
    let included: Vec<Json<&Vec<Included>>> = column(begun, |(_, order, _)| Json(&order.included));
    let dates: Vec<NaiveDate> = column(begun, |(_, order, _)| order.date);
    sqlx::query(
        "INSERT INTO documents (id, version, updated_at, requested_at, batch_id, dossier_id, chain_id, chain_version,
            template_id, template_version, title, date, included, stage, round)
         SELECT told.*, 'requested', 1
         FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::uuid[], $6::uuid[],
            $7::uuid[], $8::integer[], $9::uuid[], $10::integer[], $11::text[], $12::date[], $13::jsonb[]) AS told",
    )
    .bind(column(begun, |(recorded, ..)| recorded.stream_id))
    .bind(column(begun, |(recorded, ..)| recorded.version))
    .bind(column(begun, |(recorded, ..)| recorded.recorded_at))
    .bind(column(begun, |(.., at)| *at))
    .bind(column(begun, |(_, order, _)| order.batch.0))
    .bind(column(begun, |(_, order, _)| dossier(order)))
    .bind(column(begun, |(_, order, _)| order.chain.chain.0))
    .bind(column(begun, |(_, order, _)| super::number(order.chain.version)))
    .bind(column(begun, |(_, order, _)| order.template.template.0))
    .bind(column(begun, |(_, order, _)| super::number(order.template.version)))
    .bind(column(begun, |(_, order, _)| order.title.as_str()))
    .bind(dates)
    .bind(included)
    .execute(connection)
    .await?;
    Ok(())
}
