//! A copy of a template with a comment at each fault, to be mended in the word processor or spreadsheet.
//!
//! The copy is the template, byte for byte, but for the comments; it can be corrected and sent back as it
//! is, since comments of ours are taken out again before a template is compiled.

mod docx;
mod odf;
mod outline;
mod package;
mod xlsx;

use navette_domain::ports::{OfficeFormat, TemplateFault};
use package::Package;
use std::borrow::Cow;

/// Who signs the comments.
const AUTHOR: &str = "Navette";

/// The template with a comment at each fault that has a place in it; `None` when none has.
pub fn annotate(template: &[u8], faults: &[TemplateFault]) -> Option<Vec<u8>> {
    let template = without_comments(template);
    let mut package = Package::open(&template)?;
    match package.format() {
        OfficeFormat::Odt => odf::annotate_text(&mut package, faults),
        OfficeFormat::Ods => odf::annotate_sheets(&mut package, faults),
        OfficeFormat::Docx => docx::annotate(&mut package, faults),
        OfficeFormat::Xlsx => xlsx::annotate(&mut package, faults),
    }?;
    package.write()
}

/// The template without the comments of an annotated copy.
pub(super) fn without_comments(template: &[u8]) -> Cow<'_, [u8]> {
    let cleaned = Package::open(template).and_then(|mut package| {
        match package.format() {
            OfficeFormat::Odt | OfficeFormat::Ods => odf::clean(&mut package),
            OfficeFormat::Docx => docx::clean(&mut package),
            OfficeFormat::Xlsx => xlsx::clean(&mut package),
        }?;
        package.write()
    });
    cleaned.map_or(Cow::Borrowed(template), Cow::Owned)
}

/// What a comment says; one that could not stand at its fault says where that is.
fn words(fault: &TemplateFault, in_place: bool) -> String {
    let place = if in_place {
        String::new()
    } else {
        format!("{}, « {} » : ", fault.place, fault.tag)
    };
    format!("{AUTHOR} : {place}{}", fault.sentence)
}

/// Whether a comment without an author is one of ours.
fn is_ours(text: &str) -> bool {
    let rest = text.trim_start().strip_prefix(AUTHOR);
    rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
}

#[cfg(test)]
mod tests;
