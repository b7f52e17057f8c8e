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
fn name(text: &str) -> Option<(String, &str)> {
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

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Writes a formula again with each of its references changed; texts and names are left alone.
pub(in crate::merge) fn rewrite(
    formula: &str,
    syntax: Syntax,
    change: &mut dyn FnMut(&Reference) -> String,
) -> String {
    let mut out = String::with_capacity(formula.len() + 16);
    let mut rest = formula;
    let mut after_word = false;
    while let Some(character) = rest.chars().next() {
        if character == '"' {
            let length = text_length(rest);
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            after_word = false;
            continue;
        }
        match syntax {
            Syntax::OpenDocument if character == '[' => {
                let end = rest.find(']').map_or(rest.len(), |at| at + 1);
                let inside = rest[1..end].trim_end_matches(']');
                match Reference::parse(inside, syntax) {
                    Some(reference) => out.push_str(&change(&reference)),
                    None => out.push_str(&rest[..end]),
                }
                rest = &rest[end..];
                continue;
            }
            // Columns of tables.
            Syntax::Ooxml if character == '[' => {
                let end = bracketed_length(rest);
                out.push_str(&rest[..end]);
                rest = &rest[end..];
                after_word = true;
                continue;
            }
            Syntax::Ooxml if !after_word => {
                if let Some((reference, after)) = Reference::read(rest, syntax)
                    && !after.starts_with(|c| is_word(c) || matches!(c, '(' | '!' | '.' | '['))
                {
                    out.push_str(&change(&reference));
                    rest = after;
                    after_word = true;
                    continue;
                }
                // A quoted name that is no reference's.
                if let Some((_, after)) = rest.starts_with('\'').then(|| name(rest)).flatten() {
                    out.push_str(&rest[..rest.len() - after.len()]);
                    rest = after;
                    continue;
                }
            }
            _ => {}
        }
        out.push(character);
        rest = &rest[character.len_utf8()..];
        after_word = is_word(character) || matches!(character, '.' | '$');
    }
    out
}

/// The length of a text between double quotes, quotes included.
fn text_length(text: &str) -> usize {
    text[1..].find('"').map_or(text.len(), |at| at + 2)
}

fn bracketed_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in text.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

/// A formula as it stands when it is copied `rows` down and `columns` to the right.
pub(in crate::merge) fn copied(formula: &str, rows: isize, columns: isize) -> String {
    let moved = |line: Option<Line>, by: isize, last: usize| {
        line.map(|line| {
            if line.fixed {
                return line;
            }
            let number = line.number.saturating_add_signed(by).clamp(1, last);
            Line { number, ..line }
        })
    };
    let corner = |corner: Corner| Corner {
        column: moved(corner.column, columns, LAST_COLUMN),
        row: moved(corner.row, rows, LAST_ROW),
    };
    rewrite(formula, Syntax::Ooxml, &mut |reference| {
        let copy = Reference {
            sheet: reference.sheet.clone(),
            first: corner(reference.first),
            last: reference.last.map(corner),
        };
        copy.write(Syntax::Ooxml)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(formula: &str, syntax: Syntax) -> Vec<String> {
        let mut found = Vec::new();
        rewrite(formula, syntax, &mut |reference| {
            found.push(reference.write(syntax));
            String::new()
        });
        found
    }

    #[test]
    fn only_references_are_taken_for_references() {
        let formula = "SUM(A1:$B$2)+LOG10(C3)&\"D4 \"\"E5\"+T1[Montant F6]+Feuil1!G7+'L''an 2'!H8\
                       +Taux2026+A:C+2:3+Feuil1:Feuil3!B2+IF(x1y>1.5E3,X.A1,ab12)";
        assert_eq!(
            found(formula, Syntax::Ooxml),
            [
                "A1:$B$2",
                "C3",
                "Feuil1!G7",
                "'L''an 2'!H8",
                "A:C",
                "2:3",
                "Feuil1:Feuil3!B2",
                "AB12"
            ]
        );
        let formula = "of:=SUM([.A1:.$B$2];[$'L''an 2'.C3])&\"[.D4]\"+[$F.E5:$G.E6]+[.A:.C]";
        assert_eq!(
            found(formula, Syntax::OpenDocument),
            [".A1:.$B$2", "$'L''an 2'.C3", "$F.E5:$G.E6", ".A:.C"]
        );
    }

    #[test]
    fn a_formula_that_is_left_alone_comes_out_as_it_went_in() {
        for formula in [
            "IF(A1>0,\"x, 'y' [A1]\",'Été 2026'!B2*-1%)",
            "T[[#This Row],[A1]]*2",
        ] {
            let same = rewrite(formula, Syntax::Ooxml, &mut |reference| {
                reference.write(Syntax::Ooxml)
            });
            assert_eq!(same, formula);
        }
    }

    #[test]
    fn a_copied_formula_moves_its_relative_references() {
        assert_eq!(copied("A1+$A1+A$1+$A$1", 2, 1), "B3+$A3+B$1+$A$1");
    }

    #[test]
    fn columns_have_letters() {
        assert_eq!(letters(1), "A");
        assert_eq!(letters(703), "AAA");
        assert_eq!(cell("XFD12"), Some((12, LAST_COLUMN)));
    }
}
