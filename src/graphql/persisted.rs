//! Persisted queries: a client names a query by its SHA-256 instead of writing it out, in the extension
//! `persistedQuery` that the usual clients speak. A site can have only the queries of its own folder answered.
//!
//! Naming a query changes nothing else: its text has the same limits, and whoever asks the same rights.

#[cfg(test)]
mod tests;

use super::limits::{self, LONGEST_QUERY};
use anyhow::{Context as _, bail, ensure};
use async_graphql::{ErrorExtensionValues, Request, ServerError, Value};
use navette_domain::digest::Digest;
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The most queries that are remembered, and the most files that are read: their texts are in memory.
const MOST: usize = 10_000;

/// Which queries may be named, and whether others are answered.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PersistedConfig {
    /// A folder whose files `*.graphql` are known from the start.
    pub folder: Option<PathBuf>,
    /// Whether only those are answered.
    pub only: bool,
    /// How many others, which clients wrote out once, are remembered.
    pub remember: usize,
}

/// The queries that may be named.
#[derive(Debug, Clone, Default)]
pub struct Persisted {
    known: Arc<HashMap<Digest, Arc<str>>>,
    only: bool,
    remembered: Option<Arc<Mutex<Remembered>>>,
}

impl Persisted {
    /// What this configuration asks for; its folder is read now, whole.
    pub fn open(config: &PersistedConfig) -> anyhow::Result<Self> {
        let PersistedConfig {
            folder,
            only,
            remember,
        } = config;
        ensure!(
            *remember <= MOST,
            "`persisted.remember` is {remember}: at most {MOST} queries can be remembered"
        );
        let known = match folder {
            Some(folder) => read(folder).with_context(|| {
                format!("reading the persisted queries of {}", folder.display())
            })?,
            None => HashMap::new(),
        };
        ensure!(
            !only || !known.is_empty(),
            "`persisted.only` is set and `persisted.folder` holds no query: nobody would be answered"
        );
        // What is not in the folder is not answered then, so there is nothing to remember.
        let remembers = *remember > 0 && !only;
        let remembered = remembers.then(|| Arc::new(Mutex::new(Remembered::of(*remember))));
        Ok(Self {
            known: Arc::new(known),
            only: *only,
            remembered,
        })
    }

    /// Writes out the query that a request names, or says why it is not answered.
    pub fn resolve(&self, request: &mut Request) -> Result<(), ServerError> {
        let named = request.extensions.remove("persistedQuery");
        let named = named.map(|named| digest(&named)).transpose()?;
        if request.query.is_empty() {
            let Some(digest) = named else {
                return Ok(());
            };
            request.query = self.text(digest)?.to_string();
            return Ok(());
        }
        // Whatever is too long is refused for that, and not worth a digest.
        if (named.is_none() && !self.only) || request.query.len() > LONGEST_QUERY {
            return Ok(());
        }
        let own = Digest::of(request.query.as_bytes());
        if named.is_some_and(|named| named != own) {
            let message = "La requête n'a pas l'empreinte SHA-256 qui l'accompagne.";
            return Err(refusal(message, "BAD_REQUEST"));
        }
        if self.only && !self.known.contains_key(&own) {
            let message = "Seules les requêtes que ce service connaît d'avance sont acceptées.";
            return Err(refusal(message, "PERSISTED_QUERY_ONLY"));
        }
        if named.is_some() {
            self.remember(own, &request.query);
        }
        Ok(())
    }

    fn text(&self, digest: Digest) -> Result<Arc<str>, ServerError> {
        if let Some(text) = self.known.get(&digest) {
            return Ok(text.clone());
        }
        if self.known.is_empty() && self.remembered.is_none() {
            // The words that clients wait for.
            return Err(refusal(
                "PersistedQueryNotSupported",
                "PERSISTED_QUERY_NOT_SUPPORTED",
            ));
        }
        let remembered = self.remembered.as_ref();
        let text = remembered.and_then(|remembered| {
            let mut remembered = remembered.lock().unwrap_or_else(PoisonError::into_inner);
            remembered.get(digest)
        });
        text.ok_or_else(|| refusal("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"))
    }

    fn remember(&self, digest: Digest, text: &str) {
        let Some(remembered) = &self.remembered else {
            return;
        };
        if self.known.contains_key(&digest) || limits::read(text).is_err() {
            return;
        }
        let mut remembered = remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.put(digest, text);
    }
}

/// The digest that a request names its query by.
fn digest(named: &Value) -> Result<Digest, ServerError> {
    let Value::Object(named) = named else {
        return Err(unreadable());
    };
    let one = Value::from(1);
    if named.get("version") != Some(&one) {
        return Err(unreadable());
    }
    match named.get("sha256Hash") {
        Some(Value::String(hash)) => hash.to_lowercase().parse().map_err(|_| unreadable()),
        _ => Err(unreadable()),
    }
}

fn unreadable() -> ServerError {
    let message = "L'extension `persistedQuery` doit être de la forme \
                   {\"version\": 1, \"sha256Hash\": \"<64 chiffres hexadécimaux>\"}.";
    refusal(message, "BAD_REQUEST")
}

fn refusal(message: &str, code: &str) -> ServerError {
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", code);
    let mut error = ServerError::new(message, None);
    error.extensions = Some(extensions);
    error
}

/// The queries of a folder. Editors end a file with a line that clients do not hash: each is known with and
/// without it.
fn read(folder: &Path) -> anyhow::Result<HashMap<Digest, Arc<str>>> {
    let (mut known, mut files) = (HashMap::new(), 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_none_or(|extension| extension != "graphql")
        {
            continue;
        }
        files += 1;
        ensure!(files <= MOST, "it holds more than {MOST} queries");
        let text = query(&path).with_context(|| path.display().to_string())?;
        let bare = text.trim_end();
        for text in [text.as_str(), bare, &format!("{bare}\n")] {
            known.insert(Digest::of(text.as_bytes()), Arc::from(text));
        }
    }
    Ok(known)
}

fn query(path: &Path) -> anyhow::Result<String> {
    let length = fs::metadata(path)?.len();
    if length > LONGEST_QUERY as u64 {
        bail!("{}", limits::Excess::Long);
    }
    let text = fs::read_to_string(path)?;
    limits::read(&text)?;
    Ok(text)
}

/// What clients wrote out, as much as is kept of it.
#[derive(Debug)]
struct Remembered {
    /// Each text, and when it was last asked for.
    texts: HashMap<Digest, (Arc<str>, u64)>,
    most: usize,
    asked: u64,
}

impl Remembered {
    fn of(most: usize) -> Self {
        Self {
            texts: HashMap::new(),
            most,
            asked: 0,
        }
    }

    fn get(&mut self, digest: Digest) -> Option<Arc<str>> {
        self.asked += 1;
        let (text, last) = self.texts.get_mut(&digest)?;
        *last = self.asked;
        Some(text.clone())
    }

    /// Keeps a text in the place of the one that was longest not asked for.
    fn put(&mut self, digest: Digest, text: &str) {
        if self.get(digest).is_some() {
            return;
        }
        if self.texts.len() >= self.most {
            let oldest = self.texts.iter().min_by_key(|(_, (_, last))| *last);
            if let Some(oldest) = oldest.map(|(digest, _)| *digest) {
                self.texts.remove(&oldest);
            }
        }
        self.texts.insert(digest, (Arc::from(text), self.asked));
    }
}
