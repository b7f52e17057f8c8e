//! Takes dossiers in: those of a file of subsidies, each row of which becomes a third party and a dossier that
//! is already granted, or those of a tool that takes them in from applicants (`source.rs`).
//!
//! Rows are taken in groups, and a group is written whole or not at all. Ids follow from the rows, so a
//! file that is imported again, even after a crash in its middle, adds only what is missing.

#![expect(
    clippy::disallowed_methods,
    reason = "a group of rows is a command of its own"
)]

mod draft;
mod source;

pub use source::{Watermark, import_source};

use crate::{
    dispatch::Dispatcher,
    unit::{Belonging, Envelope, Unit},
};
use anyhow::Context as _;
use draft::Draft;
use navette_adapters::{
    log::{AppendRefusal, StreamState},
    subsidies::{FileFault, ImportReport, Row, SubsidyFile},
};
use navette_domain::{
    digest::Digest, dossier::Dossier, event::Decider as _, ids::CommandId, third_party::ThirdParty,
};
use std::collections::HashMap;
use uuid::Uuid;

/// How many rows are decided and written together.
const GROUP: usize = 500;
/// How often a group is decided anew because one of its streams has moved.
const TRIES: u32 = 10;
/// The actor of what an import writes.
const ACTOR: &str = "cli:import";

/// Why an import stopped. The groups written before stay: importing again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    /// The file cannot be read, or not to its end.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The log cannot be read or written.
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

/// Imports `file`, or only says what it would do. `tell` receives one line for each row that is refused, or
/// accepted without something.
pub async fn import(
    dispatcher: &Dispatcher,
    mut file: SubsidyFile,
    dry_run: bool,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<ImportReport, ImportFailure> {
    let mut report = ImportReport::default();
    loop {
        let (rest, rows) = tokio::task::spawn_blocking(move || {
            let rows: Vec<_> = file.by_ref().take(GROUP).collect();
            (file, rows)
        })
        .await
        .context("reading the file")?;
        file = rest;
        if rows.is_empty() {
            return Ok(report);
        }
        let (mut drafts, mut broken) = (vec![], None);
        for row in rows {
            match row {
                Ok(Row::Accepted(row)) => drafts.push(Draft::of(*row)),
                Ok(Row::Refused(refused)) => {
                    report.refused += 1;
                    tell(&refused.to_string());
                }
                Err(fault) => broken = Some(fault),
            }
        }
        let verdicts = Group::new(dispatcher, &drafts, dry_run).take().await?;
        for (draft, verdict) in drafts.iter().zip(verdicts) {
            count(&mut report, draft, verdict, tell);
        }
        if let Some(fault) = broken {
            return Err(fault.into());
        }
    }
}

/// What became of one row.
enum Verdict {
    Accepted,
    Unchanged,
    Refused(String),
}

fn count(
    report: &mut ImportReport,
    draft: &Draft,
    verdict: Verdict,
    tell: &mut (dyn FnMut(&str) + Send),
) {
    match verdict {
        Verdict::Accepted => {
            report.accepted += 1;
            if let Some(warning) = &draft.warning {
                report.without_siret += 1;
                tell(warning);
            }
        }
        Verdict::Unchanged => report.unchanged += 1,
        Verdict::Refused(sentence) => {
            report.refused += 1;
            let reference = &draft.request.reference;
            tell(&format!("{}dossier {reference} : {sentence}", draft.place));
        }
    }
}

/// Rows that are decided and written together.
struct Group<'a> {
    dispatcher: &'a Dispatcher,
    drafts: &'a [Draft],
    dry_run: bool,
    envelope: Envelope,
}

impl<'a> Group<'a> {
    fn new(dispatcher: &'a Dispatcher, drafts: &'a [Draft], dry_run: bool) -> Self {
        let command = CommandId(Uuid::now_v7());
        let envelope = Envelope {
            command,
            content: Digest::of(command.0.as_bytes()),
            actor: ACTOR.to_owned(),
            expected_version: None,
        };
        Self {
            dispatcher,
            drafts,
            dry_run,
            envelope,
        }
    }

    async fn take(&self) -> anyhow::Result<Vec<Verdict>> {
        let mut tries = 0;
        loop {
            let (unit, verdicts) = self.decide().await?;
            let commit = unit.into_commit();
            // A group that says nothing new leaves no trace at all.
            let silent = commit.streams.iter().all(|stream| stream.events.is_empty());
            if silent || self.dry_run {
                return Ok(verdicts);
            }
            match self.dispatcher.log().append(commit).await {
                Ok(_) => return Ok(verdicts),
                Err(AppendRefusal::Conflict { .. }) if tries < TRIES => tries += 1,
                Err(refusal) => return Err(refusal).context("writing a group of rows"),
            }
        }
    }

    async fn decide(&self) -> anyhow::Result<(Unit, Vec<Verdict>)> {
        let log = self.dispatcher.log();
        let ids: Vec<Uuid> = self.drafts.iter().map(|draft| draft.dossier.0).collect();
        let mut dossiers = log.load_many(&ids).await.context("loading dossiers")?;
        let ids: Vec<Uuid> = self
            .drafts
            .iter()
            .map(|draft| draft.request.third_party.0)
            .collect();
        let mut parties = log.load_many(&ids).await.context("loading third parties")?;
        let mut unit = Unit::new(&self.envelope, self.dispatcher.now());
        let verdicts = self
            .drafts
            .iter()
            .map(|draft| decide_row(&mut unit, draft, &mut parties, &mut dossiers))
            .collect();
        Ok((unit, verdicts))
    }
}

/// The dossier is judged first: a row that is refused must not leave its third party behind.
fn decide_row(
    unit: &mut Unit,
    draft: &Draft,
    parties: &mut HashMap<Uuid, StreamState<ThirdParty>>,
    dossiers: &mut HashMap<Uuid, StreamState<Dossier>>,
) -> Verdict {
    let dossier = dossiers.entry(draft.dossier.0).or_default();
    let command = draft.command(&dossier.state, unit.at());
    match dossier.state.decide(command.clone()) {
        Ok(events) if events.is_empty() => return Verdict::Unchanged,
        Ok(_) => {}
        Err(refusal) => return Verdict::Refused(refusal.to_string()),
    }
    let party = draft.request.third_party.0;
    let register = draft.register(unit.at());
    // One that is known under another profile stays as it is: a file does not overwrite what a clerk wrote.
    let _ = unit.decide(
        party,
        parties.entry(party).or_default(),
        Belonging::default(),
        register,
    );
    let belonging = Belonging {
        batch: None,
        dossier: Some(draft.dossier),
    };
    match unit.decide(draft.dossier.0, dossier, belonging, command) {
        Ok(_) => Verdict::Accepted,
        Err(refusal) => Verdict::Refused(refusal.to_string()),
    }
}
