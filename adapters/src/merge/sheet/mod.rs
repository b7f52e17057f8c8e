//! What spreadsheets need beyond text: typed cells, sheets and columns that repeat, and references that
//! follow what they refer to.
//!
//! Before a sheet is compiled, marks are put around what its loops repeat (`settle`); once rendered, the
//! marks tell where every row, column and sheet of the template went (`grid`), and everything that names
//! cells is written anew (`book`).

pub(super) mod address;
pub(super) mod axis;
pub(super) mod book;
pub(super) mod formula;
pub(super) mod grid;
pub(super) mod names;
pub(super) mod ods;
mod ods_columns;
pub(super) mod settle;

use super::{
    french::{Cents, parse_date},
    xml::{Element, Node},
};
use minijinja::{Environment, Value};
use navette_domain::ports::OfficeFormat;

/// Marks what a loop repeats: begins a loop over the list `of`, an iteration, ends the loop.
pub(super) const LOOP: &str = "navette:loop";
pub(super) const ITERATION: &str = "navette:iteration";
pub(super) const END: &str = "navette:end";
/// A sheet's name, which may hold tags.
pub(super) const NAME: &str = "navette:name";
/// What the rendering answers of a cell that is one value.
pub(super) const TYPE: &str = "navette:type";
pub(super) const VALUE: &str = "navette:value";
/// The first column of a cell in the template, counted from 1.
const COLUMN: &str = "navette:column";
/// The span of rows that a written row is.
pub(super) const PLACE: &str = "navette:place";

/// What a workbook's sheet is wrapped in until it is finished.
pub(super) const SHEET: &str = "navette:sheet";

/// Whether templates of this format are made of sheets.
pub(super) fn has_sheets(format: OfficeFormat) -> bool {
    matches!(format, OfficeFormat::Ods | OfficeFormat::Xlsx)
}

/// Whether the part `name` holds sheets.
pub(super) fn is_part(format: OfficeFormat, name: &str) -> bool {
    match format {
        OfficeFormat::Ods => name == "content.xml",
        OfficeFormat::Xlsx => true,
        OfficeFormat::Odt | OfficeFormat::Docx => false,
    }
}

/// The filter of values in the headers and footers of a workbook, where `&` begins a code.
pub(super) const HEADER: &str = "__entete";

/// Whether an element is a header or footer of a workbook's sheet.
pub(super) fn is_header(name: &str) -> bool {
    ["odd", "even", "first"].iter().any(|pages| {
        name.strip_prefix(pages)
            .is_some_and(|rest| rest == "Header" || rest == "Footer")
    })
}

/// What the templates of sheets need.
pub(super) fn set_up(environment: &mut Environment<'static>) {
    environment.add_filter(HEADER, |value: Value| match value.as_str() {
        Some(text) if text.contains('&') => Value::from(text.replace('&', "&&")),
        _ => value,
    });
}

/// The marks that give a cell the type of its value.
pub(super) fn cell_type(value: &Value) -> String {
    match typed(value) {
        Some((kind, value)) => format!(" {TYPE}=\"{kind}\" {VALUE}=\"{value}\""),
        None => format!(" {TYPE}=\"string\""),
    }
}

fn typed(value: &Value) -> Option<(&'static str, String)> {
    if let Ok(truth) = bool::try_from(value.clone())
        && value.kind() == minijinja::value::ValueKind::Bool
    {
        return Some(("boolean", truth.to_string()));
    }
    if value.is_number() {
        let number = f64::try_from(value.clone()).ok()?;
        let number = if value.is_integer() {
            format!("{number:.0}")
        } else {
            Cents::nearest(number)?.decimal()
        };
        return Some(("float", number));
    }
    let day = value.as_str()?;
    (day.len() == 10 && parse_date(day).is_some()).then(|| ("date", day.to_owned()))
}

/// A whole number in an attribute, or 1.
fn count(element: &Element, attribute: &str) -> usize {
    number(element, attribute).unwrap_or(1)
}

pub(super) fn number(element: &Element, attribute: &str) -> Option<usize> {
    element.attribute(attribute)?.parse().ok()
}

/// The text inside an element.
pub(super) fn text(element: &Element) -> String {
    let mut text = String::new();
    for child in &element.children {
        match child {
            Node::Text(more) => text.push_str(more),
            Node::Element(child) => text.push_str(&self::text(child)),
            Node::Raw(_) | Node::Tag(_) => {}
        }
    }
    text
}

/// Takes the first child of this name out.
pub(super) fn take(element: &mut Element, name: &str) -> Option<Element> {
    let at = element
        .children
        .iter()
        .position(|child| matches!(child, Node::Element(child) if child.name == name))?;
    match element.children.remove(at) {
        Node::Element(child) => Some(child),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
