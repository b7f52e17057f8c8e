//! Moving a document to another version of its chain: what it would do from then on, and whether that can be.

use super::{Definition, Step, StepId};
use crate::document::{DocumentRefusal, Journey};
use std::mem::discriminant;

/// What another version of its chain means for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The steps that stay done.
    pub done: Vec<StepId>,
    /// The steps that are left, in order: those under way go on, under what this version says of them.
    pub left: Vec<StepId>,
    /// Those of them that the present version has not.
    pub added: Vec<StepId>,
    /// The steps that are left on the present version, and not on the other.
    pub dropped: Vec<StepId>,
    /// The steps that begin at once, beside those under way.
    pub begins: Vec<StepId>,
}

impl Migration {
    /// From one version to another, for a document that stands there.
    ///
    /// # Errors
    ///
    /// [`DocumentRefusal::OtherPath`] when a step that is done is not in that version or is another there, or when a
    /// step that is under way is not the next one there, under the same condition: what it brings would be lost.
    pub fn between(
        from: &Definition,
        to: &Definition,
        journey: &Journey,
    ) -> Result<Self, DocumentRefusal> {
        if from.scope != to.scope {
            return Err(DocumentRefusal::OtherScope);
        }
        let other_path = |step: &StepId| DocumentRefusal::OtherPath(step.clone());
        for done in &journey.done {
            let same = from.step(done).zip(to.step(done));
            if !same.is_some_and(|(from, to)| is_same(from, to)) {
                return Err(other_path(done));
            }
        }
        let (stands, goes_on) = (from.ready(&journey.done), to.ready(&journey.done));
        for step in &stands {
            let there = goes_on.iter().find(|there| there.id == step.id);
            if !there.is_some_and(|there| is_same(step, there) && step.when == there.when) {
                return Err(other_path(&step.id));
            }
        }
        let left = |of: &Definition| -> Vec<StepId> {
            let left = of.steps.iter().map(|step| &step.id);
            left.filter(|step| !journey.done.contains(step))
                .cloned()
                .collect()
        };
        let (before, left) = (left(from), left(to));
        let not_in = |others: &[StepId], steps: &[StepId]| -> Vec<StepId> {
            let new = steps.iter().filter(|step| !others.contains(step));
            new.cloned().collect()
        };
        let is_under_way = |step: &Step| stands.iter().any(|under_way| under_way.id == step.id);
        let begins = goes_on.iter().filter(|step| !is_under_way(step));
        Ok(Self {
            done: journey.done.clone(),
            added: not_in(&before, &left),
            dropped: not_in(&left, &before),
            begins: begins.map(|step| step.id.clone()).collect(),
            left,
        })
    }
}

/// Whether both do the same thing, wherever they do it.
fn is_same(one: &Step, other: &Step) -> bool {
    discriminant(&one.action) == discriminant(&other.action)
}
