//! The data of a document as the template sees it, and what is noted while it is rendered.

use super::{
    filters,
    french::Cents,
    package::Changes,
    part::LARGEST_OUTPUT,
    pictures::{Fitted, Images, Length},
    printing::named_image,
    rich::Host,
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

/// How many turns the loops of one part may make.
const MOST_TURNS: usize = 200_000;

const TOO_MANY_TURNS: &str =
    "cette boucle fait trop de tours : vérifier les boucles du modèle, ou scinder le document";

/// What a merge is given beside its data.
#[derive(Clone)]
pub(super) struct Supplies {
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
    pub(super) supplies: Supplies,
}

/// What one rendering notes: the tag it is at, what is wrong, and what pictures it needs.
pub(super) struct Recorder {
    pub(super) around: Around,
    record: Mutex<Record>,
}

#[derive(Default)]
pub(super) struct Record {
    pub(super) tag: usize,
    /// (tag, sentence)
    pub(super) faults: Vec<(usize, String)>,
    /// How many turns the loops have made, and how much they have written at least.
    turns: usize,
    /// Whether the current tag may use empty fields, and whether it did.
    tolerant: bool,
    met_empty: bool,
    written: usize,
    /// What the rendering adds to the file beside the part itself.
    pub(super) changes: Changes,
    pub(super) fitted: Option<Fitted>,
    /// How many pictures were printed among text.
    pub(super) printed: usize,
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

    /// Notes that the current tag is at fault.
    pub(super) fn fault(&self, sentence: String) {
        let mut record = self.record();
        let fault = (record.tag, sentence);
        if !record.faults.contains(&fault) {
            record.faults.push(fault);
        }
    }

    /// Whether the current tag used an empty field.
    pub(super) fn met_empty(&self) -> bool {
        self.record().met_empty
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
        let length = |index: usize| Length(u64::try_from(number(args, index)).unwrap_or_default());
        let value = args.first().unwrap_or(&Value::UNDEFINED);
        match method {
            "fit" if filters::noted(value) => return Ok(nothing()),
            "fit" => return self.fit(value, (length(1), length(2))).map(|()| nothing()),
            "lines" => {
                let line_break = args.get(1).and_then(Value::as_str).unwrap_or_default();
                let written = self.lines(value, line_break)?;
                return Ok(Value::from_safe_string(written));
            }
            "paragraphs" | "runs" => {
                let written = self.rich(value, number(args, 1), method == "paragraphs")?;
                return Ok(Value::from_safe_string(written));
            }
            _ => {}
        }
        let mut record = self.record();
        match method {
            "at" => {
                record.tag = number(args, 0);
                record.tolerant = false;
            }
            "tolerate" => {
                record.tag = number(args, 0);
                record.tolerant = true;
                record.met_empty = false;
            }
            "turn" => {
                record.turns += 1;
                record.written += number(args, 1);
                if record.turns > MOST_TURNS || record.written > LARGEST_OUTPUT {
                    record.tag = number(args, 0);
                    return Err(Error::new(ErrorKind::InvalidOperation, TOO_MANY_TURNS));
                }
            }
            "brace" => return Ok(Value::from_safe_string("{".into())),
            "cell" => return Ok(Value::from_safe_string(super::sheet::cell_type(value))),
            "fitted" => {
                let what = value.as_str().unwrap_or_default();
                let fitted = record.fitted.as_ref().map(|fitted| fitted.get(what));
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
        let mut record = self.recorder.record();
        if record.tolerant {
            record.met_empty = true;
            return;
        }
        drop(record);
        self.recorder.fault(empty_field(&self.path));
    }
}

/// What a clerk reads about a field that has no value: `versements[3].montant` is said with its row.
pub(super) fn empty_field(path: &str) -> String {
    let advice = "dans ce dossier : le compléter, ou le tester dans le modèle";
    let Some((rows, field)) = path.rsplit_once(']') else {
        return format!("le champ `{path}` est vide {advice}");
    };
    let rows = rows
        .replace("].", ", ")
        .replace("][", ", ligne ")
        .replace('[', ", ligne ");
    match field.strip_prefix('.') {
        Some(field) => format!("{rows} : le champ `{field}` est vide {advice}"),
        None => format!("{rows} : cette ligne est vide {advice}"),
    }
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
