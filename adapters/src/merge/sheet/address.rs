//! References to cells, as formulas and attributes write them in OpenDocument and in OOXML.

use std::fmt::Write as _;

/// The last row and column that LibreOffice and Excel both have: always empty, for want of being reached.
pub(in crate::merge) const LAST_ROW: usize = 1_048_576;
pub(in crate::merge) const LAST_COLUMN: usize = 16_384;

/// How references are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::merge) enum Syntax {
    /// `[$Feuille.$A$1:.B2]`
    OpenDocument,
    /// `Feuille!$A$1:B2`
    Ooxml,
}

/// A row or a column, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::merge) struct Line {
    pub(in crate::merge) fixed: bool,
    pub(in crate::merge) number: usize,
}

/// `$A$1`, `A` of `A:C`, `1` of `1:3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::merge) struct Corner {
    pub(in crate::merge) column: Option<Line>,
    pub(in crate::merge) row: Option<Line>,
}

/// A cell or a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Reference {
    /// The sheet, when it is named; two when it is a range of sheets.
    pub(in crate::merge) sheet: Option<(String, Option<String>)>,
    pub(in crate::merge) first: Corner,
    pub(in crate::merge) last: Option<Corner>,
}

/// The letters of a column, counted from 1.
pub(in crate::merge) fn letters(mut column: usize) -> String {
    let mut name = String::new();
    while column > 0 {
        let letter = u8::try_from((column - 1) % 26).unwrap_or_default();
        name.insert(0, char::from(b'A' + letter));
        column = (column - 1) / 26;
    }
    name
}

/// `B4`, for the cell of these row and column.
pub(in crate::merge) fn cell_name(row: usize, column: usize) -> String {
    format!("{}{row}", letters(column))
}

/// The row and column of `B4`.
pub(in crate::merge) fn cell(name: &str) -> Option<(usize, usize)> {
    let (corner, rest) = corner(name)?;
    match (corner.row, corner.column) {
        (Some(row), Some(column)) if rest.is_empty() => Some((row.number, column.number)),
        _ => None,
    }
}

/// A sheet's name, between quotes where they are needed.
pub(in crate::merge) fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && cell(name).is_none()
        && !["r", "c"].contains(&name.to_lowercase().as_str());
    if plain {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "''"))
    }
}

/// Reads a corner, and answers what follows it.
fn corner(text: &str) -> Option<(Corner, &str)> {
    let (column, rest) = column(text).map_or((None, text), |(line, rest)| (Some(line), rest));
    let (row, rest) = row(rest).map_or((None, rest), |(line, rest)| (Some(line), rest));
    (column.is_some() || row.is_some()).then_some((Corner { column, row }, rest))
}

fn dollar(text: &str) -> (bool, &str) {
    text.strip_prefix('$')
        .map_or((false, text), |rest| (true, rest))
}

