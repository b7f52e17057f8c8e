#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::merge::xml;
use navette_domain::ports::OfficeFormat;
use proptest::prelude::*;

/// A rich text as lines: `- ` and `1. ` before items, `*bold*`, `/italic/`, `_underlined_`, cells between
/// bars.
fn shown(rich: &Rich) -> Vec<String> {
    let run = |run: &Run| {
        let mut text = run.text.replace('\n', "⏎");
        for (on, mark) in [
            (run.look.underline, "_"),
            (run.look.italic, "/"),
            (run.look.bold, "*"),
        ] {
            if on {
                text = format!("{mark}{text}{mark}");
            }
        }
        text
    };
    let runs = |runs: &[Run]| runs.iter().map(run).collect::<String>();
    let mut lines = Vec::new();
    for block in &rich.blocks {
        match block {
            Block::Paragraph { runs: text, item } => {
                let lead = item.map_or_else(String::new, |item| {
                    let indent = "  ".repeat(item.depth);
                    let mark = if item.first { item.mark() } else { " ".into() };
                    format!("{indent}{mark} ")
                });
                lines.push(lead + &runs(text));
            }
            Block::Table(rows) => {
                for row in rows {
                    let cells: Vec<String> = row.iter().map(|cell| runs(cell)).collect();
                    lines.push(format!("|{}|", cells.join("|")));
                }
            }
        }
    }
    lines
}

fn html(text: &str) -> Vec<String> {
    shown(&Rich::from_html(text).unwrap())
}

fn markdown(text: &str) -> Vec<String> {
    shown(&Rich::from_markdown(text).unwrap())
}

#[test]
fn html_gives_paragraphs_looks_and_line_breaks() {
    assert_eq!(
        html(
            "<h2>Objet</h2>\n<p>Un  <b>grand <i>projet</i></b>,\n<u>ici</u>.<br>Suite</p>\
              et <strong>fin &amp; &lt;tout&gt;</strong>"
        ),
        [
            "*Objet*",
            "Un *grand **/projet/*, _ici_.⏎Suite",
            "et *fin & <tout>*"
        ]
    );
}

#[test]
fn lists_nest_and_count() {
    let expected = ["1. a", "  • b", "  • c", "2. d", "  suite", "5. e"];
    let read = html(
        "<ol><li>a<ul><li>b<li>c</ul></li><li><p>d</p><p>suite</p></li></ol><ol start=5><li>e</ol>",
    );
    assert_eq!(read, expected);
    let read = markdown("1. a\n   - b\n   - c\n2. d\n\n   suite\n\n<!-- -->\n\n5. e");
    assert_eq!(read[..2], ["1. a", "  • b"]);
    assert_eq!(read[3..5], ["2. d", "  suite"]);
}

#[test]
fn what_runs_or_fetches_is_dropped_with_its_content() {
    assert_eq!(
        html(
            "a<script>if (1 < 2) { '</p>' }</script>b<style>p { }</style><iframe src='x'>c</iframe>\
             <img src=x onerror=y><!-- d --><svg><a>e</a></svg>f<template><p>g</template>"
        ),
        ["abf"]
    );
}

#[test]
fn unknown_elements_give_their_text() {
    assert_eq!(
        html("<font color=red>a</font><x-y>b</x-y> &euro; </div>c"),
        ["ab €", "c"]
    );
}

#[test]
fn a_link_is_its_text_and_its_address_never_something_to_click() {
    assert_eq!(
        html(
            "<a href='https://a.fr/x'>ici</a>, <a href='https://a.fr'>a.fr</a>, \
             <a href='mailto:b@c.fr'>b@c.fr</a>, <a href='javascript:alert(1)'>là</a>"
        ),
        ["ici (https://a.fr/x), a.fr, b@c.fr, là"]
    );
    assert_eq!(markdown("[ici](https://a.fr)"), ["ici (https://a.fr)"]);
}

#[test]
fn tables_keep_their_cells_even_when_rows_differ() {
    assert_eq!(
        html("<table><tr><th>a<th>b</tr><tr><td><p>c</p><p>d</p></td></tr></table>"),
        ["|*a*|*b*|", "|c⏎d||"]
    );
    assert_eq!(
        markdown("| a | b |\n|---|---|\n| c | **d** |"),
        ["|*a*|*b*|", "|c|*d*|"]
    );
}

#[test]
fn html_inside_markdown_stays_text() {
    assert_eq!(
        markdown("**a** <b>c</b>\n\n<script>d</script>"),
        ["*a* <b>c</b>", "<script>d</script>"]
    );
}

#[test]
fn lists_deeper_than_can_be_shown_stay_at_the_deepest_level() {
    let deep = "<ul><li>x".repeat(50);
    let rich = Rich::from_html(&deep).unwrap();
    let depths = rich.blocks.iter().map(|block| match block {
        Block::Paragraph { item, .. } => item.unwrap().depth,
        Block::Table(_) => 99,
    });
    assert_eq!(depths.max(), Some(DEEPEST_LIST - 1));
}

#[test]
fn a_text_too_long_is_refused() {
    assert!(Rich::from_html(&"x".repeat(LONGEST + 1)).is_none());
}

