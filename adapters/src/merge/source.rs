//! Writes a part, its tags in place, as the source of a minijinja template.

use super::{
    cells, columns, include,
    settings::{EMPTY, Settings},
    sheet,
    tag::{Kind, Tag},
    values::RECORDER,
    xml::{Element, Node, escape},
};
use navette_domain::ports::OfficeFormat;
use std::fmt::Write as _;

/// The source of one part; `tags` receives its tags, in order.
pub(super) fn write(
    nodes: &[Node],
    (format, settings): (OfficeFormat, &Settings),
    tags: &mut Vec<Tag>,
) -> String {
    let mut writer = Writer {
        out: String::new(),
        literal: String::new(),
        sheets: sheet::has_sheets(format),
        header: false,
        settings,
        loops: Vec::new(),
        tags,
    };
    writer.nodes(nodes);
    writer.flush();
    writer.out
}

struct Writer<'a> {
    out: String,
    /// XML not yet written, in which nothing is a tag.
    literal: String,
    sheets: bool,
    /// Whether we are in the header or footer of a workbook's sheet.
    header: bool,
    settings: &'a Settings,
    /// The loops that are open: their tags, and where their bodies begin.
    loops: Vec<(usize, usize)>,
    tags: &'a mut Vec<Tag>,
}

/// Filters that only dress a value up: a typed cell wants the value itself.
const DRESSINGS: [&str; 2] = ["montant", "date"];

/// Cells that have a type.
const TYPED: [&str; 2] = ["table:table-cell", "c"];

impl Writer<'_> {
    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(text) => escape(&mut self.literal, text, false),
                Node::Raw(raw) => self.literal.push_str(raw),
                Node::Tag(tag) => self.tag(tag),
                Node::Element(element) => self.element(element),
            }
        }
    }

    fn element(&mut self, element: &Element) {
        if element.name == include::INCLUDED {
            self.nodes(&element.children);
            return;
        }
        if element.name == columns::FILTER {
            let filter = element.attribute("name").unwrap_or_default();
            self.code(&format!("{{% filter {filter} %}}"));
            self.nodes(&element.children);
            self.code("{% endfilter %}");
            return;
        }
        let cell = (self.sheets && TYPED.contains(&element.name.as_str()))
            .then(|| sole_print(element))
            .flatten();
        let _ = write!(self.literal, "<{}", element.name);
        self.attributes(element, cell);
        if element.children.is_empty() {
            self.literal.push_str("/>");
        } else {
            self.literal.push('>');
            let around = std::mem::replace(&mut self.header, sheet::is_header(&element.name));
            self.nodes(&element.children);
            self.header = around;
            let _ = write!(self.literal, "</{}>", element.name);
        }
    }

    fn attributes(&mut self, element: &Element, cell: Option<&Tag>) {
        for (name, value) in &element.attributes {
            if let Some(name) = name.strip_prefix(cells::COMPUTED) {
                // Its tag has just been written, before the cell.
                let shapes = |tag: &Tag| {
                    let keyword = tag.keyword();
                    (keyword == "cellbg") == (name == "w:fill") && cells::SHAPES.contains(&keyword)
                };
                if let Some(tag) = self.tags.iter().rposition(shapes) {
                    self.call(&format!("at({tag})"));
                }
                let _ = write!(self.literal, " {name}=\"");
                self.code(&format!("{{{{ {value} }}}}"));
                self.literal.push('"');
                continue;
            }
            let _ = write!(self.literal, " {name}=\"");
            escape(&mut self.literal, value, true);
            self.literal.push('"');
        }
        if let Some(tag) = cell {
            self.call(&format!("cell({})", undressed(&tag.code)));
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let index = self.tags.len();
        self.tags.push(tag.clone());
        match tag.kind {
            Kind::Comment => {}
            Kind::Print => {
                let tolerated = self.settings.empty.as_deref();
                let mut code = tag.code.clone();
                if let Some(text) = tolerated {
                    code = format!("({code})|{EMPTY}({})", quoted(text));
                }
                if self.header {
                    code = format!("({code})|{}", sheet::HEADER);
                }
                let call = if tolerated.is_some() {
                    "tolerate"
                } else {
                    "at"
                };
                self.call(&format!("{call}({index})"));
                self.code(&format!("{{{{ {code} }}}}"));
            }
            Kind::Alone if cells::SHAPES.contains(&tag.keyword()) => {
                self.call(&format!("at({index})"));
            }
            Kind::Open | Kind::Alone => {
                self.call(&format!("at({index})"));
                self.code(&format!("{{% {} %}}", tag.code));
                if tag.kind == Kind::Open && tag.keyword() == "for" {
                    self.loops.push((index, self.out.len()));
                }
            }
            Kind::Middle | Kind::Close => {
                if tag.keyword() == "endfor" {
                    self.count_turns();
                }
                self.code(&format!("{{% {} %}}", tag.code));
            }
        }
    }

    /// Notes, at each turn of the loop that ends here, how much it writes, whatever is in its fields.
    fn count_turns(&mut self) {
        self.flush();
        if let Some((index, start)) = self.loops.pop() {
            let size = self.out.len() - start;
            let call = format!("{{{{ {RECORDER}.turn({index}, {size}) }}}}");
            self.out.insert_str(start, &call);
        }
    }

    fn call(&mut self, call: &str) {
        self.code(&format!("{{{{ {RECORDER}.{call} }}}}"));
    }

    fn code(&mut self, code: &str) {
        self.flush();
        self.out.push_str(code);
    }

    /// Writes the waiting XML so that minijinja reads nothing in it.
    fn flush(&mut self) {
        let mut rest = self.literal.as_str();
        while let Some(at) = rest.find('{') {
            self.out.push_str(&rest[..at]);
            let _ = write!(self.out, "{{{{ {RECORDER}.brace() }}}}");
            rest = &rest[at + 1..];
        }
        self.out.push_str(rest);
        self.literal.clear();
    }
}

/// The tag of a cell that holds nothing else.
fn sole_print(cell: &Element) -> Option<&Tag> {
    let mut tags = Vec::new();
    cell.each_tag(&mut |tag| tags.push(tag));
    match tags.as_slice() {
        [tag] if tag.kind == Kind::Print && !has_text(cell) => Some(tag),
        _ => None,
    }
}

fn has_text(element: &Element) -> bool {
    element.children.iter().any(|child| match child {
        Node::Text(text) => !text.trim().is_empty(),
        Node::Element(child) => has_text(child),
        Node::Raw(_) | Node::Tag(_) => false,
    })
}

fn undressed(code: &str) -> &str {
    match code.rsplit_once('|') {
        Some((value, filter)) if DRESSINGS.contains(&filter.trim()) => value.trim(),
        _ => code,
    }
}

/// A minijinja string.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
