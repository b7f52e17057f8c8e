//! Many letters of one template in one conversion.
//!
//! LibreOffice spends most of its time on a letter before and after its pages: opening the package, its
//! styles and pictures, writing fonts and colour profile. Merged letters are put one after another in one
//! document, each under page styles of its own, with its own headers and with pages numbered from 1; the PDF
//! is cut into letters again (`pdf::split`), in such a way that a letter has the same bytes whatever
//! letters it was converted with. What cannot stand beside others is converted alone.

mod body;
mod letter;
mod markup;
mod page_styles;
mod pieces;
#[cfg(test)]
mod tests;

pub use letter::{Alone, Letter};

use body::OWN_STYLE;
use pieces::Piece;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Cursor, Write as _},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const MEDIA_TYPE: &str = "application/vnd.oasis.opendocument.text";

/// What the mark of each letter's start is called, with its rank.
pub const MARK: &str = "navette-";

/// The letters in one ODT, each said to have so many pages. They must have the same key.
pub fn combine(letters: &[(&Letter, u32)]) -> io::Result<Vec<u8>> {
    let Some((first, _)) = letters.first() else {
        return Err(io::Error::other("no letter"));
    };
    let mut content = first.content.before.clone();
    let mut styles = first.styles.before.clone();
    let (mut bodies, mut pictures) = (String::new(), BTreeMap::new());
    for (rank, (letter, pages)) in letters.iter().enumerate() {
        render(&letter.first_style, rank, *pages, &mut content);
        render(&letter.body, rank, *pages, &mut bodies);
        render(&letter.masters, rank, *pages, &mut styles);
        pictures.extend(letter.pictures.iter());
    }
    content.push_str(&first.content.between);
    content.push_str(&bodies);
    content.push_str(&first.content.after);
    styles.push_str(&first.styles.after);
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("content.xml", content.as_bytes()),
        ("styles.xml", styles.as_bytes()),
    ];
    entries.extend(
        (first.others.iter())
            .chain(pictures)
            .map(|(name, bytes)| (name.as_str(), bytes.as_slice())),
    );
    package(&entries)
}

fn render(pieces: &[Piece], rank: usize, pages: u32, out: &mut String) {
    for piece in pieces {
        let _ = match piece {
            // The letter's own style has its name in plain text.
            Piece::Xml(xml) if xml.contains(OWN_STYLE) => {
                out.push_str(&xml.replace(OWN_STYLE, &format!("{OWN_STYLE}_{rank}")));
                Ok(())
            }
            Piece::Xml(xml) => {
                out.push_str(xml);
                Ok(())
            }
            Piece::Own(name) => write!(out, "navette_{rank}_{name}"),
            // A field like the one it replaces, so that the text around it is laid out in the same way.
            Piece::Pages => write!(
                out,
                "<text:author-name text:fixed=\"true\">{pages}</text:author-name>"
            ),
            Piece::Picture(name) => out.write_str(name),
            Piece::Start => write!(out, "<text:bookmark text:name=\"{MARK}{rank}\"/>"),
        };
    }
}

/// An ODT of these entries. It is read once, by a program of this machine: nothing is compressed.
fn package(entries: &[(&str, &[u8])]) -> io::Result<Vec<u8>> {
    let mut manifest = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<manifest:manifest \
         xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" \
         manifest:version=\"1.3\"><manifest:file-entry manifest:full-path=\"/\" \
         manifest:version=\"1.3\" manifest:media-type=\"{MEDIA_TYPE}\"/>"
    );
    for (name, _) in entries {
        let extension = name.rsplit('.').next().unwrap_or_default();
        let media_type = match extension {
            "xml" => "text/xml",
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "svg" => "image/svg+xml",
            "ttf" => "application/x-font-ttf",
            _ => "",
        };
        let _ = write!(
            manifest,
            "<manifest:file-entry manifest:full-path=\"{name}\" manifest:media-type=\"{media_type}\"/>"
        );
    }
    manifest.push_str("</manifest:manifest>");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Stored);
    let ends = [
        ("mimetype", MEDIA_TYPE.as_bytes()),
        ("META-INF/manifest.xml", manifest.as_bytes()),
    ];
    let [media_type, list] = ends;
    for (name, bytes) in [&[media_type], entries, &[list]].concat() {
        zip.start_file(name, stored).map_err(io::Error::other)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish().map_err(io::Error::other)?.into_inner())
}
