//! An image that may be put in a document: PNG or JPEG, read whole, and made cheap to convert.
//!
//! LibreOffice spends 35 to 55 ms a document on the mask of a logo with transparency. A transparency that
//! changes nothing is taken away when the image is read; one that does is laid on white when the document's
//! pages are white.

use bytes::Bytes;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageReader, Limits, RgbImage,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use navette_domain::digest::Digest;
use std::{
    fmt,
    io::Cursor,
    sync::{Arc, OnceLock},
};

/// The largest file, and the largest sides.
const LARGEST_FILE: usize = 10 << 20;
const LONGEST_SIDE: u32 = 10_000;
const MOST_MEMORY: u64 = 256 << 20;

/// An image, cheap to clone.
#[derive(Clone)]
pub struct Image(Arc<Inner>);

struct Inner {
    bytes: Bytes,
    kind: Kind,
    width: u32,
    height: u32,
    digest: Digest,
    transparent: bool,
    on_white: OnceLock<Image>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Png,
    Jpeg,
}

impl Image {
    /// Reads an image; its type is told from its content. The error says in French why it is refused.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let kind = match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Kind::Png,
            [0xff, 0xd8, 0xff, ..] => Kind::Jpeg,
            _ => {
                return Err(
                    "ce fichier n'est pas une image PNG ou JPEG, quel que soit son nom".into(),
                );
            }
        };
        if bytes.len() > LARGEST_FILE {
            return Err("cette image dépasse 10 Mio : la réduire".into());
        }
        let decoded = decode(bytes)?;
        let (width, height) = (decoded.width(), decoded.height());
        let transparent = kind == Kind::Png && is_transparent(&decoded);
        // An alpha channel that changes nothing costs as much as one that does.
        let opaque = (kind == Kind::Png && decoded.color().has_alpha() && !transparent)
            .then(|| opaque(&decoded))
            .flatten();
        let bytes = opaque.map_or_else(|| Bytes::copy_from_slice(bytes), Bytes::from);
        Ok(Self::new(bytes, kind, (width, height), transparent))
    }

    fn new(bytes: Bytes, kind: Kind, (width, height): (u32, u32), transparent: bool) -> Self {
        Self(Arc::new(Inner {
            digest: Digest::of(&bytes),
            bytes,
            kind,
            width,
            height,
            transparent,
            on_white: OnceLock::new(),
        }))
    }

    /// A PNG drawn by ourselves.
    pub(super) fn drawn(png: Vec<u8>, size: (u32, u32)) -> Self {
        Self::new(png.into(), Kind::Png, size, false)
    }

    /// The same image laid on white, made once.
    #[must_use]
    pub fn on_white(&self) -> Self {
        if !self.0.transparent {
            return self.clone();
        }
        let laid = self.0.on_white.get_or_init(|| {
            let laid = decode(&self.0.bytes)
                .ok()
                .and_then(|image| on_white(&image));
            laid.map_or_else(
                || self.clone(),
                |bytes| Self::new(bytes.into(), Kind::Png, self.size(), false),
            )
        });
        laid.clone()
    }

    /// The file.
    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    /// The digest of the file.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Width and height, in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.0.width, self.0.height)
    }

    /// Its media type (IANA).
    pub fn media_type(&self) -> &'static str {
        match self.0.kind {
            Kind::Png => "image/png",
            Kind::Jpeg => "image/jpeg",
        }
    }

    /// The usual file extension, without its dot.
    pub fn extension(&self) -> &'static str {
        match self.0.kind {
            Kind::Png => "png",
            Kind::Jpeg => "jpeg",
        }
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.size();
        write!(f, "{:?} {width}×{height} {}", self.0.kind, self.0.digest)
    }
}

