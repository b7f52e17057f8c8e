//! One merged letter, taken apart so that it can stand beside others in one document.
//!
//! Only what is known to mean the same there is accepted: notes, numbered headings, cross references,
//! fields counted over the document, page-anchored frames and the like are numbered or placed over the
//! whole document, and a letter that has any is converted alone.

use super::{
    body::Content,
    markup::Unreadable,
    page_styles::Styles,
    pieces::{Piece, kept_name},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};
use zip::ZipArchive;

/// Why a letter is converted alone; for an engineer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Alone {
    /// It is no ODT that we can read.
    #[error("the file cannot be read")]
    Unreadable,
    /// It is so long that nothing is gained.
    #[error("it is long")]
    Long,
    /// An element that may mean something else among other letters.
    #[error("it uses <{0}>")]
    Element(String),
    /// An attribute that may.
    #[error("it uses {0}")]
    Attribute(String),
    /// Its first block cannot bear a page break.
    #[error("it starts with <{0}>")]
    Start(String),
    /// It changes its page style on the way.
    #[error("it changes its page style")]
    PageStyle,
}

impl From<Unreadable> for Alone {
    fn from(_: Unreadable) -> Self {
        Self::Unreadable
    }
}

/// A letter that can stand beside others.
#[derive(Debug)]
pub struct Letter {
    /// Equal for letters that can stand in one document: those of one template.
    pub key: [u8; 32],
    /// The length of its text, from which its pages are guessed.
    pub length: usize,
    /// Whether it says its number of pages.
    pub counts_pages: bool,
    pub(super) content: Around,
    pub(super) styles: Around,
    /// The style of its first block, which starts its own pages.
    pub(super) first_style: Vec<Piece>,
    pub(super) body: Vec<Piece>,
    pub(super) masters: Vec<Piece>,
    /// Pictures by the name under which they are kept: their digest.
    pub(super) pictures: BTreeMap<String, Vec<u8>>,
    /// Settings, metadata, embedded fonts.
    pub(super) others: BTreeMap<String, Vec<u8>>,
}

/// What stands around a letter's own pieces in a part.
#[derive(Debug, Default)]
pub(super) struct Around {
    pub(super) before: String,
    /// Between the automatic styles and the body.
    pub(super) between: String,
    pub(super) after: String,
}

/// What some fifty pages have.
const LONGEST: usize = 1 << 20;

impl Letter {
    /// Takes an ODT apart.
    pub fn read(odt: &[u8]) -> Result<Self, Alone> {
        let mut package = Package::read(odt)?;
        if package.content.len() > LONGEST {
            return Err(Alone::Long);
        }
        let mut content = Content::read(&package.content, &package.pictures)?;
        let styles = Styles::read(&package.styles, &package.pictures)?;
        let body = content.take_body()?;
        let mut letter = Self {
            key: [0; 32],
            length: package.content.len(),
            counts_pages: false,
            first_style: content.first_style()?,
            masters: styles.masters(content.master())?,
            content: content.around,
            styles: styles.around,
            body,
            pictures: package.by_digest(),
            others: std::mem::take(&mut package.others),
        };
        let pieces = letter.body.iter().chain(&letter.masters);
        letter.counts_pages = pieces.into_iter().any(|piece| *piece == Piece::Pages);
        letter.key = letter.digest_of_what_is_shared(&styles.heads);
        Ok(letter)
    }

    fn digest_of_what_is_shared(&self, masters: &[String]) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        for around in [&self.content, &self.styles] {
            for text in [&around.before, &around.between, &around.after] {
                add(text.as_bytes());
            }
        }
        for head in masters {
            add(head.as_bytes());
        }
        for (name, content) in &self.others {
            add(name.as_bytes());
            add(content);
        }
        digest.finalize().into()
    }
}

struct Package {
    content: String,
    styles: String,
    pictures: BTreeMap<String, Vec<u8>>,
    others: BTreeMap<String, Vec<u8>>,
}

impl Package {
    fn read(odt: &[u8]) -> Result<Self, Alone> {
        let mut zip = ZipArchive::new(Cursor::new(odt)).map_err(|_| Alone::Unreadable)?;
        let (mut parts, mut pictures, mut others) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(|_| Alone::Unreadable)?;
            let name = entry.name().map_err(|_| Alone::Unreadable)?.into_owned();
            let place = match name.as_str() {
                "content.xml" | "styles.xml" => &mut parts,
                "settings.xml" | "meta.xml" => &mut others,
                name if name.ends_with('/') => continue,
                name if name.starts_with("Pictures/") => &mut pictures,
                name if name.starts_with("Fonts/") => &mut others,
                // The type, the list of entries, thumbnails, toolbars: made again, or of no use here.
                _ => continue,
            };
            let mut bytes = Vec::new();
            entry
                .read_to_end(&mut bytes)
                .map_err(|_| Alone::Unreadable)?;
            place.insert(name, bytes);
        }
        let mut text = |name: &str| {
            let part = parts.remove(name).ok_or(Alone::Unreadable)?;
            String::from_utf8(part).map_err(|_| Alone::Unreadable)
        };
        Ok(Self {
            content: text("content.xml")?,
            styles: text("styles.xml")?,
            pictures,
            others,
        })
    }

    fn by_digest(&mut self) -> BTreeMap<String, Vec<u8>> {
        std::mem::take(&mut self.pictures)
            .into_iter()
            .map(|(name, bytes)| (kept_name(&name, &bytes), bytes))
            .collect()
    }
}
