//! The tree over the log, read from few rows: complete subtrees of 256 events and more are kept, what is
//! below is made again from the hashes of the events, which stay here when these are archived.

use navette_domain::{
    digest::Digest,
    proof::tree::{self, Frontier, Subtree},
};
use sqlx::PgPool;
use std::{collections::HashMap, ops::Range};

/// Subtrees from this level on are kept.
pub(super) const KEPT: u32 = 8;

/// The tree of one log, as far as its last checkpoint.
#[derive(Debug, Clone)]
pub struct Tree {
    pool: PgPool,
}

impl Tree {
    /// The tree in this database.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The root of the first `size` events; none beyond the last checkpoint.
    pub async fn root(&self, size: u64) -> sqlx::Result<Option<Digest>> {
        let roots = self.roots(std::slice::from_ref(&(0..size))).await?;
        Ok(roots.and_then(|roots| roots.first().copied()))
    }

    /// What proves that the event at `position` is in the tree of `size` events; none if it is not.
    pub async fn inclusion(&self, position: i64, size: u64) -> sqlx::Result<Option<Vec<Digest>>> {
        let index = u64::try_from(position).ok().and_then(|p| p.checked_sub(1));
        match index.and_then(|index| tree::inclusion(index, size)) {
            Some(ranges) => self.roots(&ranges).await,
            None => Ok(None),
        }
    }

    /// What proves that the tree of `new` events begins with that of `old`; none if it does not.
    pub async fn consistency(&self, old: u64, new: u64) -> sqlx::Result<Option<Vec<Digest>>> {
        match tree::consistency(old, new) {
            Some(ranges) => self.roots(&ranges).await,
            None => Ok(None),
        }
    }

    /// The tree of `size` events, ready to grow.
    pub(super) async fn frontier(&self, size: u64) -> sqlx::Result<Option<Frontier>> {
        let subtrees = tree::subtrees(&(0..size)).into_iter();
        let ranges: Vec<_> = subtrees.map(Subtree::leaves).collect();
        let roots = self.roots(&ranges).await?;
        Ok(roots.and_then(|roots| Frontier::resume(size, roots)))
    }

    async fn roots(&self, ranges: &[Range<u64>]) -> sqlx::Result<Option<Vec<Digest>>> {
        let needed = ranges.iter().flat_map(tree::subtrees);
        let (kept, made): (Vec<_>, Vec<_>) = needed.partition(|subtree| subtree.level >= KEPT);
        let mut known = self.kept(&kept).await?;
        known.extend(self.made(&made).await?);
        Ok(tree::roots(ranges, |subtree| known.get(&subtree).copied()))
    }

    /// Those of these subtrees that are kept, with their roots.
    pub(super) async fn kept(
        &self,
        subtrees: &[Subtree],
    ) -> sqlx::Result<HashMap<Subtree, Digest>> {
        if subtrees.is_empty() {
            return Ok(HashMap::new());
        }
        let (levels, places) = columns(subtrees);
        let rows: Vec<(i16, i64, [u8; 32])> = sqlx::query_as(
            "SELECT level, place, hash FROM tree_nodes JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, place) USING (level, place)",
        )
        .bind(levels)
        .bind(places)
        .fetch_all(&self.pool)
        .await?;
        let known = rows.into_iter().filter_map(|(level, place, hash)| {
            let subtree = Subtree {
                level: level.try_into().ok()?,
                index: place.try_into().ok()?,
            };
            Some((subtree, Digest::from_bytes(hash)))
        });
        Ok(known.collect())
    }

    /// Those of these small subtrees whose events are all there, with their roots.
    async fn made(&self, subtrees: &[Subtree]) -> sqlx::Result<HashMap<Subtree, Digest>> {
        if subtrees.is_empty() {
            return Ok(HashMap::new());
        }
        let bound = |leaf: u64| i64::try_from(leaf).unwrap_or(i64::MAX);
        let after: Vec<_> = subtrees.iter().map(|s| bound(s.leaves().start)).collect();
        let upto: Vec<_> = subtrees.iter().map(|s| bound(s.leaves().end)).collect();
        let hashes: Vec<(i64, [u8; 32])> = sqlx::query_as(
            "SELECT DISTINCT position, hash FROM unnest($1::bigint[], $2::bigint[]) AS span (after, upto)
             JOIN LATERAL (
                 SELECT position, hash FROM events WHERE position > after AND position <= upto
                 UNION ALL
                 SELECT position, hash FROM archived_hashes WHERE position > after AND position <= upto
             ) AS known ON true",
        )
        .bind(after)
        .bind(upto)
        .fetch_all(&self.pool)
        .await?;
        let hashes: HashMap<_, _> = hashes.into_iter().collect();
        let root = |subtree: Subtree| {
            let mut frontier = Frontier::default();
            for leaf in subtree.leaves() {
                let hash = hashes.get(&bound(leaf + 1))?;
                frontier.push(&Digest::from_bytes(*hash), |_, _| {});
            }
            Some((subtree, frontier.root()))
        };
        Ok(subtrees.iter().copied().filter_map(root).collect())
    }
}

/// Subtrees as columns of the table.
pub(super) fn columns(subtrees: &[Subtree]) -> (Vec<i16>, Vec<i64>) {
    let column = |subtree: &Subtree| {
        (
            i16::try_from(subtree.level).unwrap_or(i16::MAX),
            i64::try_from(subtree.index).unwrap_or(i64::MAX),
        )
    };
    subtrees.iter().map(column).unzip()
}
