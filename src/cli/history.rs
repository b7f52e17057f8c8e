//! `navette history`.

use super::say;
use crate::{app::Database, clock::paris_time, config::Config, history, workers::Projections};
use clap::Args;
use navette_adapters::log::Log;
use navette_domain::{
    event::Recorded,
    history::{Change, Field, Moment, State, Step, difference, steps},
    ids::DossierId,
};
use navette_projections::dossiers;
use sqlx::PgPool;

/// The options of `navette history`. A moment is a position of the log, a day or a time.
#[derive(Debug, Args)]
pub struct History {
    /// The dossier: its reference or its id.
    dossier: String,
    /// The moment at which to look at it; now unless told.
    #[arg(long, value_name = "MOMENT", value_parser = history::moment)]
    as_of: Option<Moment>,
    /// What changed since this moment, instead of the whole state.
    #[arg(long, value_name = "MOMENT", value_parser = history::moment, conflicts_with = "steps")]
    since: Option<Moment>,
    /// Each event, with what it changed.
    #[arg(long)]
    steps: bool,
}

pub(super) async fn history(options: &History, config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    let told = options.tell(database.log()).await;
    database.close().await;
    told.map(|lines| lines.iter().for_each(|line| say(line)))
}

/// The dossier that people call by its reference or its id.
pub(super) async fn dossier(pool: &PgPool, name: &str) -> anyhow::Result<DossierId> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    match *dossiers::ids_of_reference(pool, name).await? {
        [] => anyhow::bail!("no dossier has the reference or id `{name}`"),
        [id] => Ok(DossierId(id)),
        [first, ..] => anyhow::bail!(
            "several dossiers have the reference `{name}`: name one by its id, such as {first}"
        ),
    }
}

impl History {
    async fn tell(&self, log: Log) -> anyhow::Result<Vec<String>> {
        let pool = log.pool().clone();
        // Nobody may be following the log now.
        let projections = Projections::open(log.clone(), navette_projections::all()).await?;
        projections.catch_up().await?;
        let dossier = dossier(&pool, &self.dossier).await?;
        let mut events = history::of_dossier(&log, &pool, dossier).await?;
        anyhow::ensure!(!events.is_empty(), "no dossier has the id {}", self.dossier);
        if let Some(moment) = self.as_of {
            events.retain(|recorded| moment.includes(recorded));
        }
        Ok(self.lines(&events))
    }

    fn lines(&self, events: &[Recorded]) -> Vec<String> {
        let Some(last) = events.last() else {
            return vec!["Le dossier n'existait pas encore.".to_owned()];
        };
        if self.steps {
            return steps(events).flat_map(|told| step(&told)).collect();
        }
        let now = State::of(events, None).fields();
        let (title, lines): (_, Vec<String>) = match self.since {
            None => ("État du dossier", now.iter().map(field).collect()),
            Some(since) => {
                let before = State::of(events, Some(since)).fields();
                let changes = difference(&before, &now);
                ("Ce qui a changé", changes.iter().map(change).collect())
            }
        };
        let title = format!(
            "{title}, après la position {} du journal ({})",
            last.position,
            paris_time(last.recorded_at)
        );
        [title].into_iter().chain(lines).collect()
    }
}

fn step(step: &Step) -> Vec<String> {
    let (position, at) = (step.position, paris_time(step.at));
    let title = format!("{position}  {at}  {}  {}", step.actor, step.sentence);
    let changes = step.changes.iter().map(change);
    [title].into_iter().chain(changes).collect()
}

fn field(field: &Field) -> String {
    format!("  {} : {}", field.label, field.value)
}

fn change(change: &Change) -> String {
    let label = &change.label;
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("  {label} : {before} → {after}"),
        (None, Some(after)) => format!("  {label} : {after}"),
        (Some(before), None) => format!("  {label} : {before} → (plus rien)"),
        (None, None) => format!("  {label}"),
    }
}
