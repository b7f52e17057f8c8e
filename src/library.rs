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
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
    pub async fn latest(&self, template: Vec<u8>) -> anyhow::Result<Found> {
        let mut found = self.latest_of_all(vec![template]).await?;
        found.pop().context("a template was lost on its way")
    }

    /// The same of several templates, in the same order: what they name is looked up together.
    pub async fn latest_of_all(&self, templates: Vec<Vec<u8>>) -> anyhow::Result<Vec<Found>> {
        let mut searches: Vec<Search> = templates.into_iter().map(Search::new).collect();
        let mut known = BTreeMap::new();
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let named: Vec<_> = searches.iter_mut().map(Search::new_names).collect();
                (searches, named)
            });
            let (read, named) = read.await?;
            searches = read;
            if named.iter().all(Vec::is_empty) {
                return Ok(searches.into_iter().map(|search| search.found).collect());
            }
            let names: BTreeSet<Name> = named.iter().flatten().cloned().collect();
            let unknown = names.into_iter().filter(|name| !known.contains_key(name));
            known.extend(self.find(unknown.collect()).await?);
            for (search, names) in searches.iter_mut().zip(named) {
                for name in names {
                    if let Some(Some((included, bytes))) = known.get(&name) {
                        search.found.take(included.clone(), bytes.clone());
                    }
                }
            }
        }
    }

    /// A file of the store, and what it includes.
    pub async fn latest_of(&self, template: Digest) -> anyhow::Result<Found> {
        let template = stored(self.files.as_ref(), template).await?;
        self.latest(template).await
    }

    /// The last versions of what is named, with their bytes; nothing for what there is not.
    async fn find(
        &self,
        names: Vec<Name>,
    ) -> anyhow::Result<BTreeMap<Name, Option<(Included, Vec<u8>)>>> {
        let of = |kind: IncludedKind| {
            let names = names.iter().filter(move |(other, _)| *other == kind);
            names.map(|(_, code)| code.as_str())
        };
        let log = self.dispatcher.log();
        let templates: Vec<_> = of(IncludedKind::Template)
            .map(TemplateId::of_code)
            .collect();
        let templates: Vec<_> = templates.iter().map(|id| id.0).collect();
        let images: Vec<_> = of(IncludedKind::Image)
            .map(|code| ImageId::of_code(code).0)
            .collect();
        let templates = log.load_many::<Template>(&templates).await?;
        let images = log.load_many::<Image>(&images).await?;
        let mut found = BTreeMap::new();
        for (kind, code) in names {
            let latest = match kind {
                IncludedKind::Template => {
                    let id = TemplateId::of_code(&code);
                    let template = templates.get(&id.0);
                    let latest = template.and_then(|template| template.state.latest(id));
                    latest.map(|latest| (latest.version, latest.file))
                }
                IncludedKind::Image => {
                    let image = images.get(&ImageId::of_code(&code).0);
                    image.and_then(|image| image.state.latest())
                }
            };
            let entry = match latest {
                Some((version, file)) => {
                    let bytes = stored(self.files.as_ref(), file).await?;
                    let included = Included {
                        kind,
                        code: code.clone(),
                        version,
                        file,
                    };
                    Some((included, bytes))
                }
                None => None,
            };
            found.insert((kind, code), entry);
        }
        Ok(found)
    }
}

/// What a template includes.
#[derive(Debug, Default)]
pub struct Found {
    /// The template.
    pub template: Vec<u8>,
    /// What it includes, on its last version.
    pub included: Vec<Included>,
    /// The bytes of that.
    pub files: IncludedFiles,
}

impl Found {
    fn take(&mut self, included: Included, bytes: Vec<u8>) {
        self.files.put(included.kind, included.code.clone(), bytes);
        self.included.push(included);
    }
}

/// What is included by code.
type Name = (IncludedKind, String);

/// The search for what a template includes.
#[derive(Default)]
struct Search {
    found: Found,
    met: BTreeSet<Name>,
    over: bool,
}

impl Search {
    fn new(template: Vec<u8>) -> Self {
        let found = Found {
            template,
            ..Found::default()
        };
        Self {
            found,
            ..Self::default()
        }
    }

    /// What is named now and was not before. It takes processor time: not to be called where others wait.
    fn new_names(&mut self) -> Vec<Name> {
        if self.over {
            return vec![];
        }
        let named = Workshop::names(&self.found.template, &self.found.files);
        let new: Vec<Name> = named
            .into_iter()
            .filter(|name| self.met.insert(name.clone()))
            .collect();
        self.over = new.is_empty();
        new
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
