//! One XML part of a template: compiled once, rendered for each document.

use super::{
    blocks, check,
    data::Data,
    deflate::Passages,
    fields::{self, Use},
    join,
    package::Changes,
    pictures,
    rich::{self, Host},
    settings::Settings,
    sheet::{self, ods, settle},
    source,
    values::{Around, RECORDER, Record, Recorder, Supplies},
    xml::{self, Node},
};
use minijinja::{Environment, Error, ErrorKind};
use navette_domain::ports::{OfficeFormat, Place, TemplateFault};
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The largest part that a merge may give.
pub(super) const LARGEST_OUTPUT: usize = 64 << 20;

/// What clerks call a workbook, where its sheet is not known.
pub(super) const BOOK: &str = "classeur";

/// A part with tags.
pub(super) struct Part {
    /// The entry's name.
    pub(super) name: String,
    pub(super) uses: Vec<Use>,
    /// The template that is rendered first: its own marks are left out, so that it does not tell which tag
    /// is at fault.
    unmarked: String,
    /// How large its last document was.
    usual: AtomicUsize,
    /// In OpenDocument, the names of its sheets, which are finished once rendered.
    tables: Option<Vec<String>>,
    hosts: Arc<[Host]>,
    /// What its documents say of it, unless they are finished once rendered.
    pub(super) passages: Option<Arc<Passages>>,
    /// Whether an image that it shows lies on white paper.
    pub(super) white: bool,
}

/// What clerks call a part, if tags are looked for in it.
pub(super) fn title(format: OfficeFormat, name: &str) -> Option<&'static str> {
    match format {
        OfficeFormat::Odt | OfficeFormat::Ods => match name {
            "content.xml" => Some("corps"),
            "styles.xml" => Some("en-tête et pied de page"),
            _ => None,
        },
        OfficeFormat::Docx => {
            let file = name.strip_prefix("word/")?.strip_suffix(".xml")?;
            match file.trim_end_matches(|c: char| c.is_ascii_digit()) {
                "document" => Some("corps"),
                "header" => Some("en-tête"),
                "footer" => Some("pied de page"),
                "footnotes" | "endnotes" => Some("notes"),
                _ => None,
            }
        }
        // A workbook tells its own parts.
        OfficeFormat::Xlsx => None,
    }
}

/// A part whose tags are read and in place, before it is compiled.
pub(super) struct Draft {
    pub(super) name: String,
    title: &'static str,
    pub(super) nodes: Vec<Node>,
    tables: Option<Vec<String>>,
}

