//! The signature slip (bordereau): a one-page PDF that says who did what, as the last annexe of a folder.

use lopdf::{
    Document, Object, Stream,
    content::{Content, Operation},
    dictionary,
};
use std::io;

/// A page that says `lines`, in the characters of Western Europe.
pub fn slip(lines: &[String]) -> io::Result<Vec<u8>> {
    let mut operations = vec![
        Operation::new("BT", vec![]),
        Operation::new("Tf", vec!["F1".into(), 11.into()]),
        Operation::new("TL", vec![16.into()]),
        Operation::new("Td", vec![50.into(), 780.into()]),
    ];
    for line in lines {
        let text = encoding_rs::WINDOWS_1252.encode(line).0.into_owned();
        operations.push(Operation::new("Tj", vec![Object::string_literal(text)]));
        operations.push(Operation::new("T*", vec![]));
    }
    operations.push(Operation::new("ET", vec![]));
    let content = Content { operations }.encode().map_err(io::Error::other)?;
    let mut pdf = Document::with_version("1.7");
    let tree = pdf.new_object_id();
    let content = pdf.add_object(Stream::new(dictionary! {}, content));
    let font = pdf.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica",
        "Encoding" => "WinAnsiEncoding",
    });
    let page = pdf.add_object(dictionary! {
        "Type" => "Page", "Parent" => tree, "Contents" => content,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        "Resources" => dictionary! { "Font" => dictionary! { "F1" => font } },
    });
    let kids = vec![page.into()];
    let pages = dictionary! { "Type" => "Pages", "Kids" => kids, "Count" => 1 };
    pdf.objects.insert(tree, Object::Dictionary(pages));
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => tree });
    pdf.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    pdf.save_to(&mut bytes)?;
    Ok(bytes)
}
