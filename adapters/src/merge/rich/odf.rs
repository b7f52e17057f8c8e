//! Rich text in OpenDocument: spans, lists and tables with styles of our own among the automatic ones.

use super::{Block, Host, Item, Look, Rich, Run, asks_for_rich_text};
use crate::merge::{
    encode::encode,
    xml::{Element, Node},
};
use navette_domain::ports::OfficeFormat;
use std::fmt::Write as _;

/// The name of a look's style: `Navette_GIS` for bold, italic and underlined.
fn style_name(look: Look) -> Option<String> {
    let letters: String = [(look.bold, 'G'), (look.italic, 'I'), (look.underline, 'S')]
        .iter()
        .filter_map(|(on, letter)| on.then_some(*letter))
        .collect();
    (!letters.is_empty()).then(|| format!("Navette_{letters}"))
}

fn push_run(out: &mut String, run: &Run) {
    match style_name(run.look) {
        Some(style) => {
            let _ = write!(out, "<text:span text:style-name=\"{style}\">");
            encode(out, &run.text, OfficeFormat::Odt);
            out.push_str("</text:span>");
        }
        None => encode(out, &run.text, OfficeFormat::Odt),
    }
}

impl Rich {
    /// Inside a paragraph.
    pub(in crate::merge) fn odf_in_line(&self) -> String {
        let mut out = String::new();
        for run in self.in_line() {
            push_run(&mut out, &run);
        }
        out
    }

    /// In place of a paragraph.
    pub(in crate::merge) fn odf_paragraphs(&self, host: &Host) -> String {
        let mut writer = Writer {
            out: String::new(),
            host,
            lists: Vec::new(),
        };
        for block in &self.blocks {
            match block {
                Block::Paragraph { runs, item } => writer.paragraph(runs, *item),
                Block::Table(rows) if host.takes_tables => writer.table(rows),
                Block::Table(rows) => {
                    for row in rows {
                        writer.close_lists(0);
                        writer.tabbed(row);
                    }
                }
            }
        }
        writer.close_lists(0);
        if writer.out.is_empty() {
            writer.bare(&[]);
        }
        writer.out
    }
}

struct Writer<'a> {
    out: String,
    host: &'a Host,
    /// The lists that are open, by their number.
    lists: Vec<usize>,
}

impl Writer<'_> {
    fn paragraph(&mut self, runs: &[Run], item: Option<Item>) {
        match item {
            Some(item) => self.enter(item),
            None => self.close_lists(0),
        }
        self.bare(runs);
    }

    /// The host's paragraph around these runs.
    fn bare(&mut self, runs: &[Run]) {
        self.out.push_str(&self.host.open);
        self.out.push_str(&self.host.run_open);
        for run in runs {
            push_run(&mut self.out, run);
        }
        self.out.push_str(&self.host.run_close);
        self.out.push_str(&self.host.close);
    }

    fn tabbed(&mut self, row: &[Vec<Run>]) {
        let mut runs = Vec::new();
        for (index, cell) in row.iter().enumerate() {
            if index > 0 {
                super::push(&mut runs, "\t");
            }
            runs.extend(cell.iter().cloned());
        }
        self.bare(&runs);
    }

    /// Opens and closes lists so that the next paragraph is in this item.
    fn enter(&mut self, item: Item) {
        self.close_lists(item.depth + 1);
        let inside = self.lists.len() == item.depth + 1;
        if inside && self.lists.last() != Some(&item.list) {
            self.close_lists(item.depth);
        } else if inside {
            if item.first {
                self.out.push_str("</text:list-item><text:list-item>");
            }
            return;
        }
        while self.lists.len() <= item.depth {
            let style = item.number.map_or("Navette_puces", |_| "Navette_numeros");
            let _ = write!(self.out, "<text:list text:style-name=\"{style}\">");
            let innermost = self.lists.len() == item.depth;
            match item.number.filter(|number| innermost && *number != 1) {
                Some(start) => {
                    let _ = write!(self.out, "<text:list-item text:start-value=\"{start}\">");
                }
                None => self.out.push_str("<text:list-item>"),
            }
            self.lists.push(item.list);
        }
    }

    fn close_lists(&mut self, depth: usize) {
        while self.lists.len() > depth {
            self.lists.pop();
            self.out.push_str("</text:list-item></text:list>");
        }
    }

    fn table(&mut self, rows: &[Vec<Vec<Run>>]) {
        self.close_lists(0);
        let width = rows.first().map_or(1, Vec::len);
        let _ = write!(
            self.out,
            "<table:table><table:table-column table:number-columns-repeated=\"{width}\"/>"
        );
        for row in rows {
            self.out.push_str("<table:table-row>");
            for cell in row {
                self.out.push_str(
                    "<table:table-cell table:style-name=\"Navette_cellule\" \
                     office:value-type=\"string\">",
                );
                self.bare(cell);
                self.out.push_str("</table:table-cell>");
            }
            self.out.push_str("</table:table-row>");
        }
        self.out.push_str("</table:table>");
    }
}

