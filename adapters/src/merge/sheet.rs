//! What spreadsheets need beyond text: typed cells, and formulas that follow their rows.
//!
//! While a sheet is rendered, each row says which row of the template it comes from; formulas are left as
//! marks and written at the end, when it is known where every row went.

use super::{
    french::{Cents, parse_date},
    xml::escape,
};
use minijinja::Value;
use std::collections::HashMap;

/// Surrounds a formula's number: a character that no value can hold.
const MARK: char = '\u{1}';

/// A run of template rows and where it was written.
#[derive(Debug, Clone, Copy)]
struct Span {
    template: usize,
    count: usize,
    output: usize,
}

struct Formula {
    text: String,
    table: String,
    template: usize,
    output: usize,
}

/// Where the rows of each sheet went.
#[derive(Default)]
pub(super) struct Sheets {
    table: String,
    next: usize,
    spans: HashMap<String, Vec<Span>>,
    formulas: Vec<Formula>,
}

impl Sheets {
    pub(super) fn start_table(&mut self, name: &str) {
        name.clone_into(&mut self.table);
        self.next = 1;
    }

    pub(super) fn add_row(&mut self, template: usize, count: usize) {
        let span = Span {
            template,
            count,
            output: self.next,
        };
        self.next += count;
        self.spans.entry(self.table.clone()).or_default().push(span);
    }

    /// Keeps a formula for later, and answers the mark that stands for it.
    pub(super) fn add_formula(&mut self, text: &str) -> String {
        let here = self.spans.get(&self.table).and_then(|spans| spans.last());
        self.formulas.push(Formula {
            text: text.to_owned(),
            table: self.table.clone(),
            template: here.map_or(0, |span| span.template),
            output: here.map_or(0, |span| span.output),
        });
        format!("{MARK}{}{MARK}", self.formulas.len() - 1)
    }

    /// Writes the formulas in place of their marks.
    pub(super) fn write_formulas(&self, rendered: String) -> String {
        if self.formulas.is_empty() {
            return rendered;
        }
        let mut out = String::with_capacity(rendered.len());
        for (index, piece) in rendered.split(MARK).enumerate() {
            match piece
                .parse::<usize>()
                .ok()
                .and_then(|at| self.formulas.get(at))
            {
                Some(formula) if index % 2 == 1 => escape(&mut out, &self.moved(formula), true),
                _ => out.push_str(piece),
            }
        }
        out
    }

    fn moved(&self, formula: &Formula) -> String {
        let mut out = String::new();
        let mut rest = formula.text.as_str();
        while let Some(start) = opening_bracket(rest) {
            let Some(length) = rest[start..].find(']') else {
                break;
            };
            out.push_str(&rest[..=start]);
            out.push_str(&self.moved_reference(&rest[start + 1..start + length], formula));
            rest = &rest[start + length..];
        }
        out.push_str(rest);
        out
    }

    fn moved_reference(&self, reference: &str, formula: &Formula) -> String {
        let (first, second) = reference
            .split_once(':')
            .map_or((reference, None), |(first, second)| (first, Some(second)));
        let (Some(from), to) = (Cell::parse(first), second.map(Cell::parse)) else {
            return reference.to_owned();
        };
        let table = from.table().unwrap_or(&formula.table);
        let Some(spans) = self.spans.get(table) else {
            return reference.to_owned();
        };
        match to {
            None => from.at(single(spans, from.row, formula)),
            Some(Some(to)) => {
                let last = last(spans, to.row);
                let first = first_of(spans, from.row).min(last);
                format!("{}:{}", from.at(first), to.at(last))
            }
            Some(None) => reference.to_owned(),
        }
    }
}

/// The next `[` outside of a quoted text.
fn opening_bracket(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, character)| {
        quoted ^= character == '"';
        (character == '[' && !quoted).then_some(at)
    })
}

/// `$Feuille1.$D$5`, cut before its row.
struct Cell<'a> {
    before: &'a str,
    row: usize,
}

