//! What keeps a definition from working.

use super::{Action, Definition, Scope, Step, StepId};
use crate::{
    dictionary::{Dictionary, FieldKind, Found},
    template::is_code,
};
use serde::{Deserialize, Serialize};

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
    /// A step comes too late, too early, or twice without conditions.
    #[error(
        "l'étape « {0} » n'est pas à sa place : l'ordre est fusion, PDF, visa, signature ou impression, courrier, rattachement, puis statut, message, publication ; deux étapes de même nature ont chacune une condition"
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
    /// A step that waits for nobody outside has patience.
    #[error(
        "l'étape « {0} » n'attend personne au dehors : « remind_days » et « expire_days » ne vont qu'aux visas, aux signatures et aux impressions"
    )]
    WaitsForNobody(StepId),
    /// A field of a step is empty.
    #[error("le champ « {1} » de l'étape « {0} » est vide")]
    Empty(StepId, &'static str),
    /// What makes the document has a condition.
    #[error("l'étape « {0} » produit le document : elle n'a ni condition ni groupe")]
    MakesTheDocument(StepId),
    /// A visa, a signature or a printing is among steps that are done at once.
    #[error(
        "l'étape « {0} » ne va pas dans un groupe : un visa, une signature ou une impression change le document que les autres remettent"
    )]
    NotInParallel(StepId),
    /// A group of steps that are done at once is interrupted by others.
    #[error("l'étape « {0} » est séparée des autres étapes du groupe « {1} »")]
    Scattered(StepId, String),
    /// A wait says how long and until when, or neither.
    #[error("l'étape « {0} » attend soit une durée (« delay »), soit une date (« until »)")]
    NoEnd(StepId),
    /// A wait names what is no date.
    #[error("l'étape « {0} » attend « {1} », qui n'est pas une date du dictionnaire")]
    NotADate(StepId, String),
    /// What is kept of an answer is not where a JSON pointer may point.
    #[error("l'étape « {0} » : « {1} » n'est pas un chemin JSON comme /numero ou /lignes/0/code")]
    NotAPointer(StepId, String),
    /// An expression of a step cannot be worked out.
    #[error("l'étape « {0} » : {1}")]
    Expression(StepId, String),
}

impl DefinitionFault {
    /// The step that it is about, if it is about one.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Self::BadCode(_) | Self::AcceptsNothing | Self::NoDocument | Self::NoDelivery => None,
            Self::SameName(step)
            | Self::OutOfOrder(step)
            | Self::NeedsDossier(step)
            | Self::WaitsForNobody(step)
            | Self::Empty(step, _)
            | Self::MakesTheDocument(step)
            | Self::NotInParallel(step)
            | Self::Scattered(step, _)
            | Self::NoEnd(step)
            | Self::NotADate(step, _)
            | Self::NotAPointer(step, _)
            | Self::Expression(step, _) => Some(step),
        }
    }
}

/// The place in the order of things of the first who receives the document.
const REGISTERED: u8 = 4;

/// The place in the order of things of those who receive the document, which come in any order.
const LAST: u8 = 6;

impl Action {
    /// Its place in the order of things; none for what may come anywhere once there is a document.
    pub fn rank(&self) -> Option<u8> {
        match self {
            Self::Merge => Some(0),
            Self::Convert => Some(1),
            Self::Visa { .. } => Some(2),
            Self::Sign { .. } | Self::Print => Some(3),
            Self::Register => Some(REGISTERED),
            Self::Attach => Some(5),
            Self::Notify | Self::Email { .. } | Self::Publish => Some(LAST),
            Self::Approve | Self::Call { .. } | Self::Wait { .. } => None,
        }
    }

    /// Whether somebody outside has something of it that cannot be taken back: the mail register, the dossier,
    /// the applicant, a web service.
    pub fn hands_over(&self) -> bool {
        matches!(self, Self::Call { .. }) || self.rank().is_some_and(|rank| rank >= REGISTERED)
    }

    /// Whether a document has it once at most: of several, the first whose condition holds is done.
    pub fn is_exclusive(&self) -> bool {
        self.rank().is_some_and(|rank| rank < LAST)
    }
}

