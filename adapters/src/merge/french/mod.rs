//! How French writes amounts, numbers and dates.

mod amount;
mod date;
mod words;

pub(super) use amount::{Cents, in_figures, in_words};
pub(super) use date::{date_in_words, long_date, parse_date};
pub(super) use words::plural;
