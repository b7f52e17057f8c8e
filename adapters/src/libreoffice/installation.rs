//! Where LibreOffice is on this machine, and what is mended of it.

use super::worker::file_url;
use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Where distributions put its programs.
const PROGRAM_FOLDERS: [&str; 4] = [
    "/usr/lib/libreoffice/program",
    "/usr/lib64/libreoffice/program",
    "/opt/libreoffice/program",
    "/usr/local/lib/libreoffice/program",
];

/// The libraries that may hold LibreOfficeKit's entry point, according to how LibreOffice was built.
const LIBRARIES: [&str; 2] = ["libmergedlo.so", "libsofficeapp.so"];

/// The description of the bar above a sheet. LibreOfficeKit cannot open a spreadsheet without it, and the
/// packages without GUI leave it out.
const INPUT_BAR: &str = "share/config/soffice.cfg/modules/scalc/ui/inputbar.ui";
const OUR_INPUT_BAR: &str = include_str!("inputbar.ui");

/// LibreOffice's first settings, and the one that says where the rest of it is.
const SETTINGS: &str = "fundamentalrc";
const BASE: &str = "BRAND_BASE_DIR=";

/// An installed LibreOffice.
pub struct Installation {
    program: PathBuf,
}

impl Installation {
    /// In `folder` only, or where distributions put it.
    pub fn find(folder: Option<PathBuf>) -> Option<Self> {
        let mut folders = match folder {
            Some(folder) => vec![folder],
            None => PROGRAM_FOLDERS.iter().map(PathBuf::from).collect(),
        };
        folders.retain(|folder| folder.join("soffice.bin").is_file());
        let program = folders.into_iter().next()?;
        Some(Self { program })
    }

    /// The folder of its programs.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The library of LibreOfficeKit.
    pub fn library(&self) -> Option<PathBuf> {
        let mut libraries = LIBRARIES.iter().map(|name| self.program.join(name));
        libraries.find(|library| library.is_file())
    }

    /// LibreOffice's own program, without the shell script around it: it can be limited and killed.
    pub fn soffice(&self) -> PathBuf {
        self.program.join("soffice.bin")
    }

    /// This installation, or when it cannot open spreadsheets, a shadow of it under `folder` that can: links
    /// to everything, and the file that it lacks.
    pub fn complete(self, folder: &Path) -> io::Result<Self> {
        let Some(root) = self.program.parent() else {
            return Ok(self);
        };
        let calc = self.program.join("libsclo.so");
        if root.join(INPUT_BAR).is_file() || self.library().is_none() || !calc.is_file() {
            return Ok(self);
        }
        let program = folder.join("program");
        shadow(root, folder, Path::new(INPUT_BAR))?;
        // A folder of its own, since LibreOffice looks for the rest beside it.
        fs::remove_file(&program)?;
        shadow(&self.program, &program, Path::new(""))?;
        fs::write(folder.join(INPUT_BAR), OUR_INPUT_BAR)?;
        // New profiles are copied from there, without following links.
        let presets = folder.join("presets");
        if presets.exists() {
            fs::remove_file(&presets)?;
            copy(&root.join("presets"), &presets)?;
        }
        // Distributions write here where they put LibreOffice.
        let settings = fs::read_to_string(self.program.join(SETTINGS)).unwrap_or_default();
        let settings: String = settings
            .lines()
            .map(|line| {
                if line.starts_with(BASE) {
                    format!("{BASE}{}\n", file_url(folder))
                } else {
                    format!("{line}\n")
                }
            })
            .collect();
        let ours = program.join(SETTINGS);
        fs::remove_file(&ours)?;
        fs::write(ours, settings)?;
        Ok(Self { program })
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Makes `shadow_folder` a folder of links to what is in `real`, but for the folders on the way to `added`.
fn shadow(real: &Path, shadow_folder: &Path, added: &Path) -> io::Result<()> {
    fs::create_dir_all(shadow_folder)?;
    let mut way = added.components();
    let next = way.next();
    if let Ok(entries) = fs::read_dir(real) {
        for entry in entries {
            let name = entry?.file_name();
            if next.is_none_or(|next| next.as_os_str() != name) {
                symlink(real.join(&name), shadow_folder.join(&name))?;
            }
        }
    }
    match next {
        Some(next) if !way.as_path().as_os_str().is_empty() => {
            shadow(&real.join(next), &shadow_folder.join(next), way.as_path())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]
mod tests {
    use super::*;

    #[test]
    fn a_shadow_shows_everything_and_the_file_that_was_missing() {
        let real = tempfile::tempdir().unwrap();
        let program = real.path().join("program");
        fs::create_dir_all(&program).unwrap();
        fs::create_dir_all(real.path().join("share/config/other")).unwrap();
        for name in ["soffice.bin", "libmergedlo.so", "libsclo.so", SETTINGS] {
            fs::write(program.join(name), name).unwrap();
        }
        let settings = "[Bootstrap]\nBRAND_BASE_DIR=file:///usr/lib/libreoffice\n";
        fs::write(program.join(SETTINGS), settings).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let shadow = folder.path().join("shadow");
        let found = Installation::find(Some(program.clone())).unwrap();
        let complete = found.complete(&shadow).unwrap();
        assert_eq!(complete.program(), shadow.join("program"));
        assert_eq!(
            fs::read_to_string(complete.soffice()).unwrap(),
            "soffice.bin"
        );
        assert!(shadow.join("share/config/other").is_dir());
        assert!(shadow.join(INPUT_BAR).is_file());
        assert_eq!(
            fs::read_to_string(complete.program().join(SETTINGS)).unwrap(),
            format!("[Bootstrap]\nBRAND_BASE_DIR={}\n", file_url(&shadow))
        );
        assert!(!real.path().join(INPUT_BAR).exists());
        // What lacks nothing is left as it is.
        let again = complete.complete(&folder.path().join("other")).unwrap();
        assert_eq!(again.program(), shadow.join("program"));
    }
}
