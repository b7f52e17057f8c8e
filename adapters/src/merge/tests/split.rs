//! Wherever the word processor cuts a tag, and whatever it puts in the cut, the document is the same.

#![expect(
    clippy::format_collect,
    reason = "a test is read more often than it runs"
)]

use super::{body, docx, odt};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::json;

const TEXT: &str = "Bonjour {{ nom }}, {% if x %}oui{% else %}non{% endif %} – {{ n|pluriel(\"œil\", \
                    \"yeux\") }}{# rien #} {% for a in l %}[{{ a.b }}]{% endfor %} {_{fin}_}";
const EXPECTED: &str = "Bonjour L'Éveil &lt;b&gt;, oui – yeux [1][2] {{fin}}";

/// What a word processor leaves between two runs.
const WORD_MARKS: [&str; 5] = [
    "",
    "<w:proofErr w:type=\"spellStart\"/>",
    "<w:bookmarkStart w:id=\"1\" w:name=\"b\"/>",
    "<w:r><w:lastRenderedPageBreak/></w:r>",
    "<w:del><w:r><w:delText>{{ rien }}</w:delText></w:r></w:del>",
];
const ODF_MARKS: [&str; 4] = [
    "",
    "<text:bookmark text:name=\"b\"/>",
    "<text:soft-page-break/>",
    "<text:change-start text:change-id=\"c\"/>",
];

/// The text cut at some places, each with the mark that is there and whether a run begins in bold.
fn pieces(cuts: &[(usize, usize, bool)]) -> Vec<(String, usize, bool)> {
    let characters: Vec<char> = TEXT.chars().collect();
    let mut cuts: Vec<(usize, usize, bool)> = cuts
        .iter()
        .map(|(at, mark, bold)| (at % (characters.len() + 1), *mark, *bold))
        .collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, mark, bold) in cuts {
        pieces.push((characters[from..at].iter().collect(), mark, bold));
        from = at;
    }
    pieces.push((characters[from..].iter().collect(), 0, false));
    pieces
}

fn text_of(xml: &str) -> String {
    let shown = |piece: &str| {
        let (tag, text) = piece.split_once('>')?;
        (!tag.starts_with("w:delText")).then(|| text.to_owned())
    };
    xml.split('<').filter_map(shown).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tag_is_read_wherever_it_is_cut(
        cuts in vec((0_usize..1_000, select(vec![0_usize, 1, 2, 3]), any::<bool>()), 0..30),
    ) {
        let data = json!({
            "nom": "L'Éveil <b>", "x": true, "n": 2, "l": [{ "b": 1 }, { "b": 2 }]
        });
        let pieces = pieces(&cuts);
        let word: String = pieces
            .iter()
            .map(|(text, mark, bold)| {
                let properties = if *bold { "<w:rPr><w:b/></w:rPr>" } else { "" };
                let mark = WORD_MARKS[mark + usize::from(*bold)];
                format!("<w:r>{properties}<w:t xml:space=\"preserve\">{text}</w:t></w:r>{mark}")
            })
            .collect();
        let merged = body(&docx(&format!("<w:p>{word}</w:p>")), &data);
        prop_assert_eq!(text_of(&merged), EXPECTED, "{}", merged);
        let odf: String = pieces
            .iter()
            .map(|(text, mark, bold)| {
                let mark = ODF_MARKS[*mark];
                if *bold {
                    format!("<text:span text:style-name=\"T1\">{text}</text:span>{mark}")
                } else {
                    format!("{text}{mark}")
                }
            })
            .collect();
        let merged = body(&odt(&format!("<text:p>{odf}</text:p>")), &data);
        prop_assert_eq!(text_of(&merged), EXPECTED, "{}", merged);
    }
}
