//! The corpus of events: one golden file for each stored name and version, since what is stored is a
//! contract with every log there is.
//!
//! `UPDATE_EVENTS=1` writes the files that are missing, and their sums in `SHA256SUMS`. A file that exists is
//! never rewritten: a change of shape is a new version with an upcaster that reads the old one, or a new
//! optional field whose sample leaves it out.
#![expect(clippy::expect_used, reason = "a test stops where it cannot go on")]

#[path = "events/samples.rs"]
mod samples;

use cqrs_es::{Aggregate, DomainEvent};
use navette_domain::{
    digest::Digest,
    event::Event,
    personal::{self, ERASED},
    upcast::{self, UPCASTERS},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::LazyLock,
};

/// File name → content.
type Corpus = BTreeMap<String, String>;

/// What was released, as `sha256sum` prints it: a line is never changed or taken away.
const SUMS: &str = "SHA256SUMS";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/events")
}

static CORPUS: LazyLock<Corpus> = LazyLock::new(|| {
    let folder = folder();
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        fs::create_dir_all(&folder).expect("the folder can be made");
        for event in samples::all() {
            let path = folder.join(file_name(&event));
            if !path.exists() {
                fs::write(path, pretty(&event)).expect("the file can be written");
            }
        }
    }
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, fs::read_to_string(entry.path()).expect("a text file"))
    };
    let entries = fs::read_dir(&folder).expect("the folder of the corpus");
    let mut corpus: Corpus = entries
        .map(|entry| read(entry.expect("an entry")))
        .collect();
    let mut released = corpus.remove(SUMS).unwrap_or_default();
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        for (file, content) in &corpus {
            if !released.contains(&format!("  {file}\n")) {
                released += &sum(file, content);
            }
        }
        fs::write(folder.join(SUMS), released).expect("the file can be written");
    }
    corpus
});

fn sum(file: &str, content: &str) -> String {
    format!("{}  {file}\n", Digest::of(content.as_bytes()))
}

fn domain_event(event: &Event) -> &dyn NamedEvent {
    match event {
        Event::Dossier(event) => event,
        Event::ThirdParty(event) => event,
        Event::Document(event) => event,
        Event::Signature(event) => event,
        Event::Batch(event) => event,
        Event::Template(event) => event,
        Event::Image(event) => event,
        Event::Chain(event) => event,
        Event::Bundle(event) => event,
        Event::Agent(event) => event,
        Event::Export(event) => event,
        Event::ExportModel(event) => event,
        Event::ExportSchedule(event) => event,
        Event::Selection(event) => event,
        Event::Attachment(event) => event,
        Event::Pause(event) => event,
        Event::Trigger(event) => event,
    }
}

/// What the log keeps beside the payload.
trait NamedEvent {
    fn name_and_version(&self) -> (String, String);
}

impl<E: DomainEvent> NamedEvent for E {
    fn name_and_version(&self) -> (String, String) {
        (self.event_type(), self.event_version())
    }
}

fn name_and_version(event: &Event) -> (String, String) {
    domain_event(event).name_and_version()
}

fn file_name(event: &Event) -> String {
    let (name, version) = name_and_version(event);
    format!("{name}.v{version}.json")
}

fn pretty(event: &Event) -> String {
    serde_json::to_string_pretty(event).expect("an event is JSON") + "\n"
}

#[test]
fn every_event_has_a_golden_file() {
    let missing: Vec<_> = Event::types()
        .map(|(name, version)| format!("{name}.v{version}.json"))
        .filter(|file| !CORPUS.contains_key(file))
        .collect();
    assert_eq!(missing, [""; 0], "UPDATE_EVENTS=1 writes them");
}

#[test]
fn what_was_released_is_neither_changed_nor_taken_away() {
    let released: BTreeSet<_> = fs::read_to_string(folder().join(SUMS))
        .expect("the sums of what was released")
        .lines()
        .map(|line| format!("{line}\n"))
        .collect();
    let present: BTreeSet<_> = CORPUS
        .iter()
        .map(|(file, content)| sum(file, content))
        .collect();
    let gone: Vec<_> = released.difference(&present).collect();
    assert_eq!(
        gone, [""; 0],
        "golden files are for ever: write a new version"
    );
    let unknown: Vec<_> = present.difference(&released).collect();
    assert_eq!(unknown, [""; 0], "UPDATE_EVENTS=1 adds them");
}

