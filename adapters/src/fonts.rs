//! The fonts of this machine, and what stands in for those that it lacks, by fontconfig, which LibreOffice
//! asks too.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsString,
    io,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncReadExt as _,
    process::Command,
    sync::{Mutex, MutexGuard},
    time::timeout,
};

/// How long fontconfig may take to answer, and how much it may say.
const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_ANSWER: u64 = 4 << 20;
/// A font that was installed meanwhile is found again after so long.
const FRESH: Duration = Duration::from_mins(5);
/// Fonts of one file that are looked for: no honest one has more.
const MOST: usize = 40;

/// Fonts of the same widths, so that lines and pages end at the same places, and the Debian package that
/// brings one of them.
const ALIKE: [(&str, &[&str]); 22] = [
    ("fonts-crosextra-carlito", &["Calibri", "Carlito"]),
    ("fonts-crosextra-caladea", &["Cambria", "Caladea"]),
    (
        "fonts-liberation",
        &[
            "Arial",
            "Liberation Sans",
            "Arimo",
            "Helvetica",
            "Albany",
            "Nimbus Sans",
        ],
    ),
    (
        "fonts-liberation",
        &["Arial Narrow", "Liberation Sans Narrow"],
    ),
    (
        "fonts-liberation",
        &[
            "Times New Roman",
            "Liberation Serif",
            "Tinos",
            "Times",
            "Thorndale",
            "Nimbus Roman",
        ],
    ),
    (
        "fonts-liberation",
        &[
            "Courier New",
            "Liberation Mono",
            "Cousine",
            "Courier",
            "Cumberland",
            "Nimbus Mono PS",
        ],
    ),
    (
        "fonts-urw-base35",
        &["Palatino Linotype", "Palatino", "P052", "TeX Gyre Pagella"],
    ),
    (
        "fonts-urw-base35",
        &[
            "Bookman Old Style",
            "Bookman",
            "URW Bookman",
            "TeX Gyre Bonum",
        ],
    ),
    (
        "fonts-urw-base35",
        &["Century Schoolbook", "C059", "TeX Gyre Schola"],
    ),
    ("fonts-dejavu-core", &["DejaVu Sans"]),
    ("fonts-dejavu-core", &["DejaVu Sans Mono"]),
    ("fonts-dejavu-core", &["DejaVu Serif"]),
    ("fonts-ebgaramond", &["EB Garamond"]),
    ("fonts-inter", &["Inter"]),
    ("fonts-lato", &["Lato"]),
    ("fonts-linuxlibertine", &["Linux Biolinum O"]),
    ("fonts-linuxlibertine", &["Linux Libertine O"]),
    ("fonts-noto-core", &["Noto Sans"]),
    ("fonts-noto-core", &["Noto Serif"]),
    ("fonts-open-sans", &["Open Sans"]),
    ("fonts-quicksand", &["Quicksand"]),
    ("fonts-roboto", &["Roboto"]),
];

/// A font that this machine lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingFont {
    /// Its name.
    pub name: String,
    /// The font that is used instead.
    pub instead: String,
    /// Whether that one has the same widths: the pages stay as they were laid out.
    pub same_widths: bool,
    /// The Debian package that brings the font, or one of the same widths.
    pub package: Option<&'static str>,
}

/// Asks fontconfig, and remembers what it says for a while.
pub struct Fonts {
    /// `fc-list` and `fc-match`.
    programs: [OsString; 2],
    known: Mutex<Option<Known>>,
}

struct Known {
    since: Instant,
    /// In small letters.
    installed: BTreeSet<String>,
    instead: HashMap<String, String>,
}

impl Default for Fonts {
    fn default() -> Self {
        Self::by(["fc-list".into(), "fc-match".into()])
    }
}

impl Fonts {
    /// Fonts as these programs list and match them.
    fn by(programs: [OsString; 2]) -> Self {
        Self {
            programs,
            known: Mutex::default(),
        }
    }

    /// Those of `names` that this machine lacks. An error when fontconfig cannot be asked.
    pub async fn missing(&self, names: &BTreeSet<String>) -> io::Result<Vec<MissingFont>> {
        let mut known = self.known.lock().await;
        let Known {
            installed, instead, ..
        } = self.fresh(&mut known).await?;
        let mut missing = Vec::new();
        let lacking = |name: &&String| !installed.contains(&name.to_lowercase());
        for name in names.iter().filter(lacking).take(MOST) {
            let instead = if let Some(instead) = instead.get(name) {
                instead.clone()
            } else {
                let question = ["-f", "%{family[0]}", &pattern(name)];
                let said = ask(&self.programs[1], &question).await?;
                let said = said.trim().to_owned();
                instead.insert(name.clone(), said.clone());
                said
            };
            missing.push(MissingFont {
                same_widths: alike(name).is_some_and(|(_, fonts)| among(fonts, &instead)),
                package: alike(name).map(|(package, _)| package),
                name: name.clone(),
                instead,
            });
        }
        Ok(missing)
    }

