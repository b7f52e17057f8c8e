//! OpenDocument: `style:font-name` names a face, which has a family.

use super::{Style, inherited, walk};
use std::collections::{BTreeMap, BTreeSet};

/// The families of styles whose fonts nothing but a default gives.
const WITH_DEFAULT: [&str; 2] = ["paragraph", "table-cell"];

#[derive(Default)]
struct Read {
    /// Families that come with the file.
    brought: BTreeSet<String>,
    /// By the family of styles, then by name; a default has no name.
    styles: BTreeMap<String, BTreeMap<String, Style>>,
    /// The styles that something bears.
    borne: BTreeSet<String>,
}

pub(super) fn fonts(parts: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut read = Read::default();
    for name in ["styles.xml", "content.xml"] {
        if let Some(part) = parts.get(name) {
            read.part(part);
        }
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (family, styles) in &read.styles {
        let default = WITH_DEFAULT
            .contains(&family.as_str())
            .then(|| styles.get(""))
            .flatten();
        for name in read.borne.iter().filter(|name| styles.contains_key(*name)) {
            let own = inherited(styles, name);
            let fonts = own.or(default.map(|default| &default.fonts));
            names.extend(fonts.into_iter().flatten().cloned());
        }
    }
    names.difference(&read.brought).cloned().collect()
}

impl Read {
    fn part(&mut self, xml: &str) {
        // Each part names its own.
        let mut families: BTreeMap<String, String> = BTreeMap::new();
        let mut family_of_face = None;
        let mut style: Option<(String, String)> = None;
        let mut is_shown = false;
        walk(xml, |step| match step.name {
            "style:font-face" if step.opens() => {
                let face = step.get("style:name").unwrap_or_default();
                let family = step.get("svg:font-family").unwrap_or_else(|| face.clone());
                families.insert(face, family.clone());
                family_of_face = Some(family);
            }
            "svg:font-face-uri" if step.opens() => self.brought.extend(family_of_face.take()),
            "style:style" | "style:default-style" if step.opens() => {
                let family = step.get("style:family").unwrap_or_default();
                let name = step.get("style:name").unwrap_or_default();
                let parent = step.get("style:parent-style-name");
                let fonts = BTreeSet::new();
                let styles = self.styles.entry(family.clone()).or_default();
                styles.insert(name.clone(), Style { parent, fonts });
                style = Some((family, name));
            }
            "style:style" | "style:default-style" => style = None,
            "style:text-properties" if step.opens() => {
                let font = step
                    .get("style:font-name")
                    .or_else(|| step.get("fo:font-family"));
                let known = style
                    .as_ref()
                    .and_then(|(family, name)| self.styles.get_mut(family)?.get_mut(name));
                if let Some(style) = known {
                    let family = font.map(|font| families.get(&font).cloned().unwrap_or(font));
                    style.fonts.extend(family);
                }
            }
            "office:body" | "office:master-styles" => is_shown = step.opens(),
            _ if is_shown => {
                let named = step
                    .attributes()
                    .filter(|(key, _)| key.ends_with("style-name"));
                self.borne.extend(named.map(|(_, name)| name));
            }
            _ => {}
        });
    }
}
