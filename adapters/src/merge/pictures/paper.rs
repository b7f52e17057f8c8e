//! Where a template's paper is white behind its images, so that a transparent image may be laid on white
//! without anybody seeing a difference. In doubt, it is not.

use std::collections::{BTreeMap, BTreeSet};

/// What follows these marks is a colour behind something.
const COLOURS: [&str; 2] = ["fo:background-color=\"", "w:fill=\""];
/// Colours that are no colour.
const WHITE: [&str; 4] = ["transparent", "#ffffff", "FFFFFF", "auto"];

/// Anything that puts a colour, a picture or a text behind an image.
const BEHIND: [&str; 9] = [
    "draw:fill=\"solid\"",
    "draw:fill=\"gradient\"",
    "draw:fill=\"hatch\"",
    "draw:fill=\"bitmap\"",
    "style:wrap=\"run-through\"",
    "<style:background-image xlink",
    "<w:background ",
    "behindDoc=\"1\"",
    "<wp:wrapNone",
];
const THEME: &str = "w:themeFill=";

/// The XML of a template's parts, by their entries.
pub(in crate::merge) type Parts = BTreeMap<String, String>;

/// The parts on which an image lies on white paper: nothing in them is coloured, nor in the styles.
pub(in crate::merge) fn white_parts(parts: &Parts) -> BTreeSet<String> {
    let text = |name: &str| parts.get(name).map_or("", String::as_str);
    let styled = ["styles.xml", "word/styles.xml"].iter().any(|name| !is_white(text(name)));
    if styled || text("word/document.xml").contains("<w:background ") {
        return BTreeSet::new();
    }
    let white = parts.iter().filter(|(_, text)| is_white(text));
    white.map(|(name, _)| name.clone()).collect()
}

/// Whether every part that shows the image `entry` is one of `white`.
pub(in crate::merge) fn lies_on(white: &BTreeSet<String>, entry: &str, parts: &Parts) -> bool {
    let file = entry.rsplit('/').next().unwrap_or_default();
    let mut users = parts.iter().filter(|(_, text)| text.contains(file)).map(|(name, _)| {
        // In OOXML, it is the part's relationships that name the file.
        let part = name.strip_suffix(".rels").map(|part| part.replacen("_rels/", "", 1));
        part.unwrap_or_else(|| name.clone())
    });
    users.all(|user| white.contains(&user))
}

fn is_white(part: &str) -> bool {
    let plain = COLOURS.iter().all(|mark| {
        part.split(mark).skip(1).all(|rest| {
            let colour = rest.split('"').next().unwrap_or_default();
            WHITE.iter().any(|white| white.eq_ignore_ascii_case(colour))
        })
    });
    plain && !part.contains(THEME) && !BEHIND.iter().any(|mark| part.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_white_unless_something_lies_behind() {
        for part in [
            "<style:paragraph-properties fo:background-color=\"transparent\"/>",
            "<style:table-cell-properties fo:background-color=\"#FFFFFF\" draw:fill=\"none\"/>",
            "<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"auto\"/>",
        ] {
            assert!(is_white(part), "{part}");
        }
        for part in [
            "<style:page-layout-properties fo:background-color=\"#eeeeee\"/>",
            "<style:graphic-properties draw:fill=\"gradient\"/>",
            "<style:graphic-properties style:wrap=\"run-through\"/>",
            "<w:shd w:val=\"clear\" w:fill=\"D9D9D9\"/>",
            "<w:shd w:val=\"clear\" w:fill=\"auto\" w:themeFill=\"accent1\"/>",
            "<w:background w:color=\"FFFF00\"/>",
            "<wp:anchor behindDoc=\"1\"/>",
        ] {
            assert!(!is_white(part), "{part}");
        }
    }
    #[test]
    fn a_coloured_table_says_nothing_of_a_logo_in_the_header() {
        let parts = |body: &str, styles: &str| {
            Parts::from([
                ("content.xml".to_owned(), format!("{body}<a xlink:href=\"Pictures/b.png\"/>")),
                ("styles.xml".to_owned(), format!("{styles}<a xlink:href=\"Pictures/a.png\"/>")),
            ])
        };
        let coloured = "<x fo:background-color=\"#e8eef5\"/>";
        let lies = |parts: &Parts, entry| lies_on(&white_parts(parts), entry, parts);
        let table = parts(coloured, "");
        assert!(lies(&table, "Pictures/a.png"));
        assert!(!lies(&table, "Pictures/b.png"));
        let page = parts("", coloured);
        assert!(!lies(&page, "Pictures/a.png") && !lies(&page, "Pictures/b.png"));
        let word = Parts::from([
            ("word/header1.xml".to_owned(), "<w:shd w:fill=\"D9D9D9\"/>".to_owned()),
            ("word/document.xml".to_owned(), String::new()),
            ("word/_rels/header1.xml.rels".to_owned(), "media/a.png".to_owned()),
            ("word/_rels/document.xml.rels".to_owned(), "media/b.png".to_owned()),
        ]);
        assert!(!lies(&word, "word/media/a.png"));
        assert!(lies(&word, "word/media/b.png"));
    }
}
