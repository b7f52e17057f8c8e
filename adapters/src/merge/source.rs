//! Writes a part, its tags in place, as the source of a minijinja template.

use super::{
    cells, columns, include,
    join::ROW,
    settings::{EMPTY, Settings},
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
        sheets: format == OfficeFormat::Ods,
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
    settings: &'a Settings,
    /// The loops that are open: their tags, and where their bodies begin.
    loops: Vec<(usize, usize)>,
    tags: &'a mut Vec<Tag>,
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
            if formula && name == "table:formula" {
                self.call(&format!("formula({})", quoted(value)));
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
        let index = self.tags.len();
        self.tags.push(tag.clone());
        match tag.kind {
            Kind::Comment => {}
            Kind::Print => match &self.settings.empty {
                None => {
                    self.call(&format!("at({index})"));
                    self.code(&format!("{{{{ {} }}}}", tag.code));
                }
                Some(text) => {
                    self.call(&format!("tolerate({index})"));
                    let text = quoted(text);
                    self.code(&format!("{{{{ ({})|{EMPTY}({text}) }}}}", tag.code));
                }
            },
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