impl<'a> Cell<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (before, row) = text.split_at(text.len() - digits);
        Some(Self {
            before,
            row: row.parse().ok()?,
        })
    }

    fn table(&self) -> Option<&'a str> {
        let name = self
            .before
            .rsplit_once('.')?
            .0
            .trim_start_matches('$')
            .trim_matches('\'');
        (!name.is_empty()).then_some(name)
    }

    fn at(&self, row: usize) -> String {
        format!("{}{row}", self.before)
    }
}

/// The first row written for `row` of the template, or for the next one that was written.
fn first_of(spans: &[Span], row: usize) -> usize {
    spans
        .iter()
        .filter(|span| span.template + span.count > row)
        .min_by_key(|span| span.template)
        .map_or(row, |span| span.output + row.saturating_sub(span.template))
}

/// The last row written for `row` of the template, or for the one before that was written.
fn last(spans: &[Span], row: usize) -> usize {
    let beyond = spans.iter().all(|span| span.template <= row);
    spans
        .iter()
        .filter(|span| span.template <= row)
        .max_by_key(|span| (span.template, span.output))
        .map_or(row, |span| {
            let offset = row - span.template;
            let within = if beyond {
                offset
            } else {
                offset.min(span.count - 1)
            };
            span.output + within
        })
}

/// The row written for `row` of the template nearest to the formula: its own iteration's.
fn single(spans: &[Span], row: usize, formula: &Formula) -> usize {
    if row == formula.template {
        return formula.output;
    }
    spans
        .iter()
        .filter(|span| span.template <= row && row < span.template + span.count)
        .map(|span| span.output + row - span.template)
        .min_by_key(|output| output.abs_diff(formula.output))
        .unwrap_or_else(|| first_of(spans, row))
}

/// The attributes that give a cell the type of its value.
pub(super) fn cell_type(value: &Value) -> String {
    if value.is_number() {
        return match f64::try_from(value.clone()).ok() {
            Some(number) if value.is_integer() => float(&format!("{number:.0}")),
            Some(number) => match Cents::nearest(number) {
                Some(cents) => float(&cents.decimal()),
                None => text(),
            },
            None => text(),
        };
    }
    match value.as_str() {
        Some(day) if day.len() == 10 && parse_date(day).is_some() => {
            format!(" office:value-type=\"date\" office:date-value=\"{day}\"")
        }
        _ => text(),
    }
}

fn float(number: &str) -> String {
    format!(" office:value-type=\"float\" office:value=\"{number}\"")
}

fn text() -> String {
    " office:value-type=\"string\"".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Template rows 1 title, 2 `for`, 3 repeated, 4 `endfor`, 5 total.
    fn written(times: usize, formula: &str) -> String {
        let mut sheets = Sheets::default();
        sheets.start_table("F");
        sheets.add_row(1, 1);
        for _ in 0..times {
            sheets.add_row(3, 1);
        }
        sheets.add_row(5, 1);
        let mark = sheets.add_formula(formula);
        sheets.write_formulas(format!("<{mark}>"))
    }

    #[test]
    fn a_sum_covers_every_repeated_row_and_nothing_else() {
        assert_eq!(written(4, "of:=SUM([.D3:.D3])"), "<of:=SUM([.D2:.D5])>");
        assert_eq!(written(4, "of:=SUM([.D2:.D4])"), "<of:=SUM([.D2:.D5])>");
        assert_eq!(written(1, "of:=SUM([.D$3:.D$3])"), "<of:=SUM([.D$2:.D$2])>");
    }

    #[test]
    fn a_sum_of_no_row_never_sums_itself() {
        assert_eq!(written(0, "of:=SUM([.D3:.D3])"), "<of:=SUM([.D1:.D1])>");
    }

    #[test]
    fn a_formula_in_a_repeated_row_follows_it() {
        let mut sheets = Sheets::default();
        sheets.start_table("F");
        sheets.add_row(1, 1);
        sheets.add_row(3, 1);
        sheets.add_row(3, 1);
        let mark = sheets.add_formula("of:=[.C3]*[$F.$B$1]+LEN(\"[.C3]\")");
        assert_eq!(
            sheets.write_formulas(mark),
            "of:=[.C3]*[$F.$B$1]+LEN(&quot;[.C3]&quot;)"
        );
    }
}
