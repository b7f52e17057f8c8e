//! A folder of this machine, or of a share that it mounts.

use super::{LARGEST_FILE, NOT_YET, another_content, checked, failure};
use async_trait::async_trait;
use navette_domain::ports::{Answer, Attempt, DropBox, FailureClass, Named, PortFailure, Trial};
use std::{
    fs::{self, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

/// See the module.
#[derive(Debug, Clone)]
pub struct FolderDrop(Arc<PathBuf>);

impl FolderDrop {
    /// Files go to `folder`, which somebody else makes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(Arc::new(folder.into()))
    }

    /// Does work on the disk, which may be slow or far away.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let folder = self.0.clone();
        let worked = tokio::task::spawn_blocking(move || work(&folder)).await;
        worked.unwrap_or_else(|lost| {
            let sentence = "L'écriture dans le dossier de dépôt a été interrompue.";
            Err(failure(FailureClass::Transient, sentence).because(lost))
        })
    }
}

#[async_trait]
impl DropBox for FolderDrop {
    async fn put(&self, name: &str, bytes: &[u8], _attempt: Attempt) -> Answer<()> {
        let (name, bytes) = (checked(name)?.to_owned(), bytes.to_vec());
        self.on_disk(move |folder| write(folder, &name, &bytes))
            .await
    }

    async fn names(&self) -> Answer<Vec<String>> {
        self.on_disk(|folder| list(folder).map_err(unreachable))
            .await
    }

    async fn get(&self, name: &str) -> Answer<Option<Vec<u8>>> {
        let name = checked(name)?.to_owned();
        self.on_disk(move |folder| read(&folder.join(name))).await
    }
}

/// The last step gives the file its name only if nobody bears it: a link is never made over another file.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Answer<()> {
    let whole = folder.join(name);
    if let Some(there) = read(&whole)? {
        return recognise(name, &there, bytes);
    }
    // Another process of ours may be writing the same: each has its own.
    let part = folder.join(format!("{name}.{}{NOT_YET}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&part)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| take_name(&part, &whole));
    let _ = fs::remove_file(&part);
    match written {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let there = read(&whole)?.unwrap_or_default();
            recognise(name, &there, bytes)
        }
        Err(error) => Err(unreachable(error)),
    }
}

/// Shares that know no links rename instead, and lose only the refusal of a name taken in that very moment.
fn take_name(part: &Path, whole: &Path) -> io::Result<()> {
    match fs::hard_link(part, whole) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) && !whole.exists() =>
        {
            fs::rename(part, whole)
        }
        linked => linked,
    }
}

fn recognise(name: &str, there: &[u8], bytes: &[u8]) -> Answer<()> {
    if there == bytes {
        return Ok(());
    }
    Err(another_content(name))
}

fn read(path: &Path) -> Answer<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Ok(found) if found.len() > LARGEST_FILE as u64 => {
            let sentence = "Un fichier du dossier de dépôt dépasse la taille admise.";
            Err(failure(FailureClass::Rejected, sentence))
        }
        Ok(_) => fs::read(path).map(Some).map_err(unreachable),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreachable(error)),
    }
}

fn list(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = vec![];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if entry.file_type()?.is_file() && checked(&name).is_ok() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn unreachable(error: io::Error) -> PortFailure {
    let sentence = match error.kind() {
        ErrorKind::NotFound => "Le dossier de dépôt n'existe pas, ou n'est pas monté.",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "Navette n'a pas le droit d'écrire dans le dossier de dépôt."
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "Le dossier de dépôt est plein.",
        _ => "Le dossier de dépôt n'est pas accessible.",
    };
    failure(FailureClass::Transient, sentence).because(error)
}

#[async_trait]
impl Trial for FolderDrop {
    /// Whether one may write there is only known by writing: a file that is removed at once.
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let tried = self.on_disk(|folder| {
            let probe = folder.join(format!(".navette-{}{NOT_YET}", std::process::id()));
            fs::write(&probe, b"").map_err(unreachable)?;
            fs::remove_file(&probe).map_err(unreachable)?;
            Ok("Le dossier de dépôt existe, et Navette peut y écrire.".to_owned())
        });
        vec![tried.await]
    }
}
