//! Word: `w:rFonts` names a font, or one of the theme's two.

use super::{Step, Style, inherited, walk};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
struct Read {
    /// The theme's fonts: of titles (`major`), and of text (`minor`).
    theme: BTreeMap<&'static str, String>,
    /// Fonts that come with the file.
    brought: BTreeSet<String>,
    /// Paragraphs', characters' and tables' styles, which share their names; what holds by default has none.
    styles: BTreeMap<String, Style>,
    /// The style of paragraphs that name none.
    usual: Option<String>,
    paragraphs: BTreeSet<String>,
    others: BTreeSet<String>,
    /// Given to the text itself.
    direct: BTreeSet<String>,
}

pub(super) fn fonts(parts: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut read = Read::default();
    let part = |name: &str| parts.get(name).map(String::as_str).unwrap_or_default();
    read.theme(part("word/theme/theme1.xml"));
    read.font_table(part("word/fontTable.xml"));
    read.styles(part("word/styles.xml"));
    for (name, part) in parts {
        let file = name.strip_prefix("word/").unwrap_or_default();
        let is_text = ["document", "header", "footer", "footnotes", "endnotes"]
            .iter()
            .any(|start| file.starts_with(start));
        if is_text {
            read.text(part);
        }
    }
    let mut found = read.direct;
    let default = read.styles.get("").map(|default| &default.fonts);
    for name in &read.paragraphs {
        let fonts = inherited(&read.styles, name).or(default);
        found.extend(fonts.into_iter().flatten().cloned());
    }
    for name in &read.others {
        found.extend(inherited(&read.styles, name).into_iter().flatten().cloned());
    }
    found.difference(&read.brought).cloned().collect()
}

impl Read {
    fn theme(&mut self, xml: &str) {
        let mut which = None;
        walk(xml, |step| match step.name {
            "a:majorFont" => which = step.opens().then_some("major"),
            "a:minorFont" => which = step.opens().then_some("minor"),
            "a:latin" if step.opens() => {
                if let (Some(which), Some(font)) = (which, step.get("typeface")) {
                    self.theme.insert(which, font);
                }
            }
            _ => {}
        });
    }

    fn font_table(&mut self, xml: &str) {
        let mut font = None;
        walk(xml, |step| match step.name {
            "w:font" => font = step.get("w:name"),
            "w:embedRegular" => self.brought.extend(font.take()),
            _ => {}
        });
    }

    fn styles(&mut self, xml: &str) {
        // What stands outside of any style is what holds by default.
        let mut name = String::new();
        walk(xml, |step| match step.name {
            "w:style" => {
                name = step.get("w:styleId").unwrap_or_default();
                let is_usual = step.get("w:default").is_some_and(|value| value != "0")
                    && step.get("w:type").is_some_and(|kind| kind == "paragraph");
                if is_usual {
                    self.usual = Some(name.clone());
                }
            }
            "w:basedOn" if step.opens() => {
                self.styles.entry(name.clone()).or_default().parent = step.get("w:val");
            }
            "w:rFonts" if step.opens() => {
                let fonts = self.named(step);
                self.styles
                    .entry(name.clone())
                    .or_default()
                    .fonts
                    .extend(fonts);
            }
            _ => {}
        });
    }

    fn text(&mut self, xml: &str) {
        // A paragraph without a style has the usual one.
        let mut style = None;
        walk(xml, |step| match step.name {
            "w:p" if step.opens() => style.clone_from(&self.usual),
            "w:pStyle" if step.opens() => style = step.get("w:val"),
            "w:rStyle" | "w:tblStyle" if step.opens() => self.others.extend(step.get("w:val")),
            "w:rFonts" if step.opens() => {
                let fonts = self.named(step);
                self.direct.extend(fonts);
            }
            "w:t" if step.opens() => {
                self.paragraphs.insert(style.clone().unwrap_or_default());
            }
            _ => {}
        });
    }

    /// The fonts of Latin letters.
    fn named(&self, step: &Step<'_>) -> BTreeSet<String> {
        let of_theme = |key: &str| {
            let theme = step.get(key)?;
            let which = if theme.starts_with("major") {
                "major"
            } else {
                "minor"
            };
            self.theme.get(which).cloned()
        };
        [("w:asciiTheme", "w:ascii"), ("w:hAnsiTheme", "w:hAnsi")]
            .into_iter()
            .filter_map(|(theme, name)| of_theme(theme).or_else(|| step.get(name)))
            .collect()
    }
}
