//! Whole numbers in words, in the traditional spelling that administrations use.

const BELOW_TWENTY: [&str; 20] = [
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze",
    "douze", "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
];
const TENS: [&str; 7] = [
    "",
    "",
    "vingt",
    "trente",
    "quarante",
    "cinquante",
    "soixante",
];

/// `number` in words.
pub(super) fn number(number: u64) -> String {
    if number == 0 {
        return BELOW_TWENTY[0].into();
    }
    let mut groups = Vec::new();
    for (size, name) in [(1_000_000_000, "milliard"), (1_000_000, "million")] {
        let count = number / size % 1_000;
        if count > 0 {
            let s = if count > 1 { "s" } else { "" };
            groups.push(format!("{} {name}{s}", below_thousand(count, true)));
        }
    }
    match number / 1_000 % 1_000 {
        0 => {}
        1 => groups.push("mille".into()),
        // « mille » is no noun: vingt and cent do not agree before it.
        count => groups.push(format!("{} mille", below_thousand(count, false))),
    }
    match number % 1_000 {
        0 => {}
        count => groups.push(below_thousand(count, true)),
    }
    groups.join(" ")
}

/// `agrees`: whether a final « vingt » or « cent » takes its s.
fn below_thousand(number: u64, agrees: bool) -> String {
    let (hundreds, rest) = (number / 100, number % 100);
    let hundred = match hundreds {
        0 => String::new(),
        1 => "cent".into(),
        _ if rest == 0 && agrees => format!("{} cents", small(hundreds)),
        _ => format!("{} cent", small(hundreds)),
    };
    match (hundred.is_empty(), rest) {
        (false, 0) => hundred,
        (false, _) => format!("{hundred} {}", below_hundred(rest, agrees)),
        (true, _) => below_hundred(rest, agrees),
    }
}

fn below_hundred(number: u64, agrees: bool) -> String {
    let (ten, unit) = (number / 10, number % 10);
    match number {
        0..20 => small(number).into(),
        71 => "soixante et onze".into(),
        80 if agrees => "quatre-vingts".into(),
        80 => "quatre-vingt".into(),
        60..80 if number > 69 => format!("soixante-{}", small(number - 60)),
        81.. => format!("quatre-vingt-{}", small(number - 80)),
        _ if unit == 0 => tens(ten).into(),
        _ if unit == 1 => format!("{} et un", tens(ten)),
        _ => format!("{}-{}", tens(ten), small(unit)),
    }
}

fn small(number: u64) -> &'static str {
    usize::try_from(number)
        .ok()
        .and_then(|number| BELOW_TWENTY.get(number))
        .unwrap_or(&"")
}

fn tens(ten: u64) -> &'static str {
    usize::try_from(ten)
        .ok()
        .and_then(|ten| TENS.get(ten))
        .unwrap_or(&"")
}

/// `1er`, `2e`; in the feminine `1re`, `2e`.
pub(crate) fn ordinal(number: u64, feminine: bool) -> String {
    let suffix = match (number, feminine) {
        (1, false) => "er",
        (1, true) => "re",
        _ => "e",
    };
    format!("{number}{suffix}")
}

/// `one` or `many`, which is `one` with an s unless given: French is plural from two.
pub(crate) fn plural(count: f64, one: &str, many: Option<&str>) -> String {
    if count.abs() < 2.0 {
        one.into()
    } else {
        many.map_or_else(|| format!("{one}s"), Into::into)
    }
}

/// What French words count, read word by word: the other way round, for tests.
#[cfg(test)]
pub(super) fn count(words: &str) -> u64 {
    let (mut total, mut group) = (0, 0);
    for word in words.split([' ', '-']) {
        let small = BELOW_TWENTY.iter().position(|known| *known == word);
        let ten = TENS
            .iter()
            .position(|known| !known.is_empty() && *known == word);
        match word.trim_end_matches('s') {
            "vingt" if group % 100 == 4 => group += 76,
            _ if small.is_some() => group += u64::try_from(small.unwrap_or_default()).unwrap_or(0),
            _ if ten.is_some() => group += 10 * u64::try_from(ten.unwrap_or_default()).unwrap_or(0),
            "cent" => group = group.max(1) * 100,
            "mille" => {
                total += u64::max(group, 1) * 1_000;
                group = 0;
            }
            "million" => {
                total += group * 1_000_000;
                group = 0;
            }
            "milliard" => {
                total += group * 1_000_000_000;
                group = 0;
            }
            _ => {}
        }
    }
    total + group
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_rules_of_vingt_cent_mille_and_et() {
        for (figures, words) in [
            (0, "zéro"),
            (1, "un"),
            (16, "seize"),
            (17, "dix-sept"),
            (20, "vingt"),
            (21, "vingt et un"),
            (22, "vingt-deux"),
            (61, "soixante et un"),
            (69, "soixante-neuf"),
            (70, "soixante-dix"),
            (71, "soixante et onze"),
            (72, "soixante-douze"),
            (79, "soixante-dix-neuf"),
            (80, "quatre-vingts"),
            (81, "quatre-vingt-un"),
            (90, "quatre-vingt-dix"),
            (91, "quatre-vingt-onze"),
            (99, "quatre-vingt-dix-neuf"),
            (100, "cent"),
            (101, "cent un"),
            (180, "cent quatre-vingts"),
            (200, "deux cents"),
            (201, "deux cent un"),
            (1_000, "mille"),
            (1_001, "mille un"),
            (2_000, "deux mille"),
            (80_000, "quatre-vingt mille"),
            (200_000, "deux cent mille"),
            (180_080, "cent quatre-vingt mille quatre-vingts"),
            (1_000_000, "un million"),
            (80_000_000, "quatre-vingts millions"),
            (200_000_200, "deux cents millions deux cents"),
            (1_000_000_001, "un milliard un"),
        ] {
            assert_eq!(number(figures), words, "{figures}");
        }
    }

    #[test]
    fn french_is_plural_from_two() {
        assert_eq!(plural(0.0, "versement", None), "versement");
        assert_eq!(plural(1.5, "versement", None), "versement");
        assert_eq!(plural(2.0, "versement", None), "versements");
        assert_eq!(plural(3.0, "cheval", Some("chevaux")), "chevaux");
    }
    #[test]
    fn ordinals_agree_only_for_the_first() {
        assert_eq!(ordinal(1, false), "1er");
        assert_eq!(ordinal(1, true), "1re");
        assert_eq!(ordinal(2, false), "2e");
        assert_eq!(ordinal(21, true), "21e");
    }
}
