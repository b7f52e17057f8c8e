//! What the rows of a list lead to is read when the list is, where the query asks for it: waiting for others who
//! want the same, as loaders do, would cost a list that knows them all more than the reading.

use super::{
    connection::Connection,
    loaders::{DocumentsOf, RowLoader, Rows, ThirdPartyById},
    objects::Dossier,
};
use async_graphql::{Context, Lookahead, dataloader::Loader, parser::types::OperationType};
use std::{collections::HashSet, hash::Hash, sync::Arc};

/// Whether the rows of a connection are asked for `field`.
fn asked(list: &Lookahead<'_>, field: &str) -> bool {
    let nodes = list.field("nodes").field(field);
    nodes.exists() || list.field("edges").field("node").field(field).exists()
}

/// Reads the third parties and the documents of a page of dossiers, if the query asks for them. Whatever cannot
/// be read is left to the loaders, which say so.
pub async fn of_dossiers(context: &Context<'_>, dossiers: &Connection<Dossier>) {
    let reads = context.query_env.operation.node.ty == OperationType::Query;
    let Some(loader) = context.data_opt::<RowLoader>().filter(|_| reads) else {
        return;
    };
    let list = context.look_ahead();
    let third_parties = dossiers
        .rows()
        .map(|row| ThirdPartyById(row.third_party_id()));
    let documents = dossiers.rows().map(|row| DocumentsOf(row.id()));
    let wanted = |field| asked(&list, field);
    loader.enable_all_cache(true);
    tokio::join!(
        async {
            if wanted("thirdParty") {
                feed(loader, third_parties, |_| None).await;
            }
        },
        async {
            if wanted("documents") {
                feed(loader, documents, |_| Some(vec![])).await;
            }
        }
    );
}

/// Reads what `keys` lead to; `nothing` is what one leads to that nothing is found for.
async fn feed<K>(
    loader: &RowLoader,
    keys: impl Iterator<Item = K>,
    nothing: fn(&K) -> Option<<Rows as Loader<K>>::Value>,
) where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Rows: Loader<K, Error = Arc<sqlx::Error>>,
{
    let keys: Vec<K> = keys.collect::<HashSet<K>>().into_iter().collect();
    let Ok(mut found) = loader.loader().load(&keys).await else {
        return;
    };
    let pairs = keys.into_iter().filter_map(|key| {
        let value = found.remove(&key).or_else(|| nothing(&key));
        value.map(|value| (key, value))
    });
    let pairs: Vec<_> = pairs.collect();
    loader.feed_many(pairs).await;
}