/// Adds the styles that rich text may use to the automatic ones of a part that asks for some.
pub(in crate::merge) fn add_styles(nodes: &mut [Node]) {
    let mut asked = false;
    for node in nodes.iter() {
        if let Node::Element(element) = node {
            element.each_tag(&mut |tag| asked |= asks_for_rich_text(tag));
        }
    }
    if !asked {
        return;
    }
    let root = nodes.iter_mut().find_map(|node| match node {
        Node::Element(element) => Some(element),
        _ => None,
    });
    let Some(root) = root else {
        return;
    };
    let styles = Node::Raw(styles());
    let known = root.children.iter_mut().find_map(|node| match node {
        Node::Element(element) if element.name == "office:automatic-styles" => Some(element),
        _ => None,
    });
    if let Some(known) = known {
        known.children.push(styles);
        return;
    }
    let before = ["office:body", "office:master-styles"];
    let at = root.children.iter().position(
        |node| matches!(node, Node::Element(element) if before.contains(&element.name.as_str())),
    );
    let element = Node::Element(Element {
        name: "office:automatic-styles".into(),
        children: vec![styles],
        ..Element::default()
    });
    root.children
        .insert(at.unwrap_or(root.children.len()), element);
}

fn styles() -> String {
    let mut out = String::new();
    for bits in 1..8_u8 {
        let look = Look {
            bold: bits & 1 != 0,
            italic: bits & 2 != 0,
            underline: bits & 4 != 0,
        };
        let _ = write!(
            out,
            "<style:style style:name=\"{}\" style:family=\"text\"><style:text-properties",
            style_name(look).unwrap_or_default()
        );
        for (on, name, value) in [
            (look.bold, "weight", "bold"),
            (look.italic, "style", "italic"),
        ] {
            if on {
                let _ = write!(
                    out,
                    " fo:font-{name}=\"{value}\" style:font-{name}-asian=\"{value}\" \
                     style:font-{name}-complex=\"{value}\""
                );
            }
        }
        if look.underline {
            out.push_str(
                " style:text-underline-style=\"solid\" style:text-underline-width=\"auto\" \
                 style:text-underline-color=\"font-color\"",
            );
        }
        out.push_str("/></style:style>");
    }
    out.push_str(
        "<style:style style:name=\"Navette_cellule\" style:family=\"table-cell\">\
         <style:table-cell-properties fo:padding=\"1mm\" fo:border=\"0.5pt solid #808080\"/>\
         </style:style>",
    );
    for (list, level) in [
        (
            "Navette_puces",
            "text:list-level-style-bullet text:bullet-char=\"•\"",
        ),
        (
            "Navette_numeros",
            "text:list-level-style-number style:num-format=\"1\" style:num-suffix=\".\"",
        ),
    ] {
        let element = level.split(' ').next().unwrap_or_default();
        let _ = write!(out, "<text:list-style style:name=\"{list}\">");
        for depth in 1..=10 {
            let before = 5 * (depth - 1);
            let _ = write!(
                out,
                "<{level} text:level=\"{depth}\"><style:list-level-properties \
                 text:space-before=\"{before}mm\" text:min-label-width=\"5mm\"/></{element}>"
            );
        }
        out.push_str("</text:list-style>");
    }
    out
}
