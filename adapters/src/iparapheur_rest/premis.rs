//! The words of iParapheur's REST interface: folders are described, and tell their history, in PREMIS 3.

use crate::soap::{Element, Unreadable, element};
use navette_domain::{digest::Digest, ports::DeskProgress};
use unicode_normalization::UnicodeNormalization as _;

pub(crate) const NAMESPACE: &str = "http://www.loc.gov/premis/v3";
const TYPE: &str = "i_Parapheur_reserved_type";
const SUBTYPE: &str = "i_Parapheur_reserved_subtype";
pub(crate) const MAIN: &str = "i_Parapheur_reserved_mainDocument";

/// What may be open beside the steps of a circuit, or at its end.
const ASIDE: [&str; 3] = ["ARCHIVE", "READ", "UNDO"];

/// A folder with one document, to be created.
pub(super) fn description(
    desk_type: &str,
    desk_subtype: &str,
    title: &str,
    file_name: &str,
) -> String {
    let property = |name: &str, value: &str| {
        let content = element("significantPropertiesType", name)
            + &element("significantPropertiesValue", value);
        format!("<significantProperties>{content}</significantProperties>")
    };
    let object =
        |kind: &str, content: String| format!("<object xsi:type=\"{kind}\">{content}</object>");
    let folder = property(TYPE, desk_type)
        + &property(SUBTYPE, desk_subtype)
        + &element("originalName", title);
    let file = property(MAIN, "true") + &element("originalName", file_name);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <premis xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" version=\"3.0\">{}{}</premis>",
        object("intellectualEntity", folder),
        object("file", file)
    )
}

/// A name that reads the same in a description and in the header of a part: letters without accents, digits,
/// points, hyphens.
pub(super) fn plain(name: &str) -> String {
    let kept = name.nfd().filter(char::is_ascii);
    kept.map(|c| match c {
        c if c.is_ascii_alphanumeric() => c,
        '.' | '-' | '_' => c,
        _ => '-',
    })
    .collect()
}

/// What a folder says of itself.
#[derive(Debug)]
pub(super) struct Premis {
    events: Vec<Event>,
    /// The main documents.
    pub documents: Vec<Document>,
}

#[derive(Debug)]
struct Event {
    kind: String,
    task: String,
    is_done: bool,
    note: String,
    by: String,
}

/// A document of a folder, as it is described.
#[derive(Debug)]
pub(super) struct Document {
    /// Its file name.
    pub name: String,
    /// Its SHA-256, when it is told.
    pub digest: Option<Digest>,
}

impl Premis {
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let root = Element::parse(bytes)?;
        if root.name != "premis" || root.namespace != NAMESPACE {
            return Err(Unreadable::Missing("premis"));
        }
        let name_of = |id: &str| {
            let agent = root.all("agent").find(|agent| {
                let given = agent.child("agentIdentifier");
                given.is_some_and(|given| given.text_of("agentIdentifierValue") == id)
            });
            agent.map_or_else(String::new, |agent| agent.text_of("agentName").to_owned())
        };
        let events = root.all("event").map(|event| {
            let under = |parent: &str, name: &str| {
                let found = event.child(parent).map(|parent| parent.text_of(name));
                found.unwrap_or_default().to_owned()
            };
            let note = event
                .child("eventOutcomeInformation")
                .and_then(|outcome| outcome.child("eventOutcomeDetail"))
                .map(|detail| detail.text_of("eventOutcomeDetailNote"));
            let agent = under("linkingAgentIdentifier", "linkingAgentIdentifierValue");
            Event {
                kind: event.text_of("eventType").to_owned(),
                task: under("eventIdentifier", "eventIdentifierValue"),
                is_done: !event.text_of("eventDateTime").is_empty(),
                note: note.unwrap_or_default().to_owned(),
                by: name_of(&agent),
            }
        });
        let documents = root.all("object").filter(|object| {
            object.all("significantProperties").any(|property| {
                property.text_of("significantPropertiesType") == MAIN
                    && property.text_of("significantPropertiesValue") == "true"
            })
        });
        Ok(Self {
            events: events.collect(),
            documents: documents.map(document).collect(),
        })
    }

    /// Where the folder stands. What is unknown to us still runs.
    pub fn progress(&self) -> DeskProgress {
        let rejected = self
            .events
            .iter()
            .rposition(|it| it.is_done && it.kind == "REJECT");
        if let Some(at) = rejected
            && self.events[at + 1..].iter().all(|it| it.kind == "DELETE")
        {
            let event = &self.events[at];
            return DeskProgress::Rejected {
                by: event.by.clone().into(),
                reason: match event.note.as_str() {
                    "" => "sans motif".to_owned(),
                    reason => reason.to_owned(),
                },
            };
        }
        let pending = (self.events.iter()).find(|it| !it.is_done && !ASIDE.contains(&&*it.kind));
        match (pending, self.events.last()) {
            (None, Some(last)) if last.kind == "ARCHIVE" => DeskProgress::Finished,
            (Some(event), _) | (None, Some(event)) => DeskProgress::InProgress(event.kind.clone()),
            (None, None) => DeskProgress::InProgress("aucune étape".to_owned()),
        }
    }

    /// The task under which the folder can be taken back: one made for it, or the one that is waited for.
    pub fn task_to_undo(&self) -> Option<&str> {
        let mut pending = self.events.iter().filter(|event| !event.is_done);
        let made_for_it = pending.clone().find(|event| event.kind == "UNDO");
        let task = made_for_it.or_else(|| pending.next())?;
        Some(&task.task)
    }
}

fn document(object: &Element) -> Document {
    let digests = object
        .all("objectCharacteristics")
        .flat_map(|facts| facts.all("fixity"));
    let mut digests = digests.map(|fixity| fixity.text_of("messageDigest").to_lowercase());
    Document {
        name: object.text_of("originalName").to_owned(),
        digest: digests.find_map(|digest| digest.parse().ok()),
    }
}