/// The name and version of a golden file.
fn released(file: &str) -> (&str, u16) {
    let parts = file
        .strip_suffix(".json")
        .and_then(|stem| stem.rsplit_once(".v"));
    let (name, version) = parts.expect("<type>.v<version>.json");
    (name, version.parse().expect("a number"))
}

#[test]
fn every_event_ever_released_reads_as_events_of_this_version() {
    for (file, payload) in CORPUS.iter() {
        let (name, version) = released(file);
        let read = upcast::current(UPCASTERS, name.to_owned(), version, payload.clone());
        for (name, payload) in read.unwrap_or_else(|error| panic!("{file}: {error}")) {
            Event::read(&name, &payload).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
}

#[test]
fn upcasters_read_what_was_released_and_nothing_that_is_written_today() {
    let mut seen = BTreeSet::new();
    for upcaster in UPCASTERS {
        let (name, version) = (upcaster.event_type, upcaster.version);
        assert!(seen.insert((name, version)), "{name} {version} twice");
        assert!(
            CORPUS.contains_key(&format!("{name}.v{version}.json")),
            "{name} {version} was never released"
        );
        assert!(!Event::types().any(|today| today == (name, version)));
    }
}

#[test]
fn a_stored_event_is_read_and_written_back_byte_for_byte() {
    for (name, version) in Event::types() {
        let stored = &CORPUS[&format!("{name}.v{version}.json")];
        let event = Event::read(name, stored).expect("it reads");
        assert_eq!(&pretty(&event), stored);
    }
}

#[test]
fn an_event_is_read_under_its_own_name_only() {
    for (name, version) in Event::types() {
        let stored = &CORPUS[&format!("{name}.v{version}.json")];
        for (other, _) in Event::types().filter(|(other, _)| *other != name) {
            Event::read(other, stored).expect_err(other);
        }
        let renamed = format!("{name}s");
        Event::read(&renamed, stored).expect_err(&renamed);
    }
}

#[test]
fn what_navette_writes_today_is_what_the_corpus_holds() {
    for event in samples::all() {
        assert_eq!(CORPUS.get(&file_name(&event)), Some(&pretty(&event)));
    }
}

#[test]
fn every_event_has_a_sample_under_its_stored_name_and_version() {
    let sampled: BTreeSet<_> = samples::all().iter().map(name_and_version).collect();
    let declared: BTreeSet<_> = Event::types()
        .map(|(name, version)| (name.to_owned(), version.to_string()))
        .collect();
    assert_eq!(sampled, declared);
}

#[test]
fn the_payload_names_its_event_as_the_log_does() {
    for event in samples::all() {
        let payload = serde_json::to_value(&event).expect("an event is JSON");
        assert_eq!(payload["type"], name_and_version(&event).0);
    }
}

#[test]
fn stored_names_are_a_noun_and_a_past_participle_and_never_shared() {
    let names: Vec<_> = Event::types().map(|(name, _)| name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        let shape = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
        assert!(shape && name.matches('.').count() == 1, "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let merged = &CORPUS["document.merged.v1.json"];
    for (name, payload) in [
        ("letter.merged", merged.as_str()),
        ("document.signed", merged),
        ("document.merged", "{}"),
    ] {
        let error = Event::read(name, payload).expect_err("it is not that event");
        assert_eq!(error.event_type, name);
    }
}

/// Walks a payload, and gives the texts that are about a person.
fn personal_texts(value: &serde_json::Value, personal: bool, found: &mut Vec<String>) {
    use serde_json::Value as V;
    match value {
        V::String(text) if personal => found.push(text.clone()),
        V::Array(items) => items
            .iter()
            .for_each(|item| personal_texts(item, personal, found)),
        V::Object(fields) => {
            let is_profile = fields.contains_key("applicant_account");
            for (key, value) in fields {
                let about_a_person =
                    matches!(key.as_str(), "by" | "email" | "address" | "reply_to")
                        || (is_profile && key == "name");
                personal_texts(value, personal || about_a_person, found);
            }
        }
        _ => {}
    }
}

#[test]
fn no_log_line_can_hold_what_an_event_knows_of_a_person() {
    let mut seen = 0;
    for (name, version) in Event::types() {
        let stored = &CORPUS[&format!("{name}.v{version}.json")];
        let mut texts = vec![];
        personal_texts(
            &serde_json::from_str(stored).expect("JSON"),
            false,
            &mut texts,
        );
        let printed = format!("{:?}", Event::read(name, stored).expect("it reads"));
        for text in &texts {
            assert!(!printed.contains(text.as_str()), "{name} prints « {text} »");
        }
        seen += texts.len();
    }
    assert!(
        seen >= 10,
        "the corpus holds too little about people to prove anything"
    );
}

#[test]
fn every_value_marked_as_personal_is_sealed_and_the_event_still_reads_once_it_is_erased() {
    let mut sealed = 0;
    for event in samples::all() {
        let (name, _) = name_and_version(&event);
        let marked = format!("{event:?}").matches("***").count();
        let mut payload = serde_json::to_value(&event).expect("an event is JSON");
        for field in personal::fields(&name) {
            let value = payload
                .pointer_mut(field.pointer)
                .expect("the sample has every personal value");
            *value = field.erased.value();
            sealed += 1;
        }
        let erased = Event::read(&name, &payload.to_string()).expect("it reads");
        let left = format!("{erased:?}").matches("***").count();
        // What remains of a marked value is a text that says so, or nothing.
        let texts = payload.to_string().matches(ERASED).count();
        assert_eq!(
            left, texts,
            "{name} keeps a personal value that is not sealed"
        );
        assert!(marked == 0 || !personal::fields(&name).is_empty(), "{name}");
    }
    assert!(sealed >= 6, "too few values are sealed to prove anything");
}

/// Applies these events in this order; at each step, a state that was written down and read back goes on as
/// the one that was not.
fn keeps<A: Aggregate + Clone>(events: &[A::Event], order: &[usize]) {
    let mut state = A::default();
    for index in order {
        let Some(event) = events.get(index % events.len()) else {
            continue;
        };
        let written = serde_json::to_string(&state).expect("a state is JSON");
        let mut read: A = serde_json::from_str(&written).expect("a state is read back");
        state.apply(event.clone());
        read.apply(event.clone());
        let told = |state: &A| serde_json::to_string(state).expect("a state is JSON");
        assert_eq!(told(&state), told(&read), "{}", A::TYPE);
    }
}

macro_rules! of {
    ($all:ident, $kind:ident) => {
        $all.iter()
            .filter_map(|event| match event {
                Event::$kind(event) => Some(event.clone()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(8))]

    #[test]
    fn a_state_that_was_written_down_and_read_back_goes_on_the_same(
        order in proptest::collection::vec(0_usize..1000, 1..20),
    ) {
        let all = samples::all();
        // As they happen first, then as chance has it.
        let order: Vec<usize> = (0..30).chain(order).collect();
        keeps::<navette_domain::dossier::Dossier>(&of!(all, Dossier), &order);
        keeps::<navette_domain::third_party::ThirdParty>(&of!(all, ThirdParty), &order);
        keeps::<navette_domain::document::Document>(&of!(all, Document), &order);
        keeps::<navette_domain::signature::Signature>(&of!(all, Signature), &order);
        keeps::<navette_domain::batch::Batch>(&of!(all, Batch), &order);
        keeps::<navette_domain::template::Template>(&of!(all, Template), &order);
        keeps::<navette_domain::image::Image>(&of!(all, Image), &order);
        keeps::<navette_domain::chain::Chain>(&of!(all, Chain), &order);
        keeps::<navette_domain::export::Export>(&of!(all, Export), &order);
        keeps::<navette_domain::trigger::Trigger>(&of!(all, Trigger), &order);
        keeps::<navette_domain::attachment::Attachment>(&of!(all, Attachment), &order);
        keeps::<navette_domain::export::model::ExportModel>(&of!(all, ExportModel), &order);
        keeps::<navette_domain::export::schedule::ExportSchedule>(&of!(all, ExportSchedule), &order);
    }
}
