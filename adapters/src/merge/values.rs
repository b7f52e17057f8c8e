//! The data of a document as the template sees it, and what is noted while it is rendered.

use super::{
    encode::encode,
    engine,
    french::Cents,
    package::{Changes, Packing},
    pictures::{Fitted, Images, Length, Picture, entry, in_text},
    rich::{Host, Rich},
    sheet::Sheets,
};
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Enumerator, Object, ObjectRepr},
};
use navette_domain::ports::OfficeFormat;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The name under which the template finds its [`Recorder`].
pub(super) const RECORDER: &str = "__r";

/// What a merge is given beside its data.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) format: OfficeFormat,
    pub(super) images: Arc<dyn Images>,
}

/// What surrounds the rendering of one part.
pub(super) struct Around {
    /// The part's entry.
    pub(super) part: String,
    /// Whether its images may be laid on white.
    pub(super) white: bool,
    /// What rich text takes its look from, in the order of the tags that ask for it.
    pub(super) hosts: Arc<[Host]>,
    pub(super) settings: Settings,
}

/// What one rendering notes: the tag it is at, what is wrong, where rows and formulas landed, and what
/// pictures it needs.
pub(super) struct Recorder {
    around: Around,
    record: Mutex<Record>,
}

#[derive(Default)]
pub(super) struct Record {
    pub(super) tag: usize,
    /// (tag, sentence)
    pub(super) faults: Vec<(usize, String)>,
    pub(super) sheets: Sheets,
    /// What the rendering adds to the file beside the part itself.
    pub(super) changes: Changes,
    fitted: Option<Fitted>,
    /// How many pictures were printed among text.
    printed: usize,
}

impl Recorder {
    pub(super) fn new(around: Around) -> Self {
        Self {
            around,
            record: Mutex::default(),
        }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The image of this name, or a fault.
    pub(super) fn image(&self, name: &str) -> Result<Picture, Error> {
        let image = self.around.settings.images.image(name).ok_or_else(|| {
            let sentence = format!("image inconnue : « {name} » ; la déposer, ou corriger son nom");
            Error::new(ErrorKind::InvalidOperation, sentence)
        })?;
        Ok(Picture::of(image, name))
    }

    /// Puts the image in the file, once, and answers how the part knows it.
    fn place(&self, picture: &Picture) -> String {
        let format = self.around.settings.format;
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
            OfficeFormat::Odt | OfficeFormat::Ods => name,
            OfficeFormat::Docx | OfficeFormat::Xlsx => {
                changes.relate(&self.around.part, IMAGE_RELATIONSHIP, &name)
            }
        }
    }

    /// The XML of a picture among text.
    pub(super) fn print(&self, picture: &Picture) -> Result<String, Error> {
        if matches!(
            self.around.settings.format,
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
            self.around.settings.format,
            identifier,
        ))
    }

    /// Chooses the image of a picture of the template, whose box is that large.
    fn fit(&self, value: &Value, (width, height): (Length, Length)) -> Result<(), Error> {
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
            self.around.settings.format,
        );
        self.record().fitted = Some(fitted);
        Ok(())
    }

    /// Rich text in place of its host's paragraph, or among the runs of Word; other values are text.
    fn rich(&self, value: &Value, host: usize, paragraphs: bool) -> Result<String, Error> {
        let format = self.around.settings.format;
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

    /// A value as the part holds it.
    pub(super) fn encoded(&self, text: &str) -> String {
        let mut encoded = String::new();
        encode(&mut encoded, text, self.around.settings.format);
        encoded
    }

    /// Notes that the current tag is at fault.
    pub(super) fn fault(&self, sentence: String) {
        let mut record = self.record();
        let fault = (record.tag, sentence);
        if !record.faults.contains(&fault) {
            record.faults.push(fault);
        }
    }

    /// The recorder of the rendering under way.
    pub(super) fn of(state: &State<'_, '_>) -> Option<Arc<Self>> {
        state.lookup(RECORDER)?.downcast_object::<Self>()
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("recorder")
    }
}

const IMAGE_RELATIONSHIP: &str =
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image";

