//! A compiled template.

use super::{
    annotate,
    archive::Archive,
    data::Data,
    engine,
    faults::in_reading_order,
    fields::{self, Checked, FieldUse, Use},
    include::{Includes, Inserter, NoIncludes},
    package::{Changes, Package, Packing},
    part::{self, Draft, Part},
    pictures::{Images, NoImages, Paper},
    settings::Settings,
    values::Supplies,
    xlsx::Workbook,
};
use minijinja::Environment;
use navette_domain::{
    dictionary::Dictionary,
    digest::Digest,
    ports::{MergeFailure, OfficeFormat, TemplateFault},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// An office file with tags, ready to be merged any number of times.
pub struct Template {
    package: Package,
    /// In XLSX, the parts that refer to one another.
    workbook: Option<Workbook>,
    parts: Vec<Part>,
    environment: Environment<'static>,
    /// What sub-templates brought.
    brought: Changes,
    included: Vec<(String, Digest)>,
}

/// What is told of a template before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its format.
    pub format: OfficeFormat,
    /// The fields it uses.
    pub uses: Vec<FieldUse>,
    /// Everything that is wrong; when there is nothing, it compiles.
    pub faults: Vec<TemplateFault>,
    /// What is only worth a look.
    pub warnings: Vec<TemplateFault>,
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

    /// Reads a template with the sub-templates that it includes, and holds it against the data dictionary:
    /// all that is told of it before it is used.
    pub fn review(
        bytes: &[u8],
        includes: &dyn Includes,
        dictionary: &Dictionary,
    ) -> Result<Review, MergeFailure> {
        let (template, mut faults) = Self::read(bytes, includes)?;
        let checked = template.check(dictionary);
        faults.extend(checked.faults);
        in_reading_order(&mut faults);
        Ok(Review {
            format: template.format(),
            uses: template.uses(),
            faults,
            warnings: checked.warnings,
        })
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
        let workbook = match format {
            OfficeFormat::Xlsx => Some(Workbook::read(&mut archive)?),
            OfficeFormat::Odt | OfficeFormat::Ods | OfficeFormat::Docx => None,
        };
        for (name, nodes) in workbook.iter().flat_map(Workbook::parts) {
            drafts.push(Draft::of((name, part::BOOK), nodes, format, &mut faults));
        }
        let paper = Paper::read(&mut archive)?;
        let mut package = Package::read(&mut archive)?;
        for (name, image) in paper.flattened_images(&mut archive)? {
            package.put(&name, image);
        }
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
        let mut parts: Vec<Part> = Vec::new();
        for draft in drafts {
            parts.extend(draft.compile(&mut environment, (format, &settings), &mut faults));
        }
        for part in &mut parts {
            part.white = paper.is_white(&part.name);
        }
        let template = Self {
            package,
            workbook,
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

    /// Merges `data` into the template, when neither names an image.
    pub fn merge(&self, data: &serde_json::Value) -> Result<Vec<u8>, MergeFailure> {
        self.merge_with(data, Arc::new(NoImages))
    }

    /// Merges `data` into the template, with the images that either names.
    pub fn merge_with(
        &self,
        data: &serde_json::Value,
        images: Arc<dyn Images>,
    ) -> Result<Vec<u8>, MergeFailure> {
        let supplies = Supplies {
            format: self.format(),
            images,
        };
        let mut faults = Vec::new();
        let mut changes = self.brought.clone();
        let mut sheets = BTreeMap::new();
        let given = (&Data::new(data), &supplies);
        for part in &self.parts {
            match part.render(&self.environment, given, &mut faults, &mut changes) {
                Some(text) if self.workbook.is_some() => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    sheets.insert(part.name.as_str(), text);
                }
                Some(text) => {
                    let packing = part.passages.clone();
                    let packing = packing.map_or(Packing::Deflated, Packing::Known);
                    changes.replace_packed(part.name.as_str(), text, packing);
                }
                None => {}
            }
        }
        if !faults.is_empty() {
            in_reading_order(&mut faults);
            return Err(MergeFailure::Faults(faults));
        }
        if let Some(workbook) = &self.workbook {
            workbook.finish(&sheets, &mut changes)?;
        }
        self.package.write(&changes)
    }
}
