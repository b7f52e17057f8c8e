//! Documents on their way through a chain.

mod causes;
mod changes;
mod filter;
mod query;
mod statement;
mod watchdog;

pub use causes::{Trouble, troubles};
pub use filter::{DocumentFilter, DocumentOrder, DocumentOrderField};
pub use query::{
    Progress, StatusCount, by_ids, of_batch, of_dossiers, progress, troubled, under_way,
};
pub use watchdog::{Watchdog, watchdog};

use crate::{
    Projector,
    condition::key,
    kinds::{DocumentStatus, OfficeFormat},
};
use async_graphql::SimpleObject;
use async_trait::async_trait;
use changes::Changes;
use chrono::{DateTime, NaiveDate, Utc};
use navette_domain::{
    document::Awaited,
    event::{Event, Recorded},
    template::Included,
    third_party::ThirdPartyEvent,
};
use sqlx::{PgConnection, types::Json};
use std::{collections::BTreeMap, mem, slice};
use uuid::Uuid;

/// One document.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow, SimpleObject)]
#[graphql(name = "DocumentRow")]
pub struct DocumentRow {
    /// Its id.
    pub id: Uuid,
    /// The batch that asked for it.
    #[graphql(skip)]
    pub batch_id: Uuid,
    /// The dossier it is about; none when it is about its whole batch.
    #[graphql(skip)]
    pub dossier_id: Option<Uuid>,
    /// The chain it goes through.
    pub chain_id: Uuid,
    /// The chain's version it stays on.
    pub chain_version: i32,
    /// The template it is made from.
    pub template_id: Uuid,
    /// The template's version it stays on.
    pub template_version: i32,
    /// What people call it.
    pub title: String,
    /// The date that it bears.
    pub date: NaiveDate,
    /// Where it stands.
    #[sqlx(try_from = "String")]
    pub status: DocumentStatus,
    /// The last step of its chain that began, ended or stopped.
    pub step: Option<String>,
    /// Why it stopped, until somebody retries.
    pub trouble: Option<String>,
    /// Why it was refused, restarted or cancelled.
    pub reason: Option<String>,
    /// What its steps wait for, beside the outside.
    #[graphql(skip)]
    pub awaited: Json<BTreeMap<String, Awaited>>,
    /// Whether it waits for a person: stopped, or refused.
    pub needs_attention: bool,
    /// How often it was begun.
    pub round: i32,
    /// What the template includes, on the versions that the document stays on.
    #[graphql(skip)]
    pub included: Json<Vec<Included>>,
    /// The SHA-256 of the data that were merged.
    pub data: Option<String>,
    /// The SHA-256 of the office file.
    pub office: Option<String>,
    /// The format of the office file.
    #[graphql(skip)]
    pub office_format: Option<String>,
    /// The SHA-256 of the PDF in force.
    pub pdf: Option<String>,
    /// The number of pages of that PDF.
    pub pages: Option<i32>,
    /// The SHA-256 of the signed PDF, or of the scan of the signed paper.
    pub signed_pdf: Option<String>,
    /// Its passage at the signing desk.
    #[graphql(skip)]
    pub signature_id: Option<Uuid>,
    /// What web services answered, by the names that its chain gives.
    #[graphql(skip)]
    pub answers: Json<BTreeMap<String, String>>,
    /// Its number in the mail register.
    pub chrono: Option<String>,
    /// Its version, for `expectedVersion`.
    pub version: i64,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl DocumentRow {
    /// The format of the office file, once there is one.
    pub fn format(&self) -> Option<OfficeFormat> {
        OfficeFormat::try_from(self.office_format.clone()?).ok()
    }
}

/// A step of a document that waits for somebody to approve it, or for a moment.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct AwaitedStep {
    /// The step.
    pub step: String,
    /// The moment; none when somebody must approve it.
    pub until: Option<DateTime<Utc>>,
}

/// Something that a web service answered about a document.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub struct ServiceAnswer {
    /// The name that the chain gives it.
    pub name: String,
    /// What was answered.
    pub value: String,
}

