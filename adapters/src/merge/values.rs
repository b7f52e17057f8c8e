//! What is noted while a part is rendered.

use super::{
    data::Notes,
    filters,
    package::Changes,
    part::LARGEST_OUTPUT,
    pictures::{Fitted, Images, Length},
    rich::Host,
};
use minijinja::{
    Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr},
};
use navette_domain::ports::OfficeFormat;
use std::{
    fmt,
    sync::{Arc, MutexGuard},
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

/// What surrounds a rendering, and where it is noted.
pub(super) struct Recorder {
    pub(super) around: Around,
    notes: Notes,
}

/// What one rendering notes: the tag it is at, what is wrong, and what pictures it needs.
#[derive(Default)]
pub(super) struct Record {
    pub(super) tag: usize,
    /// (tag, sentence)
    pub(super) faults: Vec<(usize, String)>,
    /// How many turns the loops have made, and how much they have written at least.
    turns: usize,
    /// Whether the current tag may use empty fields, and whether it did.
    pub(super) tolerant: bool,
    pub(super) met_empty: bool,
    written: usize,
    /// What the rendering adds to the file beside the part itself.
    pub(super) changes: Changes,
    pub(super) fitted: Option<Fitted>,
    /// How many pictures were printed among text.
    pub(super) printed: usize,
}

impl Record {
    /// Notes that the current tag is at fault.
    pub(super) fn fault(&mut self, sentence: String) {
        let fault = (self.tag, sentence);
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

impl Recorder {
    pub(super) fn new(around: Around, notes: Notes) -> Self {
        Self { around, notes }
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        self.notes.record()
    }

    /// Notes that the current tag is at fault.
    pub(super) fn fault(&self, sentence: String) {
        self.record().fault(sentence);
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
