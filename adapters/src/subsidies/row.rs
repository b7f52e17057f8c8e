//! One subsidy of a file, and what stands in its way.

use super::fold;
use chrono::{Datelike, NaiveDate};
use navette_domain::{amount::Amount, digest::Digest, personal::Personal, rna::Rna, siret::Siret};
use std::{collections::BTreeMap, fmt};

/// The signs of a reference: no I, L, O or U, which are misread and misheard.
const SIGNS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The authority that grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granting {
    /// Its name as published.
    pub name: String,
    /// Its SIRET, where it is sound.
    pub siret: Option<Siret>,
}

/// The decision to grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Its day.
    pub date: Option<NaiveDate>,
    /// What the authority calls it.
    pub reference: Option<String>,
}

/// Who receives the subsidy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beneficiary {
    /// The name: sometimes a person's.
    pub name: Personal<String>,
    /// The SIRET, where there is one and it is sound.
    pub siret: Option<Siret>,
    /// The number of an association.
    pub rna: Option<Rna>,
}

impl Beneficiary {
    /// Under what a register knows the beneficiary: `siret:73282932000074`, `rna:W333216789`. Without
    /// either there is no key: two associations may share a name, and are not taken for one.
    pub fn key(&self) -> Option<String> {
        let siret = self.siret.as_ref().map(|siret| format!("siret:{siret}"));
        siret.or_else(|| self.rna.as_ref().map(|rna| format!("rna:{rna}")))
    }
}

/// One subsidy, as a file publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubsidyRow {
    /// Where it is in the file.
    pub line: u64,
    /// The authority.
    pub granting: Granting,
    /// The decision.
    pub decision: Decision,
    /// The beneficiary.
    pub beneficiary: Beneficiary,
    /// What the money is for.
    pub object: String,
    /// How much.
    pub amount: Amount,
    /// In money, in kind, or both, as published.
    pub nature: Option<String>,
    /// At once or by instalments, as published.
    pub payment_terms: Option<String>,
    /// The day or period of payment, as published.
    pub payment_period: Option<String>,
    /// The dispositif under which it is granted.
    pub scheme: Option<String>,
    /// Whether it was notified to the European Commission.
    pub european: Option<bool>,
    /// The beneficiary's share, as published: `1`, `80` and `0,5` are all found for a part of one.
    pub percentage: Option<String>,
    /// The columns that Navette does not know.
    pub custom: BTreeMap<String, String>,
    /// How many equal rows came before this one in the file.
    pub occurrence: u32,
    /// The SIRET without which the row was accepted, and why.
    pub without: Vec<RowFault>,
}

impl SubsidyRow {
    /// What this subsidy is, the same whenever its file is imported.
    ///
    /// Published files hold no stable id, so it follows from what makes two subsidies different: authority,
    /// decision, beneficiary, object, amount, period of payment, and the rank among equal rows. Authority
    /// and beneficiary count by their SIRET (or RNA), else by their name. Correcting one of these at the
    /// source therefore makes another subsidy; all other columns may change freely.
    pub fn identity(&self) -> String {
        self.digest(Some(self.occurrence)).to_string()
    }

    /// The identity in short, for people: `SUB-2017-7K3Q9-M2XWD`. Fifty bits of the identity: among
    /// 100,000 subsidies of one year, two have the same in four cases out of a million.
    pub fn reference(&self) -> String {
        let digest = self.digest(Some(self.occurrence));
        let bits = digest
            .as_bytes()
            .iter()
            .take(7)
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let sign = |place: u64| {
            let index = (bits >> (51 - 5 * place)) & 31;
            char::from(SIGNS.get(index as usize).copied().unwrap_or(b'0'))
        };
        let (left, right): (String, String) =
            ((0..5).map(sign).collect(), (5..10).map(sign).collect());
        match self.year() {
            Some(year) => format!("SUB-{year}-{left}-{right}"),
            None => format!("SUB-{left}-{right}"),
        }
    }

    /// The same for equal rows, in sixteen bytes.
    pub(super) fn content_key(&self) -> u128 {
        let digest = self.digest(None);
        let half = digest.as_bytes().first_chunk().copied();
        u128::from_be_bytes(half.unwrap_or_default())
    }

    fn digest(&self, occurrence: Option<u32>) -> Digest {
        let granting = self.granting.siret.as_ref().map(ToString::to_string);
        let beneficiary = self.beneficiary.key();
        let date = self.decision.date.map(|date| date.to_string());
        let words = |text: &Option<String>| fold::words(text.as_deref().unwrap_or_default());
        let parts = [
            granting.unwrap_or_else(|| fold::words(&self.granting.name)),
            date.unwrap_or_default(),
            words(&self.decision.reference),
            beneficiary.unwrap_or_else(|| fold::words(self.beneficiary.name.reveal())),
            fold::words(&self.object),
            self.amount.to_string(),
            words(&self.payment_period),
            occurrence.map(|rank| rank.to_string()).unwrap_or_default(),
        ];
        Digest::of(parts.join("\u{1f}").as_bytes())
    }

    /// The year of the decision, else the first one that its payment or its reference names.
    fn year(&self) -> Option<i32> {
        let named = |text: &Option<String>| {
            text.as_deref()?
                .split(|c: char| !c.is_ascii_digit())
                .filter(|digits| digits.len() == 4)
                .find_map(|digits| digits.parse().ok().filter(|y| (1990..2100).contains(y)))
        };
        let decided = self.decision.date.map(|date| date.year());
        decided
            .or_else(|| named(&self.payment_period))
            .or_else(|| named(&self.decision.reference))
    }

    /// One line for the clerk about what the row was accepted without.
    pub fn warning(&self) -> Option<String> {
        let faults = sentence(self.line, &self.without);
        (!self.without.is_empty()).then(|| format!("{faults} ; importé sans ce SIRET"))
    }
}

/// What is wrong with one cell, or with the row if no column is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// The column, as the file names it.
    pub column: Option<String>,
    /// What it holds.
    pub value: String,
    /// What is wrong, in words that follow the value.
    pub reason: String,
    /// Whether the row could be accepted without this value, if the clerk says so.
    pub can_do_without: bool,
}

/// A row that is not imported, with all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// Where it is in the file.
    pub line: u64,
    /// All its faults.
    pub faults: Vec<RowFault>,
}

impl fmt::Display for RefusedRow {
    /// One line, with what the clerk can do about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentence(self.line, &self.faults))?;
        f.write_str(" ; corrigez à la source")?;
        if self.faults.iter().all(|fault| fault.can_do_without) {
            f.write_str(" ou importez avec --without-damaged-siret")?;
        }
        Ok(())
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(column) = &self.column else {
            return f.write_str(&self.reason);
        };
        match self.value.as_str() {
            "" => write!(f, "colonne {column} : {}", self.reason),
            value => write!(
                f,
                "colonne {column} : « {} » {}",
                excerpt(value),
                self.reason
            ),
        }
    }
}

fn sentence(line: u64, faults: &[RowFault]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    format!("ligne {line}, {}", faults.join(" ; "))
}

/// Enough of a value to recognise it, on one line.
fn excerpt(value: &str) -> String {
    let mut words = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = words.char_indices().nth(60) {
        words.truncate(cut);
        words.push('…');
    }
    words
}