/// A host of each format, as templates give them.
fn hosts() -> (Host, Host) {
    let host = |xml: &str, format| {
        let nodes = xml::parse(xml).unwrap();
        let Some(xml::Node::Element(mut paragraph)) = nodes.into_iter().next() else {
            panic!("no element");
        };
        put_tag(&mut paragraph);
        Host::of_paragraph(&paragraph, format, true).unwrap().1
    };
    (
        host(
            "<text:p text:style-name=\"P1\"><text:span text:style-name=\"T1\">@</text:span></text:p>",
            OfficeFormat::Odt,
        ),
        host(
            "<w:p><w:pPr><w:pStyle w:val=\"A\"/><w:ind w:left=\"100\"/><w:jc w:val=\"both\"/></w:pPr>\
             <w:r><w:rPr><w:rFonts w:ascii=\"B\"/><w:sz w:val=\"20\"/></w:rPr><w:t>@</w:t></w:r></w:p>",
            OfficeFormat::Docx,
        ),
    )
}

fn put_tag(element: &mut xml::Element) {
    for child in &mut element.children {
        match child {
            xml::Node::Text(text) if text == "@" => {
                *child = xml::Node::Tag(crate::merge::tag::Tag::read(
                    "{{ x|html }}",
                    navette_domain::ports::Place::default(),
                ));
            }
            xml::Node::Element(element) => put_tag(element),
            _ => {}
        }
    }
}

#[test]
fn opendocument_paragraphs_take_the_hosts_style_and_spans_ours() {
    let rich = Rich::from_html("<p>a<b>b</b></p><ol start=3><li>c<ul><li>d</ul></ol>").unwrap();
    let span =
        |text: &str| format!("<text:span text:style-name=\"T1\">{text}</text:span></text:p>");
    let p = "<text:p text:style-name=\"P1\">";
    assert_eq!(
        rich.odf_paragraphs(&hosts().0),
        format!(
            "{p}{}<text:list text:style-name=\"Navette_numeros\"><text:list-item \
             text:start-value=\"3\">{p}{}<text:list text:style-name=\"Navette_puces\">\
             <text:list-item>{p}{}</text:list-item></text:list></text:list-item></text:list>",
            span("a<text:span text:style-name=\"Navette_G\">b</text:span>"),
            span("c"),
            span("d"),
        )
    );
}

#[test]
fn word_paragraphs_take_the_hosts_properties_in_the_schemas_order() {
    let rich = Rich::from_html("<p><b><u>a</u></b></p><ul><li>b</ul>").unwrap();
    assert_eq!(
        rich.word_paragraphs(&hosts().1),
        "<w:p><w:pPr><w:pStyle w:val=\"A\"/><w:ind w:left=\"100\"/><w:jc w:val=\"both\"/></w:pPr><w:r>\
         <w:rPr><w:rFonts w:ascii=\"B\"/><w:b/><w:bCs/><w:sz w:val=\"20\"/><w:u w:val=\"single\"/>\
         </w:rPr><w:t xml:space=\"preserve\">a</w:t></w:r></w:p><w:p><w:pPr><w:pStyle w:val=\"A\"/>\
         <w:ind w:left=\"460\" w:hanging=\"360\"/><w:jc w:val=\"both\"/></w:pPr><w:r><w:rPr><w:rFonts \
         w:ascii=\"B\"/><w:sz w:val=\"20\"/></w:rPr><w:t>•</w:t><w:tab/></w:r><w:r><w:rPr><w:rFonts \
         w:ascii=\"B\"/><w:sz w:val=\"20\"/></w:rPr><w:t xml:space=\"preserve\">b</w:t></w:r></w:p>"
    );
}

#[test]
fn a_word_cell_still_ends_with_a_paragraph_after_a_table() {
    let rich = Rich::from_html("<table><tr><td>a</table>").unwrap();
    assert!(rich.word_paragraphs(&hosts().1).ends_with("</w:tbl><w:p><w:pPr><w:pStyle w:val=\"A\"/><w:ind w:left=\"100\"/><w:jc w:val=\"both\"/></w:pPr></w:p>"));
    let nothing = Rich::default();
    assert!(nothing.word_paragraphs(&hosts().1).starts_with("<w:p>"));
    assert!(nothing.odf_paragraphs(&hosts().0).starts_with("<text:p "));
}

#[test]
fn only_the_filters_of_rich_text_ask_for_it() {
    let asks = |tag: &str| {
        asks_for_rich_text(&crate::merge::tag::Tag::read(
            tag,
            navette_domain::ports::Place::default(),
        ))
    };
    assert!(asks("{{ x|html }}"));
    assert!(asks("{{ x | default(\"\") | markdown }}"));
    assert!(!asks("{{ html }}"));
    assert!(!asks("{{ x|htmlise }}"));
    assert!(!asks("{% if x|html %}"));
}

proptest! {
    #[test]
    fn whatever_is_read_the_part_stays_well_formed(
        pieces in proptest::collection::vec(
            prop_oneof![
                any::<String>(),
                proptest::sample::select(vec![
                    "<ul>", "</ul>", "<ol>", "</ol>", "<li>", "</li>", "<p>", "</p>", "<b>", "</b>",
                    "<table>", "</table>", "<tr>", "<td>", "</td>", "<br>", "<script>", "</script>",
                    "<h1>", "<a href='http://x'>", "</a>", "- a\n", "1. b\n", "\n\n", "**", "|a|b|\n|-|-|\n",
                ]).prop_map(String::from),
            ],
            0..30,
        ),
    ) {
        let text = pieces.concat();
        let (odf, word) = hosts();
        for rich in [Rich::from_html(&text).unwrap(), Rich::from_markdown(&text).unwrap()] {
            for part in [
                rich.odf_paragraphs(&odf),
                format!("<text:p>{}</text:p>", rich.odf_in_line()),
                rich.word_paragraphs(&word),
                format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", rich.word_in_line(&word)),
            ] {
                prop_assert!(xml::parse(&part).is_ok(), "{part}");
            }
        }
    }
}
