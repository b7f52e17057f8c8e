//! One XML part of a template: compiled once, rendered for each document.

use super::{
    blocks,
    fields::{self, Use},
    join,
    package::Changes,
    pictures,
    rich::{self, Host},
    source,
    values::{Around, Record, Recorder, Settings, from_json},
    xml,
};
use minijinja::{Environment, Error, ErrorKind, Value};
use navette_domain::ports::{OfficeFormat, TemplateFault};
use std::{
    io::{self, Write},
    sync::Arc,
};

/// The largest part that a merge may give.
const LARGEST_OUTPUT: usize = 64 << 20;

/// A part with tags.
pub(super) struct Part {
    /// The entry's name.
    pub(super) name: String,
    pub(super) uses: Vec<Use>,
    hosts: Arc<[Host]>,
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
        OfficeFormat::Xlsx => None,
    }
}

impl Part {
    /// Compiles `text` into `environment`; `None` when the part has no tag. Faults go to `faults`.
    pub(super) fn compile(
        environment: &mut Environment<'static>,
        (name, title): (&str, &str),
        text: &str,
        format: OfficeFormat,
        faults: &mut Vec<TemplateFault>,
    ) -> Option<Self> {
        let Ok(mut nodes) = xml::parse(text) else {
            faults.push(part_fault(title, "cette partie est illisible".into()));
            return None;
        };
        faults.extend(join::join(&mut nodes, format, title));
        faults.extend(pictures::find_frames(&mut nodes, title));
        blocks::place(&mut nodes);
        let mut found = blocks::check(&nodes);
        if format == OfficeFormat::Odt {
            rich::add_styles(&mut nodes);
        }
        let (mut tags, mut hosts) = (Vec::new(), Vec::new());
        let source = source::write(&nodes, format, &mut tags, &mut hosts);
        if tags.is_empty() {
            return None;
        }
        let (uses, unreadable) = fields::analyse(environment, tags);
        found.extend(unreadable);
        // Our own reading comes first: it knows where things stand.
        if found.is_empty()
            && let Err(error) = environment.add_template_owned(name.to_owned(), source)
        {
            let detail = error.detail().unwrap_or_default();
            found.push(part_fault(title, format!("balises incorrectes ({detail})")));
        }
        faults.extend(found);
        Some(Self {
            name: name.to_owned(),
            uses,
            hosts: hosts.into(),
            white: false,
        })
    }

    /// Renders the part; faults go to `faults`, and what it adds to the file to `changes`.
    pub(super) fn render(
        &self,
        environment: &Environment<'static>,
        (data, settings): (&serde_json::Value, &Settings),
        faults: &mut Vec<TemplateFault>,
        changes: &mut Changes,
    ) -> Option<String> {
        let unknown = fields::unknown(&self.uses, data);
        let recorder = Arc::new(Recorder::new(Around {
            part: self.name.clone(),
            white: self.white,
            hosts: Arc::clone(&self.hosts),
            settings: settings.clone(),
        }));
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
        Some(record.sheets.write_formulas(text))
    }

    /// What the rendering noted, and what ended it.
    fn noted(
        &self,
        record: &Record,
        error: Option<Error>,
        data: &serde_json::Value,
    ) -> Vec<TemplateFault> {
        let tag = |index: usize| self.uses.get(index);
        let noted = record.faults.iter().filter_map(|(index, sentence)| {
            Some(fields::fault(&tag(*index)?.tag, sentence.clone()))
        });
        let ending = error.map(|error| match tag(record.tag) {
            Some(used) => {
                let sentence = fields::empty(used, data).unwrap_or_else(|| in_french(&error));
                fields::fault(&used.tag, sentence)
            }
            None => part_fault(&self.name, in_french(&error)),
        });
        noted.chain(ending).collect()
    }
}

fn part_fault(place: &str, sentence: String) -> TemplateFault {
    TemplateFault {
        place: place.into(),
        tag: String::new(),
        sentence,
    }
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
