//! Files that are handed over in a folder: of this machine or of a share that it mounts (`folder.rs`), or of a
//! server (`webdav.rs`). Who reads it never sees half a file: it is written under a name that means "not yet",
//! then takes its own.

mod folder;
#[cfg(all(test, feature = "sim"))]
mod tests;
mod webdav;

pub use folder::FolderDrop;
pub use webdav::{WebdavConfig, WebdavDrop};

use navette_domain::ports::{Answer, FailureClass, Neighbour, PortFailure};

const NEIGHBOUR: Neighbour = Neighbour::DropBox;
/// What a transfer of many letters may weigh.
const LARGEST_FILE: usize = 1 << 30;
/// What the names of files that are not whole yet end with.
const NOT_YET: &str = ".part";

/// A name that can be nothing but that of a file in the folder.
fn checked(name: &str) -> Answer<&str> {
    let plain = |sign: char| sign.is_alphanumeric() || matches!(sign, '-' | '_' | '.' | ' ');
    let sound = !name.is_empty()
        && name.len() <= 200
        && !name.starts_with('.')
        && !name.ends_with(NOT_YET)
        && name.chars().all(plain);
    if sound {
        return Ok(name);
    }
    let sentence = "Le nom du fichier à déposer n'est pas admis.";
    Err(failure(FailureClass::Rejected, sentence))
}

fn another_content(name: &str) -> PortFailure {
    let sentence = format!("Un autre fichier s'appelle déjà « {name} » dans le dossier de dépôt.");
    failure(FailureClass::Rejected, sentence)
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(NEIGHBOUR, class, sentence)
}
