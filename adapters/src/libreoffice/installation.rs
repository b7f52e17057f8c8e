//! Where LibreOffice is on this machine.

use std::path::{Path, PathBuf};

/// Where distributions put its programs.
const PROGRAM_FOLDERS: [&str; 4] = [
    "/usr/lib/libreoffice/program",
    "/usr/lib64/libreoffice/program",
    "/opt/libreoffice/program",
    "/usr/local/lib/libreoffice/program",
];

/// The libraries that may hold LibreOfficeKit's entry point, according to how LibreOffice was built.
const LIBRARIES: [&str; 2] = ["libmergedlo.so", "libsofficeapp.so"];

/// The folders in which LibreOffice is looked for.
pub struct Installation {
    folders: Vec<PathBuf>,
}

impl Installation {
    /// In `folder` only, or where distributions put it.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self {
            folders: match folder {
                Some(folder) => vec![folder],
                None => PROGRAM_FOLDERS.iter().map(PathBuf::from).collect(),
            },
        }
    }

    /// The folder and the library of LibreOfficeKit.
    pub fn library(&self) -> Option<(&Path, PathBuf)> {
        self.folders.iter().find_map(|folder| {
            let library = LIBRARIES
                .iter()
                .map(|name| folder.join(name))
                .find(|library| library.is_file())?;
            Some((folder.as_path(), library))
        })
    }

    /// LibreOffice's own program, without the shell script around it: it can be limited and killed.
    pub fn soffice(&self) -> Option<PathBuf> {
        self.folders
            .iter()
            .map(|folder| folder.join("soffice.bin"))
            .find(|program| program.is_file())
    }
}