impl DocumentRow {
    /// What web services answered.
    pub fn service_answers(&self) -> Vec<ServiceAnswer> {
        let answers = self.answers.iter().map(|(name, value)| ServiceAnswer {
            name: name.clone(),
            value: value.clone(),
        });
        answers.collect()
    }

    /// The steps that wait for somebody to approve it, or for a moment.
    pub fn awaits(&self) -> Vec<AwaitedStep> {
        let awaits = self.awaited.iter().map(|(step, awaited)| AwaitedStep {
            step: step.clone(),
            until: match awaited {
                Awaited::Approval => None,
                Awaited::Moment { until } => Some(*until),
            },
        });
        awaits.collect()
    }
}

/// Keeps `documents`.
#[derive(Debug)]
pub struct Documents;

/// Half of the steps change nothing by which documents are found: with room on its page, such a row changes without
/// its ten indexes, which costs a third.
const SCHEMA: &str = concat!(
    "
CREATE TABLE documents (
    id uuid PRIMARY KEY,
    batch_id uuid NOT NULL,
    dossier_id uuid,
    chain_id uuid NOT NULL,
    chain_version integer NOT NULL,
    template_id uuid NOT NULL,
    template_version integer NOT NULL,
    title text COLLATE \"C\" NOT NULL,
    date date NOT NULL,
    stage text NOT NULL,
    awaited jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL GENERATED ALWAYS AS (
        CASE WHEN awaited = '{}' OR stage IN ('delivered', 'cancelled') THEN stage
            WHEN awaited @? '$.* ? (@.what == \"approval\")' THEN 'in_approval'
            ELSE 'waiting' END
    ) STORED,
    step text COLLATE \"C\",
    troubles jsonb NOT NULL DEFAULT '{}',
    trouble text COLLATE \"C\",
    reason text,
    needs_attention boolean NOT NULL GENERATED ALWAYS AS (
        stage <> 'cancelled'
        AND (trouble IS NOT NULL OR stage IN ('visa_refused', 'signature_refused'))
    ) STORED,
    round integer NOT NULL,
    included jsonb NOT NULL,
    data text,
    office text,
    office_format text,
    pdf text,
    pages integer,
    signed_pdf text,
    signature_id uuid,
    answers jsonb NOT NULL DEFAULT '{}',
    chrono text COLLATE \"C\",
    version bigint NOT NULL,
    requested_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX ON documents (batch_id, status) INCLUDE (needs_attention, dossier_id);
CREATE INDEX ON documents (batch_id, title, id);
CREATE INDEX ON documents (dossier_id);
CREATE INDEX ON documents (status, title, id);
CREATE INDEX ON documents (title, id);
CREATE INDEX ON documents (batch_id) WHERE needs_attention;
CREATE INDEX ON documents (requested_at, id);
CREATE INDEX ON documents (title, id) WHERE needs_attention;
CREATE INDEX ON documents (",
    key!(text "chrono"),
    ", id);
"
);

#[async_trait]
impl Projector for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["documents"]
    }

    fn schema(&self) -> &'static str {
        SCHEMA
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        recorded: &Recorded,
    ) -> Result<(), sqlx::Error> {
        self.apply_all(connection, slice::from_ref(recorded)).await
    }

    async fn apply_all(
        &self,
        connection: &mut PgConnection,
        events: &[Recorded],
    ) -> Result<(), sqlx::Error> {
        let mut changes = Changes::default();
        for recorded in events {
            match &recorded.event {
                Event::Document(event) => changes.add(recorded, event),
                // It is about the rows as all that came before leaves them.
                Event::ThirdParty(ThirdPartyEvent::Erased { files, .. }) => {
                    mem::take(&mut changes).write(connection).await?;
                    let without = statement::without(files);
                    without.execute(&mut *connection).await?;
                }
                _ => {}
            }
        }
        changes.write(connection).await
    }
}

/// PostgreSQL has no unsigned integers; versions and pages stay far below the limit.
fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
