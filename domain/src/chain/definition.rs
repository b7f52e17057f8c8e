//! What a chain says, and whether it can work.

use crate::{dossier::DossierStatus, template::is_code};
use serde::{Deserialize, Serialize};
use std::{fmt, num::NonZeroU16};

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
    /// Registers the letter with mail management.
    Register,
    /// Attaches the PDF to the dossier in the grants tool.
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
}

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub id: StepId,
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

/// Why a definition cannot work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DefinitionFault {
    /// The code is not made of lower-case letters, digits and hyphens.
    #[error("le code « {0} » ne doit contenir que des minuscules, des chiffres et des tirets")]
    BadCode(String),
    /// No status is accepted.
    #[error("« accepts » ne nomme aucun statut de dossier")]
    AcceptsNothing,
    /// Two steps have the same name.
    #[error("deux étapes s'appellent « {0} »")]
    SameName(StepId),
    /// A step comes too late, too early or twice.
    #[error(
        "l'étape « {0} » n'est pas à sa place : l'ordre est fusion, PDF, visa, signature, courrier, rattachement, puis statut, message, publication"
    )]
    OutOfOrder(StepId),
    /// The chain does not begin with merge and convert.
    #[error("une chaîne commence par une étape « merge » puis une étape « convert »")]
    NoDocument,
    /// Nobody receives the document.
    #[error("une chaîne se termine par une étape « notify », « email » ou « publish »")]
    NoDelivery,
    /// A step needs one dossier, and the chain makes one document for the whole batch.
    #[error("l'étape « {0} » demande un dossier, mais la chaîne produit un document par lot")]
    NeedsDossier(StepId),
    /// A step that waits for nobody has patience.
    #[error(
        "l'étape « {0} » n'attend personne : « remind_days » et « expire_days » ne vont qu'aux visas et aux signatures"
    )]
    WaitsForNobody(StepId),
    /// A field of a step is empty.
    #[error("le champ « {1} » de l'étape « {0} » est vide")]
    Empty(StepId, &'static str),
}

impl Action {
    /// Its place in the order of things; steps of the last place may come in any order.
    fn rank(&self) -> u8 {
        match self {
            Self::Merge => 0,
            Self::Convert => 1,
            Self::Visa { .. } => 2,
            Self::Sign { .. } => 3,
            Self::Register => 4,
            Self::Attach => 5,
            Self::Notify | Self::Email { .. } | Self::Publish => 6,
        }
    }

    fn waits_for_people(&self) -> bool {
        matches!(self, Self::Visa { .. } | Self::Sign { .. })
    }

    fn needs_dossier(&self) -> bool {
        match self {
            Self::Register
            | Self::Attach
            | Self::Notify
            | Self::Publish
            | Self::Email {
                to: Recipient::Applicant,
            } => true,
            Self::Merge
            | Self::Convert
            | Self::Visa { .. }
            | Self::Sign { .. }
            | Self::Email {
                to: Recipient::Requester,
            } => false,
        }
    }

    fn empty_field(&self) -> Option<&'static str> {
        match self {
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
        let mut faults = Vec::new();
        if !is_code(&self.code) {
            faults.push(DefinitionFault::BadCode(self.code.clone()));
        }
        if !is_code(&self.template) {
            faults.push(DefinitionFault::BadCode(self.template.clone()));
        }
        if self.accepts.is_empty() {
            faults.push(DefinitionFault::AcceptsNothing);
        }
        if self.steps.get(..2).is_none_or(|first| {
            first[0].action != Action::Merge || first[1].action != Action::Convert
        }) {
            faults.push(DefinitionFault::NoDocument);
        }
        if self.steps.last().is_none_or(|last| last.action.rank() < 6) {
            faults.push(DefinitionFault::NoDelivery);
        }
        for (index, step) in self.steps.iter().enumerate() {
            let before = &self.steps[..index];
            if before.iter().any(|other| other.id == step.id) {
                faults.push(DefinitionFault::SameName(step.id.clone()));
            }
            if before.iter().any(|other| {
                other.action.rank() > step.action.rank()
                    || (other.action.rank() == step.action.rank() && step.action.rank() < 6)
            }) {
                faults.push(DefinitionFault::OutOfOrder(step.id.clone()));
            }
            if self.scope == Scope::Batch && step.action.needs_dossier() {
                faults.push(DefinitionFault::NeedsDossier(step.id.clone()));
            }
            let has_patience = step.remind_days.is_some() || step.expire_days.is_some();
            if has_patience && !step.action.waits_for_people() {
                faults.push(DefinitionFault::WaitsForNobody(step.id.clone()));
            }
            if let Some(field) = step.action.empty_field() {
                faults.push(DefinitionFault::Empty(step.id.clone(), field));
            }
        }
        faults
    }

    /// The step of this name.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// The first step that is not among `done`.
    pub fn after(&self, done: &[StepId]) -> Option<&Step> {
        self.steps.iter().find(|step| !done.contains(&step.id))
    }
}