/// Everything that keeps this definition from working by itself.
pub(super) fn faults(definition: &Definition) -> Vec<DefinitionFault> {
    use DefinitionFault as F;
    let mut faults = Vec::new();
    for code in [&definition.code, &definition.template] {
        if !is_code(code) {
            faults.push(F::BadCode(code.clone()));
        }
    }
    if definition.accepts.is_empty() {
        faults.push(F::AcceptsNothing);
    }
    let steps = &definition.steps;
    if steps
        .get(..2)
        .is_none_or(|first| first[0].action != Action::Merge || first[1].action != Action::Convert)
    {
        faults.push(F::NoDocument);
    }
    if !steps.iter().any(|step| step.action.rank() == Some(LAST)) {
        faults.push(F::NoDelivery);
    }
    for (index, step) in steps.iter().enumerate() {
        of_place(definition, &steps[..index], step, &mut faults);
        of_step(definition, step, &mut faults);
    }
    faults
}

/// What is wrong with a step after those `before` it.
fn of_place(
    definition: &Definition,
    before: &[Step],
    step: &Step,
    faults: &mut Vec<DefinitionFault>,
) {
    use DefinitionFault as F;
    if before.iter().any(|other| other.id == step.id) {
        faults.push(F::SameName(step.id.clone()));
    }
    let alternatives = |other: &Step| other.when.is_some() && step.when.is_some();
    let in_order = |other: &Step| {
        let (Some(one), Some(two)) = (other.action.rank(), step.action.rank()) else {
            return true;
        };
        let at_once = step.parallel.is_some() && step.parallel == other.parallel;
        if one == two {
            one == LAST || (alternatives(other) && !at_once)
        } else {
            at_once || one < two
        }
    };
    if !before.iter().all(in_order) {
        faults.push(F::OutOfOrder(step.id.clone()));
    }
    let group = |step: &Step| step.parallel.clone();
    if let Some(name) = group(step)
        && before.last().is_some_and(|last| group(last) != group(step))
        && before.iter().any(|other| group(other) == group(step))
    {
        faults.push(F::Scattered(step.id.clone(), name));
    }
    if definition.scope == Scope::Batch && step.action.needs_dossier() {
        faults.push(F::NeedsDossier(step.id.clone()));
    }
}

/// What is wrong with a step by itself.
fn of_step(definition: &Definition, step: &Step, faults: &mut Vec<DefinitionFault>) {
    use DefinitionFault as F;
    let id = || step.id.clone();
    match step.action {
        Action::Merge | Action::Convert if step.when.is_some() || step.parallel.is_some() => {
            faults.push(F::MakesTheDocument(id()));
        }
        Action::Visa { .. } | Action::Sign { .. } | Action::Print if step.parallel.is_some() => {
            faults.push(F::NotInParallel(id()));
        }
        _ => {}
    }
    let has_patience = step.remind_days.is_some() || step.expire_days.is_some();
    if has_patience && !step.action.waits_for_people() {
        faults.push(F::WaitsForNobody(id()));
    }
    let blank = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
    for (text, field) in [(&step.when, "when"), (&step.parallel, "parallel")] {
        if blank(text) {
            faults.push(F::Empty(id(), field));
        }
    }
    if let Some(field) = step.action.empty_field() {
        faults.push(F::Empty(id(), field));
    }
    if let Action::Call { keep, .. } = &step.action {
        let wrong = keep.values().filter(|pointer| !pointer.starts_with('/'));
        faults.extend(wrong.map(|pointer| F::NotAPointer(id(), pointer.clone())));
    }
    if let Action::Wait { delay, until } = &step.action {
        match (delay, until) {
            (Some(_), None) => {}
            (None, Some(path)) => {
                let dictionary = Dictionary::of(definition.scope);
                let is_date = match dictionary.find(path) {
                    Found::Field(field) => field.kind == FieldKind::Date && !path.contains("[]"),
                    // What authorities add is text: whether it is a date is seen in each dossier.
                    Found::Custom { .. } => !path.contains("[]"),
                    Found::Image { .. } | Found::Unknown => false,
                };
                if !is_date {
                    faults.push(F::NotADate(id(), path.clone()));
                }
            }
            (Some(_), Some(_)) | (None, None) => faults.push(F::NoEnd(id())),
        }
    }
}
