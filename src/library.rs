//! What templates include by code: other templates, and images. A new batch, a check or a preview takes the
//! last versions; a document is merged with those that its batch started with.

use crate::dispatch::Dispatcher;
use anyhow::Context as _;
use navette_adapters::workshop::Workshop;
use navette_domain::{
    digest::Digest,
    ids::{ImageId, TemplateId},
    image::Image,
    ports::{FileStore, IncludedFiles},
    template::{Included, IncludedKind, Template},
};
use std::{collections::BTreeSet, sync::Arc};

/// Finds what templates include.
#[derive(Clone)]
pub struct Library {
    dispatcher: Dispatcher,
    files: Arc<dyn FileStore>,
}

impl Library {
    /// The library of this dispatcher's log.
    pub fn new(dispatcher: Dispatcher, files: Arc<dyn FileStore>) -> Self {
        Self { dispatcher, files }
    }

    /// The last versions of all that a template includes, by itself or through what it includes. What is not
    /// found is left out: whoever compiles the template is told.
    pub async fn latest(&self, template: &[u8]) -> anyhow::Result<(Vec<Included>, IncludedFiles)> {
        let (mut included, mut files) = (vec![], IncludedFiles::default());
        let mut met = BTreeSet::new();
        loop {
            let (bytes, known) = (template.to_vec(), files.clone());
            let named =
                tokio::task::spawn_blocking(move || Workshop::names(&bytes, &known)).await?;
            let new: Vec<(IncludedKind, String)> = named
                .into_iter()
                .filter(|name| met.insert(name.clone()))
                .collect();
            if new.is_empty() {
                return Ok((included, files));
            }
            for (kind, code) in new {
                if let Some((version, file)) = self.find(kind, &code).await? {
                    files.put(kind, code.clone(), stored(self.files.as_ref(), file).await?);
                    included.push(Included {
                        kind,
                        code,
                        version,
                        file,
                    });
                }
            }
        }
    }

    /// The same for a file of the store.
    pub async fn latest_of(&self, template: Digest) -> anyhow::Result<Vec<Included>> {
        let template = stored(self.files.as_ref(), template).await?;
        Ok(self.latest(&template).await?.0)
    }

    async fn find(&self, kind: IncludedKind, code: &str) -> anyhow::Result<Option<(u32, Digest)>> {
        match kind {
            IncludedKind::Template => {
                let id = TemplateId::of_code(code);
                let template = self.dispatcher.load::<Template>(id.0).await?;
                let latest = template.state.latest(id);
                Ok(latest.map(|latest| (latest.version, latest.file)))
            }
            IncludedKind::Image => {
                let id = ImageId::of_code(code);
                let image = self.dispatcher.load::<Image>(id.0).await?;
                Ok(image.state.latest())
            }
        }
    }
}

/// The files of these versions.
pub async fn fetch(files: &dyn FileStore, included: &[Included]) -> anyhow::Result<IncludedFiles> {
    let mut found = IncludedFiles::default();
    for one in included {
        found.put(one.kind, one.code.clone(), stored(files, one.file).await?);
    }
    Ok(found)
}

/// A file that must be there.
pub async fn stored(files: &dyn FileStore, file: Digest) -> anyhow::Result<Vec<u8>> {
    let found = files.get(file).await;
    found
        .map_err(|error| anyhow::anyhow!(error))?
        .with_context(|| format!("the file store has lost {file}"))
}
