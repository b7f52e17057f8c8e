//! What a chain says, and whether it can work.

use super::{DefinitionFault, Delay, fault};
use crate::{dossier::DossierStatus, ports::Neighbour};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, num::NonZeroU16};

/// The name of a step, unique in its chain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(pub String);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How many documents a batch makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One for each dossier.
    Dossier,
    /// One for the whole batch.
    Batch,
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// The dossier's third party.
    Applicant,
    /// Whoever started the batch.
    Requester,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Merges the data into the template.
    Merge,
    /// Makes the PDF.
    Convert,
    /// Circulates the PDF for visa.
    Visa {
        /// The folder in which it circulates.
        folder: String,
        /// The approval rule, by its name.
        circuit: String,
    },
    /// Has the PDF signed, and brings it back.
    Sign {
        /// The desk's type.
        desk_type: String,
        /// The desk's subtype.
        desk_subtype: String,
    },
    /// Waits for the letter to be printed, signed by hand, and to come back as a scan.
    Print,
    /// Registers the letter with mail management.
    Register,
    /// Attaches the PDF to the dossier in the grants tool; that of a whole batch, to each of its dossiers.
    Attach,
    /// Tells the grants tool that the dossier is notified, and notifies it here.
    Notify,
    /// Sends a message with the PDF's news.
    Email {
        /// To whom.
        to: Recipient,
    },
    /// Puts the PDF in the applicant's porte-documents.
    Publish,
    /// Asks a person who has the right to, in Navette, whether the document may go on.
    Approve,
    /// Calls a web service, and keeps what it answers.
    Call {
        /// Its name in the configuration.
        service: String,
        /// What is sent: a template of JSON over the fields of templates.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// What is kept of the answer: a name, and where it stands as a JSON pointer.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        keep: BTreeMap<String, String>,
    },
    /// Waits for a while, or until a day that the dossier names.
    Wait {
        /// For how long.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delay: Option<Delay>,
        /// Until the beginning of this day: a date of the dictionary.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
    },
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub id: StepId,
    /// The condition under which it is done: an expression over the fields of templates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// The group of steps with which it is done at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<String>,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
    /// While it waits for people: after how many days whoever asked for the document is reminded, each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_days: Option<NonZeroU16>,
    /// After how many days of waiting for people the document stops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_days: Option<NonZeroU16>,
}

impl Step {
    /// A step that is always done, after the one before it.
    pub fn new(id: StepId, action: Action) -> Self {
        Self {
            id,
            when: None,
            parallel: None,
            action,
            remind_days: None,
            expire_days: None,
        }
    }
}

/// What a chain says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// The name that programs use.
    pub code: String,
    /// The name that clerks read, which begins the title of its documents.
    pub label: String,
    /// How many documents a batch makes.
    pub scope: Scope,
    /// The code of the template it uses unless the batch names another.
    pub template: String,
    /// The statuses of the dossiers it accepts.
    pub accepts: Vec<DossierStatus>,
    /// Its steps, in order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

impl Action {
    /// Who does it.
    pub fn neighbour(&self) -> Neighbour {
        match self {
            Self::Merge | Self::Convert | Self::Print | Self::Approve | Self::Wait { .. } => {
                Neighbour::Office
            }
            Self::Visa { .. } => Neighbour::Nextcloud,
            Self::Sign { .. } => Neighbour::IParapheur,
            Self::Register => Neighbour::MaarchCourrier,
            Self::Attach | Self::Notify => Neighbour::GrantsTool,
            Self::Email { .. } => Neighbour::Smtp,
            Self::Publish => Neighbour::PorteDocuments,
            Self::Call { .. } => Neighbour::WebServices,
        }
    }

    /// Whether it waits for people outside.
    pub(super) fn waits_for_people(&self) -> bool {
        matches!(self, Self::Visa { .. } | Self::Sign { .. } | Self::Print)
    }

    pub(super) fn needs_dossier(&self) -> bool {
        match self {
            Self::Register
            | Self::Notify
            | Self::Publish
            | Self::Email {
                to: Recipient::Applicant,
            } => true,
            Self::Merge
            | Self::Convert
            | Self::Visa { .. }
            | Self::Sign { .. }
            | Self::Print
            | Self::Attach
            | Self::Approve
            | Self::Call { .. }
            | Self::Wait { .. }
            | Self::Email {
                to: Recipient::Requester,
            } => false,
        }
    }

    pub(super) fn empty_field(&self) -> Option<&'static str> {
        match self {
            Self::Call { service, .. } if service.trim().is_empty() => Some("service"),
            Self::Visa { folder, .. } if folder.trim().is_empty() => Some("folder"),
            Self::Visa { circuit, .. } if circuit.trim().is_empty() => Some("circuit"),
            Self::Sign { desk_type, .. } if desk_type.trim().is_empty() => Some("desk_type"),
            Self::Sign { desk_subtype, .. } if desk_subtype.trim().is_empty() => {
                Some("desk_subtype")
            }
            _ => None,
        }
    }
}

impl Definition {
    /// Everything that keeps this definition from working; nothing when it can.
    pub fn faults(&self) -> Vec<DefinitionFault> {
        fault::faults(self)
    }

    /// The step of this name.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// This step and those that are done after it: not those of its own group.
    pub fn from(&self, id: &StepId) -> Vec<&StepId> {
        let Some(at) = self.steps.iter().position(|step| step.id == *id) else {
            return vec![];
        };
        let group = self.steps[at].parallel.as_ref();
        let after = self.steps[at..]
            .iter()
            .filter(|step| step.id == *id || group.is_none() || step.parallel.as_ref() != group);
        after.map(|step| &step.id).collect()
    }

    /// The steps that can be done once `done` are over: the first of the others, with those of its group.
    pub fn ready(&self, done: &[StepId]) -> Vec<&Step> {
        let mut left = self.steps.iter().filter(|step| !done.contains(&step.id));
        let Some(first) = left.next() else {
            return vec![];
        };
        let group = first.parallel.as_ref();
        let others = left.filter(|step| group.is_some() && step.parallel.as_ref() == group);
        std::iter::once(first).chain(others).collect()
    }

    /// The step that was taken in place of this one: of several of one nature, one is done.
    pub fn taken_instead(&self, taken: &[StepId], step: &Step) -> Option<&StepId> {
        let others = self.steps.iter().filter(|other| {
            step.action.is_exclusive()
                && other.id != step.id
                && other.action.rank() == step.action.rank()
        });
        others
            .map(|other| &other.id)
            .find(|other| taken.contains(other))
    }
}
