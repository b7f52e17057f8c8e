//! What takes more than reading rows: pages of lists that hang on rows, histories from the log, checks.

use super::{LeftOutOf, Rows, grouped, ids};
use crate::{graphql::faults, history, templates::Check};
use async_graphql::dataloader::Loader;
use navette_domain::{digest::Digest, event::Recorded};
use navette_projections::{
    documents::{DocumentFilter, DocumentRow},
    kinds::DocumentStatus,
    list,
    page::{Count, ListFault, PageFault, PageRequest, Slice},
    triggers::{self, LeftOutRow},
};
use std::{collections::HashMap, sync::Arc};
use uuid::Uuid;

/// A page of the documents of a batch, of those that are seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DocumentPage {
    /// Of which batch.
    pub batch: Uuid,
    /// Of one of these statuses.
    pub status: Option<Vec<DocumentStatus>>,
    /// Whether they wait for a person.
    pub needs_attention: Option<bool>,
    /// How many.
    pub first: Option<i32>,
    /// After this cursor.
    pub after: Option<String>,
    /// Whether all are counted.
    pub counted: bool,
}

/// What is read of a list that hangs on a row.
pub type Page<R> = Result<(Slice<R>, Option<Count>), PageFault>;

/// The events of a dossier that is seen, of its documents and of their signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventsOf(pub Uuid);

/// What is told of a template whose file has this digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckOf(pub Digest);

impl DocumentPage {
    fn filter(&self) -> DocumentFilter {
        DocumentFilter {
            batch: Some(vec![self.batch]),
            status: self.status.clone(),
            needs_attention: self.needs_attention,
            ..DocumentFilter::default()
        }
    }
}

impl Loader<DocumentPage> for Rows {
    type Value = Page<DocumentRow>;
    type Error = Arc<ListFault>;

    async fn load(
        &self,
        keys: &[DocumentPage],
    ) -> Result<HashMap<DocumentPage, Self::Value>, Self::Error> {
        let (mut pages, mut asked, mut sound) = (HashMap::new(), vec![], vec![]);
        for key in keys {
            match PageRequest::new(key.first, key.after.clone()) {
                Ok(request) => {
                    asked.push((key.filter(), request));
                    sound.push(key);
                }
                Err(fault) => {
                    pages.insert(key.clone(), Err(fault));
                }
            }
        }
        let counted: Vec<_> = sound.iter().filter(|key| key.counted).collect();
        let filters: Vec<_> = counted.iter().map(|key| key.filter()).collect();
        let found = list::pages(&self.questions, &self.scope, &asked, &[]);
        let counts = async {
            let counts = list::counts(&self.questions, &self.scope, &filters).await;
            counts.map_err(ListFault::from)
        };
        let (found, counts) = tokio::try_join!(found, counts)?;
        let counts: HashMap<&DocumentPage, Count> =
            counted.into_iter().copied().zip(counts).collect();
        for (key, slice) in sound.iter().zip(found) {
            let total = counts.get(key).copied();
            pages.insert((*key).clone(), slice.map(|slice| (slice, total)));
        }
        Ok(pages)
    }
}

impl Loader<LeftOutOf> for Rows {
    type Value = Vec<LeftOutRow>;
    type Error = Arc<sqlx::Error>;

    async fn load(
        &self,
        keys: &[LeftOutOf],
    ) -> Result<HashMap<LeftOutOf, Self::Value>, Self::Error> {
        let triggers = ids(keys, |key| key.0);
        let rows = triggers::left_out(&self.questions, &self.scope, &triggers).await?;
        Ok(grouped(rows, |row| LeftOutOf(row.trigger_id)))
    }
}

impl Loader<EventsOf> for Rows {
    /// The events, or the sentence that says that they are archived.
    type Value = Result<Arc<[Recorded]>, String>;
    type Error = Arc<anyhow::Error>;

    async fn load(&self, keys: &[EventsOf]) -> Result<HashMap<EventsOf, Self::Value>, Self::Error> {
        let dossiers: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let mut read = HashMap::new();
        // Together, unless one of them is archived: that one alone is not read.
        let apart: Vec<_> = match self.histories(&dossiers, &mut read).await {
            Ok(()) => vec![],
            Err(cause) if faults::archived(&cause).is_some() => dossiers,
            Err(cause) => return Err(cause.into()),
        };
        for dossier in apart {
            if let Err(cause) = self.histories(&[dossier], &mut read).await {
                let Some(sentence) = faults::archived(&cause) else {
                    return Err(cause.into());
                };
                read.insert(EventsOf(dossier), Err(sentence));
            }
        }
        Ok(read)
    }
}

impl Rows {
    async fn histories(
        &self,
        dossiers: &[Uuid],
        read: &mut HashMap<EventsOf, Result<Arc<[Recorded]>, String>>,
    ) -> anyhow::Result<()> {
        let histories = history::of_dossiers(&self.log, &self.pool, dossiers).await?;
        let shared =
            |(dossier, events): (Uuid, Vec<Recorded>)| (EventsOf(dossier), Ok(events.into()));
        read.extend(histories.into_iter().map(shared));
        Ok(())
    }
}

impl Loader<CheckOf> for Rows {
    type Value = Arc<Check>;
    type Error = Arc<anyhow::Error>;

    async fn load(&self, keys: &[CheckOf]) -> Result<HashMap<CheckOf, Self::Value>, Self::Error> {
        let files: Vec<Digest> = keys.iter().map(|key| key.0).collect();
        let checks = self.templates.check_stored(&self.scope, &files).await?;
        let shared = |(file, check)| (CheckOf(file), Arc::new(check));
        Ok(checks.into_iter().map(shared).collect())
    }
}
