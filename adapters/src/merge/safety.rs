//! What an office file may not hold: macros, embedded programs, a DTD, anything fetched from outside.

use navette_domain::ports::{MergeFailure, OfficeFormat};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

/// How deep elements may nest.
const DEEPEST: usize = 400;

/// ODF elements whose address a reader follows only when clicked.
const ODF_LINKS: [&str; 4] = [
    "text:a",
    "draw:a",
    "meta:template",
    "text:bibliography-mark",
];

/// ODF elements that run or fetch something.
const ODF_FORBIDDEN: [&str; 6] = [
    "script:event-listener",
    "text:script",
    "text:dde-connection",
    "office:dde-source",
    "draw:object-ole",
    "draw:applet",
];

/// What formulas and fields may not call, in capitals.
const FETCHING_FORMULAS: [&str; 4] = ["WEBSERVICE(", "DDE(", "://", "FILE:"];
const FETCHING_FIELDS: [&str; 4] = ["INCLUDEPICTURE", "INCLUDETEXT", "DDEAUTO", "DDE "];

fn refused<T>(sentence: &str) -> Result<T, MergeFailure> {
    Err(MergeFailure::Unreadable(sentence.into()))
}

fn macros<T>() -> Result<T, MergeFailure> {
    refused("le fichier contient des macros : l'enregistrer sans macros")
}

fn external<T>() -> Result<T, MergeFailure> {
    refused("le fichier renvoie à une image ou à un contenu extérieur : l'incorporer au document")
}

fn malformed<T>() -> Result<T, MergeFailure> {
    refused("le fichier est abîmé : son XML est incorrect")
}

/// Checks one entry.
pub(super) fn check(name: &str, content: &[u8], format: OfficeFormat) -> Result<(), MergeFailure> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("basic/") || lower.starts_with("scripts/") || lower.contains("vbaproject")
    {
        return macros();
    }
    if lower.contains("activex") || lower.contains("oleobject") {
        return refused("le fichier contient un objet OLE : le remplacer par une image");
    }
    if lower.contains("externallinks/") {
        return external();
    }
    let extension = lower.rsplit('.').next().unwrap_or_default();
    match extension {
        "xml" | "rels" | "rdf" | "svg" => check_xml(name, content, format),
        _ => Ok(()),
    }
}

fn check_xml(name: &str, content: &[u8], format: OfficeFormat) -> Result<(), MergeFailure> {
    let Ok(text) = std::str::from_utf8(content) else {
        return refused("le fichier n'est pas écrit en UTF-8");
    };
    let text = text.trim_start_matches('\u{feff}');
    if text.is_empty() {
        return Ok(());
    }
    let odf = matches!(format, OfficeFormat::Odt | OfficeFormat::Ods);
    let mut reader = Reader::from_str(text);
    let (mut depth, mut in_field, mut fields) = (0_usize, false, String::new());
    loop {
        let Ok(event) = reader.read_event() else {
            return malformed();
        };
        match event {
            Event::Start(element) => {
                depth += 1;
                in_field = element.name().as_ref() == "w:instrText";
                check_element(name, &element, odf)?;
            }
            Event::Empty(element) => check_element(name, &element, odf)?,
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                in_field = false;
            }
            Event::Text(text) if in_field => fields.push_str(&text.xml10_content()),
            Event::DocType(_) => return refused("le fichier contient une DTD"),
            Event::Eof => break,
            _ => {}
        }
        if depth > DEEPEST {
            return refused("le fichier est imbriqué trop profondément");
        }
    }
    if depth > 0 {
        return malformed();
    }
    check_field(&fields)
}

fn check_field(code: &str) -> Result<(), MergeFailure> {
    let code = code.to_uppercase();
    if FETCHING_FIELDS.iter().any(|field| code.contains(field)) {
        return external();
    }
    Ok(())
}

fn check_element(part: &str, element: &BytesStart<'_>, odf: bool) -> Result<(), MergeFailure> {
    let name = element.name().as_ref().to_owned();
    if odf && ODF_FORBIDDEN.contains(&name.as_str()) {
        return refused("le fichier contient un script, un objet OLE ou un lien dynamique");
    }
    let (mut target, mut outside, mut hyperlink) = (None, false, false);
    for attribute in element.attributes() {
        let Ok(attribute) = attribute else {
            return malformed();
        };
        let Ok(value) = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0) else {
            return malformed();
        };
        match attribute.key.as_ref() {
            "xlink:href" | "href" => target = Some(value.into_owned()),
            "TargetMode" => outside = value.eq_ignore_ascii_case("external"),
            "Type" => hyperlink = value.ends_with("/hyperlink"),
            "table:formula" => check_formula(&value)?,
            "w:instr" => check_field(&value)?,
            _ => {}
        }
    }
    if outside && !hyperlink {
        return external();
    }
    match target {
        Some(target) if !(odf && ODF_LINKS.contains(&name.as_str())) => check_target(part, &target),
        _ => Ok(()),
    }
}

fn check_formula(formula: &str) -> Result<(), MergeFailure> {
    let formula = formula.to_uppercase();
    if FETCHING_FORMULAS.iter().any(|call| formula.contains(call)) {
        return external();
    }
    Ok(())
}

/// An address that LibreOffice follows by itself must stay inside the file.
fn check_target(part: &str, target: &str) -> Result<(), MergeFailure> {
    let inline = part.to_ascii_lowercase().ends_with(".svg") && target.starts_with("data:");
    let inside = !target.contains(':') && !target.starts_with(['/', '\\']);
    let climbs = target.split(['/', '\\']).any(|step| step == "..");
    if inline || (inside && !climbs) {
        Ok(())
    } else {
        external()
    }
}
