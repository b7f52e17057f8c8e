//! The address block that shows through an envelope's window, as the French postal norm NF Z 10-011 and
//! its carrier want it: at most six lines of at most 38 characters, none of them empty; from the street
//! on, letters, digits and spaces only, the last three lines in capitals. Names keep their own writing.

use unicode_normalization::UnicodeNormalization as _;

/// The most lines, and the most characters of each.
const MOST_LINES: usize = 6;
const MOST_CHARACTERS: usize = 38;
/// How many lines at the end are in capitals.
const IN_CAPITALS: usize = 3;

/// What an address block is made of.
#[derive(Debug, Default)]
pub(crate) struct Address {
    /// Who it is sent to: one line, or more.
    pub(crate) names: Vec<String>,
    /// Complements and street.
    pub(crate) lines: Vec<String>,
    pub(crate) postcode: String,
    pub(crate) town: String,
}

/// Words that are shortened only in a line that is too long, by the norm's own abbreviations.
const SHORTER: [(&str, &str); 26] = [
    ("ALLEE", "ALL"),
    ("APPARTEMENT", "APP"),
    ("AVENUE", "AV"),
    ("BATIMENT", "BAT"),
    ("BOULEVARD", "BD"),
    ("CAPITAINE", "CAP"),
    ("CENTRE", "CTRE"),
    ("CHEMIN", "CHE"),
    ("COLONEL", "COL"),
    ("COMMANDANT", "CDT"),
    ("DOCTEUR", "DR"),
    ("ESCALIER", "ESC"),
    ("FAUBOURG", "FG"),
    ("GENERAL", "GAL"),
    ("IMMEUBLE", "IMM"),
    ("IMPASSE", "IMP"),
    ("LOTISSEMENT", "LOT"),
    ("MARECHAL", "MAL"),
    ("PLACE", "PL"),
    ("PROFESSEUR", "PR"),
    ("RESIDENCE", "RES"),
    ("ROUTE", "RTE"),
    ("SAINT", "ST"),
    ("SAINTE", "STE"),
    ("SOUS", "S"),
    ("SQUARE", "SQ"),
];

impl Address {
    /// The lines of the block, or why it cannot be one.
    pub(crate) fn block(&self) -> Result<Vec<String>, String> {
        let mut lines: Vec<String> = self.lines.iter().filter_map(|line| plain(line)).collect();
        let town = plain(&format!("{} {}", self.postcode, self.town)).map(|line| capitals(&line));
        if plain(&self.town).is_none() {
            return Err("l'adresse n'a pas de commune : la compléter dans le dossier".into());
        }
        lines.extend(town);
        let from = lines.len().saturating_sub(IN_CAPITALS);
        for line in &mut lines[from..] {
            *line = capitals(line);
        }
        for line in &mut lines {
            if length(line) > MOST_CHARACTERS {
                *line = shortened(line);
            }
            if length(line) > MOST_CHARACTERS {
                return Err(format!(
                    "la ligne d'adresse « {line} » dépasse {MOST_CHARACTERS} caractères : \
                     l'abréger ou la couper en deux dans le dossier"
                ));
            }
        }
        let mut block = Vec::new();
        for name in &self.names {
            block.extend(cut(name)?);
        }
        block.append(&mut lines);
        if block.len() > MOST_LINES {
            return Err(format!(
                "l'adresse tient en {} lignes, nom compris, et la norme postale en admet \
                 {MOST_LINES} : l'abréger dans le dossier",
                block.len()
            ));
        }
        Ok(block)
    }
}

fn length(line: &str) -> usize {
    line.chars().count()
}

