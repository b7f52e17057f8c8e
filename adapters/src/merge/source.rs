//! Writes a part, its tags in place, as the source of a minijinja template.

use super::{
    join::ROW,
    pictures::CALL,
    rich::{Host, asks_for_rich_text},
    tag::{Kind, Tag},
    values::RECORDER,
    xml::{Element, Node, escape},
};
use navette_domain::ports::OfficeFormat;
use std::fmt::Write as _;

/// The source of one part; `tags` receives its tags, and `hosts` what rich text takes its look from, in
/// order.
pub(super) fn write(
    nodes: &[Node],
    format: OfficeFormat,
    tags: &mut Vec<Tag>,
    hosts: &mut Vec<Host>,
) -> String {
    let mut writer = Writer {
        out: String::new(),
        literal: String::new(),
        sheets: format == OfficeFormat::Ods,
        format,
        in_list: false,
        run: None,
        tags,
        hosts,
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
    format: OfficeFormat,
    /// Whether a list is open, where OpenDocument takes no table.
    in_list: bool,
    /// The run of Word that is open, for rich text inside it.
    run: Option<Host>,
    tags: &'a mut Vec<Tag>,
    hosts: &'a mut Vec<Host>,
}

/// Filters that only dress a value up: a typed cell wants the value itself.
const DRESSINGS: [&str; 2] = ["montant", "date"];

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
        if let Some((tag, host)) = Host::of_paragraph(element, self.format, !self.in_list) {
            self.rich(tag, "paragraphs", host);
            return;
        }
        let (in_list, run) = (self.in_list, self.run.clone());
        self.in_list |= element.name == "text:list-item";
        if element.name == "w:r" && element.has_tag() {
            self.run = Some(Host::of_run(element));
        }
        let cell = (self.sheets && element.name == "table:table-cell")
            .then(|| sole_print(element))
            .flatten();
        self.follow(element);
        let _ = write!(self.literal, "<{}", element.name);
        self.attributes(element, cell);
        if element.children.is_empty() {
            self.literal.push_str("/>");
        } else {
            self.literal.push('>');
            self.nodes(&element.children);
            let _ = write!(self.literal, "</{}>", element.name);
        }
        (self.in_list, self.run) = (in_list, run);
    }

    /// A tag that gives rich text, with what it takes its look from.
    fn rich(&mut self, tag: &Tag, call: &str, host: Host) {
        self.at(tag);
        self.call(&format!("{call}(({}), {})", tag.code, self.hosts.len()));
        self.hosts.push(host);
    }

    /// Notes which tag comes now.
    fn at(&mut self, tag: &Tag) {
        let index = self.tags.len();
        self.tags.push(tag.clone());
        self.call(&format!("at({index})"));
    }

    /// Says at rendering which sheet and row of the template are being written.
    fn follow(&mut self, element: &Element) {
        if self.sheets && element.name == "table:table" {
            let name = element.attribute("table:name").unwrap_or_default();
            self.call(&format!("table({})", quoted(name)));
        }
        if let Some(row) = element.attribute(ROW) {
            let count = element
                .attribute("table:number-rows-repeated")
                .unwrap_or("1");
            self.call(&format!(
                "row({row}, {})",
                count.parse::<usize>().unwrap_or(1)
            ));
        }
    }

    fn attributes(&mut self, element: &Element, cell: Option<&Tag>) {
        let formula = self.sheets && element.attribute("table:formula").is_some();
        let retyped = formula || cell.is_some();
        for (name, value) in &element.attributes {
            if name == ROW || (retyped && is_cached_value(name)) {
                continue;
            }
            let _ = write!(self.literal, " {name}=\"");
            if formula && name == "table:formula" {
                self.call(&format!("formula({})", quoted(value)));
            } else if let Some(call) = value.strip_prefix(CALL) {
                self.call(call);
            } else {
                escape(&mut self.literal, value, true);
            }
            self.literal.push('"');
        }
        if let Some(tag) = cell {
            self.call(&format!("cell({})", undressed(&tag.code)));
        }
    }

    fn tag(&mut self, tag: &Tag) {
        match tag.kind {
            Kind::Comment => self.tags.push(tag.clone()),
            Kind::Print => {
                if self.format == OfficeFormat::Docx
                    && asks_for_rich_text(tag)
                    && let Some(host) = self.run.clone()
                {
                    self.rich(tag, "runs", host);
                    return;
                }
                self.at(tag);
                self.code(&format!("{{{{ {} }}}}", tag.code));
            }
            Kind::Picture { width, height } => {
                self.at(tag);
                self.call(&format!("fit(({}), {width}, {height})", tag.code));
            }
            Kind::Open | Kind::Alone => {
                self.at(tag);
                self.code(&format!("{{% {} %}}", tag.code));
            }
            Kind::Middle | Kind::Close => {
                self.tags.push(tag.clone());
                self.code(&format!("{{% {} %}}", tag.code));
            }
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

fn is_cached_value(name: &str) -> bool {
    matches!(
        name,
        "office:value-type"
            | "office:value"
            | "office:string-value"
            | "office:date-value"
            | "office:currency"
            | "calcext:value-type"
    )
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
