//! Stopped documents: told by cause, and moved together.

use super::asks;
use crate::{
    batches::Batches,
    cli::say,
    clock::paris_time,
    dispatch::{DispatchFailure, Dispatcher, Receipt},
};
use clap::Args;
use navette_domain::{chain::StepId, document::DocumentRefusal, ids::DocumentId};
use navette_projections::{
    documents::{self, DocumentFilter},
    kinds::DocumentStatus,
    list,
    scope::Scope,
};
use std::process::ExitCode;
use uuid::Uuid;

/// The most causes that are told.
const MOST_CAUSES: usize = 100;
/// The most documents that are moved at once.
const MOST: usize = 10_000;

/// Which documents: one of these at least; all that are given must hold.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Chosen {
    /// Those that stopped for this cause, as `causes` tells it.
    #[arg(long, value_name = "CAUSE")]
    cause: Option<String>,
    /// Those of this batch, by its id.
    #[arg(long, value_name = "ID")]
    batch: Option<Uuid>,
    /// This one, by its id.
    #[arg(long, value_name = "ID")]
    document: Option<Uuid>,
}

/// What is done to each.
#[derive(Debug, Clone, Copy)]
pub(super) enum Move<'a> {
    Retry,
    Skip {
        step: Option<&'a str>,
        result: Option<&'a str>,
        reason: &'a str,
    },
    Cancel {
        reason: &'a str,
    },
}

impl Chosen {
    fn filter(&self, moves: Move<'_>) -> DocumentFilter {
        let over = DocumentFilter {
            status: Some(vec![DocumentStatus::Delivered, DocumentStatus::Cancelled]),
            ..DocumentFilter::default()
        };
        DocumentFilter {
            cause: self.cause.clone().map(|cause| vec![cause]),
            batch: self.batch.map(|batch| vec![batch]),
            id: self.document.map(|document| vec![document]),
            needs_attention: (!matches!(moves, Move::Cancel { .. })).then_some(true),
            not: Some(Box::new(over)),
            ..DocumentFilter::default()
        }
    }
}

/// Tells the stopped steps by cause.
pub(super) async fn causes(dispatcher: &Dispatcher) -> anyhow::Result<ExitCode> {
    let pool = dispatcher.log().pool();
    let all = DocumentFilter::default();
    for told in documents::troubles(pool, &Scope::whole(), &all, MOST_CAUSES).await? {
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "?".to_owned());
        say(&format!(
            "{} : {} depuis le {}, étape {} ({}) : {}",
            told.cause,
            told.documents,
            paris_time(told.since),
            or_none(told.step),
            or_none(told.neighbour),
            or_none(told.sentence),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Moves each by itself; exit code 1 if any is refused.
pub(super) async fn move_each(
    batches: &Batches,
    dispatcher: &Dispatcher,
    chosen: &Chosen,
    moves: Move<'_>,
) -> anyhow::Result<ExitCode> {
    let pool = dispatcher.log().pool();
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let ids = list::ids(pool, &Scope::whole(), &chosen.filter(moves), most).await?;
    if ids.len() > MOST {
        say(&format!(
            "Plus de {MOST} documents sont désignés : n'en désignez qu'une partie, lot par lot."
        ));
        return Ok(ExitCode::FAILURE);
    }
    let (mut done, mut refused) = (0, 0);
    for id in ids {
        match move_one(batches, id, moves).await {
            Ok(_) => done += 1,
            Err(DispatchFailure::Refused(refusal)) => {
                refused += 1;
                say(&format!("document {id} : {refusal}"));
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    let what = match moves {
        Move::Retry => "relancés",
        Move::Skip { .. } => "passés à l'étape suivante",
        Move::Cancel { .. } => "annulés",
    };
    say(&format!("{done} documents {what}, {refused} refusés"));
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn move_one(
    batches: &Batches,
    id: Uuid,
    moves: Move<'_>,
) -> Result<Receipt, DispatchFailure<DocumentRefusal>> {
    let (asks, document) = (asks(), DocumentId(id));
    match moves {
        Move::Retry => batches.retry_document(&asks, document).await,
        Move::Skip {
            step,
            result,
            reason,
        } => {
            let step = step.map(|step| StepId(step.to_owned()));
            batches
                .skip_step(&asks, document, step.as_ref(), result, reason)
                .await
        }
        Move::Cancel { reason } => batches.cancel_document(&asks, document, reason).await,
    }
}
