//! A compiled template.

use super::{
    annotate,
    archive::Archive,
    engine,
    faults::in_reading_order,
    fields::{self, Checked, FieldUse, Use},
    part::{self, Part},
};
use minijinja::Environment;
use navette_domain::{
    dictionary::Dictionary,
    ports::{MergeFailure, OfficeFormat, TemplateFault},
};
use std::{
    collections::BTreeSet,
    io::{Cursor, Write},
};
use zip::{CompressionMethod, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// An office file with tags, ready to be merged any number of times.
pub struct Template {
    bytes: Vec<u8>,
    format: OfficeFormat,
    parts: Vec<Part>,
    environment: Environment<'static>,
}

impl Template {
    /// Reads a template; its format is told from its content. All faults are found at once.
    pub fn compile(bytes: &[u8]) -> Result<Self, MergeFailure> {
        let (template, faults) = Self::read(bytes)?;
        template.unless(faults)
    }

    /// Reads a template as [`compile`](Self::compile) does and holds it against the data dictionary; all
    /// faults of both are told at once. Also answers what is only worth a look.
    pub fn review(
        bytes: &[u8],
        dictionary: &Dictionary,
    ) -> Result<(Self, Vec<TemplateFault>), MergeFailure> {
        let (template, mut faults) = Self::read(bytes)?;
        let checked = template.check(dictionary);
        faults.extend(checked.faults);
        Ok((template.unless(faults)?, checked.warnings))
    }

    fn unless(self, mut faults: Vec<TemplateFault>) -> Result<Self, MergeFailure> {
        if faults.is_empty() {
            return Ok(self);
        }
        in_reading_order(&mut faults);
        Err(MergeFailure::Faults(faults))
    }

    /// The template, and all that is wrong in it.
    fn read(bytes: &[u8]) -> Result<(Self, Vec<TemplateFault>), MergeFailure> {
        let bytes = &*annotate::without_comments(bytes);
        let mut archive = Archive::open(bytes)?;
        let format = archive.format();
        if format == OfficeFormat::Xlsx {
            return Err(MergeFailure::Unreadable(
                "les modèles XLSX ne sont pas encore pris en charge : l'enregistrer en ODS".into(),
            ));
        }
        let mut environment = engine::environment(format);
        let mut parts = Vec::new();
        let mut faults = Vec::new();
        for index in 0..archive.names().len() {
            let name = archive.names()[index].clone();
            let Some(title) = part::title(format, &name) else {
                continue;
            };
            let content = archive.read_index(index)?;
            let text = String::from_utf8_lossy(&content);
            let at = (index, name.as_str(), title);
            parts.extend(Part::compile(
                &mut environment,
                at,
                &text,
                format,
                &mut faults,
            ));
        }
        let template = Self {
            bytes: bytes.to_vec(),
            format,
            parts,
            environment,
        };
        Ok((template, faults))
    }

    /// The template's format, and that of every document made from it.
    pub fn format(&self) -> OfficeFormat {
        self.format
    }

    /// The fields it uses: `dossier.objet`, `versements[].montant`.
    pub fn fields(&self) -> BTreeSet<String> {
        let uses = self.uses().into_iter();
        uses.map(|used| used.path).collect()
    }

    /// The fields it uses, each with what is done with it.
    pub fn uses(&self) -> Vec<FieldUse> {
        fields::uses(self.tags())
    }

    /// What the data dictionary says against it.
    pub fn check(&self, dictionary: &Dictionary) -> Checked {
        let mut checked = fields::check(self.tags(), dictionary);
        in_reading_order(&mut checked.faults);
        in_reading_order(&mut checked.warnings);
        checked
    }

    fn tags(&self) -> impl Iterator<Item = &Use> + Clone {
        self.parts.iter().flat_map(|part| &part.uses)
    }

    /// Merges `data` into the template.
    pub fn merge(&self, data: &serde_json::Value) -> Result<Vec<u8>, MergeFailure> {
        let mut faults = Vec::new();
        let mut rendered = Vec::new();
        for part in &self.parts {
            let text = part.render(&self.environment, data, &mut faults);
            rendered.extend(text.map(|text| (part.index, text)));
        }
        if !faults.is_empty() {
            return Err(MergeFailure::Faults(faults));
        }
        self.write(&rendered)
            .map_err(|_| MergeFailure::Unreadable("le document n'a pas pu être écrit".into()))
    }

    /// The file again, with the rendered parts in place of the template's. OpenDocument wants `mimetype`
    /// first and stored.
    fn write(&self, rendered: &[(usize, String)]) -> Result<Vec<u8>, ZipError> {
        let mut source = ZipArchive::new(Cursor::new(self.bytes.as_slice()))?;
        let mut target = ZipWriter::new(Cursor::new(Vec::with_capacity(self.bytes.len() * 2)));
        let stored = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Stored);
        let deflated = SimpleFileOptions::DEFAULT.compression_method(CompressionMethod::Deflated);
        let media_type = source.index_for_name("mimetype");
        if media_type.is_some() {
            target.start_file("mimetype", stored)?;
            target.write_all(self.format.media_type().as_bytes())?;
        }
        for index in (0..source.len()).filter(|index| Some(*index) != media_type) {
            let entry = source.by_index_raw(index)?;
            match rendered.iter().find(|(at, _)| *at == index) {
                Some((_, text)) => {
                    let name = entry.name()?.into_owned();
                    drop(entry);
                    target.start_file(name, deflated)?;
                    target.write_all(text.as_bytes())?;
                }
                None => target.raw_copy_file(entry)?,
            }
        }
        Ok(target.finish()?.into_inner())
    }
}
