//! Verification of one stream: its chain, and its place in the tree.

use super::{
    key::is_signed,
    report::{Report, Stamps, Trust},
    rotate::key_history,
    seal::last_checkpoint,
    tree::Tree,
    verify::Source,
};
use crate::log::Row;
use navette_domain::proof::{
    Checkpoint, Fault, Faults, Holder, Previous, SignedCheckpoint, StoredEvent, link_fault, tree,
};
use sqlx::PgPool;
use uuid::Uuid;

/// Reads one stream: its chain, and that each of its events is in the tree of the last checkpoint.
pub async fn verify_stream(pool: &PgPool, trust: &Trust, stream: Uuid) -> sqlx::Result<Report> {
    let source = Source::find(pool).await?;
    let sql = format!(
        "SELECT * FROM {} AS log WHERE stream_id = $1 ORDER BY version",
        source.log
    );
    let rows: Vec<Row> = sqlx::query_as(&sql).bind(stream).fetch_all(pool).await?;
    // Its last event is here, and those before it are elsewhere.
    let left = rows.first().map(|row| &row.said);
    let left =
        left.filter(|said| source.hashes > 0 && said.version > 1 && said.position <= source.hashes);
    let left = left.map(|said| said.position);
    let note = left.map(|position| {
        format!("Ce flux est archivé jusqu'à la position {position}, hors de la base : rapportez ses tables pour le vérifier (navette archive list).")
    });
    let tree = Tree::new(pool.clone());
    let sealed = last_checkpoint(pool).await?;
    let (keys, _, broken) = key_history(pool, trust.key).await?;
    let mut faults = Faults::default();
    if let Some(size) = broken {
        faults.add(Fault::KeyChange { size });
    }
    // Under a root that differs, no event is proved: that is said once.
    let mut provable = None;
    if let Some(sealed) = &sealed {
        let note: Option<SignedCheckpoint> = sealed.note.parse().ok();
        let (size, holder) = (sealed.checkpoint.size, Holder::Log);
        match note.filter(|note| note.checkpoint == sealed.checkpoint) {
            None => faults.add(Fault::CheckpointChanged { size }),
            Some(note) if !is_signed(&note, keys.at(size)) => {
                faults.add(Fault::ForeignKey { size, holder });
            }
            Some(_) => {}
        }
        if tree.root(size).await? == Some(sealed.checkpoint.root) {
            provable = Some(sealed.checkpoint);
        } else {
            faults.add(Fault::RootDiffers { size, holder });
        }
    }
    let (mut events, mut previous) = (0, None);
    for event in rows.into_iter().map(StoredEvent::from) {
        events += 1;
        // After a gap, the event before is not the one that was read.
        let before = previous.take().filter(|_| event.version > 1);
        let before = before.filter(|(version, _)| version + 1 == event.version);
        let fault = link_fault(&event, before.map(|(_, previous)| previous));
        if let Some(fault) = fault.filter(|_| left != Some(event.position)) {
            faults.add(fault);
        }
        if let Some(Checkpoint { size, root, .. }) = provable {
            let index = u64::try_from(event.position - 1).unwrap_or_default();
            if index < size {
                let proof = tree.inclusion(event.position, size).await?;
                let included = proof.is_some_and(|proof| {
                    tree::is_included(&event.hash, index, (size, &root), &proof)
                });
                if !included {
                    faults.add(Fault::NotInTree {
                        position: event.position,
                        size,
                    });
                }
            }
        }
        let here = Previous {
            position: event.position,
            hash: event.hash,
        };
        previous = Some((event.version, here));
    }
    Ok(Report {
        of: format!("Flux {stream}"),
        events,
        checkpoints: sealed.iter().count() as u64,
        stamps: Stamps::default(),
        notes: note.into_iter().collect(),
        faults,
    })
}
