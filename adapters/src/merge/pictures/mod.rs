//! Pictures in documents: images given by name, QR codes and barcodes, and how each format holds them.

mod codes;
mod frames;
mod image;
mod length;
mod paper;
mod place;

pub(super) use codes::{bars, qr};
pub(super) use frames::{CALL, find as find_frames, is_named_by_a_tag};
pub(super) use length::Length;
pub(super) use paper::Paper;
pub(super) use place::{Fitted, Picture, entry, in_text};

pub use image::Image;
use image::flattened;

/// Where the images that templates and data name are found.
pub trait Images: Send + Sync {
    /// The image of this name, if there is one.
    fn image(&self, name: &str) -> Option<Image>;
}

/// No images at all.
#[derive(Debug, Clone, Copy)]
pub struct NoImages;

impl Images for NoImages {
    fn image(&self, _name: &str) -> Option<Image> {
        None
    }
}

#[cfg(test)]
mod tests;
