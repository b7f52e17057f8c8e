//! What is on the pages of scanned letters. Scanners write pages in any form that a PDF may have (photographs, faxes,
//! layers), so each is drawn as a reader would show it (`drawing`), and its QR codes are read on the drawing (`codes`).

mod codes;
mod drawing;
#[cfg(test)]
mod tests;

pub use drawing::{Drawing, NotDrawn};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use navette_domain::scan::Page;
use std::fs::File;

/// How many pages are drawn and read at once.
const AT_ONCE: usize = 2;

/// What was seen on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPage {
    /// What was read on it.
    pub page: Page,
    /// How far it is to be turned so that its code stands upright: degrees, clockwise.
    pub turn: u16,
}

/// Whether pages can be drawn on this machine.
pub async fn ready() -> Result<(), NotDrawn> {
    drawing::ready().await
}

/// Reads the first so many pages of a PDF. A page that cannot be drawn is one on which nothing is read.
pub async fn read(file: &File, pages: u32) -> Result<Vec<SeenPage>, NotDrawn> {
    let each = stream::iter(1..=pages).map(|number| async move {
        let drawing = Drawing::of(file, number).await?;
        let read = tokio::task::spawn_blocking(move || drawing.as_ref().map(codes::seen)).await;
        Ok(read.ok().flatten().unwrap_or_else(|| SeenPage {
            page: Page {
                references: vec![],
                is_blank: false,
            },
            turn: 0,
        }))
    });
    each.buffered(AT_ONCE).try_collect().await
}
