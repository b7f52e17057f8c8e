//! Rows that many resolvers of one answer want are read together: one statement for each kind of link,
//! whatever the number of rows.

mod worked_out;

pub use worked_out::{CheckOf, DocumentPage, EventsOf};

use super::{Services, asking::Asker, faults};
use crate::{exports, templates::Templates};
use async_graphql::{
    Context, Result,
    dataloader::{DataLoader, HashMapCache, Loader},
    runtime::{TokioSpawner, TokioTimer},
};
use navette_adapters::log::Log;
use navette_projections::{
    attachments::{self, AttachmentRow},
    batches::{self, BatchRow},
    chains::{self, ChainRow},
    documents::{self, DocumentRow, Progress},
    dossiers::{self, DossierRow},
    effects::{self, EffectRow},
    export_models::{self, ExportModelRow},
    export_schedules::{self, ExportScheduleRow},
    exports::{self as shown, ExportRow},
    images::{self, ImageRow},
    kinds::Position,
    scope::Scope,
    selections::{self, SelectionRow},
    signatures::{self, SignatureRow},
    templates::{self, TemplateRow},
    third_parties::{self, ThirdPartyRow},
    timeline::{self, Kind, TimelineRow},
    triggers::{self, TriggerRow},
};
use sqlx::PgPool;
use std::{
    collections::{BTreeSet, HashMap},
    fmt::Display,
    hash::Hash,
    sync::Arc,
};
use uuid::Uuid;

/// Reads rows by the handful, for one asker and one answer.
pub struct Rows {
    pool: PgPool,
    questions: PgPool,
    scope: Scope,
    actor: String,
    log: Log,
    templates: Templates,
}

/// The loader of one answer. It keeps nothing, since a mutation changes what it has read, until a list is
/// [read ahead](super::ahead).
pub type RowLoader = DataLoader<Rows, HashMapCache>;

/// See [`RowLoader`].
pub fn loader(services: &Services, asker: &Asker) -> RowLoader {
    let rows = Rows {
        pool: services.reads.lookups.clone(),
        questions: services.reads.pool.clone(),
        log: services.dispatcher.log().clone(),
        templates: services.templates.clone(),
        scope: asker.scope.clone(),
        actor: asker.principal.actor.clone(),
    };
    let (spawner, timer) = (TokioSpawner::current(), TokioTimer::default());
    let loader = DataLoader::with_cache(rows, spawner, timer, HashMapCache::default());
    loader.enable_all_cache(false);
    loader
}

/// What `key` leads to, read with what others in the same answer want.
pub async fn load<K>(context: &Context<'_>, key: K) -> Result<Option<<Rows as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Rows: Loader<K>,
    <Rows as Loader<K>>::Error: Display,
{
    let loader = context.data::<RowLoader>()?;
    loader
        .load_one(key)
        .await
        .map_err(|cause| faults::internal(&cause))
}

macro_rules! keys {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name(pub Uuid);
    )+};
}

keys! {
    /// A dossier by its id, if it is seen.
    DossierById,
    /// A third party by its id, if it is seen.
    ThirdPartyById,
    /// A document by its id, if it is seen.
    DocumentById,
    /// A signature by its id, if it is seen.
    SignatureById,
    /// A batch by its id, if it is seen.
    BatchById,
    /// An effect by its id, if it is seen.
    EffectById,
    /// All versions of a template.
    VersionsOf,
    /// A selection by its id, if it may be used.
    SelectionById,
    /// An export by its id, if it is seen.
    ExportById,
    /// A model of exports by its id, if it may be used.
    ExportModelById,
    /// A schedule of exports by its id, if it is seen.
    ExportScheduleById,
    /// A trigger by its id, if it is seen.
    TriggerById,
    /// The dossiers that the chain of a trigger did not take.
    LeftOutOf,
    /// The documents of a dossier that is seen.
    DocumentsOf,
    /// An attachment by its id, if it is seen.
    AttachmentById,
    /// The attachments of a dossier that is seen.
    AttachmentsOf,
    /// The signatures of a document that is seen.
    SignaturesOf,
    /// The progress of a batch that is seen.
    ProgressOf,
    /// How far an export is that is seen, while it is being made.
    ExportProgressOf,
}

