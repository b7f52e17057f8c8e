//! The office workshop: templates compiled once, merged natively, converted by LibreOffice.

use crate::{
    libreoffice::{PdfPool, PoolOptions},
    merge::Template,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use navette_domain::{
    digest::Digest,
    ports::{Answer, MergeFailure, Merged, OfficeFormat, OfficeWorkshop, Pdf},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How many compiled templates are kept.
const MOST_TEMPLATES: usize = 64;

/// Merges and converts on this machine.
pub struct Workshop {
    templates: Mutex<HashMap<Digest, Arc<Template>>>,
    pool: PdfPool,
}

impl Workshop {
    /// A workshop whose PDF workers are started when first needed.
    pub fn new(options: PoolOptions) -> Self {
        Self {
            templates: Mutex::default(),
            pool: PdfPool::new(options),
        }
    }

    /// The compiled template of these bytes, compiled now if it never was.
    pub fn template(&self, bytes: &[u8]) -> Result<Arc<Template>, MergeFailure> {
        let digest = Digest::of(bytes);
        let known = |workshop: &Self| {
            let templates = workshop
                .templates
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            templates.get(&digest).cloned()
        };
        if let Some(template) = known(self) {
            return Ok(template);
        }
        let template = Arc::new(Template::compile(bytes)?);
        let mut templates = self
            .templates
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if templates.len() >= MOST_TEMPLATES {
            templates.clear();
        }
        templates.insert(digest, Arc::clone(&template));
        Ok(template)
    }
}

#[async_trait]
impl OfficeWorkshop for Workshop {
    async fn merge(
        &self,
        template: &[u8],
        data: &serde_json::Value,
    ) -> Result<Merged, MergeFailure> {
        let template = self.template(template)?;
        let data = data.clone();
        let format = template.format();
        let merged = tokio::task::spawn_blocking(move || template.merge(&data)).await;
        let bytes = merged.map_err(|_| {
            MergeFailure::Unreadable("la fusion de ce document s'est interrompue".into())
        })??;
        Ok(Merged { bytes, format })
    }

    async fn convert(&self, office: &[u8], format: OfficeFormat, at: DateTime<Utc>) -> Answer<Pdf> {
        self.pool.convert(office, format, at).await
    }
}
