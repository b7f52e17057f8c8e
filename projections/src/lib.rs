//! What is shown: one file holds a table, its projector, its rows and its queries.
//!
//! # Invariants
//! - Nothing here is the truth: every table can be dropped and rebuilt from the log, byte for byte.
//! - A projector sees events only: no clock, no other table than its own, no neighbour.
//! - A projector names its tables without a schema, so that a rebuild can fill a copy beside the live one.

pub mod attachments;
pub mod batches;
pub mod chains;
pub mod condition;
pub mod documents;
pub mod dossiers;
pub mod effects;
pub mod export_models;
pub mod export_rows;
pub mod export_schedules;
pub mod exports;
pub mod global;
pub mod images;
pub mod kinds;
pub mod list;
pub mod neighbours;
pub mod page;
pub mod scope;
pub mod selections;
pub mod signatures;
pub mod straight;
pub mod templates;
pub mod third_parties;
pub mod timeline;
pub mod triggers;
mod words;

use async_trait::async_trait;
use navette_domain::event::Recorded;
use sqlx::PgConnection;

/// Follows the log and keeps tables up to date. Rows and position change in one transaction, so each
/// event is applied exactly once; a projector need not guard against repetition.
#[async_trait]
pub trait Projector: Send + Sync {
    /// Its name, that of its main table.
    fn name(&self) -> &'static str;
    /// The names of all its tables.
    fn tables(&self) -> &'static [&'static str];
    /// The statements that make its tables, without schema names.
    fn schema(&self) -> &'static str;
    /// Brings the tables from just before `recorded` to just after it.
    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error>;
    /// Brings the tables past all of `events`, as [`Projector::apply`] would one after the other. Those that every
    /// step of every document goes through take them in few statements.
    async fn apply_all(
        &self,
        connection: &mut PgConnection,
        events: &[Recorded],
    ) -> Result<(), sqlx::Error> {
        for recorded in events {
            self.apply(connection, recorded).await?;
        }
        Ok(())
    }
}

/// Every projector there is.
pub fn all() -> Vec<Box<dyn Projector>> {
    vec![
        Box::new(dossiers::Dossiers),
        Box::new(third_parties::ThirdParties),
        Box::new(documents::Documents),
        Box::new(signatures::Signatures),
        Box::new(batches::Batches),
        Box::new(timeline::Timeline),
        Box::new(templates::Templates),
        Box::new(images::Images),
        Box::new(chains::Chains),
        Box::new(exports::Exports),
        Box::new(export_models::ExportModels),
        Box::new(export_schedules::ExportSchedules),
        Box::new(selections::Selections),
        Box::new(attachments::Attachments),
        Box::new(triggers::Triggers),
    ]
}
