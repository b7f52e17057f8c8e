//! Rich text in Word: runs that keep their host's properties, and paragraphs whose bullets and numbers are
//! characters with a hanging indent. Real lists would need definitions that a template may not have, and
//! would change those that it has.

use super::{Block, Host, Item, Look, Rich, Run};
use crate::merge::encode::encode;
use navette_domain::ports::OfficeFormat;
use std::fmt::Write as _;

/// How far a level of a list is indented, in twentieths of a point.
const INDENT: usize = 360;
/// What the columns of a table share.
const TABLE_WIDTH: usize = 9_000;

impl Rich {
    /// Inside a `w:t`: closes its run, writes runs of our own, and opens it again.
    pub(in crate::merge) fn word_in_line(&self, host: &Host) -> String {
        let mut out = String::from("</w:t></w:r>");
        for run in self.in_line() {
            push_run(&mut out, &run, host);
        }
        let properties = host.run_properties(Look::default());
        let _ = write!(out, "<w:r>{properties}<w:t xml:space=\"preserve\">");
        out
    }

    /// In place of a paragraph.
    pub(in crate::merge) fn word_paragraphs(&self, host: &Host) -> String {
        let mut out = String::new();
        let mut needs_paragraph = true;
        let mut after_table = false;
        for block in &self.blocks {
            match block {
                Block::Paragraph { runs, item } => push_paragraph(&mut out, runs, *item, host),
                Block::Table(rows) => {
                    // Word makes one of two tables that touch.
                    if after_table {
                        push_paragraph(&mut out, &[], None, host);
                    }
                    push_table(&mut out, rows, host);
                }
            }
            after_table = matches!(block, Block::Table(_));
            needs_paragraph = after_table;
        }
        // A cell must end with a paragraph.
        if needs_paragraph {
            push_paragraph(&mut out, &[], None, host);
        }
        out
    }
}

fn push_run(out: &mut String, run: &Run, host: &Host) {
    let properties = host.run_properties(run.look);
    let _ = write!(out, "<w:r>{properties}<w:t xml:space=\"preserve\">");
    encode(out, &run.text, OfficeFormat::Docx);
    out.push_str("</w:t></w:r>");
}

fn push_paragraph(out: &mut String, runs: &[Run], item: Option<Item>, host: &Host) {
    let indent = item.map(|item| {
        let hanging = if item.first { INDENT } else { 0 };
        (INDENT * (item.depth + 1), hanging)
    });
    out.push_str("<w:p>");
    out.push_str(&host.paragraph_properties(indent));
    if let Some(item) = item.filter(|item| item.first) {
        let properties = host.run_properties(Look::default());
        let _ = write!(
            out,
            "<w:r>{properties}<w:t>{}</w:t><w:tab/></w:r>",
            item.mark()
        );
    }
    for run in runs {
        push_run(out, run, host);
    }
    out.push_str("</w:p>");
}

fn push_table(out: &mut String, rows: &[Vec<Vec<Run>>], host: &Host) {
    let columns = rows.first().map_or(1, Vec::len).max(1);
    out.push_str("<w:tbl><w:tblPr><w:tblW w:w=\"5000\" w:type=\"pct\"/><w:tblBorders>");
    for side in ["top", "left", "bottom", "right", "insideH", "insideV"] {
        let _ = write!(
            out,
            "<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"808080\"/>"
        );
    }
    out.push_str("</w:tblBorders></w:tblPr><w:tblGrid>");
    let width = TABLE_WIDTH / columns;
    for _ in 0..columns {
        let _ = write!(out, "<w:gridCol w:w=\"{width}\"/>");
    }
    out.push_str("</w:tblGrid>");
    for row in rows {
        out.push_str("<w:tr>");
        for cell in row {
            let _ = write!(
                out,
                "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/></w:tcPr>"
            );
            push_paragraph(out, cell, None, host);
            out.push_str("</w:tc>");
        }
        out.push_str("</w:tr>");
    }
    out.push_str("</w:tbl>");
}