fn column(text: &str) -> Option<(Line, &str)> {
    let (fixed, rest) = dollar(text);
    let length = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    if length == 0 || length > 3 {
        return None;
    }
    let number = rest[..length].bytes().fold(0, |number, letter| {
        number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    (number <= LAST_COLUMN).then_some((Line { fixed, number }, &rest[length..]))
}

fn row(text: &str) -> Option<(Line, &str)> {
    let (fixed, rest) = dollar(text);
    let length = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let number: usize = rest[..length].parse().ok()?;
    (1..=LAST_ROW)
        .contains(&number)
        .then_some((Line { fixed, number }, &rest[length..]))
}

impl Reference {
    /// Reads the reference that `text` begins with, and answers what follows it.
    pub(in crate::merge) fn read(text: &str, syntax: Syntax) -> Option<(Self, &str)> {
        let (mut sheet, rest) = sheet(text, syntax)?;
        let (first, rest) = corner(rest)?;
        let after = rest.strip_prefix(':').and_then(|rest| {
            let rest = match syntax {
                Syntax::Ooxml => rest,
                Syntax::OpenDocument => {
                    let (other, rest) = self::sheet(rest, syntax)?;
                    let first = sheet.as_ref().map(|(first, _)| first.clone());
                    let other = other.map(|(other, _)| other);
                    if let (Some(first), Some(other)) = (first, other)
                        && first != other
                    {
                        sheet = Some((first, Some(other)));
                    }
                    rest
                }
            };
            corner(rest)
        });
        let whole = |corner: &Corner| corner.row.is_some() && corner.column.is_some();
        match after {
            Some((last, rest)) if whole(&first) == whole(&last) => {
                let last = Some(last);
                Some((Self { sheet, first, last }, rest))
            }
            _ if whole(&first) => {
                let last = None;
                Some((Self { sheet, first, last }, rest))
            }
            _ => None,
        }
    }

    /// Reads a reference that is alone.
    pub(in crate::merge) fn parse(text: &str, syntax: Syntax) -> Option<Self> {
        Self::read(text, syntax)
            .filter(|(_, rest)| rest.is_empty())
            .map(|(reference, _)| reference)
    }

    /// Writes it, without the brackets of OpenDocument's formulas.
    pub(in crate::merge) fn write(&self, syntax: Syntax) -> String {
        let mut out = String::new();
        match (syntax, &self.sheet) {
            (Syntax::Ooxml, Some((first, None))) => {
                let _ = write!(out, "{}!", quoted(first));
            }
            (Syntax::Ooxml, Some((first, Some(last)))) => {
                let both = format!("{first}:{last}");
                let plain = quoted(first) == *first && quoted(last) == *last;
                let both = if plain {
                    both
                } else {
                    format!("'{}'", both.replace('\'', "''"))
                };
                let _ = write!(out, "{both}!");
            }
            (Syntax::OpenDocument, Some((first, _))) => {
                let _ = write!(out, "${}.", quoted(first));
            }
            (Syntax::OpenDocument, None) => out.push('.'),
            (Syntax::Ooxml, None) => {}
        }
        self.first.write(&mut out);
        let last = self.last.or(match &self.sheet {
            Some((_, Some(_))) if syntax == Syntax::OpenDocument => Some(self.first),
            _ => None,
        });
        if let Some(last) = last {
            out.push(':');
            match (syntax, &self.sheet) {
                (Syntax::OpenDocument, Some((_, Some(sheet)))) => {
                    let _ = write!(out, "${}.", quoted(sheet));
                }
                (Syntax::OpenDocument, _) => out.push('.'),
                (Syntax::Ooxml, _) => {}
            }
            last.write(&mut out);
        }
        out
    }
}

impl Corner {
    pub(in crate::merge) fn write(self, out: &mut String) {
        if let Some(column) = self.column {
            out.push_str(if column.fixed { "$" } else { "" });
            out.push_str(&letters(column.number));
        }
        if let Some(row) = self.row {
            let _ = write!(out, "{}{}", if row.fixed { "$" } else { "" }, row.number);
        }
    }
}

type Sheets = Option<(String, Option<String>)>;

/// Reads the sheet before a corner, if any, with the mark that follows it.
fn sheet(text: &str, syntax: Syntax) -> Option<(Sheets, &str)> {
    match syntax {
        Syntax::OpenDocument => {
            if let Some(rest) = text.strip_prefix('.') {
                return Some((None, rest));
            }
            let (name, rest) = name(dollar(text).1)?;
            Some((Some((name, None)), rest.strip_prefix('.')?))
        }
        Syntax::Ooxml => {
            let Some((first, rest)) = name(text) else {
                return Some((None, text));
            };
            if let Some(rest) = rest.strip_prefix('!') {
                let quoted = text.starts_with('\'');
                let sheets = match first.split_once(':') {
                    Some((first, last)) if quoted => (first.to_owned(), Some(last.to_owned())),
                    _ => (first, None),
                };
                return Some((Some(sheets), rest));
            }
            let last = rest
                .strip_prefix(':')
                .and_then(name)
                .and_then(|(last, rest)| Some((last, rest.strip_prefix('!')?)));
            Some(match last {
                Some((last, rest)) => (Some((first, Some(last))), rest),
                None => (None, text),
            })
        }
    }
}

/// Reads a name, quoted or not.
pub(super) fn name(text: &str) -> Option<(String, &str)> {
    if let Some(inside) = text.strip_prefix('\'') {
        let mut name = String::new();
        let mut characters = inside.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            if character != '\'' {
                name.push(character);
            } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
                name.push('\'');
            } else {
                return Some((name, &inside[at + 1..]));
            }
        }
        return None;
    }
    let length = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    (length > 0).then(|| (text[..length].to_owned(), &text[length..]))
}

pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        assert_eq!(letters(1), "A");
        assert_eq!(letters(703), "AAA");
        assert_eq!(cell("XFD12"), Some((12, LAST_COLUMN)));
    }
}
