//! Comments in DOCX: `word/comments.xml`, and marks around the runs of the tag.

#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the entries of an office file are named exactly"
)]

use super::{
    AUTHOR,
    outline::{Edits, Outline, escaped},
    package::{Package, relationships},
    words,
};
use navette_domain::ports::{Anchor, TemplateFault};

const BODY: &str = "word/document.xml";
const NAMESPACE: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const MEDIA_TYPE: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml";

/// Writes the comments.
pub(super) fn annotate(package: &mut Package<'_>, faults: &[TemplateFault]) -> Option<()> {
    let body = package.read(BODY)?;
    let outline = Outline::of(&body)?;
    let top = first_paragraph(&outline);
    let comments = comments_entry(package)?;
    let existing = package.read(&comments)?;
    let listed = Outline::of(&existing)?;
    let mut id = next_id(&listed);
    let (mut marks, mut written) = (Edits::default(), String::new());
    for fault in faults {
        let Some(anchor) = &fault.place.anchor else {
            continue;
        };
        let spot = spot(package, &outline, anchor, &fault.tag);
        let Some((start, end)) = spot.or(top) else {
            continue;
        };
        let in_place = spot.is_some() && anchor.entry == BODY;
        written.push_str(&comment(id, &words(fault, in_place)));
        marks.insert(start, format!("<w:commentRangeStart w:id=\"{id}\"/>"));
        marks.insert(
            end,
            format!(
                "<w:commentRangeEnd w:id=\"{id}\"/><w:r><w:commentReference w:id=\"{id}\"/></w:r>"
            ),
        );
        id += 1;
    }
    if marks.is_empty() {
        return None;
    }
    let mut list = Edits::default();
    list.append(listed.spans.first()?, &written);
    package.change(&comments, list.apply(&existing));
    package.change(BODY, marks.apply(&body));
    Some(())
}

/// The entry that lists the comments, made when the document has none.
fn comments_entry(package: &mut Package<'_>) -> Option<String> {
    if let Some((_, entry)) = relationships::of(package, BODY, "comments").pop() {
        return Some(entry);
    }
    let entry = "word/comments.xml";
    relationships::add(package, BODY, "comments", entry)?;
    let part = format!("Override PartName=\"/{entry}\"");
    relationships::declare(package, &part, MEDIA_TYPE)?;
    package.change(
        entry,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<w:comments \
             xmlns:w=\"{NAMESPACE}\"/>"
        ),
    );
    Some(entry.into())
}

fn next_id(comments: &Outline<'_>) -> u64 {
    comments
        .named("w:comment")
        .filter_map(|comment| comments.attribute(comment, "w:id")?.parse::<u64>().ok())
        .max()
        .map_or(0, |last| last + 1)
}

fn comment(id: u64, text: &str) -> String {
    format!(
        "<w:comment w:id=\"{id}\" w:author=\"{AUTHOR}\" w:initials=\"N\"><w:p><w:r>\
         <w:t xml:space=\"preserve\">{}</w:t></w:r></w:p></w:comment>",
        escaped(text)
    )
}

/// The bytes around the runs of a tag. What Word takes no comment in (text boxes, notes) is commented
/// where it is anchored in the body.
fn spot(
    package: &mut Package<'_>,
    outline: &Outline<'_>,
    anchor: &Anchor,
    tag: &str,
) -> Option<(usize, usize)> {
    if anchor.entry != BODY {
        return run_around(outline, note_reference(package, outline, anchor)?);
    }
    let paragraph = outline.paragraph(anchor)?;
    match outline.spot(paragraph, anchor, tag) {
        Some(spot) => {
            let (start, _) = run_around(outline, spot.first.0)?;
            let (_, end) = run_around(outline, spot.last.0)?;
            Some((start, end))
        }
        None => around_content(outline, outermost_paragraph(outline, paragraph)?),
    }
}

/// The outermost run that holds an element.
fn run_around(outline: &Outline<'_>, index: usize) -> Option<(usize, usize)> {
    let run = outline
        .upwards(index)
        .filter(|around| outline.spans[*around].name == "w:r")
        .last()?;
    let whole = &outline.spans[run].whole;
    Some((whole.start, whole.end))
}

