//! Names that Calc and Excel accept for a sheet.

use std::collections::HashSet;

/// The longest name, in the characters that Excel counts.
const LONGEST: usize = 31;

/// Gives each sheet a name that is allowed and its own.
#[derive(Default)]
pub(in crate::merge) struct Names(HashSet<String>);

impl Names {
    /// The name nearest to `wanted` that is allowed and that no other sheet has, case set aside.
    pub(in crate::merge) fn name(&mut self, wanted: &str) -> String {
        let clean = clean(wanted);
        let mut name = shortened(&clean, LONGEST);
        for rank in 2_usize.. {
            if self.0.insert(name.to_lowercase()) {
                break;
            }
            let suffix = format!(" ({rank})");
            name = shortened(&clean, LONGEST - suffix.len()) + &suffix;
        }
        name
    }
}

fn clean(wanted: &str) -> String {
    let allowed: String = wanted
        .chars()
        .map(|character| match character {
            '[' | ']' | ':' | '*' | '?' | '/' | '\\' => '-',
            _ if character.is_control() => ' ',
            _ => character,
        })
        .collect();
    let words: Vec<&str> = allowed.split_whitespace().collect();
    let name = words.join(" ");
    let name = name.trim_matches('\'').trim();
    match name.to_lowercase().as_str() {
        "" => "Feuille".into(),
        // Excel keeps this name for itself.
        "history" => format!("{name}_"),
        _ => name.to_owned(),
    }
}

fn shortened(name: &str, longest: usize) -> String {
    let mut length = 0;
    let short: String = name
        .chars()
        .take_while(|character| {
            length += character.len_utf16();
            length <= longest
        })
        .collect();
    short.trim_end().trim_end_matches('\'').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_name_is_one_that_calc_and_excel_accept() {
        let mut names = Names::default();
        assert_eq!(names.name("AS/2026:[1]*?\\"), "AS-2026--1----");
        assert_eq!(names.name("'L''été'"), "L''été");
        assert_eq!(names.name(" \n"), "Feuille");
        assert_eq!(names.name("History"), "History_");
    }

    #[test]
    fn two_sheets_never_have_the_same_name() {
        let mut names = Names::default();
        let long = "Comité des fêtes de Saint-Ambre-sur-Brume";
        let given: Vec<String> = (0..3).map(|_| names.name(long)).collect();
        assert_eq!(
            given,
            [
                "Comité des fêtes de Saint-Ambre",
                "Comité des fêtes de Saint-A (2)",
                "Comité des fêtes de Saint-A (3)"
            ]
        );
        assert_eq!(
            names.name(&long.to_uppercase()),
            "COMITÉ DES FÊTES DE SAINT-A (4)"
        );
    }
}