impl Draft {
    /// Reads `text`; faults go to `faults`.
    pub(super) fn read(
        at: (&str, &'static str),
        text: &str,
        format: OfficeFormat,
        faults: &mut Vec<TemplateFault>,
    ) -> Option<Self> {
        if let Ok(nodes) = xml::parse(text) {
            Some(Self::of(at, nodes, format, faults))
        } else {
            faults.push(part_fault(at.1, "cette partie est illisible".into()));
            None
        }
    }

    /// [`read`](Self::read), of a part that is parsed already.
    pub(super) fn of(
        (name, title): (&str, &'static str),
        mut nodes: Vec<Node>,
        format: OfficeFormat,
        faults: &mut Vec<TemplateFault>,
    ) -> Self {
        let sheets = sheet::is_part(format, name);
        let tables = (sheets && format == OfficeFormat::Ods).then(|| ods::names(&nodes));
        if tables.is_some() {
            ods::prepare(&mut nodes);
        }
        faults.extend(join::join(&mut nodes, format, (name, title)));
        faults.extend(pictures::find_frames(&mut nodes, title));
        if sheets {
            faults.extend(settle::settle(&mut nodes));
        }
        blocks::place(&mut nodes, format);
        Self {
            name: name.to_owned(),
            title,
            nodes,
            tables,
        }
    }

    /// Compiles the part into `environment`; `None` when it has no tag. Faults go to `faults`.
    pub(super) fn compile(
        mut self,
        environment: &mut Environment<'static>,
        (format, settings): (OfficeFormat, &Settings),
        faults: &mut Vec<TemplateFault>,
    ) -> Option<Part> {
        let mut found = check::check(&self.nodes);
        if sheet::is_part(format, &self.name) {
            settle::mark_loops(&mut self.nodes);
        }
        if format == OfficeFormat::Odt {
            rich::add_styles(&mut self.nodes);
        }
        let (mut tags, mut hosts) = (Vec::new(), Vec::new());
        let settings = (format, settings);
        let source = source::write(&self.nodes, settings, &mut tags, &mut hosts);
        // What refers to a workbook's sheets may move in any of them.
        if tags.is_empty() && format != OfficeFormat::Xlsx && !prints_marks(&self.nodes) {
            return None;
        }
        let passages = (!sheet::has_sheets(format)).then(|| Arc::new(Passages::of(&source)));
        let (uses, unreadable) = fields::analyse(environment, tags);
        found.extend(unreadable);
        // Our own reading comes first: it knows where things stand.
        let unmarked = source::without_marks(&source);
        let unmarked = unmarked.map(|source| (format!("{} unmarked", self.name), source));
        let fast = unmarked.as_ref().map_or(&self.name, |(name, _)| name);
        let fast = fast.clone();
        if found.is_empty()
            && let Err(error) = [(self.name.clone(), source)]
                .into_iter()
                .chain(unmarked)
                .try_for_each(|(name, source)| environment.add_template_owned(name, source))
        {
            let detail = error.detail().unwrap_or_default();
            let sentence = format!("balises incorrectes ({detail})");
            found.push(part_fault(self.title, sentence));
        }
        faults.extend(found);
        Some(Part {
            name: self.name,
            unmarked: fast,
            usual: AtomicUsize::default(),
            uses,
            tables: self.tables,
            hosts: hosts.into(),
            passages,
            white: false,
        })
    }
}

/// Whether some text is now the mark of a tag: `{_{` was written for it, and must not stay in the document.
fn prints_marks(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Text(text) => ["{{", "}}", "{%", "%}"]
            .iter()
            .any(|mark| text.contains(mark)),
        Node::Element(element) => prints_marks(&element.children),
        Node::Raw(_) | Node::Tag(_) => false,
    })
}