macro_rules! versions {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name {
            /// Of what.
            pub id: Uuid,
            /// Which version.
            pub version: i32,
        }
    )+};
}

versions! {
    /// A version of a template.
    TemplateVersion,
    /// A version of a chain.
    ChainVersion,
    /// A version of an image.
    ImageVersion,
}

/// What happened at a position, if it is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryAt(pub i64);

/// A part of the history of something that is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HistoryOf {
    /// Of what.
    pub kind: Kind,
    /// Of which.
    pub id: Uuid,
    /// After which position.
    pub after: i64,
    /// How many entries.
    pub first: i64,
}

type Loaded<K, V> = Result<HashMap<K, V>, Arc<sqlx::Error>>;

fn ids<K>(keys: &[K], id: impl Fn(&K) -> Uuid) -> Vec<Uuid> {
    keys.iter().map(id).collect()
}

fn grouped<K: Hash + Eq, V>(rows: Vec<V>, key: impl Fn(&V) -> K) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

/// Loads the rows that are seen of a read model, by their ids.
macro_rules! by_id {
    ($($key:ident => $module:ident :: $row:ident),+ $(,)?) => {$(
        impl Loader<$key> for Rows {
            type Value = $row;
            type Error = Arc<sqlx::Error>;

            async fn load(&self, keys: &[$key]) -> Loaded<$key, $row> {
                let ids = ids(keys, |key| key.0);
                let rows = $module::by_ids(&self.pool, &self.scope, &ids).await?;
                Ok(rows.into_iter().map(|row| ($key(row.id), row)).collect())
            }
        }
    )+};
}

by_id! {
    DossierById => dossiers::DossierRow,
    ThirdPartyById => third_parties::ThirdPartyRow,
    DocumentById => documents::DocumentRow,
    SignatureById => signatures::SignatureRow,
    BatchById => batches::BatchRow,
    EffectById => effects::EffectRow,
    ExportById => shown::ExportRow,
    ExportModelById => export_models::ExportModelRow,
    ExportScheduleById => export_schedules::ExportScheduleRow,
    TriggerById => triggers::TriggerRow,
}

/// Loads rows that everybody sees, by their versions.
macro_rules! by_version {
    ($($key:ident => $module:ident :: $row:ident),+ $(,)?) => {$(
        impl Loader<$key> for Rows {
            type Value = $row;
            type Error = Arc<sqlx::Error>;

            async fn load(&self, keys: &[$key]) -> Loaded<$key, $row> {
                let refs: Vec<(Uuid, i32)> = keys.iter().map(|key| (key.id, key.version)).collect();
                let rows = $module::by_refs(&self.pool, &refs).await?;
                let key = |row: &$row| $key { id: row.id, version: row.version };
                Ok(rows.into_iter().map(|row| (key(&row), row)).collect())
            }
        }
    )+};
}

by_version! {
    TemplateVersion => templates::TemplateRow,
    ChainVersion => chains::ChainRow,
    ImageVersion => images::ImageRow,
}

impl Loader<EntryAt> for Rows {
    type Value = TimelineRow;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[EntryAt]) -> Loaded<EntryAt, TimelineRow> {
        let positions: Vec<i64> = keys.iter().map(|key| key.0).collect();
        let rows = timeline::at(&self.pool, &self.scope, &positions).await?;
        Ok(rows
            .into_iter()
            .map(|row| (EntryAt(row.position.0), row))
            .collect())
    }
}

impl Loader<SelectionById> for Rows {
    type Value = SelectionRow;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[SelectionById]) -> Loaded<SelectionById, SelectionRow> {
        let ids = ids(keys, |key| key.0);
        let rows = selections::by_ids(&self.pool, &self.actor, &ids).await?;
        Ok(rows
            .into_iter()
            .map(|row| (SelectionById(row.id), row))
            .collect())
    }
}

