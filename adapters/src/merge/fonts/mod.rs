//! The fonts that an office file asks for: those that its text is really written in, not all that it lists.
//!
//! A style counts when something bears it; its font is its own, or the first that it inherits. A font that
//! the file brings with it is not asked of anybody.

mod docx;
mod odf;
#[cfg(test)]
mod tests;
mod xlsx;

use super::archive::Archive;
use navette_domain::ports::OfficeFormat;
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event},
};
use std::collections::{BTreeMap, BTreeSet};

/// The names of the fonts that `bytes` needs of the machine that draws its pages; none when it cannot be
/// read.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the entries of an office file are named exactly"
)]
pub fn fonts(bytes: &[u8]) -> BTreeSet<String> {
    let Ok(mut archive) = Archive::open(bytes) else {
        return BTreeSet::new();
    };
    let format = archive.format();
    let mut parts = BTreeMap::new();
    for index in 0..archive.names().len() {
        let name = archive.names()[index].clone();
        if name.ends_with(".xml")
            && let Ok(content) = archive.read_index(index)
        {
            parts.insert(name, String::from_utf8_lossy(&content).into_owned());
        }
    }
    let found = match format {
        OfficeFormat::Odt | OfficeFormat::Ods => odf::fonts(&parts),
        OfficeFormat::Docx => docx::fonts(&parts),
        OfficeFormat::Xlsx => xlsx::fonts(&parts),
    };
    let found = found.into_iter().filter_map(|name| family(&name));
    found.collect()
}

/// Names that stand for whatever font is at hand, and fonts of symbols, which LibreOffice draws itself.
const NOBODYS: [&str; 12] = [
    "cursive",
    "fantasy",
    "monospace",
    "opensymbol",
    "sans-serif",
    "serif",
    "starsymbol",
    "symbol",
    "system-ui",
    "webdings",
    "wingdings",
    "wingdings 2",
];

/// `'Open Sans':ss01, sans-serif` is `Open Sans`.
fn family(name: &str) -> Option<String> {
    let first = name.split([',', ';', ':']).next().unwrap_or_default();
    let family = first.trim().trim_matches(['\'', '"']).trim();
    let nobodys = family.is_empty() || NOBODYS.contains(&family.to_lowercase().as_str());
    (!nobodys).then(|| family.to_owned())
}

/// An element's start, or its end when it has no attributes to give any more.
struct Step<'a> {
    name: &'a str,
    element: Option<&'a BytesStart<'a>>,
}

impl Step<'_> {
    fn opens(&self) -> bool {
        self.element.is_some()
    }

    /// The value of the attribute `key`, named with its prefix.
    fn get(&self, key: &str) -> Option<String> {
        self.attributes()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    fn attributes(&self) -> impl Iterator<Item = (String, String)> {
        let attributes = self.element.iter().flat_map(|element| element.attributes());
        attributes.flatten().filter_map(|attribute| {
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            Some((attribute.key.as_ref().to_owned(), value.into_owned()))
        })
    }
}

/// Goes through the elements of a part, which the scan has found sound.
fn walk(xml: &str, mut see: impl FnMut(&Step<'_>)) {
    let mut reader = Reader::from_str(xml.trim_start_matches('\u{feff}'));
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) => see(&Step {
                name: element.name().as_ref(),
                element: Some(&element),
            }),
            Ok(Event::Empty(element)) => {
                let name = element.name();
                let name = name.as_ref();
                see(&Step {
                    name,
                    element: Some(&element),
                });
                see(&Step {
                    name,
                    element: None,
                });
            }
            Ok(Event::End(element)) => see(&Step {
                name: element.name().as_ref(),
                element: None,
            }),
            Ok(Event::Eof) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// What a style says of fonts.
#[derive(Debug, Default)]
struct Style {
    parent: Option<String>,
    fonts: BTreeSet<String>,
}

/// How long a chain of parents may be: a file may make them go round.
const LONGEST_CHAIN: usize = 32;

/// The fonts of a style: its own, or the nearest that it inherits.
fn inherited<'a>(styles: &'a BTreeMap<String, Style>, name: &str) -> Option<&'a BTreeSet<String>> {
    let mut style = styles.get(name)?;
    for _ in 0..LONGEST_CHAIN {
        if !style.fonts.is_empty() {
            return Some(&style.fonts);
        }
        style = styles.get(style.parent.as_ref()?)?;
    }
    None
}
