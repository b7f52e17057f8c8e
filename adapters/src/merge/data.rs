//! The data of a document as its template sees them: made once, for all the parts.

use super::{
    french::Cents,
    printing::named_image,
    values::{RECORDER, Record, Recorder},
};
use minijinja::{
    Value,
    value::{Enumerator, Object, ObjectRepr},
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Where the renderings of one document note what they meet, one after the other.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Record>>);

impl Notes {
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The data, and what notes that some of them are used and empty.
pub(super) struct Data<'a> {
    pub(super) json: &'a serde_json::Value,
    fields: Value,
    pub(super) notes: Notes,
}

impl<'a> Data<'a> {
    pub(super) fn new(json: &'a serde_json::Value) -> Self {
        let notes = Notes::default();
        Self {
            json,
            fields: convert(json, &Path::Root, &notes),
            notes,
        }
    }

    /// What a part is rendered with.
    pub(super) fn context(&self, recorder: Arc<Recorder>) -> Value {
        Value::from_object(Root {
            recorder: Value::from_dyn_object(recorder),
            fields: self.fields.clone(),
        })
    }
}

/// The data beside the recorder.
#[derive(Debug)]
struct Root {
    recorder: Value,
    fields: Value,
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        if key == RECORDER {
            return Some(self.recorder.clone());
        }
        let fields: &Arc<Fields> = &self.fields.downcast_object()?;
        fields.get_value_by_str(key)
    }
}

/// Values by their names, in their order.
struct Fields(Vec<(Box<str>, Value)>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(name, value)| (name, value)))
            .finish()
    }
}

impl Object for Fields {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        let found = self.0.binary_search_by(|(name, _)| (**name).cmp(key));
        self.0.get(found.ok()?).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.0.iter().map(|(name, _)| Value::from(&**name));
        Enumerator::Values(names.collect())
    }
}

/// A field that the dossier leaves empty: false in a condition, a fault when printed.
pub(super) struct Missing {
    path: String,
    notes: Notes,
}

impl Missing {
    pub(super) fn note(&self) {
        let mut record = self.notes.record();
        if record.tolerant {
            record.met_empty = true;
        } else {
            record.fault(empty_field(&self.path));
        }
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

/// Where a value stands, written only for those that are missing.
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Row(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Row(parent, row) => write!(f, "{parent}[{row}]"),
        }
    }
}

/// A value as minijinja's.
fn convert(data: &serde_json::Value, path: &Path<'_>, notes: &Notes) -> Value {
    use serde_json::Value as Json;
    match data {
        Json::Null => Value::from_object(Missing {
            path: path.to_string(),
            notes: notes.clone(),
        }),
        Json::Bool(value) => Value::from(*value),
        Json::Number(value) => match value.as_i64() {
            Some(whole) => Value::from(whole),
            None => Value::from(value.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => amount(text, path).unwrap_or_else(|| Value::from(text.as_str())),
        Json::Array(items) => (1..)
            .zip(items)
            .map(|(row, item)| convert(item, &Path::Row(path, row), notes))
            .collect(),
        Json::Object(map) => named_image(map).unwrap_or_else(|| {
            let field = |(name, value): (&String, &Json)| {
                let value = convert(value, &Path::Field(path, name), notes);
                (name.as_str().into(), value)
            };
            let mut fields: Vec<(Box<str>, Value)> = map.iter().map(field).collect();
            fields.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            Value::from_object(Fields(fields))
        }),
    }
}

fn amount(text: &str, path: &Path<'_>) -> Option<Value> {
    match path {
        Path::Field(_, name) if AMOUNTS.contains(name) => {
            let decimal = Cents::parse(text)?.decimal();
            decimal.parse::<f64>().ok().map(Value::from)
        }
        _ => None,
    }
}
