//! Where a template's paper is white behind its images, so that a transparent image may be laid on white
//! without anybody seeing a difference. In doubt, it is not.

#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the entries of an office file are named exactly"
)]

use super::flattened;
use crate::merge::archive::Archive;
use bytes::Bytes;
use navette_domain::ports::MergeFailure;
use std::collections::{BTreeMap, BTreeSet};

/// What follows these marks is a colour behind something.
const COLOURS: [&str; 2] = [" fo:background-color=\"", " w:fill=\""];
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

/// A template's paper.
pub(in crate::merge) struct Paper {
    /// The XML of its parts, by their entries.
    parts: BTreeMap<String, String>,
    /// The parts on which an image lies on white: nothing in them is coloured, nor in the styles.
    white: BTreeSet<String>,
}

impl Paper {
    /// Reads what colours the pages of `archive`.
    pub(in crate::merge) fn read(archive: &mut Archive<'_>) -> Result<Self, MergeFailure> {
        let mut parts = BTreeMap::new();
        for index in 0..archive.names().len() {
            let name = archive.names()[index].clone();
            if name.ends_with(".xml") || name.ends_with(".rels") {
                let text = String::from_utf8_lossy(&archive.read_index(index)?).into_owned();
                parts.insert(name, text);
            }
        }
        Ok(Self::new(parts))
    }

    fn new(parts: BTreeMap<String, String>) -> Self {
        let text = |name: &str| parts.get(name).map_or("", String::as_str);
        let styles = ["styles.xml", "word/styles.xml"];
        let coloured = styles.iter().any(|name| !is_white(text(name)))
            || text("word/document.xml").contains("<w:background ");
        let white = parts
            .iter()
            .filter(|(_, text)| !coloured && is_white(text))
            .map(|(name, _)| name.clone())
            .collect();
        Self { parts, white }
    }

    /// Whether an image of this part lies on white.
    pub(in crate::merge) fn is_white(&self, part: &str) -> bool {
        self.white.contains(part)
    }

    /// Whether every part that shows the image `entry` is white.
    fn is_white_below(&self, entry: &str) -> bool {
        let file = entry.rsplit('/').next().unwrap_or_default();
        let users = self.parts.iter().filter(|(_, text)| text.contains(file));
        users.map(|(name, _)| name).all(|name| {
            // In OOXML, it is the part's relationships that name the file.
            let part = name.strip_suffix(".rels");
            let part = part.map(|part| part.replacen("_rels/", "", 1));
            let lists = name == "META-INF/manifest.xml" || name == "[Content_Types].xml";
            lists || self.white.contains(part.as_deref().unwrap_or(name))
        })
    }

    /// The template's images that convert faster without their transparency, and do not look otherwise.
    pub(in crate::merge) fn flattened_images(
        &self,
        archive: &mut Archive<'_>,
    ) -> Result<Vec<(String, Bytes)>, MergeFailure> {
        let mut images = Vec::new();
        for index in 0..archive.names().len() {
            let name = archive.names()[index].clone();
            let shown = ["Pictures/", "word/media/", "xl/media/"];
            if shown.iter().any(|folder| name.starts_with(folder)) && name.ends_with(".png") {
                let content = archive.read_index(index)?;
                let flattened = flattened(&content, self.is_white_below(&name));
                images.extend(flattened.map(|bytes| (name, bytes)));
            }
        }
        Ok(images)
    }
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
    fn paper<const N: usize>(parts: [(&str, &str); N]) -> Paper {
        Paper::new(parts.map(|(name, text)| (name.into(), text.into())).into())
    }

    #[test]
    fn a_coloured_table_says_nothing_of_a_logo_in_the_header() {
        let body = "<x fo:background-color=\"#e8eef5\"/><a xlink:href=\"Pictures/b.png\"/>";
        let header = "<a xlink:href=\"Pictures/a.png\"/>";
        let table = paper([
            ("content.xml", body),
            ("styles.xml", header),
            ("META-INF/manifest.xml", "Pictures/a.png Pictures/b.png"),
        ]);
        assert!(table.is_white_below("Pictures/a.png"));
        assert!(!table.is_white_below("Pictures/b.png"));
        let page = paper([("content.xml", header), ("styles.xml", body)]);
        assert!(!page.is_white_below("Pictures/a.png"));
        let word = paper([
            ("word/header1.xml", "<w:shd w:fill=\"D9D9D9\"/>"),
            ("word/document.xml", ""),
            ("word/_rels/header1.xml.rels", "media/a.png"),
            ("word/_rels/document.xml.rels", "media/b.png"),
        ]);
        assert!(!word.is_white_below("word/media/a.png"));
        assert!(word.is_white_below("word/media/b.png"));
    }
}
