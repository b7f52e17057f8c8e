//! The chain, the tree and checkpoints, against known values and for any size.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use super::{tree::*, *};
use crate::digest::Digest;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use std::ops::Range;
use uuid::Uuid;

fn stored() -> StoredEvent {
    StoredEvent {
        position: 42,
        stream_type: "dossier".to_owned(),
        stream_id: Uuid::from_u128(7),
        version: 3,
        event_type: "dossier.taken_up".to_owned(),
        event_version: 1,
        recorded_at: "2026-11-27T10:00:00.123456Z".parse().unwrap(),
        payload: r#"{"é":1}"#.to_owned(),
        metadata: "{}".to_owned(),
        hash: HASHED_BEFORE_FIRST,
    }
}

#[test]
fn the_hash_of_an_event_is_that_of_its_fields_each_after_its_length() {
    // Worked out apart, with Python: hashlib.sha256 over each field after len(field).to_bytes(8, "big").
    let previous = Digest::of(b"before");
    assert_eq!(
        stored().hash_after(&previous).to_string(),
        "f1f67dc01c591380586366af6423fad4a83775ba67d61e93a0990c4878a11636"
    );
}

#[test]
fn a_change_of_any_field_changes_the_hash() {
    let changes: [fn(&mut StoredEvent); 9] = [
        |event| event.position += 1,
        |event| event.stream_type.push('x'),
        |event| event.stream_id = Uuid::from_u128(8),
        |event| event.version += 1,
        |event| event.event_type.push('x'),
        |event| event.event_version += 1,
        |event| event.recorded_at += chrono::TimeDelta::microseconds(1),
        |event| event.payload.push(' '),
        |event| event.metadata.push(' '),
    ];
    let mut hashes = vec![
        stored().hash_after(&HASHED_BEFORE_FIRST),
        stored().hash_after(&Digest::of(b"another")),
    ];
    for change in changes {
        let mut event = stored();
        change(&mut event);
        hashes.push(event.hash_after(&HASHED_BEFORE_FIRST));
    }
    // What moves from one field to the next is a change too.
    let mut moved = stored();
    moved.payload = format!("{}{}", moved.payload, moved.metadata);
    moved.metadata.clear();
    hashes.push(moved.hash_after(&HASHED_BEFORE_FIRST));
    let count = hashes.len();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
}

#[test]
fn a_time_is_always_written_with_six_decimals() {
    let at: DateTime<Utc> = "2026-11-27T10:00:00Z".parse().unwrap();
    assert_eq!(written_time(at), "2026-11-27T10:00:00.000000Z");
}

/// The tree as RFC 6962 defines it, word for word.
fn defined(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(&[]),
        [alone] => leaf(alone),
        _ => {
            let (left, right) = leaves.split_at(1 << (leaves.len() - 1).ilog2());
            node(&defined(left), &defined(right))
        }
    }
}

fn events(count: u64) -> Vec<Digest> {
    (0..count).map(|i| Digest::of(&i.to_be_bytes())).collect()
}

fn at(range: Range<u64>) -> Range<usize> {
    usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
}

fn proved(events: &[Digest], ranges: &[Range<u64>]) -> Vec<Digest> {
    roots(ranges, |subtree| {
        Some(defined(events.get(at(subtree.leaves()))?))
    })
    .unwrap()
}