/// A line without punctuation; `None` when nothing is left.
fn plain(line: &str) -> Option<String> {
    let spaced: String = line
        .nfc()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

/// Capitals without accents.
fn capitals(line: &str) -> String {
    line.to_uppercase()
        .nfd()
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .flat_map(|c| match c {
            'Œ' => vec!['O', 'E'],
            'Æ' => vec!['A', 'E'],
            other => vec![other],
        })
        .collect()
}

/// The line with the norm's abbreviations.
fn shortened(line: &str) -> String {
    let word = |word: &str| {
        let bare = capitals(word);
        let short = SHORTER.iter().find(|(long, _)| *long == bare);
        short.map_or_else(|| word.to_owned(), |(_, short)| (*short).to_owned())
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A name over as many lines as it needs, cut between words.
fn cut(name: &str) -> Result<Vec<String>, String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split_whitespace() {
        if length(word) > MOST_CHARACTERS {
            return Err(format!(
                "le mot « {word} » dépasse les {MOST_CHARACTERS} caractères d'une ligne d'adresse : \
                 l'abréger dans le dossier"
            ));
        }
        match lines.last_mut() {
            Some(line) if length(line) + 1 + length(word) <= MOST_CHARACTERS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    Ok(lines)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(name: &str, lines: &[&str], postcode: &str, town: &str) -> Address {
        Address {
            names: vec![name.into()],
            lines: lines.iter().map(|line| (*line).into()).collect(),
            postcode: postcode.into(),
            town: town.into(),
        }
    }

    #[test]
    fn from_the_street_on_a_block_has_capitals_and_no_punctuation() {
        let block = address(
            "L'Éveil culturel",
            &["", "Bât. B — « Les Tilleuls »", "12, rue de l'Église", " "],
            "35490",
            "Saint-Ouen-la-Rouërie",
        );
        assert_eq!(
            block.block().unwrap(),
            [
                "L'Éveil culturel",
                "BAT B LES TILLEULS",
                "12 RUE DE L EGLISE",
                "35490 SAINT OUEN LA ROUERIE"
            ]
        );
    }

    #[test]
    fn only_the_last_three_lines_are_in_capitals() {
        let lines = ["Maison des associations", "Étage 2", "1 rue Cœur-de-Marie"];
        let block = address("A", &lines, "35000", "Rennes").block().unwrap();
        assert_eq!(
            block,
            [
                "A",
                "Maison des associations",
                "ETAGE 2",
                "1 RUE COEUR DE MARIE",
                "35000 RENNES"
            ]
        );
    }

    #[test]
    fn a_line_is_abbreviated_only_when_it_is_too_long() {
        let street = |line: &str| address("A", &[line], "1", "B").block().unwrap()[1].clone();
        assert_eq!(street("12 avenue des Fleurs"), "12 AVENUE DES FLEURS");
        assert_eq!(
            street("12 boulevard du Général de Lattre de Tassigny"),
            "12 BD DU GAL DE LATTRE DE TASSIGNY"
        );
    }

    #[test]
    fn a_long_name_is_cut_between_words() {
        let name = "Association intercommunale des familles rurales du pays de Redon";
        assert_eq!(
            address(name, &[], "35600", "Redon").block().unwrap(),
            [
                "Association intercommunale des",
                "familles rurales du pays de Redon",
                "35600 REDON"
            ]
        );
    }

    #[test]
    fn what_cannot_be_a_block_is_told_with_its_line() {
        let long = "Rue Llanfairpwllgwyngyllgogerychwyrndrobwll";
        let refused =
            |lines: &[&str], town: &str| address("A", lines, "35600", town).block().unwrap_err();
        assert!(refused(&[long], "Redon").contains("« RUE LLANFAIRPWLLGWYNGYLL"));
        assert!(refused(&["1 rue A"], " ").contains("pas de commune"));
        assert!(refused(&["a", "b", "c", "d", "e"], "Redon").contains("7 lignes"));
    }

    proptest! {
        #[test]
        fn a_block_always_fits_its_window(
            name in "[\\PC\n\t ]{0,90}",
            lines in proptest::collection::vec("[a-zéàA-Z0-9 ,.'’-]{0,60}", 0..6),
            town in "[a-zéèA-Z' -]{0,45}",
        ) {
            let address = Address { names: vec![name], lines, postcode: "35600".into(), town };
            if let Ok(block) = address.block() {
                prop_assert!(block.len() <= MOST_LINES);
                for line in &block {
                    prop_assert!((1..=MOST_CHARACTERS).contains(&length(line)), "{line:?}");
                }
                let last = block.last().unwrap();
                prop_assert!(last.starts_with("35600 "));
                prop_assert!(
                    last.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' '),
                    "{last:?}"
                );
            }
        }
    }
}
