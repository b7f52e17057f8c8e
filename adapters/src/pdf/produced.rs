//! Is the PDF that LibreOffice made fit for what it goes to? LibreOffice says "done" of anything.

use super::{LARGEST_STREAM, NotAPdf, open, page_count};
use lopdf::{Dictionary, Document, Object};
use quick_xml::{Reader, events::Event};

/// What a PDF is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signature and archive: PDF/A-2b.
    Archive,
    /// A look at the screen.
    Reading,
}

/// Why a PDF cannot be used, in words for a clerk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It cannot be read.
    #[error(transparent)]
    NotAPdf(#[from] NotAPdf),
    /// Its list of pages is not what it says.
    #[error("son nombre de pages est incertain")]
    Pages,
    /// Nothing on any page: what LibreOffice makes of a file that it does not understand.
    #[error("toutes ses pages sont blanches")]
    Blank,
    /// It runs something, or sends what it holds.
    #[error("il contient une action ou un fichier joint ({0})")]
    Active(String),
    /// A reader without the font would show other letters.
    #[error("la police « {0} » n'y est pas incorporée")]
    Font(String),
    /// It does not say that it is PDF/A-2b, or lacks what PDF/A asks for.
    #[error("il n'est pas au format d'archive PDF/A-2b ({0})")]
    NotArchival(&'static str),
}

/// Actions that do more than show another place.
const ACTIONS: [&[u8]; 9] = [
    b"JavaScript",
    b"Launch",
    b"SubmitForm",
    b"ImportData",
    b"GoToE",
    b"Movie",
    b"Sound",
    b"Rendition",
    b"RichMediaExecute",
];
/// Keys under which scripts, triggers and files hang.
const ACTIVE_KEYS: [&[u8]; 4] = [b"JS", b"AA", b"EmbeddedFiles", b"XFA"];
const DEEPEST: usize = 64;

/// Checks what LibreOffice made for `purpose`, and gives its number of pages.
pub fn produced(bytes: &[u8], purpose: Purpose) -> Result<u32, Unfit> {
    let document = open(bytes)?;
    let pages = page_count(&document);
    if announced_pages(&document) != Some(i64::from(pages)) {
        return Err(Unfit::Pages);
    }
    for object in document.objects.values() {
        check_object(object, DEEPEST)?;
        if let Ok(dictionary) = object.as_dict() {
            check_font(&document, dictionary)?;
        }
    }
    if document.page_iter().all(|page| is_blank(&document, page)) {
        return Err(Unfit::Blank);
    }
    if purpose == Purpose::Archive {
        check_archival(&document)?;
    }
    Ok(pages)
}

fn announced_pages(document: &Document) -> Option<i64> {
    let catalog = document.catalog().ok()?;
    let tree = document.get_dict_in_dict(catalog, b"Pages").ok()?;
    tree.get(b"Count").ok()?.as_i64().ok()
}

fn check_object(object: &Object, depth: usize) -> Result<(), Unfit> {
    if depth == 0 {
        return Err(NotAPdf::Damaged.into());
    }
    match object {
        Object::Array(items) => items
            .iter()
            .try_for_each(|item| check_object(item, depth - 1)),
        Object::Dictionary(dictionary) => check_dictionary(dictionary, depth),
        Object::Stream(stream) => check_dictionary(&stream.dict, depth),
        _ => Ok(()),
    }
}

fn check_dictionary(dictionary: &Dictionary, depth: usize) -> Result<(), Unfit> {
    let action = dictionary.get(b"S").and_then(Object::as_name);
    let active = action.ok().filter(|name| ACTIONS.contains(name));
    let key = ACTIVE_KEYS.iter().find(|key| dictionary.has(key));
    if let Some(name) = active.or(key.copied()) {
        return Err(Unfit::Active(String::from_utf8_lossy(name).into_owned()));
    }
    dictionary
        .iter()
        .try_for_each(|(_, value)| check_object(value, depth - 1))
}

fn check_font(document: &Document, font: &Dictionary) -> Result<(), Unfit> {
    let name = |key: &[u8]| font.get(key).and_then(Object::as_name).unwrap_or_default();
    // The letters of a composite font are in its descendant; those of the third type are drawings.
    if name(b"Type") != b"Font" || [&b"Type0"[..], b"Type3"].contains(&name(b"Subtype")) {
        return Ok(());
    }
    let descriptor = document.get_dict_in_dict(font, b"FontDescriptor");
    let files: [&[u8]; 3] = [b"FontFile", b"FontFile2", b"FontFile3"];
    if descriptor.is_ok_and(|descriptor| files.iter().any(|file| descriptor.has(file))) {
        return Ok(());
    }
    let name = String::from_utf8_lossy(name(b"BaseFont")).into_owned();
    Err(Unfit::Font(name))
}

/// Whether nothing is shown, painted or drawn on a page.
fn is_blank(document: &Document, page: lopdf::ObjectId) -> bool {
    const MARKS: [&[u8]; 13] = [
        b"Do", b"f", b"F", b"f*", b"S", b"s", b"B", b"B*", b"b", b"b*", b"sh", b"'", b"\"",
    ];
    let content = document
        .get_page_content_with_limit(page, LARGEST_STREAM)
        .unwrap_or_default();
    !content
        .split(u8::is_ascii_whitespace)
        .any(|word| MARKS.contains(&word) || word.ends_with(b"Tj") || word.ends_with(b"TJ"))
}

fn check_archival(document: &Document) -> Result<(), Unfit> {
    let lacks = |what| Err(Unfit::NotArchival(what));
    let Ok(catalog) = document.catalog() else {
        return Err(NotAPdf::Damaged.into());
    };
    let metadata = catalog
        .get(b"Metadata")
        .and_then(|metadata| document.dereference(metadata))
        .and_then(|(_, metadata)| metadata.as_stream())
        .and_then(|stream| stream.get_plain_content_with_limit(LARGEST_STREAM))
        .unwrap_or_default();
    let (part, conformance) = claim(&String::from_utf8_lossy(&metadata));
    if part != "2" || !["A", "B", "U"].contains(&conformance.as_str()) {
        return lacks("sans la mention PDF/A-2b");
    }
    let has_intent = catalog
        .get(b"OutputIntents")
        .and_then(|intents| document.dereference(intents))
        .and_then(|(_, intents)| intents.as_array())
        .is_ok_and(|intents| intents.iter().any(|intent| is_intent(document, intent)));
    if !has_intent {
        return lacks("sans profil de couleurs");
    }
    if !document.trailer.has(b"ID") {
        return lacks("sans identifiant");
    }
    Ok(())
}

fn is_intent(document: &Document, intent: &Object) -> bool {
    let intent = document
        .dereference(intent)
        .and_then(|(_, intent)| intent.as_dict());
    intent.is_ok_and(|intent| {
        let kind = intent.get(b"S").and_then(Object::as_name);
        let profile = intent
            .get(b"DestOutputProfile")
            .and_then(|profile| document.dereference(profile));
        kind.is_ok_and(|kind| kind == b"GTS_PDFA1")
            && profile.is_ok_and(|(_, profile)| profile.as_stream().is_ok())
    })
}

/// The part and the conformance of PDF/A that XMP metadata claim, as elements or as attributes.
fn claim(xmp: &str) -> (String, String) {
    let (mut part, mut conformance) = (String::new(), String::new());
    let mut inside = String::new();
    let mut note = |name: &str, value: &str| match name {
        "pdfaid:part" => value.clone_into(&mut part),
        "pdfaid:conformance" => value.clone_into(&mut conformance),
        _ => {}
    };
    let mut reader = Reader::from_str(xmp);
    loop {
        match reader.read_event() {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                for attribute in element.attributes().flatten() {
                    note(attribute.key.as_ref(), &attribute.value);
                }
                element.name().as_ref().clone_into(&mut inside);
            }
            Ok(Event::Text(text)) => note(&inside, text.trim()),
            Ok(Event::End(_)) => inside.clear(),
            Ok(Event::Eof) | Err(_) => return (part, conformance),
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;
