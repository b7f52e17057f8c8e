//! The workers' private folders, named after the process that made them so that what a killed process
//! left behind, letters included, is removed by the next one.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

const PREFIX: &str = "navette-pdf-";

/// A new folder, readable by us only, removed when dropped.
pub fn create() -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{}-", std::process::id()))
        .tempdir()
}

/// Removes the folders of processes that are no more.
pub fn sweep() {
    sweep_in(&std::env::temp_dir());
}

fn sweep_in(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    let me = nix::unistd::geteuid().as_raw();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(owner);
        let ours = entry
            .metadata()
            .is_ok_and(|about| about.is_dir() && (about.uid() == me || me == 0));
        if ours && owner.is_some_and(|owner| !is_alive(owner)) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// LibreOffice's temporary files under `folder`: it keeps them in folders of its own, `lu….tmp`.
pub fn scraps(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    entries(folder)
        .filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b"lu"))
        .flat_map(|entry| entries(&entry.path()))
        .map(|entry| entry.path())
        .collect()
}

/// Removes what is under `folder` now and was not when `before` was listed: a copy that ends at once, or
/// badly, leaves its document there.
pub fn remove_scraps(folder: &Path, before: &BTreeSet<PathBuf>) {
    for path in scraps(folder).difference(before) {
        let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
    }
}

/// The process that made a folder of this name.
fn owner(name: &str) -> Option<u32> {
    let (process, _) = name.strip_prefix(PREFIX)?.split_once('-')?;
    process.parse().ok()
}

fn is_alive(process: u32) -> bool {
    PathBuf::from(format!("/proc/{process}")).exists()
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]
mod tests {
    use super::*;

    #[test]
    fn only_the_folders_of_dead_processes_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let mine = format!("{PREFIX}{}-a", std::process::id());
        let folders = [
            mine.as_str(),
            "navette-pdf-4194305-b",
            "navette-pdf-x",
            "other-1-c",
        ];
        for folder in folders {
            fs::create_dir(parent.path().join(folder)).unwrap();
        }
        sweep_in(parent.path());
        let left = folders.map(|folder| parent.path().join(folder).exists());
        assert_eq!(left, [true, false, true, true]);
    }

    #[test]
    fn what_a_document_leaves_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let office = folder.path().join("lu1.tmp");
        fs::create_dir_all(&office).unwrap();
        fs::write(office.join("own"), "").unwrap();
        fs::write(folder.path().join("document.odt"), "").unwrap();
        let before = scraps(folder.path());
        fs::write(office.join("letter"), "").unwrap();
        fs::create_dir(office.join("pictures")).unwrap();
        fs::write(office.join("pictures").join("1"), "").unwrap();
        remove_scraps(folder.path(), &before);
        assert_eq!(scraps(folder.path()), before);
        assert!(office.join("own").exists());
        assert!(folder.path().join("document.odt").exists());
    }
}