fn outermost_paragraph(outline: &Outline<'_>, index: usize) -> Option<usize> {
    outline
        .upwards(index)
        .filter(|around| outline.spans[*around].name == "w:p")
        .last()
}

/// What a paragraph holds, after its properties.
fn around_content(outline: &Outline<'_>, paragraph: usize) -> Option<(usize, usize)> {
    let inside = &outline.spans[paragraph].inside;
    let properties = outline
        .spans
        .get(paragraph + 1)
        .filter(|span| span.name == "w:pPr" && span.parent == Some(paragraph));
    let start = properties.map_or(inside.start, |properties| properties.whole.end);
    (!inside.is_empty()).then_some((start, inside.end))
}

fn first_paragraph(outline: &Outline<'_>) -> Option<(usize, usize)> {
    outline
        .named("w:p")
        .find_map(|paragraph| around_content(outline, paragraph))
}

/// Where the body refers to the note that holds a tag.
fn note_reference(package: &mut Package<'_>, body: &Outline<'_>, anchor: &Anchor) -> Option<usize> {
    let text = package.read(&anchor.entry)?;
    let notes = Outline::of(&text)?;
    let note = notes.upwards(notes.paragraph(anchor)?).find(|index| {
        matches!(
            notes.spans[*index].name.as_str(),
            "w:footnote" | "w:endnote"
        )
    })?;
    let id = notes.attribute(note, "w:id")?;
    let reference = format!("{}Reference", notes.spans[note].name);
    body.named(&reference)
        .find(|index| body.attribute(*index, "w:id").as_ref() == Some(&id))
}

/// Takes our comments out, with their marks and what Word keeps beside them.
pub(super) fn clean(package: &mut Package<'_>) -> Option<()> {
    let (_, entry) = relationships::of(package, BODY, "comments").pop()?;
    let text = package.read(&entry)?;
    let comments = Outline::of(&text)?;
    let (mut ids, mut paragraphs) = (Vec::new(), Vec::new());
    let mut edits = Edits::default();
    for comment in comments.named("w:comment") {
        if comments.attribute(comment, "w:author")? != AUTHOR {
            continue;
        }
        ids.extend(comments.attribute(comment, "w:id"));
        paragraphs.extend(
            comments
                .named("w:p")
                .filter(|index| comments.spans[*index].parent == Some(comment))
                .filter_map(|index| comments.attribute(index, "w14:paraId")),
        );
        edits.remove(comments.spans[comment].whole.clone());
    }
    if ids.is_empty() {
        return None;
    }
    package.change(&entry, edits.apply(&text));
    for name in package.names() {
        if !name.starts_with("word/") || !name.ends_with(".xml") {
            continue;
        }
        if name.starts_with("word/comments") {
            for attribute in ["w15:paraId", "w16cid:paraId"] {
                forget(package, &name, attribute, &paragraphs, |_| true);
            }
        } else {
            forget(package, &name, "w:id", &ids, is_mark);
        }
    }
    Some(())
}

fn is_mark(name: &str) -> bool {
    matches!(
        name,
        "w:commentRangeStart" | "w:commentRangeEnd" | "w:commentReference"
    )
}

/// Removes the elements whose attribute is one of these; a run goes with the mark that is alone in it.
fn forget(
    package: &mut Package<'_>,
    entry: &str,
    attribute: &str,
    values: &[String],
    concerns: fn(&str) -> bool,
) -> Option<()> {
    let text = package.read(entry)?;
    if !text.contains(attribute) {
        return None;
    }
    let outline = Outline::of(&text)?;
    let mut edits = Edits::default();
    for index in 0..outline.spans.len() {
        let span = &outline.spans[index];
        let named = concerns(&span.name)
            && outline
                .attribute(index, attribute)
                .is_some_and(|value| values.contains(&value));
        if !named {
            continue;
        }
        let run = span.parent.filter(|run| {
            let others = outline.spans[run + 1..].iter().any(|other| {
                other.parent == Some(*run) && other.name != "w:rPr" && other.name != span.name
            });
            outline.spans[*run].name == "w:r" && !others
        });
        let gone = run.map_or(span, |run| &outline.spans[run]);
        edits.remove(gone.whole.clone());
    }
    if !edits.is_empty() {
        package.change(entry, edits.apply(&text));
    }
    Some(())
}
