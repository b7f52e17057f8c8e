//! A compiled template.

use super::{
    archive::Archive,
    engine, fields,
    package::{Changes, Package},
    part::{self, Part},
    pictures::{Images, NoImages, Paper},
    values::Settings,
};
use minijinja::Environment;
use navette_domain::ports::{MergeFailure, OfficeFormat};
use std::{collections::BTreeSet, sync::Arc};

/// An office file with tags, ready to be merged any number of times.
pub struct Template {
    package: Package,
    parts: Vec<Part>,
    environment: Environment<'static>,
}

impl Template {
    /// Reads a template; its format is told from its content. All faults are found at once.
    pub fn compile(bytes: &[u8]) -> Result<Self, MergeFailure> {
        let mut archive = Archive::open(bytes)?;
        let format = archive.format();
        if format == OfficeFormat::Xlsx {
            return Err(MergeFailure::Unreadable(
                "les modèles XLSX ne sont pas encore pris en charge : l'enregistrer en ODS".into(),
            ));
        }
        let mut environment = engine::environment(format);
        let mut parts: Vec<Part> = Vec::new();
        let mut faults = Vec::new();
        for index in 0..archive.names().len() {
            let name = archive.names()[index].clone();
            let Some(title) = part::title(format, &name) else {
                continue;
            };
            let content = archive.read_index(index)?;
            let text = String::from_utf8_lossy(&content);
            let at = (name.as_str(), title);
            parts.extend(Part::compile(
                &mut environment,
                at,
                &text,
                format,
                &mut faults,
            ));
        }
        if !faults.is_empty() {
            return Err(MergeFailure::Faults(faults));
        }
        let paper = Paper::read(&mut archive)?;
        for part in &mut parts {
            part.white = paper.is_white(&part.name);
        }
        let mut package = Package::read(&mut archive)?;
        for (name, image) in paper.flattened_images(&mut archive)? {
            package.put(&name, image);
        }
        Ok(Self {
            package,
            parts,
            environment,
        })
    }

    /// The template's format, and that of every document made from it.
    pub fn format(&self) -> OfficeFormat {
        self.package.format()
    }

    /// The fields it uses: `dossier.objet`, `versements[].montant`.
    pub fn fields(&self) -> BTreeSet<String> {
        self.parts
            .iter()
            .flat_map(|part| fields::paths(&part.uses))
            .collect()
    }

    /// Merges `data` into the template, which names no image.
    pub fn merge(&self, data: &serde_json::Value) -> Result<Vec<u8>, MergeFailure> {
        self.merge_with(data, Arc::new(NoImages))
    }

    /// Merges `data` into the template, with the images that either names.
    pub fn merge_with(
        &self,
        data: &serde_json::Value,
        images: Arc<dyn Images>,
    ) -> Result<Vec<u8>, MergeFailure> {
        let settings = Settings {
            format: self.format(),
            images,
        };
        let mut faults = Vec::new();
        let mut changes = Changes::default();
        for part in &self.parts {
            if let Some(text) = part.render(
                &self.environment,
                (data, &settings),
                &mut faults,
                &mut changes,
            ) {
                changes.replace(part.name.as_str(), text.into_bytes());
            }
        }
        if !faults.is_empty() {
            return Err(MergeFailure::Faults(faults));
        }
        self.package.write(&changes)
    }
}