/// A PNG of a template laid on white, if it has a transparency to lose: what is not one is left alone.
pub(super) fn flattened(bytes: &[u8], white_pages: bool) -> Option<Bytes> {
    let image = Image::read(bytes).ok()?;
    let image = if white_pages { image.on_white() } else { image };
    (image.bytes() != bytes).then(|| image.bytes().clone())
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let broken = |_| "cette image est abîmée ou incomplète".to_owned();
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.limits(limits);
    let decoder = reader
        .with_guessed_format()
        .map_err(|_| "cette image est illisible".to_owned())?
        .into_decoder()
        .map_err(broken)?;
    let (width, height) = decoder.dimensions();
    if width.max(height) > LONGEST_SIDE {
        return Err(format!(
            "cette image dépasse {LONGEST_SIDE} pixels de côté : la réduire"
        ));
    }
    DynamicImage::from_decoder(decoder).map_err(broken)
}

fn is_transparent(image: &DynamicImage) -> bool {
    image.color().has_alpha() && image.to_rgba8().pixels().any(|pixel| pixel.0[3] < u8::MAX)
}

fn opaque(image: &DynamicImage) -> Option<Vec<u8>> {
    written(&image.to_rgb8())
}

fn on_white(image: &DynamicImage) -> Option<Vec<u8>> {
    let rgba = image.to_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u16::from);
        let laid = |colour: u16| {
            let sum = colour * alpha + 255 * (255 - alpha);
            u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
        };
        to.0 = [laid(red), laid(green), laid(blue)];
    }
    written(&rgb)
}

fn written(image: &RgbImage) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    PngEncoder::new_with_quality(&mut out, CompressionType::Best, FilterType::Adaptive)
        .write_image(
            image.as_raw(),
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )
        .ok()?;
    Some(out)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgba, RgbaImage};

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        image.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    fn logo(corner: u8) -> DynamicImage {
        let mut logo = RgbaImage::from_pixel(4, 2, Rgba([10, 20, 30, 255]));
        logo.put_pixel(0, 0, Rgba([200, 0, 0, corner]));
        logo.into()
    }

    #[test]
    fn a_transparency_that_changes_nothing_is_taken_away_and_no_pixel_changes() {
        let bytes = encoded(&logo(255), ImageFormat::Png);
        let image = Image::read(&bytes).unwrap();
        let kept = image::load_from_memory(image.bytes()).unwrap();
        assert!(!kept.color().has_alpha());
        assert_eq!(kept.to_rgba8(), logo(255).to_rgba8());
        assert_eq!(image.size(), (4, 2));
    }

    #[test]
    fn a_transparent_image_is_laid_on_white_only_when_asked() {
        let bytes = encoded(&logo(51), ImageFormat::Png);
        let image = Image::read(&bytes).unwrap();
        assert_eq!(image.bytes()[..], bytes);
        let laid = image::load_from_memory(image.on_white().bytes()).unwrap();
        assert!(!laid.color().has_alpha());
        // A fifth of the colour, four fifths of white.
        assert_eq!(laid.to_rgb8().get_pixel(0, 0).0, [244, 204, 204]);
        assert_eq!(laid.to_rgb8().get_pixel(1, 0).0, [10, 20, 30]);
        assert_eq!(flattened(&bytes, false), None);
        assert_eq!(&flattened(&bytes, true).unwrap(), image.on_white().bytes());
    }

    #[test]
    fn a_jpeg_is_kept_byte_for_byte() {
        let bytes = encoded(&logo(255).to_rgb8().into(), ImageFormat::Jpeg);
        let image = Image::read(&bytes).unwrap();
        assert_eq!(image.bytes()[..], bytes);
        assert_eq!(image.media_type(), "image/jpeg");
        assert_eq!(flattened(&bytes, true), None);
    }

    #[test]
    fn what_is_no_sound_png_or_jpeg_is_refused() {
        let png = encoded(&logo(255), ImageFormat::Png);
        let refused = |bytes: &[u8]| Image::read(bytes).unwrap_err();
        assert!(refused(b"<svg/>").contains("PNG ou JPEG"));
        assert!(refused(b"GIF89a").contains("PNG ou JPEG"));
        assert!(refused(&png[..png.len() / 2]).contains("abîmée"));
        let wide = DynamicImage::new_luma8(LONGEST_SIDE + 1, 1);
        assert!(refused(&encoded(&wide, ImageFormat::Png)).contains("10000 pixels"));
    }
}