    async fn fresh<'a>(
        &self,
        known: &'a mut MutexGuard<'_, Option<Known>>,
    ) -> io::Result<&'a mut Known> {
        if known
            .as_ref()
            .is_some_and(|known| known.since.elapsed() > FRESH)
        {
            **known = None;
        }
        if known.is_none() {
            let list = ask(&self.programs[0], &["-f", "%{family}\\n"]).await?;
            let families = list
                .split(['\n', ','])
                .map(|family| family.trim().to_lowercase());
            **known = Some(Known {
                since: Instant::now(),
                installed: families.collect(),
                instead: HashMap::new(),
            });
        }
        known
            .as_mut()
            .ok_or_else(|| io::Error::other("no list of fonts"))
    }
}

fn among(fonts: &[&str], name: &str) -> bool {
    fonts.iter().any(|font| font.eq_ignore_ascii_case(name))
}

fn alike(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    ALIKE.into_iter().find(|(_, fonts)| among(fonts, name))
}

/// The name as a pattern of fontconfig, in which some characters mean something.
fn pattern(name: &str) -> String {
    let mut pattern = String::new();
    for character in name.chars().take(100) {
        if matches!(character, '\\' | '-' | ':' | ',' | '=') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

async fn ask(program: &OsString, arguments: &[&str]) -> io::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let answer = async {
        let mut said = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(LONGEST_ANSWER).read_to_end(&mut said).await?;
        }
        let status = child.wait().await?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let good = status.success() && !said.trim().is_empty();
        good.then_some(said)
            .ok_or_else(|| io::Error::other(format!("{} says {status}", program.display())))
    };
    timeout(PATIENCE, answer).await?
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    fn names<const COUNT: usize>(names: [&str; COUNT]) -> BTreeSet<String> {
        names.map(str::to_owned).into()
    }

    /// A fontconfig that has two fonts, notes each question in `asked`, and puts Carlito for Calibri.
    fn fontconfig(folder: &Path) -> Fonts {
        let program = |name: &str, answer: &str| {
            let path = folder.join(name);
            let asked = folder.join("asked");
            let script = format!(
                "#!/bin/sh\necho \"$0 $3\" >> {}\n{answer}\n",
                asked.display()
            );
            fs::write(&path, script).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
            path.into_os_string()
        };
        Fonts::by([
            program(
                "fc-list",
                "printf 'DejaVu Sans,DejaVu Sans Condensed\\nCarlito\\n'",
            ),
            program(
                "fc-match",
                "case \"$3\" in Calibri) printf Carlito;; *) printf 'DejaVu Sans';; esac",
            ),
        ])
    }

    #[tokio::test]
    async fn a_font_that_is_not_there_is_told_with_what_stands_in_for_it_and_where_to_find_it() {
        let folder = tempfile::tempdir().unwrap();
        let fonts = fontconfig(folder.path());
        let asked = names([
            "Calibri",
            "carlito",
            "DejaVu Sans Condensed",
            "Inter",
            "A-B:c",
        ]);
        let missing = fonts.missing(&asked).await.unwrap();
        let font = |name: &str, instead: &str, same_widths, package| MissingFont {
            name: name.to_owned(),
            instead: instead.to_owned(),
            same_widths,
            package,
        };
        let expected = [
            font("A-B:c", "DejaVu Sans", false, None),
            font("Calibri", "Carlito", true, Some("fonts-crosextra-carlito")),
            font("Inter", "DejaVu Sans", false, Some("fonts-inter")),
        ];
        assert_eq!(missing, expected);
        // Nothing is asked twice.
        assert_eq!(fonts.missing(&asked).await.unwrap(), expected);
        let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
        assert_eq!(asked.lines().count(), 4, "{asked}");
        assert!(asked.contains("A\\-B\\:c"), "{asked}");
    }

    #[tokio::test]
    async fn without_fontconfig_nothing_is_said_of_fonts() {
        let fonts = Fonts::by(["/no/fc-list".into(), "/no/fc-match".into()]);
        assert!(fonts.missing(&names(["Calibri"])).await.is_err());
    }

    #[tokio::test]
    async fn this_machine_has_the_fonts_that_the_examples_are_written_in() {
        let fonts = Fonts::default();
        let asked = names(["Liberation Sans", "Liberation Serif", "Police Absente"]);
        let missing = fonts.missing(&asked).await.unwrap();
        assert_eq!(missing.len(), 1, "{missing:?}");
        assert_eq!(missing[0].name, "Police Absente");
        assert!(!missing[0].instead.is_empty());
    }
}