/// The known tree of the test data of RFC 6962's reference implementation. Its leaves are texts, not hashes,
/// so their leaves are made here.
#[test]
fn the_roots_are_those_of_rfc_6962() {
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let known = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let hashed = leaves.map(|text| Digest::of_parts([[0].as_slice(), text]));
    for (size, known) in (1..).zip(known) {
        let root = roots(std::slice::from_ref(&(0..size)), |subtree| {
            let nodes = hashed.get(at(subtree.leaves()))?.to_vec();
            let mut level = nodes;
            while level.len() > 1 {
                level = level
                    .chunks(2)
                    .map(|pair| node(&pair[0], &pair[1]))
                    .collect();
            }
            level.first().copied()
        });
        assert_eq!(root.unwrap()[0].to_string(), known, "{size} leaves");
    }
    assert_eq!(
        empty_root().to_string(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn a_tree_that_grows_leaf_by_leaf_has_the_defined_root_and_tells_every_subtree_once() {
    let events = events(70);
    let mut frontier = Frontier::default();
    let mut made = vec![];
    for (size, event) in (0..).zip(&events) {
        assert_eq!(frontier.root(), defined(&events[at(0..size)]));
        frontier.push(event, |subtree, root| {
            assert_eq!(*root, defined(&events[at(subtree.leaves())]), "{subtree:?}");
            made.push(subtree);
        });
        let roots = proved(
            &events,
            &subtrees(&(0..size + 1))
                .iter()
                .map(|s| s.leaves())
                .collect::<Vec<_>>(),
        );
        assert_eq!(Frontier::resume(size + 1, roots), Some(frontier.clone()));
    }
    let complete: usize = (1..=6).map(|level| 70 >> level).sum();
    assert_eq!(made.len(), complete);
    assert_eq!(Frontier::resume(3, vec![]), None);
}

#[test]
fn every_event_of_every_small_tree_is_proved_and_nothing_else_is() {
    let events = events(34);
    for size in 1..34 {
        let root = defined(&events[at(0..size)]);
        for index in 0..size {
            let proof = proved(&events, &inclusion(index, size).unwrap());
            let event = events[at(index..index + 1)][0];
            assert!(is_included(&event, index, (size, &root), &proof));
            assert!(!is_included(
                &Digest::of(b"x"),
                index,
                (size, &root),
                &proof
            ));
            assert!(!is_included(
                &event,
                index,
                (size, &Digest::of(b"x")),
                &proof
            ));
            if size > 1 {
                assert!(!is_included(
                    &event,
                    (index + 1) % size,
                    (size, &root),
                    &proof
                ));
                assert!(!is_included(&event, index, (size, &root), &proof[1..]));
            }
            let longer = [proof, vec![root]].concat();
            assert!(!is_included(&event, index, (size, &root), &longer));
        }
        assert_eq!(inclusion(size, size), None);
        assert!(!is_included(&events[0], size, (size, &root), &[]));
    }
}

#[test]
fn every_small_tree_is_proved_to_begin_with_each_smaller_one_and_with_no_other() {
    let events = events(34);
    for new in 0..34 {
        let new_root = defined(&events[at(0..new)]);
        for old in 0..=new {
            let old_root = defined(&events[at(0..old)]);
            let proof = proved(&events, &consistency(old, new).unwrap());
            assert!(
                is_consistent((old, &old_root), (new, &new_root), &proof),
                "{old} {new}"
            );
            let other = Digest::of(b"x");
            assert!(!is_consistent((old, &other), (new, &new_root), &proof));
            if old > 0 {
                assert!(!is_consistent((old, &old_root), (new, &other), &proof));
                let longer = [proof.clone(), vec![new_root]].concat();
                assert!(!is_consistent((old, &old_root), (new, &new_root), &longer));
            }
            for place in 0..proof.len() {
                let mut damaged = proof.clone();
                damaged[place] = other;
                assert!(!is_consistent((old, &old_root), (new, &new_root), &damaged));
                damaged.truncate(place);
                assert!(!is_consistent((old, &old_root), (new, &new_root), &damaged));
            }
            if old < new {
                assert!(!is_consistent((new, &new_root), (old, &old_root), &proof));
            }
        }
        assert_eq!(consistency(new + 1, new), None);
    }
}

proptest! {
    /// Whatever the sizes, a proof has few hashes and few subtrees: what reading it costs.
    #[test]
    fn proofs_of_any_size_are_short(sizes in (1..u64::MAX >> 1, 1..u64::MAX >> 1, any::<u64>())) {
        let (new, old) = (sizes.0.max(sizes.1), sizes.0.min(sizes.1));
        for ranges in [consistency(old, new).unwrap(), inclusion(sizes.2 % new, new).unwrap()] {
            prop_assert!(ranges.len() <= 64);
            prop_assert!(ranges.iter().flat_map(subtrees).count() <= 128);
            for range in ranges {
                let made = subtrees(&range);
                prop_assert_eq!(made.first().unwrap().leaves().start, range.start);
                prop_assert_eq!(made.last().unwrap().leaves().end, range.end);
                prop_assert!(made.windows(2).all(|two| two[0].leaves().end == two[1].leaves().start));
            }
        }
    }

    #[test]
    fn no_text_makes_the_reader_of_checkpoints_fail(text in "(navette/)?[0-9a-f\\-]{0,40}\n[0-9]{0,30}\n[A-Za-z0-9+/=]{0,50}\n\n?(— )?.{0,80}\n?") {
        let _ = text.parse::<SignedCheckpoint>();
    }
}

fn checkpoint() -> (Checkpoint, VerifierKey) {
    let epoch = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
    let checkpoint = Checkpoint {
        epoch,
        size: 34,
        root: Digest::of(b"root"),
    };
    let key = VerifierKey {
        epoch,
        public: [9; 32],
    };
    (checkpoint, key)
}

#[test]
fn a_checkpoint_is_a_signed_note_and_reads_back() {
    let (checkpoint, key) = checkpoint();
    let note = checkpoint.note(&key, &[5; 64]);
    // Worked out apart, with Python.
    assert_eq!(
        note,
        "navette/01920000-0000-7000-8000-000000000001\n34\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n\n— navette/01920000-0000-7000-8000-000000000001 7k2yEgUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n"
    );
    assert_eq!(
        key.to_string(),
        "navette/01920000-0000-7000-8000-000000000001+ee4db212+AQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJ"
    );
    let read: SignedCheckpoint = note.parse().unwrap();
    assert_eq!(read.checkpoint, checkpoint);
    assert_eq!(read.text, checkpoint.text());
    assert_eq!(read.signature(&key), Some([5; 64].as_slice()));
    let other = VerifierKey {
        public: [8; 32],
        ..key
    };
    assert_eq!(read.signature(&other), None);
}

#[test]
fn a_public_key_reads_back_and_one_that_was_copied_badly_does_not() {
    let (_, key) = checkpoint();
    let written = key.to_string();
    assert_eq!(written.parse(), Ok(key));
    assert_eq!(format!(" {written}\n").parse(), Ok(key));
    let mut damaged = written.clone();
    damaged.replace_range(written.len() - 3..written.len() - 2, "A");
    for other in [damaged.as_str(), "", "navette/", "a+b+c", &written[1..]] {
        assert_eq!(other.parse::<VerifierKey>(), Err(NotAKey), "{other}");
    }
}

/// Extension lines and signatures of witnesses are other people's; what was signed includes the former.
#[test]
fn a_note_with_more_lines_and_more_signatures_keeps_what_was_signed() {
    let (checkpoint, key) = checkpoint();
    let note = checkpoint.note(&key, &[5; 64]);
    let (text, signature) = note.split_once("\n\n").unwrap();
    let note = format!("{text}\nmore\n\n— witness AAAAAAAA\n{signature}");
    let read: SignedCheckpoint = note.parse().unwrap();
    assert_eq!(read.checkpoint, checkpoint);
    assert_eq!(read.text, format!("{}more\n", checkpoint.text()));
    assert_eq!(read.signature(&key), Some([5; 64].as_slice()));
}

#[test]
fn what_is_not_a_checkpoint_is_refused_with_its_reason() {
    let (checkpoint, key) = checkpoint();
    let note = checkpoint.note(&key, &[5; 64]);
    let refused = |note: String| note.parse::<SignedCheckpoint>().unwrap_err().to_string();
    let foreign = "this is not a checkpoint of a log of Navette";
    assert_eq!(refused(note.replace("navette/", "go.sum/")), foreign);
    assert!(refused(note.replace("\n34\n", "\n034\n")).contains("number of events"));
    assert!(refused(note.replace("\n34\n", "\n34\nAA")).contains("root"));
    assert!(refused(checkpoint.text()).contains("empty line"));
    assert!(refused(format!("{}\n", checkpoint.text())).contains("signature line"));
    assert!(refused(note.replace("— ", "- ")).contains("signature line"));
}
