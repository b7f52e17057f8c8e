//! Where the machine keeps PostgreSQL's programs.

use super::embedded::EmbeddedPostgresError as Error;
use std::{
    cmp::Reverse,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One installed PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The first installed PostgreSQL, or the first of version `data_version` when data exists already: a
    /// server only opens data of its own major version.
    pub fn find(data_version: Option<u32>) -> Result<Self, Error> {
        let mut installed = candidates().into_iter().filter_map(Self::at);
        let Some(wanted) = data_version else {
            return installed.next().ok_or(Error::NotInstalled);
        };
        let installed: Vec<_> = installed.collect();
        match installed.iter().find(|b| b.major == wanted) {
            Some(binaries) => Ok(binaries.clone()),
            None if installed.is_empty() => Err(Error::NotInstalled),
            None => Err(Error::OtherVersion { wanted }),
        }
    }

    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn at(folder: PathBuf) -> Option<Self> {
        if !folder.join("initdb").is_file() {
            return None;
        }
        // postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)
        let version = answer_of(&folder.join("postgres"), "--version")?;
        let major = version.split_whitespace().nth(2)?.split('.').next()?;
        let major = major.parse().ok()?;
        Some(Self { folder, major })
    }
}

fn candidates() -> Vec<PathBuf> {
    let told = answer_of(Path::new("pg_config"), "--bindir").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    told.into_iter()
        .chain(path)
        .chain(distribution_folders())
        .collect()
}

/// Debian keeps each version in a folder of its own; the highest comes first.
fn distribution_folders() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(major, _)| Reverse(*major));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

fn answer_of(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn data_is_only_opened_by_its_own_version() {
        let installed = Binaries::find(None).unwrap();
        assert_eq!(
            Binaries::find(Some(installed.major)).unwrap().major,
            installed.major
        );
        assert!(matches!(
            Binaries::find(Some(1)),
            Err(Error::OtherVersion { wanted: 1 })
        ));
    }
}
