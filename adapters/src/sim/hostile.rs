//! Office files that are sound as far as a scan can see, and that LibreOffice cannot finish; and the means
//! to make others.

use std::io::{self, Cursor, Read as _, Write as _};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

/// `file` with its entry `name` changed, or added when it has none of that name.
pub fn with_entry(
    file: &[u8],
    name: &str,
    change: impl FnOnce(String) -> String,
) -> io::Result<Vec<u8>> {
    let mut source = ZipArchive::new(Cursor::new(file))?;
    let mut target = ZipWriter::new(Cursor::new(Vec::new()));
    let mut content = String::new();
    for index in 0..source.len() {
        let mut entry = source.by_index(index)?;
        if entry.name()? == name {
            entry.read_to_string(&mut content)?;
        } else {
            drop(entry);
            target.raw_copy_file(source.by_index_raw(index)?)?;
        }
    }
    target.start_file(name, SimpleFileOptions::DEFAULT)?;
    target.write_all(change(content).as_bytes())?;
    Ok(target.finish()?.into_inner())
}

/// `odt` with `inserted` at the end of its text.
pub fn with_text(odt: &[u8], inserted: &str) -> io::Result<Vec<u8>> {
    let end = "</office:text>";
    with_entry(odt, "content.xml", |text| {
        text.replacen(end, &format!("{inserted}{end}"), 1)
    })
}

/// Variants of the letter `odt` that none of the scan's rules refuses and that cannot become a PDF within
/// a few seconds, each different for each `number`.
pub fn unfinishable(odt: &[u8], number: usize) -> io::Result<Vec<u8>> {
    let rows = 40_000 + number;
    match number % 3 {
        // What no reader understands, in a sound file.
        0 => with_entry(odt, "content.xml", |_| format!("<a>{number}</a>")),
        // A table without end.
        1 => with_text(
            odt,
            &format!(
                "<table:table><table:table-column/>{}</table:table>",
                "<table:table-row><table:table-cell><text:p>1</text:p></table:table-cell>\
                 </table:table-row>"
                    .repeat(rows)
            ),
        ),
        // Frames that push each other.
        _ => with_text(
            odt,
            &format!(
                "<text:p>{}</text:p>",
                "<draw:frame text:anchor-type=\"char\" svg:width=\"9cm\" svg:height=\"9cm\">\
                 <draw:text-box><text:p>1</text:p></draw:text-box></draw:frame>"
                    .repeat(rows / 20)
            ),
        ),
    }
}
