//! Taking templates and images in: checked before they are accepted, so that what is stored can be merged.

mod check;
mod preview;

pub use check::{Check, UsedField};
pub use preview::{Preview, PreviewAsk, PreviewFailure, PreviewSource, Wanted};

use crate::{
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    library::{self, Found, Library},
    unit::Envelope,
};
use anyhow::Context as _;
use navette_adapters::fonts::Fonts;
use navette_domain::{
    dictionary::Dictionary,
    digest::Digest,
    ids::{ImageId, TemplateId},
    image::{Image, ImageCommand, ImageFormat, ImageRefusal},
    ports::{FileStore, OfficeWorkshop},
    template::{Template, TemplateCommand, TemplateRefusal},
};
use navette_projections::{dossiers, images, scope::Scope};
use std::{collections::HashMap, sync::Arc};

/// Why a template was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadRefusal {
    /// The file is unsafe, or its tags are wrong: all that is wrong is told.
    #[error("Le modèle ne peut pas être utilisé : {}", .0.sentence())]
    Unusable(Box<Check>),
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] TemplateRefusal),
}

/// Why an image was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageUploadRefusal {
    /// It cannot be put in a document.
    #[error("L'image ne peut pas être utilisée : {0}")]
    Unusable(String),
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] ImageRefusal),
}

/// A template that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// Where it stands in the log.
    pub receipt: Receipt,
    /// What it needs.
    pub check: Check,
}

/// Takes templates and images in, and shows what they would give.
#[derive(Clone)]
pub struct Templates {
    dispatcher: Dispatcher,
    library: Library,
    files: Arc<dyn FileStore>,
    office: Arc<dyn OfficeWorkshop>,
    fonts: Arc<Fonts>,
}

impl Templates {
    /// Templates of this dispatcher's log.
    pub fn new(
        dispatcher: Dispatcher,
        library: Library,
        files: Arc<dyn FileStore>,
        office: Arc<dyn OfficeWorkshop>,
    ) -> Self {
        Self {
            dispatcher,
            library,
            files,
            office,
            fonts: Arc::default(),
        }
    }

    /// The fields that templates may use, with those that the dossiers of `scope` have of their own.
    pub async fn dictionary(&self, scope: &Scope) -> anyhow::Result<Dictionary> {
        let pool = self.dispatcher.log().pool();
        let custom = dossiers::custom_fields(pool, scope).await?;
        let images = images::latest(pool).await?;
        Ok(Dictionary::whole()
            .with_custom(custom)
            .with_images(images.into_iter().map(|image| image.code).collect()))
    }

    /// Says what a template needs and what is wrong with it; nothing is kept.
    pub async fn check(&self, scope: &Scope, bytes: Vec<u8>) -> anyhow::Result<Check> {
        let mut checks = self.check_all(scope, vec![bytes]).await?;
        checks.pop().context("a template was not checked")
    }

    /// The same for files of the store, which are checked one after the other and read together; those that the
    /// store has lost are left out.
    pub async fn check_stored(
        &self,
        scope: &Scope,
        files: &[Digest],
    ) -> anyhow::Result<HashMap<Digest, Check>> {
        let mut found = vec![];
        for file in files {
            match library::stored(self.files.as_ref(), *file).await {
                Ok(bytes) => found.push(bytes),
                Err(cause) => tracing::error!(%file, %cause, "a template cannot be checked"),
            }
        }
        let checks = self.check_all(scope, found).await?;
        Ok(checks
            .into_iter()
            .map(|check| (check.file, check))
            .collect())
    }

    async fn check_all(&self, scope: &Scope, files: Vec<Vec<u8>>) -> anyhow::Result<Vec<Check>> {
        let dictionary = self.dictionary(scope).await?;
        let found = self.library.latest_of_all(files).await?;
        let checked = tokio::task::spawn_blocking(move || {
            let check = |found: Found| {
                let fonts = navette_adapters::merge::fonts(&found.template);
                (Check::of(&found.template, &found.files, &dictionary), fonts)
            };
            found.into_iter().map(check).collect::<Vec<_>>()
        });
        let mut checks = vec![];
        for (mut check, fonts) in checked.await.context("checking templates")? {
            match self.fonts.missing(&fonts).await {
                Ok(missing) => check.warn_of_fonts(&missing),
                Err(cause) => tracing::warn!(%cause, "the fonts of this machine are not known"),
            }
            checks.push(check);
        }
        Ok(checks)
    }

    /// Checks and keeps a template; the same bytes as its last version change nothing.
    pub async fn upload(
        &self,
        envelope: &Envelope,
        scope: &Scope,
        code: &str,
        file_name: &str,
        bytes: Vec<u8>,
    ) -> Result<Uploaded, DispatchFailure<UploadRefusal>> {
        let check = self.check(scope, bytes.clone()).await?;
        let Some(format) = check.format.filter(|_| check.usable()) else {
            return Err(DispatchFailure::Refused(UploadRefusal::Unusable(Box::new(
                check,
            ))));
        };
        let command = TemplateCommand::Upload {
            code: code.to_owned(),
            file_name: file_name.to_owned(),
            format,
            file: self.keep(bytes).await?,
            fields: check
                .fields
                .iter()
                .map(|field| field.path.clone())
                .collect(),
            at: self.dispatcher.now(),
        };
        let receipt = self
            .dispatcher
            .dispatch::<Template>(envelope, TemplateId::of_code(code).0, command)
            .await
            .map_err(DispatchFailure::into_refusal)?;
        Ok(Uploaded { receipt, check })
    }

    /// Keeps an image; the same bytes as its last version change nothing.
    pub async fn upload_image(
        &self,
        envelope: &Envelope,
        code: &str,
        file_name: &str,
        bytes: Vec<u8>,
    ) -> Result<Receipt, DispatchFailure<ImageUploadRefusal>> {
        let unusable = |sentence| DispatchFailure::Refused(ImageUploadRefusal::Unusable(sentence));
        let read = tokio::task::spawn_blocking(move || {
            navette_adapters::merge::Image::read(&bytes).map(|_| bytes)
        });
        let bytes = read.await.context("reading an image")?.map_err(unusable)?;
        let format = ImageFormat::of(&bytes)
            .ok_or_else(|| unusable("ce fichier n'est pas une image PNG ou JPEG".to_owned()))?;
        let command = ImageCommand::Upload {
            code: code.to_owned(),
            file_name: file_name.to_owned(),
            format,
            file: self.keep(bytes).await?,
            at: self.dispatcher.now(),
        };
        self.dispatcher
            .dispatch::<Image>(envelope, ImageId::of_code(code).0, command)
            .await
            .map_err(DispatchFailure::into_refusal)
    }

    async fn keep(&self, bytes: Vec<u8>) -> anyhow::Result<Digest> {
        let kept = self.files.put(bytes).await;
        kept.map_err(|error| anyhow::anyhow!(error))
    }
}
