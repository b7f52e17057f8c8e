//! What is verified when a part of the log is archived: the tables that left, as long as they are in this
//! database; else the hashes that stayed, which the checkpoints were made of.

use super::{KEPT, Linked, Verifying, WINDOW};
use crate::log::archive::{archived, is_detached};
use futures::TryStreamExt as _;
use navette_domain::{
    digest::Digest,
    proof::{Fault, link_fault},
};
use sqlx::PgPool;
use std::sync::Arc;

/// Where the events are read.
#[derive(Debug, Clone)]
pub(in crate::proof) struct Source {
    /// What stands for the table of the log in statements that look events up.
    pub log: Arc<str>,
    /// The same for the first $2 events after $1: each table gives its own.
    pub window: Arc<str>,
    /// Up to which position events are archived.
    pub archived: i64,
    /// Up to which position nothing but hashes is here.
    pub hashes: i64,
}

impl Source {
    pub async fn find(pool: &PgPool) -> sqlx::Result<Self> {
        let parts = archived(pool).await?;
        let archived = parts.last().map_or(0, |part| part.last);
        let mut tables = vec![format!("events WHERE position > {archived}")];
        for part in parts {
            if !is_detached(pool, part).await? {
                return Ok(Self::of(
                    &["events WHERE true".to_owned()],
                    archived,
                    archived,
                ));
            }
            tables.push(format!("{part} WHERE true"));
        }
        Ok(Self::of(&tables, archived, 0))
    }

    fn of(tables: &[String], archived: i64, hashes: i64) -> Self {
        let together = |select: &dyn Fn(&String) -> String| {
            let selects: Vec<_> = tables.iter().map(select).collect();
            Arc::from(format!("({})", selects.join(" UNION ALL ")))
        };
        Self {
            log: together(&|table| format!("SELECT * FROM {table}")),
            window: together(&|table| {
                format!("(SELECT * FROM {table} AND position > $1 ORDER BY position LIMIT $2)")
            }),
            archived,
            hashes,
        }
    }

    /// What an auditor is told of it.
    pub fn note(&self) -> Option<String> {
        let Self {
            archived, hashes, ..
        } = self;
        match (archived, hashes) {
            (0, _) => None,
            (last, 0) => Some(format!(
                "Les événements jusqu'à la position {last} sont archivés : ils ont été lus dans leurs tables."
            )),
            (last, _) => Some(format!(
                "Les événements jusqu'à la position {last} sont archivés hors de la base : leurs empreintes seules ont été vérifiées. Pour vérifier leur contenu, rapportez leurs tables (navette archive list)."
            )),
        }
    }
}

/// An event that was kept of what is archived, and the hash of what left.
#[derive(sqlx::FromRow)]
struct Kept {
    #[sqlx(flatten)]
    linked: Linked,
    known: Option<[u8; 32]>,
}

impl Verifying<'_> {
    /// What was kept of what is archived is what left.
    pub(super) async fn kept(&mut self) -> sqlx::Result<()> {
        let sql = format!(
            "SELECT event.*, known.hash AS known, previous.position AS previous_position, previous.hash AS previous_hash
             FROM events AS event
             LEFT JOIN archived_hashes AS known ON known.position = event.position
             LEFT JOIN LATERAL (
                 SELECT position, hash FROM {} AS log
                 WHERE stream_id = event.stream_id AND version = event.version - 1 LIMIT 1
             ) AS previous ON true
             WHERE event.position <= $1",
            self.source.log
        );
        let mut kept = sqlx::query_as::<_, Kept>(&sql)
            .bind(self.source.archived)
            .fetch(self.pool);
        while let Some(Kept { linked, known }) = kept.try_next().await? {
            let (event, previous) = linked.split();
            // Of a stream that left, the last event is here, and those that it follows may be elsewhere.
            let alone = self.source.hashes > 0 && previous.is_none() && event.version > 1;
            let fault = if known.map(Digest::from_bytes) != Some(event.hash) {
                let (position, after) = (event.position, None);
                Some(Fault::Changed { position, after })
            } else if alone {
                None
            } else {
                link_fault(&event, previous)
            };
            if let Some(fault) = fault {
                self.verification.faults.add(fault);
            }
        }
        Ok(())
    }

    /// What is out of this database is known by its hashes, of which the checkpoints were made.
    pub(super) async fn hashes(&mut self) -> sqlx::Result<()> {
        loop {
            let from = self.verification.last();
            let window: Vec<(i64, [u8; 32])> = sqlx::query_as(
                "SELECT position, hash FROM archived_hashes WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3",
            )
            .bind(from)
            .bind(self.source.hashes)
            .bind(WINDOW)
            .fetch_all(self.pool)
            .await?;
            let Some((to, _)) = window.last().copied() else {
                return Ok(());
            };
            let mut stored = self.sealed_between(from, to).await?;
            let mut made = vec![];
            for (position, hash) in window {
                let hash = Digest::from_bytes(hash);
                self.verification
                    .take_hash(position, &hash, |subtree, root| {
                        if subtree.level >= KEPT {
                            made.push((subtree, *root));
                        }
                    });
                self.reach(position, &mut stored);
            }
            self.subtrees(&made).await?;
        }
    }
}
