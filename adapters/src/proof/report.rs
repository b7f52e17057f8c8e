//! What a verification is given to believe, and what it tells an auditor.

use super::time_stamp::TimeStamp;
use crate::trust::Roots;
use navette_domain::proof::Faults;
use std::fmt;

/// Whom a verification believes.
#[derive(Debug, Clone)]
pub struct Trust {
    /// The key that checkpoints must be signed with.
    pub key: [u8; 32],
    /// What the certificates of time stamps must lead to; without them, only their signatures are checked.
    pub authorities: Option<Roots>,
}

/// The time stamps of checkpoints, verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamps {
    /// How many there are.
    pub count: u64,
    /// The size of the last checkpoint that has a right one, and what it says.
    pub last: Option<(u64, TimeStamp)>,
}

impl fmt::Display for Stamps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 0 {
            return Ok(());
        }
        writeln!(f, "{} horodatage(s) vérifiés.", self.count)?;
        let Some((size, stamp)) = &self.last else {
            return Ok(());
        };
        writeln!(f, "{}", stamp.of(*size))?;
        if !stamp.trusted {
            writeln!(
                f,
                "Qui est derrière ce certificat n'est pas vérifié : aucune autorité n'est donnée (time_stamp.ca)."
            )?;
        }
        Ok(())
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What was read: the log, or a stream.
    pub of: String,
    /// How many events were read.
    pub events: u64,
    /// How many checkpoints they were held against.
    pub checkpoints: u64,
    /// Their time stamps.
    pub stamps: Stamps,
    /// What is wrong.
    pub faults: Faults,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            of,
            events,
            checkpoints,
            stamps,
            faults,
        } = self;
        writeln!(
            f,
            "{of} : {events} événement(s) lus, {checkpoints} point(s) de contrôle vérifiés."
        )?;
        write!(f, "{stamps}")?;
        for fault in &faults.told {
            writeln!(f, "- {fault}")?;
        }
        if faults.more > 0 {
            writeln!(f, "- … et {} autre(s) anomalie(s)", faults.more)?;
        }
        if faults.is_empty() {
            write!(f, "Aucune anomalie.")
        } else {
            write!(f, "Le journal n'est pas intact.")
        }
    }
}
