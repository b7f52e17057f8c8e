//! The folder of a demonstration, empty at its start.

use anyhow::Context as _;
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

/// Says that a folder is a demonstration's, and, while it is locked, that one is running in it.
const MARK: &str = "navette-demo.lock";

/// A folder that is ours until this is dropped.
pub(super) struct Place {
    folder: PathBuf,
    _mark: File,
}

impl Place {
    /// Empties the folder of the last demonstration, or makes it. A folder that holds anything else is left
    /// alone.
    pub fn clear(folder: Option<&Path>) -> anyhow::Result<Self> {
        let folder = folder.map_or_else(usual, |folder| Ok(folder.to_owned()))?;
        let shown = folder.display();
        DirBuilder::new()
            .recursive(true)
            // The embedded PostgreSQL, under its own account, passes through it.
            .mode(0o711)
            .create(&folder)
            .with_context(|| format!("création du dossier {shown}"))?;
        let own = fs::metadata("/proc/self")?.uid();
        anyhow::ensure!(
            fs::symlink_metadata(&folder)?.uid() == own,
            "le dossier {shown} appartient à un autre compte : choisissez-en un autre avec --data"
        );
        let mut inside = fs::read_dir(&folder)?;
        anyhow::ensure!(
            folder.join(MARK).exists() || inside.next().is_none(),
            "le dossier {shown} contient autre chose qu'une démonstration : choisissez-en un autre avec --data"
        );
        let mark = File::create(folder.join(MARK))?;
        mark.try_lock().with_context(|| {
            format!(
                "une démonstration tourne déjà dans {shown} : arrêtez-la, ou choisissez un autre dossier avec --data"
            )
        })?;
        empty(&folder).with_context(|| format!("vidage du dossier {shown}"))?;
        Ok(Self {
            folder,
            _mark: mark,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

/// A folder of this account under the temporary one: the working folder of root is often closed to the
/// account of PostgreSQL.
fn usual() -> anyhow::Result<PathBuf> {
    let own = fs::metadata("/proc/self")?.uid();
    Ok(std::env::temp_dir().join(format!("navette-demo-{own}")))
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == MARK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn the_folder_of_the_last_demonstration_is_emptied() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("demo");
        drop(Place::clear(Some(&folder)).unwrap());
        fs::create_dir_all(folder.join("files/ab")).unwrap();
        fs::write(folder.join("letter.pdf"), "old").unwrap();
        let place = Place::clear(Some(&folder)).unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_with_anything_else_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.odt"), "years of work").unwrap();
        assert!(Place::clear(Some(folder.path())).is_err());
        assert!(folder.path().join("thesis.odt").exists());
    }

    #[test]
    fn a_running_demonstration_keeps_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let _running = Place::clear(Some(folder.path())).unwrap();
        assert!(Place::clear(Some(folder.path())).is_err());
    }
}
