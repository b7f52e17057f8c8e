//! What one row of a file asks for.

use chrono::{DateTime, Datelike as _, Utc};
use navette_adapters::subsidies::SubsidyRow;
use navette_domain::{
    amount::Amount,
    dossier::{Authority, Decision, Dossier, DossierCommand, Payment, Request},
    french,
    ids::DossierId,
    published_date,
    third_party::{Profile, ThirdPartyCommand},
};
use std::collections::BTreeMap;

/// The dossier and the third party of one row, under the ids that follow from it.
pub(super) struct Draft {
    /// Where it is in what is imported: `ligne 35, `.
    pub place: String,
    /// What the row was accepted without.
    pub warning: Option<String>,
    /// The dossier.
    pub dossier: DossierId,
    /// What is asked.
    pub request: Request,
    /// What was granted, and by which act, before Navette knew the dossier.
    pub granted: Option<(Amount, Decision)>,
    /// Whether a decision that is known here already stands, whatever the source says: it was told to it.
    pub ours_stands: bool,
    /// Who asks.
    pub profile: Profile,
}

impl Draft {
    pub(super) fn of(row: SubsidyRow) -> Self {
        let identity = row.identity();
        let dossier = DossierId::of_reference(&identity);
        let (reference, warning) = (row.reference(), row.warning());
        let payments = vec![payment(&row)];
        let custom = custom(&row);
        let profile = Profile {
            name: row.beneficiary.name,
            siret: row.beneficiary.siret,
            rna: row.beneficiary.rna,
            address: None,
            email: None,
            applicant_account: None,
        };
        let request = Request {
            reference,
            third_party: profile.derived_id(&identity),
            authority: Authority {
                name: row.granting.name,
                siret: row.granting.siret,
            },
            purpose: row.object,
            amount: row.amount,
            nature: row.nature,
            scheme: row.scheme,
            service: None,
            fiscal_year: row.decision.date.map(|date| date.year()),
            payment_terms: row.payment_terms,
            payments,
            custom,
        };
        let decision = Decision {
            reference: row.decision.reference,
            date: row.decision.date,
        };
        Self {
            place: format!("ligne {}, ", row.line),
            warning,
            dossier,
            granted: Some((request.amount, decision)),
            ours_stands: false,
            request,
            profile,
        }
    }

    pub(super) fn register(&self, at: DateTime<Utc>) -> ThirdPartyCommand {
        ThirdPartyCommand::Register {
            profile: self.profile.clone(),
            at,
        }
    }

    /// What is to be done with the dossier, as it is known. What is asked may change until it is decided; a
    /// decision that was taken elsewhere is taken over with the dossier, or not at all.
    pub(super) fn command(&self, known: &Dossier, at: DateTime<Utc>) -> DossierCommand {
        let request = self.request.clone();
        match (&self.granted, known) {
            (Some(_), Dossier::Open { request, stage })
                if self.ours_stands && stage.outcome().is_some() =>
            {
                // Which says nothing new.
                let request = (**request).clone();
                DossierCommand::Register { request, at }
            }
            (Some((amount, decision)), _) => DossierCommand::TakeOver {
                request,
                amount: *amount,
                decision: decision.clone(),
                at,
            },
            (None, Dossier::Open { request: there, .. }) if **there != request => {
                DossierCommand::Amend { request, at }
            }
            (None, _) => DossierCommand::Register { request, at },
        }
    }
}

/// One payment of the whole amount: the file does not say how it is divided. A day is its date; a period is
/// told in its label, for no day of it may be named.
fn payment(row: &SubsidyRow) -> Payment {
    let published = row.payment_period.as_deref().unwrap_or_default();
    let whole = |label: String, date| Payment {
        label,
        date,
        amount: row.amount,
    };
    if let Ok(day) = published_date::parse_published(published) {
        return whole("Versement".to_owned(), Some(day));
    }
    let period = ['_', '/'].into_iter().find_map(|between| {
        let (from, to) = published.split_once(between)?;
        let day = |text| published_date::parse_published(text).ok();
        day(from).zip(day(to))
    });
    match period {
        Some((from, to)) if from == to => whole("Versement".to_owned(), Some(from)),
        Some((from, to)) => {
            let (from, to) = (french::date(from), french::date(to));
            whole(format!("Versement entre le {from} et le {to}"), None)
        }
        None => whole("Versement".to_owned(), None),
    }
}

/// The columns that Navette does not know, and those that it knows but has no field for, under the names of
/// the schema.
fn custom(row: &SubsidyRow) -> BTreeMap<String, String> {
    let yes_or_no = |yes| if yes { "oui" } else { "non" }.to_owned();
    let known = [
        ("datesPeriodeVersement", row.payment_period.clone()),
        ("notificationUE", row.european.map(yes_or_no)),
        ("pourcentageSubvention", row.percentage.clone()),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    known.chain(row.custom.clone()).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;
    use navette_adapters::subsidies::{ReadOptions, Row, SubsidyFile};
    use std::io::Cursor;

    fn draft(period: &str) -> Draft {
        let text = format!(
            "nomAttribuant;idAttribuant;dateConvention;nomBeneficiaire;objet;montant;datesPeriodeVersement\n\
             Département;22800001400016;2017-02-03;Les Amis;Fête;12,50;{period}\n"
        );
        let mut file = SubsidyFile::read(Cursor::new(text), &ReadOptions::default()).unwrap();
        match file.next().unwrap().unwrap() {
            Row::Accepted(row) => Draft::of(*row),
            Row::Refused(refused) => panic!("{refused}"),
        }
    }

    #[test]
    fn a_published_day_is_the_date_of_the_payment_and_a_period_is_only_told() {
        let day = chrono::NaiveDate::from_ymd_opt(2017, 3, 30);
        for (period, label, date) in [
            ("2017-03-30", "Versement", day),
            ("2017-03-30/2017-03-30", "Versement", day),
            (
                "2017-03-30_2017-05-01",
                "Versement entre le 30 mars 2017 et le 1er mai 2017",
                None,
            ),
            (
                "2017-03-30/2017-05-01",
                "Versement entre le 30 mars 2017 et le 1er mai 2017",
                None,
            ),
            ("mars 2017", "Versement", None),
            ("", "Versement", None),
        ] {
            let payments = draft(period).request.payments;
            assert_eq!(payments.len(), 1, "{period}");
            assert_eq!(
                (payments[0].label.as_str(), payments[0].date),
                (label, date),
                "{period}"
            );
            assert_eq!(payments[0].amount.to_string(), "12.50");
        }
    }

    #[test]
    fn what_is_published_and_has_no_field_is_kept_under_its_name() {
        let custom = draft("mars 2017").request.custom;
        assert_eq!(custom["datesPeriodeVersement"], "mars 2017");
    }

    #[test]
    fn the_budget_year_is_that_of_the_decision() {
        assert_eq!(draft("").request.fiscal_year, Some(2017));
    }
}
