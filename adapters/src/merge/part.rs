//! One XML part of a template: compiled once, rendered for each document.

use super::{
    blocks, check,
    fields::{self, Use},
    join,
    package::Changes,
    settings::Settings,
    sheet::{self, ods, settle},
    source,
    values::{Record, Recorder, from_json},
    xml::{self, Node},
};
use minijinja::{Environment, Error, ErrorKind, Value};
use navette_domain::ports::{OfficeFormat, Place, TemplateFault};
use std::{
    io::{self, Write},
    sync::Arc,
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
    /// In OpenDocument, the names of its sheets, which are finished once rendered.
    tables: Option<Vec<String>>,
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
        (name, title): (&str, &'static str),
        text: &str,
        format: OfficeFormat,
        faults: &mut Vec<TemplateFault>,
    ) -> Option<Self> {
        match xml::parse(text) {
            Ok(nodes) => Some(Self::settle((name, title), nodes, format, faults)),
            Err(_) => {
                faults.push(part_fault(title, "cette partie est illisible".into()));
                None
            }
        }
    }

    /// Puts the tags of a part that is parsed already in their places.
    pub(super) fn settle(
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
        if sheets {
            faults.extend(settle::settle(&mut nodes));
        }
        blocks::place(&mut nodes, format);
        if sheets {
            settle::mark_loops(&mut nodes);
        }
        Self {
            name: name.to_owned(),
            title,
            nodes,
            tables,
        }
    }

    /// Compiles the part into `environment`; `None` when it has no tag. Faults go to `faults`.
    pub(super) fn compile(
        self,
        environment: &mut Environment<'static>,
        (format, settings): (OfficeFormat, &Settings),
        faults: &mut Vec<TemplateFault>,
    ) -> Option<Part> {
        let mut found = check::check(&self.nodes);
        let mut tags = Vec::new();
        let source = source::write(&self.nodes, (format, settings), &mut tags);
        // What refers to a workbook's sheets may move in any of them.
        if tags.is_empty() && format != OfficeFormat::Xlsx {
            return None;
        }
        let (uses, unreadable) = fields::analyse(environment, tags);
        found.extend(unreadable);
        // Our own reading comes first: it knows where things stand.
        if found.is_empty()
            && let Err(error) = environment.add_template_owned(self.name.clone(), source)
        {
            let detail = error.detail().unwrap_or_default();
            let sentence = format!("balises incorrectes ({detail})");
            found.push(part_fault(self.title, sentence));
        }
        faults.extend(found);
        Some(Part {
            name: self.name,
            uses,
            tables: self.tables,
        })
    }
}

impl Part {
    /// Renders the part; faults go to `faults`, and what it adds to the file to `changes`.
    pub(super) fn render(
        &self,
        environment: &Environment<'static>,
        data: &serde_json::Value,
        faults: &mut Vec<TemplateFault>,
        changes: &mut Changes,
    ) -> Option<String> {
        let unknown = fields::unknown(&self.uses, data);
        let recorder = Arc::new(Recorder::default());
        let context = minijinja::context! {
            __r => Value::from_dyn_object(Arc::clone(&recorder)),
            ..from_json(data, &recorder)
        };
        let mut out = Limited(Vec::new());
        let rendered = environment
            .get_template(&self.name)
            .and_then(|template| template.render_captured_to(context, &mut out).map(drop));
        let mut record = recorder.record();
        changes.extend(std::mem::take(&mut record.changes));
        let mut noted = self.noted(&record, rendered.err(), data);
        // A tag whose field is unknown has been told so: what follows from it says nothing more.
        noted.retain(|fault| {
            !unknown
                .iter()
                .any(|known| known.tag == fault.tag && known.place == fault.place)
        });
        let sound = unknown.is_empty() && noted.is_empty();
        faults.extend(unknown);
        faults.extend(noted);
        let text = String::from_utf8(out.0).ok().filter(|_| sound)?;
        match &self.tables {
            Some(known) => ods::finish(&text, known),
            None => Some(text),
        }
    }

    /// What the rendering noted, and what ended it.
    fn noted(
        &self,
        record: &Record,
        error: Option<Error>,
        data: &serde_json::Value,
    ) -> Vec<TemplateFault> {
        let tag = |index: usize| self.uses.get(index);
        let noted = record
            .faults
            .iter()
            .filter_map(|(index, sentence)| Some(tag(*index)?.tag.fault(sentence.clone())));
        let ending = error.map(|error| match tag(record.tag) {
            Some(used) => {
                let sentence = fields::empty(used, data).unwrap_or_else(|| in_french(&error));
                used.tag.fault(sentence)
            }
            None => part_fault(&self.name, in_french(&error)),
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
