//! Parcels put in a folder of this machine, or one that is mounted there.

use super::{Parcel, digest_of};
use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::Path,
};

/// Why a parcel is not in its folder.
#[derive(Debug, thiserror::Error)]
pub enum NotPut {
    /// The folder is not there, or cannot be written in.
    #[error(
        "Le dossier n'est pas accessible en écriture ({0}) : vérifiez qu'il est monté, et ses droits."
    )]
    Folder(#[source] io::Error),
    /// Another file has its name.
    #[error(
        "Un autre fichier porte déjà le nom « {0} » dans ce dossier : il n'a pas été remplacé."
    )]
    Taken(String),
    /// Its bytes are not what they were said to be.
    #[error("Le fichier à remettre est endommagé.")]
    Damaged,
}

impl From<io::Error> for NotPut {
    fn from(cause: io::Error) -> Self {
        Self::Folder(cause)
    }
}

/// Puts a parcel in `folder`, or finds it there. Whoever looks sees the whole file under its name, or nothing: it
/// is written under another name first, which begins with a dot, and then renamed. The folder is not made: one
/// that is missing is one that is not mounted.
pub fn put_in_folder(folder: &Path, parcel: &Parcel) -> Result<(), NotPut> {
    let path = folder.join(&parcel.name);
    match File::open(&path) {
        Ok(there) if digest_of(&there, |_| Ok(()))? == parcel.digest => return Ok(()),
        Ok(_) => return Err(NotPut::Taken(parcel.name.clone())),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {}
        Err(cause) => return Err(cause.into()),
    }
    // What a process left that was killed is written over.
    let draft = folder.join(format!(".{}.partiel", parcel.name));
    let mut file = File::create(&draft)?;
    let written = digest_of(parcel.open()?, |bytes| file.write_all(bytes))?;
    if written != parcel.digest {
        let _ = fs::remove_file(&draft);
        return Err(NotPut::Damaged);
    }
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}
