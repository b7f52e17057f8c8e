//! Excel: a cell has a format, which has a font; parts of a text may have others.

use super::walk;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn fonts(parts: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut used = BTreeSet::from([0]);
    let mut found = BTreeSet::new();
    for (name, part) in parts {
        if name.starts_with("xl/worksheets/") {
            walk(part, |step| {
                let format = match step.name {
                    "c" | "row" => step.get("s"),
                    "col" => step.get("style"),
                    "rFont" => {
                        found.extend(step.get("val"));
                        None
                    }
                    _ => None,
                };
                used.extend(format.and_then(|format| format.parse::<usize>().ok()));
            });
        } else if name == "xl/sharedStrings.xml" {
            walk(part, |step| {
                if step.name == "rFont" {
                    found.extend(step.get("val"));
                }
            });
        }
    }
    let styles = parts.get("xl/styles.xml").map(String::as_str);
    found.extend(of_formats(styles.unwrap_or_default(), &used));
    found
}

/// The fonts of these formats, by their rank among the cells' formats.
fn of_formats(styles: &str, used: &BTreeSet<usize>) -> BTreeSet<String> {
    let (mut fonts, mut formats): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut among = "";
    walk(styles, |step| match step.name {
        "fonts" => among = if step.opens() { "fonts" } else { "" },
        "cellXfs" => among = if step.opens() { "formats" } else { "" },
        "font" if among == "fonts" && step.opens() => fonts.push(String::new()),
        "name" if among == "fonts" && step.opens() => {
            if let Some(font) = fonts.last_mut() {
                *font = step.get("val").unwrap_or_default();
            }
        }
        "xf" if among == "formats" && step.opens() => {
            let font = step.get("fontId").and_then(|font| font.parse().ok());
            formats.push(font.unwrap_or_default());
        }
        _ => {}
    });
    let used = used.iter().filter_map(|format| formats.get(*format));
    used.filter_map(|font| fonts.get(*font).cloned()).collect()
}
