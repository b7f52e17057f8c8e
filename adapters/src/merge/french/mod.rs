//! How French writes amounts, numbers, dates, names and addresses.

mod address;
mod amount;
mod case;
mod date;
mod grouping;
mod words;

pub(super) use address::Address;
pub(super) use amount::{Cents, in_euros, in_figures, in_whole_euros, in_words};
pub(super) use case::{capitalised, listed, title};
pub(super) use date::{date_in_words, date_written, hour, parse_date, parse_time};
pub(super) use grouping::{iban, postcode, siret, telephone};
pub(super) use words::{ordinal, plural};
