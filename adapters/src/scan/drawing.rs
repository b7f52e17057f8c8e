//! A page as a reader shows it, in shades of grey. `pdftoppm` (of poppler) draws it, in a process of its own under
//! limits of memory and time: what is scanned comes from outside, and its pictures are in formats of which some have
//! no reader that can be trusted.

use std::{fs::File, io, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, BufReader},
    process::{Child, Command},
};

/// The longer side of a drawing, in pixels: 200 to the inch for A4.
const SIDE: usize = 2400;
/// How much memory a drawing may take.
const MEMORY: &str = "--as=1073741824";
/// How many seconds of processor.
const PROCESSOR: &str = "--cpu=20";
/// How long it may take, whatever waits for it.
const PATIENCE: Duration = Duration::from_mins(1);
/// What `prlimit` ends with when the program is not there.
const NOT_THERE: i32 = 127;

/// Why no page can be drawn.
#[derive(Debug, thiserror::Error)]
pub enum NotDrawn {
    /// The machine lacks a program.
    #[error(
        "La lecture des scans demande les programmes pdftoppm et prlimit : installez les paquets poppler-utils et util-linux sur le serveur."
    )]
    NoProgram,
    /// The machine failed.
    #[error("drawing a page: {0}")]
    Fault(#[from] io::Error),
}

/// A page in shades of grey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawing {
    /// How many pixels a line has.
    pub width: usize,
    /// How many lines there are.
    pub height: usize,
    /// Each pixel, line by line: 0 is black.
    pub shades: Vec<u8>,
}

/// The program, under its limits.
fn drawer() -> Command {
    let mut drawer = Command::new("prlimit");
    drawer
        .args([MEMORY, PROCESSOR, "--core=0", "--", "pdftoppm"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    drawer
}

fn begun(drawer: &mut Command) -> Result<Child, NotDrawn> {
    drawer.spawn().map_err(|cause| match cause.kind() {
        io::ErrorKind::NotFound => NotDrawn::NoProgram,
        _ => cause.into(),
    })
}

/// Whether the programs are there.
pub(super) async fn ready() -> Result<(), NotDrawn> {
    let mut drawer = begun(drawer().arg("-v"))?;
    let ended = tokio::time::timeout(PATIENCE, drawer.wait()).await;
    match ended {
        Ok(Ok(status)) if status.code() != Some(NOT_THERE) => Ok(()),
        _ => Err(NotDrawn::NoProgram),
    }
}

impl Drawing {
    /// The page of this number, from 1; none when it cannot be drawn, or not within the limits.
    pub async fn of(file: &File, number: u32) -> Result<Option<Self>, NotDrawn> {
        let (number, side) = (number.to_string(), SIDE.to_string());
        // The file may have no name: it is opened anew through the descriptor.
        let mut drawer = begun(
            drawer()
                .args(["-gray", "-scale-to", &side, "-f", &number, "-l", &number])
                .arg("/dev/stdin")
                .stdin(file.try_clone()?)
                .stdout(Stdio::piped()),
        )?;
        let mut drawn = Vec::new();
        let drawing = async {
            if let Some(output) = drawer.stdout.take() {
                let most = u64::try_from(SIDE * SIDE + 64).unwrap_or(u64::MAX);
                let mut output = BufReader::new(output).take(most);
                output.read_to_end(&mut drawn).await?;
            }
            drawer.wait().await
        };
        match tokio::time::timeout(PATIENCE, drawing).await {
            Err(_) => Ok(None),
            Ok(ended) if ended.as_ref().is_ok_and(|it| it.code() == Some(NOT_THERE)) => {
                Err(NotDrawn::NoProgram)
            }
            Ok(ended) => Ok(Self::read(&drawn).filter(|_| ended.is_ok_and(|it| it.success()))),
        }
    }

    /// Reads the plain format of shades of grey (PGM).
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.splitn(4, u8::is_ascii_whitespace);
        let format = parts.next()?;
        let mut number = || -> Option<usize> {
            let digits = std::str::from_utf8(parts.next()?).ok()?;
            digits.parse().ok()
        };
        let (width, height) = (number()?, number()?);
        let shades = parts.next()?.strip_prefix(b"255\n")?;
        let whole = format == b"P5" && shades.len() == width.checked_mul(height)?;
        (whole && width > 0 && height > 0).then(|| Self {
            width,
            height,
            shades: shades.to_vec(),
        })
    }

    /// The same without shades: what is darker than `ink` is black.
    pub(super) fn in_black_and_white(&self, ink: u8) -> Self {
        let shade = |shade: &u8| if *shade < ink { 0 } else { u8::MAX };
        Self {
            shades: self.shades.iter().map(shade).collect(),
            ..*self
        }
    }
}
