//! `historique.html`: what a person reads. It stands alone, and prints.

use super::pack::Contents;
use crate::clock::paris_time;
use anyhow::Context as _;
use minijinja::{Environment, Value, context};
use navette_domain::{
    digest::Digest,
    history::{Change, State, Step, files, steps},
};
use std::collections::BTreeMap;

const NAME: &str = "historique.html";

/// The page of a history. `kept` says the path of each file in the bundle; the others are gone.
pub(super) fn page(contents: &Contents, kept: &BTreeMap<Digest, String>) -> anyhow::Result<String> {
    let (events, checkpoint) = (&contents.read, &contents.checkpoint);
    let stamp = contents.stamp.as_ref().map(|(_, stamp)| {
        context! { at => paris_time(stamp.at), authority => stamp.authority.clone() }
    });
    let state = State::of(events, None).fields();
    let reference = state
        .iter()
        .find(|field| field.key == "dossier.reference")
        .map(|field| field.value.clone());
    let fields: Vec<Value> = state
        .into_iter()
        .map(|field| context! { label => field.label, value => field.value })
        .collect();
    let mut named = vec![];
    for recorded in events {
        for file in files(&recorded.event) {
            named.push(context! {
                position => recorded.position,
                label => file.label,
                digest => file.digest.to_string(),
                path => kept.get(&file.digest).cloned(),
            });
        }
    }
    let steps: Vec<Value> = steps(events).map(step).collect();
    let said = context! {
        reference => reference,
        origin => checkpoint.origin(),
        size => checkpoint.size,
        stamp => stamp,
        fields => fields,
        files => named,
        steps => steps,
    };
    // The name's ending is what makes minijinja escape every value.
    let mut environment = Environment::new();
    environment.add_template(NAME, include_str!("assets/historique.html"))?;
    let page = environment.get_template(NAME)?.render(said);
    page.context("writing the page of a history")
}

fn step(step: Step) -> Value {
    let actor = step.actor.strip_prefix("token:").unwrap_or(&step.actor);
    let changes: Vec<Value> = step.changes.iter().map(change).collect();
    context! {
        position => step.position,
        at => paris_time(step.at),
        actor => actor.to_owned(),
        event_type => step.event_type,
        sentence => step.sentence,
        changes => changes,
    }
}

fn change(change: &Change) -> Value {
    let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "—".to_owned());
    context! {
        label => change.label.clone(),
        before => said(&change.before),
        after => said(&change.after),
    }
}
