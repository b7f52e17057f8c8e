//! Writes a part, its tags in place, as the source of a minijinja template.

use super::{
    cells, columns, include,
    pictures::CALL,
    rich::{Host, asks_for_rich_text},
    settings::{EMPTY, Settings},
    sheet,
    tag::{Kind, Tag},
    values::RECORDER,
    xml::{self, Element, Node, escape},
};
use navette_domain::ports::OfficeFormat;
use std::fmt::Write as _;

/// The source of one part; `tags` receives its tags, and `hosts` what rich text takes its look from, in
/// order.
pub(super) fn write(
    nodes: &[Node],
    (format, settings): (OfficeFormat, &Settings),
    tags: &mut Vec<Tag>,
    hosts: &mut Vec<Host>,
) -> String {
    let mut writer = Writer {
        out: String::new(),
        literal: String::new(),
        sheets: sheet::has_sheets(format),
        header: false,
        settings,
        format,
        in_list: false,
        run: None,
        open: Vec::new(),
        loops: Vec::new(),
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
    /// Whether we are in the header or footer of a workbook's sheet.
    header: bool,
    settings: &'a Settings,
    format: OfficeFormat,
    /// Whether a list is open, where OpenDocument takes no table.
    in_list: bool,
    /// The run of Word that is open, for rich text inside it.
    run: Option<Host>,
    /// What is open inside the paragraph of a sheet of OpenDocument.
    open: Vec<Element>,
    /// The loops that are open: their tags, and where their bodies begin.
    loops: Vec<(usize, usize)>,
    tags: &'a mut Vec<Tag>,
    hosts: &'a mut Vec<Host>,
}

/// Filters that only dress a value up: a typed cell wants the value itself.
const DRESSINGS: [&str; 2] = ["montant", "date"];

/// Cells that have a type.
const TYPED: [&str; 2] = ["table:table-cell", "c"];

/// Elements that may be open inside a paragraph of a sheet.
const INSIDE: [&str; 2] = ["text:span", "text:a"];

fn closing(element: &Element) -> String {
    format!("</{}>", element.name)
}

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
        if let Some((tag, host)) = Host::of_paragraph(element, self.format, !self.in_list) {
            self.rich(tag, "paragraphs", host);
            return;
        }
        let (in_list, run) = (self.in_list, self.run.clone());
        let inside = self.format == OfficeFormat::Ods && INSIDE.contains(&element.name.as_str());
        if inside {
            self.open.push(element.shell());
        }
        self.in_list |= element.name == "text:list-item";
        if element.name == "w:r" && element.has_tag() {
            self.run = Some(Host::of_run(element));
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
        (self.in_list, self.run) = (in_list, run);
        if inside {
            self.open.pop();
        }
    }

    /// Ends a line inside the paragraph of a sheet: all that is open ends, and begins again.
    fn line_break(&self) -> String {
        let closed: String = self.open.iter().rev().map(closing).collect();
        let mut out = format!("{closed}</text:p><text:p>");
        for element in &self.open {
            let mut written = String::new();
            let mut element = element.clone();
            element.children.push(Node::Text(String::new()));
            let close = closing(&element);
            xml::write(&mut written, &[Node::Element(element)]);
            out.push_str(written.strip_suffix(&close).unwrap_or_default());
        }
        out
    }

    /// A tag that gives rich text, with what it takes its look from.
    fn rich(&mut self, tag: &Tag, call: &str, host: Host) {
        let index = self.tags.len();
        self.tags.push(tag.clone());
        let code = self.printed(tag, index);
        self.call(&format!("{call}(({code}), {})", self.hosts.len()));
        self.hosts.push(host);
    }

    /// Says which tag comes next, and answers the code of what it prints.
    fn printed(&mut self, tag: &Tag, index: usize) -> String {
        match &self.settings.empty {
            None => {
                self.call(&format!("at({index})"));
                tag.code.clone()
            }
            Some(text) => {
                self.call(&format!("tolerate({index})"));
                format!("({})|{EMPTY}({})", tag.code, quoted(text))
            }
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
            match value.strip_prefix(CALL) {
                Some(call) => self.call(call),
                None => escape(&mut self.literal, value, true),
            }
            self.literal.push('"');
        }
        if let Some(tag) = cell {
            self.call(&format!("cell({})", undressed(&tag.code)));
        }
    }

    fn tag(&mut self, tag: &Tag) {
        if self.format == OfficeFormat::Docx
            && asks_for_rich_text(tag)
            && let Some(host) = self.run.clone()
        {
            self.rich(tag, "runs", host);
            return;
        }
        let index = self.tags.len();
        self.tags.push(tag.clone());
        match tag.kind {
            Kind::Comment => {}
            Kind::Picture { width, height } => {
                self.call(&format!("at({index})"));
                self.call(&format!("fit(({}), {width}, {height})", tag.code));
            }
            Kind::Print => {
                let code = self.printed(tag, index);
                if self.header {
                    self.code(&format!("{{{{ ({code})|{} }}}}", sheet::HEADER));
                } else if !self.open.is_empty() {
                    let line_break = quoted(&self.line_break());
                    self.call(&format!("lines(({code}), {line_break})"));
                } else {
                    self.code(&format!("{{{{ {code} }}}}"));
                }
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

/// The source without what only tells which tag it is at; `None` where that changes what is printed.
pub(super) fn without_marks(source: &str) -> Option<String> {
    let mark = format!("{{{{ {RECORDER}.at(");
    if source.contains(&format!("{{{{ {RECORDER}.tolerate(")) {
        // There, the next mark ends what a tag may leave empty.
        return None;
    }
    let mut pieces = source.split(mark.as_str());
    let first = pieces.next()?.to_owned();
    pieces.try_fold(first, |unmarked, piece| {
        let (_, rest) = piece.split_once("}}")?;
        Some(unmarked + rest)
    })
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
        Some((value, filter)) if is_dressing(filter) => value.trim(),
        _ => code,
    }
}

fn is_dressing(filter: &str) -> bool {
    let name = filter.split('(').next().unwrap_or_default();
    DRESSINGS.contains(&name.trim())
}

/// A minijinja string.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
