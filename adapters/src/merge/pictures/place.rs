//! A picture of a document: an image with its size, and the XML that holds it.

use super::{Image, Length};
use crate::merge::xml::escape;
use minijinja::value::{Object, ObjectRepr};
use navette_domain::ports::OfficeFormat;
use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

/// Pixels an inch of an image whose size is not given, and the widest it may then be.
const PIXEL: u64 = 9_525;
const WIDEST: Length = Length::millimetres(160);

/// An image to be printed, with what the clerk says of its size.
#[derive(Debug, Clone)]
pub(in crate::merge) struct Picture {
    pub(in crate::merge) image: Image,
    pub(in crate::merge) width: Option<Length>,
    pub(in crate::merge) height: Option<Length>,
    /// Whether it may lose its proportions: the bars of a barcode can.
    pub(in crate::merge) stretches: bool,
    /// Read aloud to who does not see it.
    pub(in crate::merge) description: String,
}

impl Object for Picture {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl Picture {
    /// An image as it is, told by its name.
    pub(in crate::merge) fn of(image: Image, name: &str) -> Self {
        Self {
            image,
            width: None,
            height: None,
            stretches: false,
            description: name.into(),
        }
    }

    /// The size where nothing bounds it.
    fn size(&self) -> (Length, Length) {
        match (self.width, self.height) {
            (Some(width), Some(height)) if self.stretches => (width, height),
            (Some(width), Some(height)) => self.within(width, height),
            (Some(width), None) => self.within(width, Length(u64::MAX)),
            (None, Some(height)) => self.within(Length(u64::MAX), height),
            (None, None) => {
                let natural = u64::from(self.image.size().0) * PIXEL;
                self.within(Length(natural).min(WIDEST), Length(u64::MAX))
            }
        }
    }

    /// The largest size inside a box, in proportion.
    pub(in crate::merge) fn within(&self, width: Length, height: Length) -> (Length, Length) {
        if self.stretches && width.0 < u64::MAX && height.0 < u64::MAX {
            return (width, height);
        }
        let (across, down) = self.image.size();
        let (across, down) = (u128::from(across), u128::from(down));
        let scaled = |side: Length, by: u128, over: u128| {
            let scaled = u128::from(side.0) * by / over.max(1);
            Length(u64::try_from(scaled).unwrap_or(u64::MAX).max(1))
        };
        if u128::from(width.0) * down <= u128::from(height.0) * across {
            (width, scaled(width, down, across))
        } else {
            (scaled(height, across, down), height)
        }
    }
}

/// The entry that holds an image, named after its content.
pub(in crate::merge) fn entry(image: &Image, format: OfficeFormat) -> String {
    let folder = match format {
        OfficeFormat::Odt | OfficeFormat::Ods => "Pictures",
        OfficeFormat::Docx => "word/media",
        OfficeFormat::Xlsx => "xl/media",
    };
    let digest = image.digest().to_string();
    format!("{folder}/navette-{}.{}", &digest[..20], image.extension())
}

/// What the attributes of a picture of the template become.
#[derive(Debug)]
pub(in crate::merge) struct Fitted {
    width: String,
    height: String,
    href: String,
    media_type: &'static str,
    description: String,
}

impl Fitted {
    /// `picture` inside a box.
    pub(in crate::merge) fn new(
        picture: &Picture,
        href: &str,
        (width, height): (Length, Length),
        format: OfficeFormat,
    ) -> Self {
        let (width, height) = picture.within(width, height);
        let odf = matches!(format, OfficeFormat::Odt | OfficeFormat::Ods);
        let written = |length: Length| {
            if odf {
                length.in_millimetres()
            } else {
                length.0.to_string()
            }
        };
        let mut description = String::new();
        escape(&mut description, &picture.description, true);
        Self {
            width: written(width),
            height: written(height),
            href: href.to_owned(),
            media_type: picture.image.media_type(),
            description,
        }
    }

    /// What an attribute becomes.
    pub(in crate::merge) fn get(&self, what: &str) -> String {
        match what {
            "width" => self.width.clone(),
            "height" => self.height.clone(),
            "href" => self.href.clone(),
            "type" => self.media_type.to_owned(),
            _ => self.description.clone(),
        }
    }
}

/// The XML of a picture among text: `href` is how its part knows the image, `identifier` is no other
/// drawing's of the file.
pub(in crate::merge) fn in_text(
    picture: &Picture,
    href: &str,
    format: OfficeFormat,
    identifier: usize,
) -> String {
    let (width, height) = picture.size();
    let mut description = String::new();
    escape(&mut description, &picture.description, true);
    let mut out = String::new();
    if format == OfficeFormat::Docx {
        let (cx, cy) = (width.0, height.0);
        let _ = write!(
            out,
            "</w:t><w:drawing><wp:inline \
             xmlns:wp=\"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing\" \
             distT=\"0\" distB=\"0\" distL=\"0\" distR=\"0\"><wp:extent cx=\"{cx}\" cy=\"{cy}\"/>\
             <wp:docPr id=\"{identifier}\" name=\"Image {identifier}\" descr=\"{description}\"/>\
             <a:graphic xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\">\
             <a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:pic \
             xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\"><pic:nvPicPr>\
             <pic:cNvPr id=\"{identifier}\" name=\"Image {identifier}\"/><pic:cNvPicPr/>\
             </pic:nvPicPr><pic:blipFill><a:blip \
             xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" \
             r:embed=\"{href}\"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr>\
             <a:xfrm><a:off x=\"0\" y=\"0\"/><a:ext cx=\"{cx}\" cy=\"{cy}\"/></a:xfrm>\
             <a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData>\
             </a:graphic></wp:inline></w:drawing><w:t xml:space=\"preserve\">"
        );
    } else {
        let _ = write!(
            out,
            "<draw:frame xmlns:draw=\"urn:oasis:names:tc:opendocument:xmlns:drawing:1.0\" \
             xmlns:svg=\"urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0\" \
             draw:name=\"Image {identifier}\" text:anchor-type=\"as-char\" svg:width=\"{}\" \
             svg:height=\"{}\"><draw:image xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
             xlink:href=\"{href}\" xlink:type=\"simple\" xlink:show=\"embed\" xlink:actuate=\"onLoad\"/>\
             <svg:desc>{description}</svg:desc></draw:frame>",
            width.in_millimetres(),
            height.in_millimetres()
        );
    }
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn picture(width: Option<u64>, height: Option<u64>) -> Picture {
        let mut png = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_luma8(200, 100)
            .write_to(&mut png, image::ImageFormat::Png)
            .unwrap();
        Picture {
            image: Image::read(&png.into_inner()).unwrap(),
            width: width.map(Length::millimetres),
            height: height.map(Length::millimetres),
            stretches: false,
            description: String::new(),
        }
    }

    #[test]
    fn a_picture_keeps_its_proportions_inside_what_is_asked() {
        let millimetres = |width, height| {
            let (width, height) = picture(width, height).size();
            (width.0 / 36_000, height.0 / 36_000)
        };
        assert_eq!(millimetres(Some(40), None), (40, 20));
        assert_eq!(millimetres(None, Some(40)), (80, 40));
        assert_eq!(millimetres(Some(40), Some(40)), (40, 20));
        assert_eq!(millimetres(Some(40), Some(10)), (20, 10));
        // 200 pixels at 96 an inch.
        assert_eq!(millimetres(None, None), (52, 26));
    }
}