impl Loader<VersionsOf> for Rows {
    type Value = Vec<TemplateRow>;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[VersionsOf]) -> Loaded<VersionsOf, Vec<TemplateRow>> {
        let rows = templates::of_ids(&self.pool, &ids(keys, |key| key.0)).await?;
        Ok(grouped(rows, |row| VersionsOf(row.id)))
    }
}

impl Loader<DocumentsOf> for Rows {
    type Value = Vec<DocumentRow>;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[DocumentsOf]) -> Loaded<DocumentsOf, Vec<DocumentRow>> {
        let rows = documents::of_dossiers(&self.pool, &ids(keys, |key| key.0)).await?;
        Ok(grouped(rows, |row| {
            DocumentsOf(row.dossier_id.unwrap_or_default())
        }))
    }
}

impl Loader<AttachmentById> for Rows {
    type Value = AttachmentRow;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[AttachmentById]) -> Loaded<AttachmentById, AttachmentRow> {
        let ids = ids(keys, |key| key.0);
        let rows = attachments::by_ids(&self.pool, &self.scope, &ids).await?;
        Ok(rows
            .into_iter()
            .map(|row| (AttachmentById(row.id), row))
            .collect())
    }
}

impl Loader<AttachmentsOf> for Rows {
    type Value = Vec<AttachmentRow>;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[AttachmentsOf]) -> Loaded<AttachmentsOf, Vec<AttachmentRow>> {
        let rows = attachments::of_dossiers(&self.pool, &ids(keys, |key| key.0)).await?;
        Ok(grouped(rows, |row| AttachmentsOf(row.dossier_id)))
    }
}

impl Loader<SignaturesOf> for Rows {
    type Value = Vec<SignatureRow>;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[SignaturesOf]) -> Loaded<SignaturesOf, Vec<SignatureRow>> {
        let rows = signatures::of_documents(&self.pool, &ids(keys, |key| key.0)).await?;
        Ok(grouped(rows, |row| SignaturesOf(row.document_id)))
    }
}

impl Loader<ProgressOf> for Rows {
    type Value = Progress;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[ProgressOf]) -> Loaded<ProgressOf, Progress> {
        let progress = documents::progress(&self.pool, &ids(keys, |key| key.0)).await?;
        Ok(keys.iter().copied().zip(progress).collect())
    }
}

impl Loader<ExportProgressOf> for Rows {
    type Value = exports::Progress;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[ExportProgressOf]) -> Loaded<ExportProgressOf, exports::Progress> {
        let ids = ids(keys, |key| key.0);
        let rows = exports::progress(&self.pool, &ids).await?;
        let told = |(id, progress)| (ExportProgressOf(id), progress);
        Ok(rows.into_iter().map(told).collect())
    }
}

impl Loader<HistoryOf> for Rows {
    type Value = Vec<TimelineRow>;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[HistoryOf]) -> Loaded<HistoryOf, Vec<TimelineRow>> {
        let questions: BTreeSet<(Kind, i64, i64)> = keys
            .iter()
            .map(|key| (key.kind, key.after, key.first))
            .collect();
        let mut histories = HashMap::new();
        // A query asks the same of all the rows of a list, so this is one round, rarely two.
        for (kind, after, first) in questions {
            let same = keys
                .iter()
                .filter(|key| (key.kind, key.after, key.first) == (kind, after, first));
            let ids: Vec<Uuid> = same.map(|key| key.id).collect();
            let rows = timeline::histories(&self.pool, kind, &ids, Position(after), first).await?;
            for (id, row) in rows {
                let key = HistoryOf {
                    kind,
                    id,
                    after,
                    first,
                };
                histories.entry(key).or_insert_with(Vec::new).push(row);
            }
        }
        Ok(histories)
    }
}
