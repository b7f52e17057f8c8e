//! What a rendering prints beside plain text: pictures and rich text.

use super::{
    encode::encode,
    engine,
    package::Packing,
    pictures::{Fitted, Length, Picture, entry, in_text},
    rich::Rich,
    values::Recorder,
};
use minijinja::{
    Error, ErrorKind, Value,
    value::{Object, ObjectRepr},
};
use navette_domain::ports::OfficeFormat;
use std::{fmt, sync::Arc};

pub(super) const IMAGE_RELATIONSHIP: &str =
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image";

/// Numbers of drawings begin here: those of templates are small.
const FIRST_DRAWING: usize = 900_000;

impl Recorder {
    /// The image of this name, or a fault.
    pub(super) fn image(&self, name: &str) -> Result<Picture, Error> {
        let image = self.around.supplies.images.image(name).ok_or_else(|| {
            let sentence = format!("image inconnue : « {name} » ; la déposer, ou corriger son nom");
            Error::new(ErrorKind::InvalidOperation, sentence)
        })?;
        Ok(Picture::of(image, name))
    }

    /// Puts the image in the file, once, and answers how the part knows it.
    fn place(&self, picture: &Picture) -> String {
        let format = self.around.supplies.format;
        let image = if self.around.white {
            picture.image.on_white()
        } else {
            picture.image.clone()
        };
        let name = entry(&image, format);
        let changes = &mut self.record().changes;
        let bytes = image.bytes().clone();
        changes.add(name.as_str(), bytes, Packing::Stored, image.media_type());
        match format {
            OfficeFormat::Docx => changes.relate(&self.around.part, IMAGE_RELATIONSHIP, &name),
            // The drawing of a sheet will refer to it.
            OfficeFormat::Xlsx | OfficeFormat::Odt | OfficeFormat::Ods => name,
        }
    }

    /// The XML of a picture among text.
    pub(super) fn print(&self, picture: &Picture) -> Result<String, Error> {
        if matches!(
            self.around.supplies.format,
            OfficeFormat::Ods | OfficeFormat::Xlsx
        ) {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                "une image ne s'imprime pas dans une cellule : placer une image dans la feuille, et lui \
                 donner cette balise pour nom",
            ));
        }
        let href = self.place(picture);
        let mut record = self.record();
        record.printed += 1;
        // Word wants every drawing of a file to have a number of its own.
        let part = self
            .around
            .part
            .bytes()
            .fold(0, |sum, byte| (31 * sum + usize::from(byte)) % 1_000);
        let identifier = FIRST_DRAWING + 1_000 * part + record.printed;
        Ok(in_text(
            picture,
            &href,
            self.around.supplies.format,
            identifier,
        ))
    }

    /// Chooses the image of a picture of the template, whose box is that large.
    pub(super) fn fit(
        &self,
        value: &Value,
        (width, height): (Length, Length),
    ) -> Result<(), Error> {
        let picture = match value.as_str() {
            Some(name) => Some(self.image(name)?),
            None => engine::picture(value, self)?,
        };
        let picture = picture.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidOperation,
                "cette balise ne donne pas d'image",
            )
        })?;
        let href = self.place(&picture);
        let fitted = Fitted::new(
            &picture,
            &href,
            (width, height),
            self.around.supplies.format,
        );
        self.record().fitted = Some(fitted);
        Ok(())
    }

    /// Rich text in place of its host's paragraph, or among the runs of Word; other values are text.
    pub(super) fn rich(
        &self,
        value: &Value,
        host: usize,
        paragraphs: bool,
    ) -> Result<String, Error> {
        let format = self.around.supplies.format;
        let host = self.around.hosts.get(host).cloned().unwrap_or_default();
        let plain;
        let rich = if let Some(rich) = value.downcast_object_ref::<Rich>() {
            rich
        } else {
            plain = Rich::of_text(&engine::text(value, self)?.unwrap_or_default());
            &plain
        };
        Ok(match (format, paragraphs) {
            (OfficeFormat::Docx, true) => rich.word_paragraphs(&host),
            (OfficeFormat::Docx, false) => rich.word_in_line(&host),
            _ => rich.odf_paragraphs(&host),
        })
    }

    /// A value whose lines are held apart by `line_break`.
    pub(super) fn lines(&self, value: &Value, line_break: &str) -> Result<String, Error> {
        if let Some(picture) = engine::picture(value, self)? {
            return self.print(&picture);
        }
        let text = match value.downcast_object_ref::<Rich>() {
            Some(rich) => rich.plain(),
            None => engine::text(value, self)?.unwrap_or_default(),
        };
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<String> = text.split('\n').map(|line| self.encoded(line)).collect();
        Ok(lines.join(line_break))
    }

    /// A value as the part holds it.
    pub(super) fn encoded(&self, text: &str) -> String {
        let mut encoded = String::new();
        encode(&mut encoded, text, self.around.supplies.format);
        encoded
    }
}

/// An image that the data name: `{"image": "logo"}`.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
}

impl Object for Named {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// The image that an object of the data is, if it is one.
pub(super) fn named_image(map: &serde_json::Map<String, serde_json::Value>) -> Option<Value> {
    let name = map.get("image").filter(|_| map.len() == 1)?.as_str()?;
    Some(Value::from_object(Named { name: name.into() }))
}
