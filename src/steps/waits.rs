//! Waiting for people: until when, and what is done about it meanwhile.

use super::{Errand, Outcome, Report, StepFailure, StepResult, Steps};
use crate::clock;
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use navette_adapters::log::StreamState;
use navette_domain::{
    batch::Batch,
    chain::{Action, Due, due},
    document::DocumentCommand,
    letters,
    personal::Personal,
    ports::{Email, Tray},
};

impl Steps {
    /// Nothing has moved yet in this tray: what the wait calls for.
    pub(super) fn waits(&self, errand: &Errand<'_>, tray: Tray, mark: String) -> StepResult {
        self.waited(errand, |until| Outcome::Waits { tray, mark, until })
    }

    /// No scan has come yet: what the wait calls for. It is looked at once a day, since its chain may have been given
    /// another patience.
    pub(super) fn watch_scan(&self, errand: &Errand<'_>) -> StepResult {
        let tomorrow = self.clock.now() + TimeDelta::days(1);
        self.waited(errand, |until| {
            Outcome::NotBefore(until.map_or(tomorrow, |until| until.min(tomorrow)))
        })
    }

    /// What the wait of a step for people calls for; if for nothing but patience until some moment, `rests`.
    fn waited(
        &self,
        errand: &Errand<'_>,
        rests: impl FnOnce(Option<DateTime<Utc>>) -> Outcome,
    ) -> StepResult {
        let step = errand
            .definition
            .step(&errand.claimed.effect.step)
            .context("the chain has no such step")?;
        let now = self.clock.now();
        match due(step, errand.journey, now) {
            Due::Nothing(until) => Ok(rests(until)),
            Due::Reminder => Ok(Outcome::document(DocumentCommand::RecordReminded {
                step: errand.step(),
                at: now,
            })),
            Due::Stop(days) if step.action == Action::Print => Err(StepFailure::Stuck(format!(
                "Le courrier signé n'est pas revenu depuis {days} jours : numérisez-le s'il est là, relancez pour l'attendre encore autant, ou annulez le document."
            ))),
            Due::Stop(days) => Err(StepFailure::Stuck(format!(
                "Personne n'a répondu depuis {days} jours : voyez avec la personne qui doit s'en charger, puis relancez pour attendre encore autant, ou annulez le document."
            ))),
        }
    }

    /// A word to whoever asked for the document, if it still waits and they have an address.
    pub(super) async fn remind(&self, errand: &Errand<'_>) -> StepResult {
        let waits_for = match errand.action()? {
            Action::Visa { .. } => "son visa",
            Action::Sign { .. } => "sa signature",
            Action::Print => "le scan du courrier signé",
            _ => return Err(anyhow::anyhow!("not a step that waits for people").into()),
        };
        let over = errand.journey.done.contains(&errand.claimed.effect.step);
        let batch: StreamState<Batch> = self.dispatcher.load(errand.journey.order.batch.0).await?;
        let order = batch
            .state
            .order()
            .context("a document without its batch")?;
        let (Some(wait), Some(address), false) = (errand.journey.wait, &order.reply_to, over)
        else {
            return Ok(Report::default().into());
        };
        let since = clock::paris_date(wait.since);
        let title = errand.journey.title();
        let words = letters::reminder(&title, &order.label, waits_for, since);
        let email = Email {
            message_id: format!("{}@navette", errand.claimed.effect.id),
            to: Personal(address.reveal().to_string()),
            subject: words.subject,
            text: words.text,
            html: words.html,
            attachments: vec![],
            // A repeated sending must be the same message, byte for byte.
            date: wait.reminded_at.unwrap_or(wait.since),
        };
        self.ports.postman.send(&email).await?;
        Ok(Report::default().into())
    }
}
