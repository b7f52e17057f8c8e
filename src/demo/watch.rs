//! How far a batch is, step by step, as the projections tell it: bars on a terminal, lines elsewhere.

use crate::{
    app::App,
    cli::say,
    workers::{Stop, stopped},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use navette_domain::{
    chain::{Action, Definition},
    ids::BatchId,
};
use navette_projections::{documents, timeline};
use std::{
    collections::HashMap,
    io::{self, IsTerminal as _},
    time::Instant,
};

/// One step of a chain: the event that ends it, and what a clerk calls it.
pub(super) fn step_words(action: &Action) -> (&'static str, &'static str) {
    match action {
        Action::Merge => ("document.merged", "Fusion"),
        Action::Convert => ("document.converted", "PDF"),
        Action::Visa { .. } => ("document.visaed", "Visa"),
        Action::Sign { .. } => ("document.signed", "Signature"),
        Action::Print => ("document.scan_returned", "Signature sur papier"),
        Action::Register => ("document.registered", "Courrier"),
        Action::Attach => ("document.attached", "Rattachement"),
        Action::Notify => ("document.reported", "Statut"),
        Action::Email { .. } => ("document.emailed", "Message"),
        Action::Publish => ("document.published", "Porte-documents"),
        Action::Call { .. } => ("document.called", "Appel"),
        Action::Approve => ("document.approved", "Approbation"),
        Action::Wait { .. } => ("document.wait_ended", "Attente"),
    }
}

struct Row {
    event: &'static str,
    label: &'static str,
    bar: Option<ProgressBar>,
    done: i64,
}

/// Watches a batch until all its documents are over or wait for a person, or until told to stop.
pub(super) async fn watch(
    app: &App,
    definition: &Definition,
    batch: BatchId,
    stop: &Stop,
) -> anyhow::Result<()> {
    let (began, bars) = (Instant::now(), MultiProgress::new());
    let mut rows = rows(definition, &bars)?;
    let (mut standing, mut stop) = (app.projections.standing(), stop.clone());
    loop {
        let events: HashMap<String, i64> = timeline::documents_by_event(&app.pool, batch.0)
            .await?
            .into_iter()
            .collect();
        let progress = documents::progress(&app.pool, &[batch.0]).await?;
        let Some(progress) = progress.first() else {
            return Ok(());
        };
        for row in &mut rows {
            let done = events.get(row.event).copied().unwrap_or(0);
            row.show(done, progress.total, began);
        }
        let settled = progress.over + progress.needing_attention;
        if progress.total > 0 && settled >= progress.total {
            return Ok(());
        }
        tokio::select! {
            moved = standing.changed() => moved?,
            () = stopped(&mut stop) => return Ok(()),
        }
    }
}

fn rows(definition: &Definition, bars: &MultiProgress) -> anyhow::Result<Vec<Row>> {
    let style = ProgressStyle::with_template("  {prefix:16} {bar:40.cyan/blue} {pos:>5}/{len}")?;
    let on_terminal = io::stdout().is_terminal();
    let row = |step: &navette_domain::chain::Step| {
        let (event, label) = step_words(&step.action);
        let bar = on_terminal.then(|| {
            bars.add(
                ProgressBar::new(0)
                    .with_style(style.clone())
                    .with_prefix(label),
            )
        });
        Row {
            event,
            label,
            bar,
            done: 0,
        }
    };
    Ok(definition.steps.iter().map(row).collect())
}

impl Row {
    fn show(&mut self, done: i64, total: i64, began: Instant) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total.unsigned_abs());
                bar.set_position(done.unsigned_abs());
                if done == total {
                    bar.abandon();
                }
            }
            None if done == total && self.done < done => say(&format!(
                "  {:16} {done}/{total} après {:.1} s",
                self.label,
                began.elapsed().as_secs_f32()
            )),
            None => {}
        }
        self.done = done;
    }
}