/// Numbers of drawings begin here: those of templates are small.
const FIRST_DRAWING: usize = 900_000;

fn nothing() -> Value {
    Value::from_safe_string(String::new())
}

fn number(args: &[Value], index: usize) -> usize {
    args.get(index)
        .and_then(Value::as_usize)
        .unwrap_or_default()
}

impl Object for Recorder {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    /// What the compiled template calls: never what a clerk writes.
    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        let text = |index: usize| args.get(index).and_then(Value::as_str).unwrap_or_default();
        let length = |index: usize| Length(u64::try_from(number(args, index)).unwrap_or_default());
        let value = args.first().unwrap_or(&Value::UNDEFINED);
        match method {
            "fit" => {
                return if super::filters::noted(value) {
                    Ok(nothing())
                } else {
                    self.fit(value, (length(1), length(2))).map(|()| nothing())
                };
            }
            "paragraphs" | "runs" => {
                let written = self.rich(value, number(args, 1), method == "paragraphs")?;
                return Ok(Value::from_safe_string(written));
            }
            _ => {}
        }
        let mut record = self.record();
        match method {
            "at" => record.tag = number(args, 0),
            "brace" => return Ok(Value::from_safe_string("{".into())),
            "table" => record.sheets.start_table(text(0)),
            "row" => record.sheets.add_row(number(args, 0), number(args, 1)),
            "formula" => return Ok(Value::from_safe_string(record.sheets.add_formula(text(0)))),
            "cell" => return Ok(Value::from_safe_string(super::sheet::cell_type(value))),
            "fitted" => {
                let fitted = record.fitted.as_ref().map(|fitted| fitted.get(text(0)));
                return Ok(Value::from_safe_string(fitted.unwrap_or_default()));
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(nothing())
    }
}

/// A field that the dossier leaves empty: false in a condition, a fault when printed.
pub(super) struct Missing {
    path: String,
    recorder: Arc<Recorder>,
}

impl Missing {
    pub(super) fn note(&self) {
        self.recorder.fault(empty_field(&self.path));
    }
}

/// What a clerk reads about a field that has no value.
pub(super) fn empty_field(path: &str) -> String {
    format!(
        "le champ `{path}` est vide dans ce dossier : le compléter, ou le tester dans le modèle"
    )
}

impl fmt::Debug for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl Object for Missing {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::NonEnumerable
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn render(self: &Arc<Self>, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note();
        Ok(())
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

fn named_image(map: &serde_json::Map<String, serde_json::Value>) -> Option<Value> {
    let name = map.get("image").filter(|_| map.len() == 1)?.as_str()?;
    Some(Value::from_object(Named { name: name.into() }))
}

/// Names whose decimal strings are amounts, and can then be compared and added.
const AMOUNTS: [&str; 2] = ["montant", "total"];

/// The data as minijinja's values.
pub(super) fn from_json(data: &serde_json::Value, recorder: &Arc<Recorder>) -> Value {
    convert(data, String::new(), recorder)
}

fn convert(data: &serde_json::Value, path: String, recorder: &Arc<Recorder>) -> Value {
    use serde_json::Value as Json;
    match data {
        Json::Null => Value::from_object(Missing {
            path,
            recorder: Arc::clone(recorder),
        }),
        Json::Bool(value) => Value::from(*value),
        Json::Number(value) => match value.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(value.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => amount(text, &path).unwrap_or_else(|| Value::from(text.as_str())),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| convert(item, format!("{path}[{}]", index + 1), recorder))
            .collect(),
        Json::Object(map) => named_image(map).unwrap_or_else(|| {
            map.iter()
                .map(|(key, value)| {
                    let path = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    (Value::from(key.as_str()), convert(value, path, recorder))
                })
                .collect::<std::collections::BTreeMap<_, _>>()
                .into()
        }),
    }
}

fn amount(text: &str, path: &str) -> Option<Value> {
    let name = path.rsplit('.').next()?;
    if !AMOUNTS.contains(&name) {
        return None;
    }
    let decimal = Cents::parse(text)?.decimal();
    decimal.parse::<f64>().ok().map(Value::from)
}
