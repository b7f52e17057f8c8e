//! From the cells of a row to a subsidy, or to all that is wrong with it.

use super::{
    Record, Row,
    columns::{Column, Layout},
    fold,
    row::{Beneficiary, Decision, Granting, RefusedRow, RowFault, SubsidyRow},
};
use navette_domain::{amount::Amount, personal::Personal, published_date, siret::Siret};
use std::fmt::Display;

/// What people write in a cell to say that there is nothing to write.
const NOTHING: [&str; 4] = ["ne rien indiquer", "sans objet", "neant", "non renseigne"];
/// What a broken formula leaves in a cell, in English and in French.
const BROKEN: [&str; 9] = [
    "#N/A", "#REF!", "#VALUE!", "#VALEUR!", "#NAME?", "#NOM?", "#DIV/0!", "#NUM!", "#NULL!",
];

/// Reads `record`. With `without_damaged_siret`, a SIRET that is none is left out and noted.
pub fn interpret(layout: &Layout, record: &Record, without_damaged_siret: bool) -> Row {
    let mut reading = Reading {
        layout,
        cells: &record.cells,
        without_damaged_siret,
        faults: Vec::new(),
        without: Vec::new(),
    };
    let row = reading.row(record);
    let faults = reading.faults;
    match row {
        Some(row) if faults.is_empty() => Row::Accepted(Box::new(SubsidyRow {
            without: reading.without,
            ..row
        })),
        _ => Row::Refused(RefusedRow {
            line: record.line,
            faults,
        }),
    }
}

struct Reading<'a> {
    layout: &'a Layout,
    cells: &'a [String],
    without_damaged_siret: bool,
    faults: Vec<RowFault>,
    without: Vec<RowFault>,
}

impl Reading<'_> {
    fn row(&mut self, record: &Record) -> Option<SubsidyRow> {
        if record.unclosed_quote {
            self.whole_row(
                "un guillemet n'y est pas refermé : d'autres lignes y sont prises".into(),
            );
            return None;
        }
        let (found, expected) = (self.cells.len(), self.layout.width());
        if found != expected {
            // The cells are shifted: what stands in each of them means nothing.
            self.whole_row(format!("la ligne a {found} colonnes au lieu de {expected}"));
            return None;
        }
        // All is read before anything is given up, so that the clerk sees all faults at once.
        let granting_name = self.required(Column::GrantingName);
        let granting_siret = self.siret(Column::GrantingSiret);
        let date = self.parsed(Column::DecisionDate, published_date::parse_published);
        let name = self.required(Column::BeneficiaryName);
        let siret = self.siret(Column::BeneficiarySiret);
        let rna = self.parsed(Column::BeneficiaryRna, str::parse);
        let object = self.required(Column::Object);
        let amount = self.amount();
        let european = self.parsed(Column::European, yes_or_no);
        let reference = self.optional(Column::DecisionReference);
        let payment_period = self.optional(Column::PaymentPeriod);
        let nature = self.optional(Column::Nature);
        let payment_terms = self.optional(Column::PaymentTerms);
        let scheme = self.optional(Column::Scheme);
        let percentage = self.optional(Column::Percentage);
        self.can_be_told_apart();
        Some(SubsidyRow {
            line: record.line,
            granting: Granting {
                name: granting_name?,
                siret: granting_siret,
            },
            decision: Decision { date, reference },
            beneficiary: Beneficiary {
                name: Personal(name?),
                siret,
                rna,
            },
            object: object?,
            amount: amount?,
            nature,
            payment_terms,
            payment_period,
            scheme,
            european,
            percentage,
            custom: self.layout.custom(self.cells),
            occurrence: 0,
            without: Vec::new(),
        })
    }

    /// What the cell says, unless it says that there is nothing to say.
    fn written(&self, column: Column) -> Option<String> {
        let text = self.layout.text(self.cells, column);
        let nothing = text.is_empty() || NOTHING.contains(&fold::words(text).as_str());
        (!nothing).then(|| text.to_owned())
    }

    fn optional(&mut self, column: Column) -> Option<String> {
        self.parsed(column, |text| {
            let broken = BROKEN.contains(&text);
            (!broken)
                .then(|| text.to_owned())
                .ok_or("est une erreur de formule du tableur")
        })
    }

    fn required(&mut self, column: Column) -> Option<String> {
        self.must_be_written(column);
        self.optional(column)
    }

    fn amount(&mut self) -> Option<Amount> {
        self.must_be_written(Column::Amount);
        self.parsed(Column::Amount, Amount::parse_published)
    }

    fn must_be_written(&mut self, column: Column) {
        if self.written(column).is_none() {
            self.fault(column, "", "valeur obligatoire absente");
        }
    }

    fn parsed<T, E: Display>(
        &mut self,
        column: Column,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.written(column)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.fault(column, &text, &fault.to_string());
                None
            }
        }
    }

    /// A SIRET that is none stops the row, or is left out if the clerk said so; it is never corrected.
    fn siret(&mut self, column: Column) -> Option<Siret> {
        let before = self.faults.len();
        let siret = self.parsed(column, str::parse);
        if let Some(fault) = self.faults.get_mut(before) {
            fault.can_do_without = true;
        }
        if self.without_damaged_siret {
            self.without.extend(self.faults.drain(before..));
        }
        siret
    }

    /// Two subsidies of one beneficiary are told apart by their decision, or else by their payment.
    fn can_be_told_apart(&mut self) {
        let columns = [
            Column::DecisionDate,
            Column::DecisionReference,
            Column::PaymentPeriod,
        ];
        if columns.iter().all(|column| self.written(*column).is_none()) {
            let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
            self.whole_row(format!(
                "ni date, ni référence, ni période de versement ({}) : rien ne distingue cette subvention d'une autre",
                names.join(", ")
            ));
        }
    }

    fn fault(&mut self, column: Column, value: &str, reason: &str) {
        self.faults.push(RowFault {
            column: Some(self.layout.header(column).to_owned()),
            value: value.to_owned(),
            reason: reason.to_owned(),
            can_do_without: false,
        });
    }

    fn whole_row(&mut self, reason: String) {
        self.faults.push(RowFault {
            column: None,
            value: String::new(),
            reason,
            can_do_without: false,
        });
    }
}

fn yes_or_no(text: &str) -> Result<bool, &'static str> {
    match fold::words(text).as_str() {
        "oui" | "true" | "vrai" => Ok(true),
        "non" | "false" | "faux" => Ok(false),
        _ => Err("n'est ni oui ni non"),
    }
}
