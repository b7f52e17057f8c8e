//! What may leave the log for an archive.
//!
//! A stream may leave once it has ended, with all that is told of its dossier; a batch with all its documents.
//! Third parties, agents, chains, templates and what else is used for ever have no last word, and never leave.

/// The stored names of the events after which a stream has nothing more to say.
pub const LAST_WORDS: [&str; 9] = [
    "dossier.closed",
    "document.delivered",
    "document.cancelled",
    "signature.archived",
    "signature.rejected",
    "signature.withdrawn",
    "batch.completed",
    "batch.cancelled",
    "bundle.taken",
];

/// The kinds of streams that keep their dossier and batch in the log until they have ended.
pub const KINDS: [&str; 4] = ["dossier", "document", "signature", "batch"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::BatchEvent, bundle::BundleEvent, document::DocumentEvent, dossier::DossierEvent,
        signature::SignatureEvent,
    };

    #[test]
    fn last_words_are_names_of_events_and_every_kind_that_is_waited_for_has_one() {
        let names: Vec<_> = [
            DossierEvent::TYPES,
            DocumentEvent::TYPES,
            SignatureEvent::TYPES,
            BatchEvent::TYPES,
            BundleEvent::TYPES,
        ]
        .into_iter()
        .flatten()
        .map(|(name, _)| *name)
        .collect();
        for word in LAST_WORDS {
            assert!(names.contains(&word), "{word}");
        }
        // Whoever brings keys back from a backup reads every erasure again.
        for erasure in ["third_party.erased", "agent.erased"] {
            assert!(!LAST_WORDS.contains(&erasure));
        }
        for kind in KINDS {
            let mut words = LAST_WORDS.iter();
            assert!(
                words.any(|word| word.split('.').next() == Some(kind)),
                "{kind}"
            );
        }
    }
}
