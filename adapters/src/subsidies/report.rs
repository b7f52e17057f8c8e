//! What an import did, in French.

use std::fmt;

/// The counts of an import. The refused rows are printed as they are met, one line each
/// ([`RefusedRow`](super::RefusedRow) writes it), so that a report takes no more memory than its numbers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ImportReport {
    /// Dossiers registered or changed.
    pub accepted: u64,
    /// Among them, those that lost a damaged SIRET.
    pub without_siret: u64,
    /// Dossiers that were already known as they are.
    pub unchanged: u64,
    /// Rows that are not imported.
    pub refused: u64,
}

impl fmt::Display for ImportReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", counted(self.accepted, "accepté"))?;
        if self.without_siret > 0 {
            write!(f, " (dont {} sans SIRET)", self.without_siret)?;
        }
        let refused = counted(self.refused, "refusé");
        write!(f, ", {refused}, {}", counted(self.unchanged, "inchangé"))
    }
}

/// Below two, French uses the singular.
fn counted(count: u64, word: &str) -> String {
    let plural = if count < 2 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_counts_in_french() {
        let report = ImportReport {
            accepted: 66,
            without_siret: 2,
            unchanged: 1,
            refused: 0,
        };
        assert_eq!(
            report.to_string(),
            "66 acceptés (dont 2 sans SIRET), 0 refusé, 1 inchangé"
        );
    }
}
