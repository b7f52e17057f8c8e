//! A compiled template.

use super::{
    annotate,
    archive::Archive,
    engine,
    faults::in_reading_order,
    fields::{self, Checked, FieldUse, Use},
    include::{Includes, Inserter, NoIncludes},
    package::{Changes, Package},
    part::{self, Draft, Part},
    settings::Settings,
};
use minijinja::Environment;
use navette_domain::{
    dictionary::Dictionary,
    digest::Digest,
    ports::{MergeFailure, OfficeFormat, TemplateFault},
};
use std::collections::BTreeSet;

/// An office file with tags, ready to be merged any number of times.
pub struct Template {
    package: Package,
    parts: Vec<Part>,
    environment: Environment<'static>,
    /// What sub-templates brought.
    brought: Changes,
    included: Vec<(String, Digest)>,
}

impl Template {
    /// Reads a template that includes no other; its format is told from its content. All faults are found
    /// at once.
    pub fn compile(bytes: &[u8]) -> Result<Self, MergeFailure> {
        Self::compile_with(bytes, &NoIncludes)
    }

    /// Reads a template with the sub-templates that it includes.
    pub fn compile_with(bytes: &[u8], includes: &dyn Includes) -> Result<Self, MergeFailure> {
        let (template, faults) = Self::read(bytes, includes)?;
        template.unless(faults)
    }

    /// Reads a template that includes no other, as [`review_with`](Self::review_with) does.
    pub fn review(
        bytes: &[u8],
        dictionary: &Dictionary,
    ) -> Result<(Self, Vec<TemplateFault>), MergeFailure> {
        Self::review_with(bytes, &NoIncludes, dictionary)
    }

    /// Reads a template as [`compile_with`](Self::compile_with) does and holds it against the data
    /// dictionary; all faults of both are told at once. Also answers what is only worth a look.
    pub fn review_with(
        bytes: &[u8],
        includes: &dyn Includes,
        dictionary: &Dictionary,
    ) -> Result<(Self, Vec<TemplateFault>), MergeFailure> {
        let (template, mut faults) = Self::read(bytes, includes)?;
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
    fn read(
        bytes: &[u8],
        includes: &dyn Includes,
    ) -> Result<(Self, Vec<TemplateFault>), MergeFailure> {
        let bytes = &*annotate::without_comments(bytes);
        let mut archive = Archive::open(bytes)?;
        let format = archive.format();
        if format == OfficeFormat::Xlsx {
            return Err(MergeFailure::Unreadable(
                "les modèles XLSX ne sont pas encore pris en charge : l'enregistrer en ODS".into(),
            ));
        }
        let mut drafts = Vec::new();
        let mut faults = Vec::new();
        for index in 0..archive.names().len() {
            let name = archive.names()[index].clone();
            let Some(title) = part::title(format, &name) else {
                continue;
            };
            let content = archive.read_index(index)?;
            let text = String::from_utf8_lossy(&content);
            drafts.extend(Draft::read((&name, title), &text, format, &mut faults));
        }
        let package = Package::read(&mut archive)?;
        let mut other = |name: &str| {
            let index = archive.names().iter().position(|known| known == name)?;
            let content = archive.read_index(index).ok()?;
            Some(String::from_utf8_lossy(&content).into_owned())
        };
        let mut inserter = Inserter::new(includes, format);
        for draft in &mut drafts {
            inserter.insert(&mut draft.nodes, &draft.name, &mut other);
        }
        let included = inserter.finish(&mut drafts);
        faults.extend(included.faults);
        let mut settings = Settings::default();
        for draft in &drafts {
            settings.read(&draft.nodes, &mut faults);
        }
        let mut environment = engine::environment(format);
        let mut parts = Vec::new();
        for draft in drafts {
            parts.extend(draft.compile(&mut environment, (format, &settings), &mut faults));
        }
        let template = Self {
            package,
            parts,
            environment,
            brought: included.changes,
            included: included.templates,
        };
        Ok((template, faults))
    }

    /// The sub-templates that it includes, by code, with what they were when it was compiled.
    pub fn included(&self) -> &[(String, Digest)] {
        &self.included
    }

    /// The template's format, and that of every document made from it.
    pub fn format(&self) -> OfficeFormat {
        self.package.format()
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
        let mut changes = self.brought.clone();
        for part in &self.parts {
            if let Some(text) = part.render(&self.environment, data, &mut faults, &mut changes) {
                changes.replace(part.name.as_str(), text.into_bytes());
            }
        }
        if !faults.is_empty() {
            in_reading_order(&mut faults);
            return Err(MergeFailure::Faults(faults));
        }
        self.package.write(&changes)
    }
}