impl Part {
    /// Renders the part, in UTF-8; faults go to `faults`, and what it adds to the file to `changes`.
    pub(super) fn render(
        &self,
        environment: &Environment<'static>,
        (data, supplies): (&Data<'_>, &Supplies),
        faults: &mut Vec<TemplateFault>,
        changes: &mut Changes,
    ) -> Option<Vec<u8>> {
        let unknown = fields::unknown(&self.uses, data.json);
        if unknown.is_empty() {
            let usual = self.usual.load(Ordering::Relaxed);
            let mut out = Limited(Vec::with_capacity(usual));
            let ended = self.render_into(&mut out, &self.unmarked, environment, (data, supplies));
            let record = std::mem::take(&mut *data.notes.record());
            if ended.is_none() && record.faults.is_empty() {
                self.usual.store(out.0.len(), Ordering::Relaxed);
                changes.extend(record.changes);
                return self.finish(out.0, faults);
            }
        }
        let noted = self.told(environment, (data, supplies), &unknown);
        faults.extend(unknown);
        faults.extend(noted);
        None
    }

    /// What is wrong beside what is `unknown`: rendered with its marks, the part says it tag by tag.
    fn told(
        &self,
        environment: &Environment<'static>,
        given: (&Data<'_>, &Supplies),
        unknown: &[TemplateFault],
    ) -> Vec<TemplateFault> {
        let mut out = Limited(Vec::new());
        let ended = self.render_into(&mut out, &self.name, environment, given);
        let record = std::mem::take(&mut *given.0.notes.record());
        let mut noted = self.noted(&record, ended.as_ref(), given.0.json);
        if ended.is_some() {
            for fault in self.beyond(record.tag, environment, given) {
                if !noted.contains(&fault) {
                    noted.push(fault);
                }
            }
        }
        // A tag whose field is unknown has been told so: what follows from it says nothing more.
        noted.retain(|fault| {
            !unknown
                .iter()
                .any(|known| known.tag == fault.tag && known.place == fault.place)
        });
        noted
    }

    /// What is left to do once everything is rendered.
    fn finish(&self, text: Vec<u8>, faults: &mut Vec<TemplateFault>) -> Option<Vec<u8>> {
        let Some(known) = &self.tables else {
            return Some(text);
        };
        let finished = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| ods::finish(text, known));
        if finished.is_none() {
            let sentence = "le classeur obtenu n'a plus aucune feuille, ou est illisible";
            faults.push(part_fault(&self.name, sentence.into()));
        }
        finished.map(String::into_bytes)
    }

    /// Renders a template of the part into `out`; answers what ended it before its time.
    fn render_into(
        &self,
        out: &mut Limited,
        template: &str,
        environment: &Environment<'static>,
        (data, supplies): (&Data<'_>, &Supplies),
    ) -> Option<Error> {
        let around = Around {
            part: self.name.clone(),
            white: self.white,
            hosts: Arc::clone(&self.hosts),
            supplies: supplies.clone(),
        };
        let context = data.context(Arc::new(Recorder::new(around, data.notes.clone())));
        environment
            .get_template(template)
            .and_then(|template| template.render_captured_to(context, out).map(drop))
            .err()
    }

    /// What else is wrong after the tag that ended a rendering: the part is rendered again without it, and
    /// so on while only tags that print are in the way.
    fn beyond(
        &self,
        mut tag: usize,
        environment: &Environment<'static>,
        given: (&Data<'_>, &Supplies),
    ) -> Vec<TemplateFault> {
        const MOST: usize = 20;
        let mut environment = environment.clone();
        let mut faults = Vec::new();
        for _ in 0..MOST {
            let source = environment
                .get_template(&self.name)
                .ok()
                .and_then(|template| self.without(tag, template.source()));
            let Some(source) = source else {
                break;
            };
            if environment
                .add_template_owned(self.name.clone(), source)
                .is_err()
            {
                break;
            }
            let mut out = Limited(Vec::new());
            let ended = self.render_into(&mut out, &self.name, &environment, given);
            let record = std::mem::take(&mut *given.0.notes.record());
            for fault in self.noted(&record, ended.as_ref(), given.0.json) {
                if !faults.contains(&fault) {
                    faults.push(fault);
                }
            }
            if ended.is_none() {
                break;
            }
            tag = record.tag;
        }
        faults
    }

    /// The source without what a tag prints.
    fn without(&self, tag: usize, source: &str) -> Option<String> {
        let code = self.uses.get(tag)?.tag.code.as_str();
        let start = ["at", "tolerate"].iter().find_map(|call| {
            let call = format!("{{{{ {RECORDER}.{call}({tag}) }}}}");
            source.find(&call).map(|at| at + call.len())
        })?;
        let print = source[start..].strip_prefix("{{ ")?;
        let after = print.trim_start_matches('(').strip_prefix(code)?;
        let end = after.find("}}")? + 2;
        Some([&source[..start], &after[end..]].concat())
    }

    /// What the rendering noted, and what ended it.
    fn noted(
        &self,
        record: &Record,
        error: Option<&Error>,
        data: &serde_json::Value,
    ) -> Vec<TemplateFault> {
        let tag = |index: usize| self.uses.get(index);
        let noted = record
            .faults
            .iter()
            .filter_map(|(index, sentence)| Some(tag(*index)?.tag.fault(sentence.clone())));
        let ending = error.map(|error| match tag(record.tag) {
            Some(used) => {
                let sentence = fields::empty(used, data).unwrap_or_else(|| in_french(error));
                used.tag.fault(sentence)
            }
            None => part_fault(&self.name, in_french(error)),
        });
        noted.chain(ending).collect()
    }
}

fn part_fault(part: &str, sentence: String) -> TemplateFault {
    let place = Place {
        name: part.to_owned(),
        ..Place::default()
    };
    place.fault("", sentence)
}

fn in_french(error: &Error) -> String {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::OutOfFuel => "ce modèle demande trop de calculs : vérifier ses boucles".into(),
        ErrorKind::WriteFailure => "le document obtenu est démesuré : vérifier les boucles".into(),
        ErrorKind::UndefinedError => "cette balise utilise un champ qui n'existe pas".into(),
        ErrorKind::InvalidOperation if !detail.is_empty() => detail.to_owned(),
        kind => format!("cette balise ne peut pas être calculée ({kind})"),
    }
}

struct Limited(Vec<u8>);

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LARGEST_OUTPUT {
            return Err(io::Error::other("the part is too large"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
