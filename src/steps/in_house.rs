//! What is done between the PDF and the end beside handing over: conditions, waits, calls of web services.

use super::{Errand, Outcome, StepFailure, StepResult, Steps};
use crate::clock;
use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, Utc};
use navette_adapters::merge;
use navette_domain::{chain::Action, dictionary, document::DocumentCommand, ports::ServiceCall};
use std::collections::BTreeMap;

impl Steps {
    /// Calls a web service of the configuration.
    pub(super) async fn call(&self, errand: &Errand<'_>) -> StepResult {
        let Action::Call {
            service,
            body,
            keep,
        } = errand.action()?
        else {
            return Err(anyhow::anyhow!("not a step of calling").into());
        };
        let body = match body {
            Some(template) => {
                let cases = self.cases(errand.journey).await?;
                let data = self.fields(errand, &cases).await?;
                let made = merge::body(template, &data, errand.definition.scope);
                Some(made.map_err(|fault| {
                    let step = &errand.claimed.effect.step;
                    StepFailure::Stuck(format!(
                        "Étape « {step} » : {fault}. Faites corriger la chaîne, puis relancez le lot."
                    ))
                })?)
            }
            None => None,
        };
        let call = ServiceCall {
            service: service.clone(),
            key: errand.claimed.effect.id.0,
            body,
            keep: keep.clone(),
        };
        let answer = self.ports.services.call(&call).await?;
        Ok(Outcome::document(DocumentCommand::RecordCalled {
            step: errand.step(),
            service: call.service,
            answer,
            at: self.clock.now(),
        }))
    }

    /// Works out whether a step is done. Of several of one nature, the first whose condition holds is.
    pub(super) async fn weigh(&self, errand: &Errand<'_>) -> StepResult {
        let step = errand
            .definition
            .step(&errand.claimed.effect.step)
            .context("the chain has no such step")?;
        let expression = step.when.as_deref().context("a step without a condition")?;
        let taken = &errand.journey.taken;
        let other = errand.definition.taken_instead(taken, step);
        let (holds, found) = if let Some(other) = other {
            let other = (format!("étape {other}"), "retenue".to_owned());
            (false, BTreeMap::from([other]))
        } else {
            let cases = self.cases(errand.journey).await?;
            let data = self.fields(errand, &cases).await?;
            let scope = errand.definition.scope;
            let weighed = merge::weigh(expression, &data, scope).map_err(|fault| {
                StepFailure::Stuck(format!(
                    "Étape « {} » : {fault}. Complétez le dossier, puis relancez.",
                    step.id
                ))
            })?;
            (weighed.holds, weighed.found)
        };
        Ok(Outcome::document(DocumentCommand::RecordWeighed {
            step: errand.step(),
            holds,
            expression: expression.to_owned(),
            found,
            at: self.clock.now(),
        }))
    }

    /// Works out until when a step waits.
    pub(super) async fn wait(&self, errand: &Errand<'_>) -> StepResult {
        let Action::Wait { delay, until } = errand.action()? else {
            return Err(anyhow::anyhow!("not a step of waiting").into());
        };
        let at = self.clock.now();
        let until = match (delay, until) {
            (Some(delay), _) => at + delay.length(),
            (None, Some(path)) => self.beginning_of(errand, path).await?,
            (None, None) => return Err(anyhow::anyhow!("a wait without an end").into()),
        };
        Ok(Outcome::document(DocumentCommand::BeginWait {
            step: errand.step(),
            until,
            at,
        }))
    }

    /// The beginning of the day that a field names.
    async fn beginning_of(&self, errand: &Errand<'_>, path: &str) -> StepResult<DateTime<Utc>> {
        let cases = self.cases(errand.journey).await?;
        let data = self.fields(errand, &cases).await?;
        let value = data.pointer(&format!("/{}", path.replace('.', "/")));
        let day = value
            .and_then(|value| value.as_str())
            .and_then(|text| text.parse::<NaiveDate>().ok());
        let day = day.ok_or_else(|| {
            let name = dictionary::label(path).unwrap_or(path);
            StepFailure::Stuck(format!(
                "L'étape « {} » attend une date que le dossier ne donne pas : {name} (`{path}`). Complétez le dossier, puis relancez.",
                errand.claimed.effect.step
            ))
        })?;
        Ok(clock::start_of_paris_day(day))
    }

    /// Ends a wait when its moment has come. Until then its effect rests, and costs nothing.
    pub(super) fn wake(&self, errand: &Errand<'_>, until: DateTime<Utc>) -> Outcome {
        let at = self.clock.now();
        if at < until {
            return Outcome::NotBefore(until);
        }
        Outcome::document(DocumentCommand::EndWait {
            step: errand.step(),
            at,
        })
    }
}
