//! Rows that many resolvers of one answer want are read together: one statement for each kind of link,
//! whatever the number of rows.

use super::{
    asking::{Asker, Reads},
    faults,
};
use async_graphql::{
    Context, Result,
    dataloader::{DataLoader, Loader},
    runtime::{TokioSpawner, TokioTimer},
};
use navette_projections::{
    batches::{self, BatchRow},
    documents::{self, DocumentRow, Progress},
    dossiers::{self, DossierRow},
    kinds::Position,
    scope::Scope,
    signatures::{self, SignatureRow},
    templates::{self, TemplateRow},
    third_parties::{self, ThirdPartyRow},
    timeline::{self, Kind, TimelineRow},
};
use sqlx::PgPool;
use std::{
    collections::{BTreeSet, HashMap},
    hash::Hash,
    sync::Arc,
};
use uuid::Uuid;

/// Reads rows by the handful, for one asker and one answer.
pub struct Rows {
    pool: PgPool,
    scope: Scope,
}

/// The loader of one answer.
pub fn loader(reads: &Reads, asker: &Asker) -> DataLoader<Rows> {
    let rows = Rows {
        pool: reads.pool.clone(),
        scope: asker.scope.clone(),
    };
    DataLoader::new(rows, TokioSpawner::current(), TokioTimer::default())
}

/// What `key` leads to, read with what others in the same answer want.
pub async fn load<K>(context: &Context<'_>, key: K) -> Result<Option<<Rows as Loader<K>>::Value>>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Rows: Loader<K, Error = Arc<sqlx::Error>>,
{
    let loader = context.data::<DataLoader<Rows>>()?;
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
    /// A batch by its id, if it is seen.
    BatchById,
    /// The documents of a dossier that is seen.
    DocumentsOf,
    /// The signatures of a document that is seen.
    SignaturesOf,
    /// The progress of a batch that is seen.
    ProgressOf,
}

/// A version of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TemplateVersion {
    /// Which template.
    pub id: Uuid,
    /// Which version.
    pub version: i32,
}

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

impl Loader<DossierById> for Rows {
    type Value = DossierRow;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[DossierById]) -> Loaded<DossierById, DossierRow> {
        let rows = dossiers::by_ids(&self.pool, &self.scope, &ids(keys, |key| key.0)).await?;
        Ok(rows
            .into_iter()
            .map(|row| (DossierById(row.id), row))
            .collect())
    }
}

impl Loader<ThirdPartyById> for Rows {
    type Value = ThirdPartyRow;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[ThirdPartyById]) -> Loaded<ThirdPartyById, ThirdPartyRow> {
        let rows = third_parties::by_ids(&self.pool, &self.scope, &ids(keys, |key| key.0)).await?;
        Ok(rows
            .into_iter()
            .map(|row| (ThirdPartyById(row.id), row))
            .collect())
    }
}

impl Loader<BatchById> for Rows {
    type Value = BatchRow;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[BatchById]) -> Loaded<BatchById, BatchRow> {
        let rows = batches::by_ids(&self.pool, &self.scope, &ids(keys, |key| key.0)).await?;
        Ok(rows
            .into_iter()
            .map(|row| (BatchById(row.id), row))
            .collect())
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

impl Loader<TemplateVersion> for Rows {
    type Value = TemplateRow;
    type Error = Arc<sqlx::Error>;

    async fn load(&self, keys: &[TemplateVersion]) -> Loaded<TemplateVersion, TemplateRow> {
        let refs: Vec<(Uuid, i32)> = keys.iter().map(|key| (key.id, key.version)).collect();
        let rows = templates::by_refs(&self.pool, &refs).await?;
        let key = |row: &TemplateRow| TemplateVersion {
            id: row.id,
            version: row.version,
        };
        Ok(rows.into_iter().map(|row| (key(&row), row)).collect())
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
