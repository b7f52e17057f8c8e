//! Formulas: where the references in them are, and what is none.

use super::address::{Corner, LAST_COLUMN, LAST_ROW, Line, Reference, Syntax, is_word, name};

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

/// The formula with the names of the tables whose columns it reads changed, where `change` has another.
pub(in crate::merge) fn with_tables(
    formula: &str,
    change: &dyn Fn(&str) -> Option<String>,
) -> String {
    let mut out = String::with_capacity(formula.len() + 16);
    let mut rest = formula;
    while let Some(character) = rest.chars().next() {
        let word = rest.find(|c| !is_word(c) && c != '.').unwrap_or(rest.len());
        let length = match character {
            '"' => text_length(rest),
            '[' => bracketed_length(rest),
            '\'' => name(rest).map_or(1, |(_, after)| rest.len() - after.len()),
            _ => word.max(character.len_utf8()),
        };
        let (piece, after) = rest.split_at(length);
        let renamed = (word == length && after.starts_with('[')).then(|| change(piece));
        out.push_str(&renamed.flatten().unwrap_or_else(|| piece.to_owned()));
        rest = after;
    }
    out
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
    fn only_tables_are_renamed() {
        let change = |name: &str| (name == "T").then(|| "T_2".to_owned());
        assert_eq!(
            with_tables(
                "SUM(T[A],'T'!T1,\"T[A]\",TT[T[x]],T)+T[[#This Row],[T]]",
                &change
            ),
            "SUM(T_2[A],'T'!T1,\"T[A]\",TT[T[x]],T)+T_2[[#This Row],[T]]"
        );
    }

    #[test]
    fn a_copied_formula_moves_its_relative_references() {
        assert_eq!(copied("A1+$A1+A$1+$A$1", 2, 1), "B3+$A3+B$1+$A$1");
    }
}
