//! How long the law holds what is known of a third party: an erasure waits until then.

use crate::{dossier::DossierStatus, french, ids::DossierId};
use chrono::{Months, NaiveDate};
use std::fmt;

/// How many years a dossier is kept after its closing, and a signed document after its signature: ten for
/// public accounts, unless the site says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The years.
    pub years: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { years: 10 }
    }
}

/// What the rule must know of each dossier of a third party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDossier {
    /// Which.
    pub dossier: DossierId,
    /// What people call it.
    pub reference: String,
    /// Where it stands.
    pub status: DossierStatus,
    /// When it was last closed.
    pub closed: Option<NaiveDate>,
    /// When the last of its documents was signed.
    pub signed: Option<NaiveDate>,
    /// Whether a document is still on its way.
    pub under_way: bool,
}

/// Why a dossier holds its third party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It is not closed.
    Open,
    /// One of its documents has not reached its end.
    UnderWay,
    /// It was closed too recently.
    Closed {
        /// The first day on which it no longer holds.
        until: NaiveDate,
    },
    /// One of its documents was signed too recently.
    Signed {
        /// The first day on which it no longer holds.
        until: NaiveDate,
    },
}

/// A dossier that holds its third party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDossier {
    /// Which.
    pub dossier: DossierId,
    /// What people call it.
    pub reference: String,
    /// Why.
    pub hold: Hold,
}

impl fmt::Display for HeldDossier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dossier {} : ", self.reference)?;
        match self.hold {
            Hold::Open => f.write_str("il n'est pas clos."),
            Hold::UnderWay => f.write_str("un de ses documents n'est pas arrivé à son terme."),
            Hold::Closed { until } => {
                write!(f, "clos, il se conserve jusqu'au {}.", french::date(until))
            }
            Hold::Signed { until } => write!(
                f,
                "un document signé se conserve jusqu'au {}.",
                french::date(until)
            ),
        }
    }
}

impl Retention {
    /// The dossiers that hold their third party on this day, each with its strongest reason.
    pub fn holding(self, dossiers: &[KeptDossier], today: NaiveDate) -> Vec<HeldDossier> {
        let held = dossiers.iter().filter_map(|kept| {
            Some(HeldDossier {
                dossier: kept.dossier,
                reference: kept.reference.clone(),
                hold: self.hold(kept, today)?,
            })
        });
        held.collect()
    }

    fn hold(self, kept: &KeptDossier, today: NaiveDate) -> Option<Hold> {
        if kept.status != DossierStatus::Closed {
            return Some(Hold::Open);
        }
        if kept.under_way {
            return Some(Hold::UnderWay);
        }
        // A dossier whose closing is not known was not closed by anybody: it holds like an open one.
        let Some(closed) = kept.closed else {
            return Some(Hold::Open);
        };
        let closed = self.end(closed);
        match kept.signed.map(|signed| self.end(signed)) {
            Some(until) if until > closed && today < until => Some(Hold::Signed { until }),
            _ if today < closed => Some(Hold::Closed { until: closed }),
            _ => None,
        }
    }

    fn end(self, day: NaiveDate) -> NaiveDate {
        day.checked_add_months(Months::new(self.years.saturating_mul(12)))
            .unwrap_or(NaiveDate::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
    }

    fn closed_on(closed: NaiveDate) -> KeptDossier {
        KeptDossier {
            dossier: DossierId::of_reference("SUB-1"),
            reference: "SUB-1".into(),
            status: DossierStatus::Closed,
            closed: Some(closed),
            signed: None,
            under_way: false,
        }
    }

    fn hold(kept: KeptDossier, today: NaiveDate) -> Option<Hold> {
        let held = Retention::default().holding(&[kept], today);
        held.first().map(|held| held.hold)
    }

    #[test]
    fn a_third_party_without_dossiers_is_not_held() {
        assert_eq!(Retention::default().holding(&[], day(2026, 1, 1)), []);
    }

    #[test]
    fn a_dossier_that_is_not_closed_holds_however_old_it_is() {
        let open = KeptDossier {
            status: DossierStatus::Notified,
            ..closed_on(day(1990, 1, 1))
        };
        assert_eq!(hold(open, day(2026, 1, 1)), Some(Hold::Open));
    }

    #[test]
    fn a_closed_dossier_holds_to_the_day_for_the_period() {
        let until = day(2036, 2, 28);
        let closed = || closed_on(day(2026, 2, 28));
        assert_eq!(
            hold(closed(), day(2036, 2, 27)),
            Some(Hold::Closed { until })
        );
        assert_eq!(hold(closed(), until), None);
    }

    #[test]
    fn a_document_signed_after_the_closing_holds_for_the_period() {
        let signed = || KeptDossier {
            signed: Some(day(2027, 3, 1)),
            ..closed_on(day(2026, 2, 28))
        };
        let until = day(2037, 3, 1);
        assert_eq!(
            hold(signed(), day(2036, 6, 1)),
            Some(Hold::Signed { until })
        );
        assert_eq!(hold(signed(), until), None);
    }

    #[test]
    fn a_document_that_has_not_reached_its_end_holds() {
        let on_its_way = KeptDossier {
            under_way: true,
            ..closed_on(day(1990, 1, 1))
        };
        assert_eq!(hold(on_its_way, day(2026, 1, 1)), Some(Hold::UnderWay));
    }

    #[test]
    fn the_period_is_the_sites() {
        let kept = [closed_on(day(2026, 2, 28))];
        let today = day(2028, 1, 1);
        assert_eq!(Retention { years: 1 }.holding(&kept, today), []);
        assert_eq!(Retention { years: 2 }.holding(&kept, today).len(), 1);
    }

    #[test]
    fn what_holds_is_told_to_people() {
        let held = Retention::default().holding(&[closed_on(day(2026, 2, 28))], day(2026, 3, 1));
        let told = held.first().map(ToString::to_string);
        assert_eq!(
            told.as_deref(),
            Some("Dossier SUB-1 : clos, il se conserve jusqu'au 28 février 2036.")
        );
    }
}
