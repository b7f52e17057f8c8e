//! The office workshop: templates compiled once, merged natively, converted by LibreOffice.

use crate::{
    libreoffice::{PdfPool, PoolOptions},
    merge::{FieldUse, Image, Images, Includes, Review, Template},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    dictionary::{Dictionary, IMAGES},
    digest::Digest,
    ports::{Answer, IncludedFiles, MergeFailure, Merged, OfficeFormat, OfficeWorkshop, Pdf},
    template::IncludedKind,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// How many compiled templates are kept.
const MOST_TEMPLATES: usize = 64;

/// Merges and converts on this machine.
pub struct Workshop {
    templates: Mutex<HashMap<Digest, Arc<Template>>>,
    images: Mutex<HashMap<Digest, Image>>,
    pool: PdfPool,
}

/// How many images that were read are kept.
const MOST_IMAGES: usize = 256;

/// The images at hand, by code.
struct StoredImages(BTreeMap<String, Image>);

impl Images for StoredImages {
    fn image(&self, name: &str) -> Option<Image> {
        self.0.get(name).cloned()
    }
}

/// The sub-templates at hand, and those that were asked for.
struct SubTemplates<'a> {
    files: &'a BTreeMap<String, Vec<u8>>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> SubTemplates<'a> {
    fn of(files: &'a IncludedFiles) -> Self {
        Self {
            files: &files.templates,
            asked: RefCell::default(),
        }
    }
}

impl Includes for SubTemplates<'_> {
    fn template(&self, code: &str) -> Option<Vec<u8>> {
        self.asked.borrow_mut().insert(code.to_owned());
        self.files.get(code).cloned()
    }
}

impl Workshop {
    /// A workshop whose PDF workers are started when first needed.
    pub fn new(options: PoolOptions) -> Self {
        Self {
            templates: Mutex::default(),
            images: Mutex::default(),
            pool: PdfPool::new(options),
        }
    }

    /// What is told of a template before it is used.
    pub fn review(
        bytes: &[u8],
        included: &IncludedFiles,
        dictionary: &Dictionary,
    ) -> Result<Review, MergeFailure> {
        Template::review(bytes, &SubTemplates::of(included), dictionary)
    }

    /// All that a template names by code, as far as it can be read with what is at hand.
    pub fn names(bytes: &[u8], included: &IncludedFiles) -> BTreeSet<(IncludedKind, String)> {
        let sub_templates = SubTemplates::of(included);
        let review = Template::review(bytes, &sub_templates, &Dictionary::default());
        let uses = review.map(|review| review.uses).unwrap_or_default();
        let images = uses.iter().filter_map(image);
        let images = images.map(|code| (IncludedKind::Image, code.to_owned()));
        let templates = sub_templates.asked.into_inner().into_iter();
        let templates = templates.map(|code| (IncludedKind::Template, code));
        images.chain(templates).collect()
    }

    /// The images of `included`, each read once.
    fn images(&self, included: &IncludedFiles) -> Result<StoredImages, MergeFailure> {
        let read = |(code, bytes): (&String, &Vec<u8>)| {
            let digest = Digest::of(bytes);
            let known = |workshop: &Self| {
                let images = workshop.images.lock();
                let images = images.unwrap_or_else(PoisonError::into_inner);
                images.get(&digest).cloned()
            };
            let image = match known(self) {
                Some(image) => image,
                None => Image::read(bytes).map_err(|sentence| {
                    MergeFailure::Unreadable(format!("image « {code} » : {sentence}"))
                })?,
            };
            let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
            if images.len() >= MOST_IMAGES {
                images.clear();
            }
            images.insert(digest, image.clone());
            Ok((code.clone(), image))
        };
        let images = included.images.iter().map(read);
        images.collect::<Result<_, _>>().map(StoredImages)
    }

    /// The compiled template of these bytes, compiled now if it never was.
    fn template(
        &self,
        bytes: &[u8],
        included: &IncludedFiles,
    ) -> Result<Arc<Template>, MergeFailure> {
        let mut whole = Digest::of(bytes).to_string();
        for (code, bytes) in &included.templates {
            whole.push_str(code);
            whole.push_str(&Digest::of(bytes).to_string());
        }
        let key = Digest::of(whole.as_bytes());
        let known = |workshop: &Self| {
            let templates = workshop
                .templates
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            templates.get(&key).cloned()
        };
        if let Some(template) = known(self) {
            return Ok(template);
        }
        let template = Arc::new(Template::compile_with(bytes, &SubTemplates::of(included))?);
        let mut templates = self
            .templates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if templates.len() >= MOST_TEMPLATES {
            templates.clear();
        }
        templates.insert(key, Arc::clone(&template));
        Ok(template)
    }
}

/// The image that a field names: `images.<code>`.
fn image(used: &FieldUse) -> Option<&str> {
    let code = used.path.strip_prefix(IMAGES)?.strip_prefix('.')?;
    code.split('.').next()
}

#[async_trait]
impl OfficeWorkshop for Workshop {
    async fn merge_with(
        &self,
        template: &[u8],
        included: &IncludedFiles,
        data: &serde_json::Value,
    ) -> Result<Merged, MergeFailure> {
        let template = self.template(template, included)?;
        let data = data.clone();
        let format = template.format();
        let images = Arc::new(self.images(included)?);
        let merged = tokio::task::spawn_blocking(move || template.merge_with(&data, images)).await;
        let bytes = merged.map_err(|_| {
            MergeFailure::Unreadable("la fusion de ce document s'est interrompue".into())
        })??;
        Ok(Merged { bytes, format })
    }

    async fn convert(&self, office: &[u8], format: OfficeFormat, at: DateTime<Utc>) -> Answer<Pdf> {
        self.pool.convert(office, format, at).await
    }
}
