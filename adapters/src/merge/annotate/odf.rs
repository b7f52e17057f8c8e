//! Comments in ODT and ODS: `office:annotation`.

use super::{
    super::join::{self, PARAGRAPHS},
    AUTHOR, is_ours,
    outline::{Edits, Outline, escaped},
    package::Package,
    words,
};
use navette_domain::ports::TemplateFault;

const CONTENT: &str = "content.xml";
const COMMENT: &str = "office:annotation";
const CELL: &str = "table:table-cell";

/// Elements of a paragraph that a comment may stand in.
const TRANSPARENT: [&str; 4] = ["text:span", "text:a", "text:p", "text:h"];

/// Writes the comments of a text document, each around its tag.
pub(super) fn annotate_text(package: &mut Package<'_>, faults: &[TemplateFault]) -> Option<()> {
    let content = package.read(CONTENT)?;
    let outline = Outline::of(&content)?;
    let top = first_paragraph(&outline);
    let mut edits = Edits::default();
    for (index, fault) in faults.iter().enumerate() {
        if fault.place.anchor.is_none() {
            continue;
        }
        let name = format!("navette{}", index + 1);
        if let Some((start, end)) = around(&outline, fault) {
            edits.insert(start, comment(&words(fault, true), Some(&name)));
            edits.insert(
                end,
                format!("<office:annotation-end office:name=\"{name}\"/>"),
            );
        } else if let Some(top) = top {
            edits.insert(top, comment(&words(fault, false), None));
        }
    }
    apply(package, &content, edits)
}

/// Writes the comments of a spreadsheet, each in its cell, which has one comment at most.
pub(super) fn annotate_sheets(package: &mut Package<'_>, faults: &[TemplateFault]) -> Option<()> {
    let content = package.read(CONTENT)?;
    let outline = Outline::of(&content)?;
    let holds_text = |cell: &usize| {
        let whole = &outline.spans[*cell].whole;
        outline
            .named("text:p")
            .any(|p| whole.contains(&outline.spans[p].whole.start))
    };
    let top = outline.named(CELL).find(holds_text);
    let mut cells: Vec<(usize, Vec<String>)> = Vec::new();
    for fault in faults {
        if fault.place.anchor.is_none() {
            continue;
        }
        let cell = cell_of(&outline, fault);
        let Some(at) = cell.or(top) else {
            continue;
        };
        let text = words(fault, cell.is_some());
        match cells.iter_mut().find(|(known, _)| *known == at) {
            Some((_, texts)) => texts.push(text),
            None => cells.push((at, vec![text])),
        }
    }
    let mut edits = Edits::default();
    for (cell, texts) in cells {
        let existing = outline
            .named(COMMENT)
            .find(|comment| outline.spans[*comment].parent == Some(cell));
        match existing {
            Some(existing) => {
                edits.append(&outline.spans[existing], &paragraphs(&texts.join("\n")));
            }
            None => edits.insert(
                outline.spans[cell].inside.start,
                comment(&texts.join("\n"), None),
            ),
        }
    }
    apply(package, &content, edits)
}

fn apply(package: &mut Package<'_>, content: &str, edits: Edits) -> Option<()> {
    if edits.is_empty() {
        return None;
    }
    package.change(CONTENT, edits.apply(content));
    Some(())
}

fn comment(text: &str, name: Option<&str>) -> String {
    let name = name.map_or_else(String::new, |name| format!(" office:name=\"{name}\""));
    format!(
        "<{COMMENT}{name}><dc:creator xmlns:dc=\"http://purl.org/dc/elements/1.1/\">{AUTHOR}\
         </dc:creator>{}</{COMMENT}>",
        paragraphs(text)
    )
}

fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for line in text.split('\n') {
        out.extend(["<text:p>", &escaped(line), "</text:p>"]);
    }
    out
}

/// The bytes around a tag; around the frame or note that holds it, if it is not in the text itself.
fn around(outline: &Outline<'_>, fault: &TemplateFault) -> Option<(usize, usize)> {
    let anchor = fault.place.anchor.as_ref()?;
    if anchor.entry != CONTENT {
        return None;
    }
    let paragraph = outline.paragraph(anchor)?;
    let outermost = outline
        .upwards(paragraph)
        .filter(|index| PARAGRAPHS.contains(&outline.spans[*index].name.as_str()))
        .last()?;
    let opaque = |from: usize| {
        outline
            .upwards(from)
            .take_while(|index| *index != outermost)
            .filter(|index| !TRANSPARENT.contains(&outline.spans[*index].name.as_str()))
            .last()
            .map(|index| outline.spans[index].whole.clone())
    };
    let in_frame = outline
        .upwards(outermost)
        .any(|index| outline.spans[index].name.starts_with("draw:"));
    if in_frame {
        return None;
    }
    if let Some(spot) = outline.spot(paragraph, anchor, &fault.tag) {
        Some((
            opaque(spot.first.0).map_or(spot.first.1, |whole| whole.start),
            opaque(spot.last.0).map_or(spot.last.1, |whole| whole.end),
        ))
    } else {
        let inside = &outline.spans[paragraph].inside;
        let whole = opaque(paragraph).unwrap_or_else(|| inside.clone());
        Some((whole.start, whole.end))
    }
}

/// The start of the first paragraph of the text itself.
fn first_paragraph(outline: &Outline<'_>) -> Option<usize> {
    let in_text = |index: &usize| {
        outline.upwards(*index).skip(1).all(|around| {
            let name = outline.spans[around].name.as_str();
            !PARAGRAPHS.contains(&name)
                && !name.starts_with("draw:")
                && !join::is_ignored_name(name)
        })
    };
    (0..outline.spans.len())
        .filter(|index| PARAGRAPHS.contains(&outline.spans[*index].name.as_str()))
        .filter(|index| !outline.spans[*index].inside.is_empty())
        .find(in_text)
        .map(|index| outline.spans[index].inside.start)
}

fn cell_of(outline: &Outline<'_>, fault: &TemplateFault) -> Option<usize> {
    let anchor = fault.place.anchor.as_ref()?;
    if anchor.entry != CONTENT {
        return None;
    }
    let paragraph = outline.paragraph(anchor)?;
    outline
        .upwards(paragraph)
        .find(|index| outline.spans[*index].name == CELL)
}

/// Takes our comments out.
pub(super) fn clean(package: &mut Package<'_>) -> Option<()> {
    let content = package.read(CONTENT)?;
    if !content.contains(AUTHOR) || !content.contains(COMMENT) {
        return None;
    }
    let outline = Outline::of(&content)?;
    let mut edits = Edits::default();
    let mut names = Vec::new();
    for comment in outline.named(COMMENT) {
        let signed = outline
            .inside(comment, "dc:creator")
            .into_iter()
            .any(|creator| outline.text_of(creator) == AUTHOR);
        let mut ours = outline.inside(comment, "text:p");
        let all = ours.len();
        ours.retain(|paragraph| is_ours(&outline.text_of(*paragraph)));
        if signed || (ours.len() == all && all > 0) {
            edits.remove(outline.spans[comment].whole.clone());
            names.extend(outline.attribute(comment, "office:name"));
        } else {
            for paragraph in ours {
                edits.remove(outline.spans[paragraph].whole.clone());
            }
        }
    }
    for end in outline.named("office:annotation-end") {
        let name = outline.attribute(end, "office:name");
        if name.is_some_and(|name| names.contains(&name)) {
            edits.remove(outline.spans[end].whole.clone());
        }
    }
    apply(package, &content, edits)
}
