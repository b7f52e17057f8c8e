//! Changes to dossiers: one mutation for each command.

use super::{
    Change, ReasonedChange,
    dossier_input::{DecisionInput, RequestInput, amount},
};
use crate::{
    dispatch::Dispatcher,
    graphql::{
        asking::{Asker, asker, reading},
        faults,
        loaders::{self, DossierById},
        objects::Dossier,
        refusal::{Answer, Refusal, RefusalCode, answer},
    },
    unit::Envelope,
};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use navette_domain::{
    dossier::{self, DossierCommand, DossierRefusal, Request},
    ids::{DocumentId, DossierId},
    policy::{self, Permission},
};
use navette_projections::kinds::Cents;
use serde::Serialize;
use uuid::Uuid;

/// Changes to dossiers.
#[derive(Default)]
pub struct DossierMutation;

/// What a change to a dossier answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct DossierPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl DossierPayload {
    /// The dossier as it now is; null when the change was refused.
    async fn dossier(&self, context: &Context<'_>) -> Option<Result<Dossier>> {
        let position = self.answer.position?;
        let read = async {
            reading(context, Some(position)).await?;
            loaders::load(context, DossierById(self.id)).await
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct RegisterDossierInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// What is asked.
    request: RequestInput,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct TakeOverDossierInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// What was asked.
    request: RequestInput,
    /// How much was granted.
    amount: Cents,
    /// By which act.
    #[graphql(default)]
    decision: DecisionInput,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct AmendDossierInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// What is asked now, whole.
    request: RequestInput,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct ScheduleDossierInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// The commission's date.
    commission: NaiveDate,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct GrantDossierInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// How much.
    amount: Cents,
    /// By which act.
    #[graphql(default)]
    decision: DecisionInput,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct RefuseDossierInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// Why.
    reason: String,
    /// By which act.
    #[graphql(default)]
    decision: DecisionInput,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct NotifyDossierInput {
    #[graphql(flatten)]
    #[serde(flatten)]
    change: Change,
    /// By which document the applicant was told.
    document_id: Uuid,
}

#[Object]
impl DossierMutation {
    /// Deposits a dossier.
    async fn register_dossier(
        &self,
        context: &Context<'_>,
        input: RegisterDossierInput,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = asker.envelope("registerDossier", input.idempotency_key, None, &input);
        let command = |request, at| DossierCommand::Register { request, at };
        enter(context, asker, &envelope, input.request, command).await
    }

    /// Deposits a dossier whose subsidy was granted before Navette knew it.
    async fn take_over_dossier(
        &self,
        context: &Context<'_>,
        input: TakeOverDossierInput,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = asker.envelope("takeOverDossier", input.idempotency_key, None, &input);
        let (amount, decision) = (amount(input.amount), input.decision.into());
        let command = |request, at| DossierCommand::TakeOver {
            request,
            amount,
            decision,
            at,
        };
        enter(context, asker, &envelope, input.request, command).await
    }

    /// Changes what is asked.
    async fn amend_dossier(
        &self,
        context: &Context<'_>,
        input: AmendDossierInput,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "amendDossier", &input);
        let id = input.change.id;
        let request = match within(asker, input.request) {
            Ok(request) => request,
            Err(refusal) => {
                return Ok(DossierPayload {
                    answer: refusal.into(),
                    id,
                });
            }
        };
        let command = |at| DossierCommand::Amend { request, at };
        change(context, asker, &envelope, id, command).await
    }

    /// Says that all its papers are there.
    async fn complete_dossier(
        &self,
        context: &Context<'_>,
        input: Change,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.envelope(asker, "completeDossier", &input);
        change(context, asker, &envelope, input.id, |at| {
            DossierCommand::Complete { at }
        })
        .await
    }

    /// Begins to instruct it.
    async fn take_up_dossier(
        &self,
        context: &Context<'_>,
        input: Change,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.envelope(asker, "takeUpDossier", &input);
        change(context, asker, &envelope, input.id, |at| {
            DossierCommand::TakeUp { at }
        })
        .await
    }

    /// Puts it before a commission.
    async fn schedule_dossier(
        &self,
        context: &Context<'_>,
        input: ScheduleDossierInput,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "scheduleDossier", &input);
        let commission = input.commission;
        let command = |at| DossierCommand::Schedule { commission, at };
        change(context, asker, &envelope, input.change.id, command).await
    }

    /// Grants the subsidy.
    async fn grant_dossier(
        &self,
        context: &Context<'_>,
        input: GrantDossierInput,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "grantDossier", &input);
        let (amount, decision) = (amount(input.amount), input.decision.into());
        let command = |at| DossierCommand::Grant {
            amount,
            decision,
            at,
        };
        change(context, asker, &envelope, input.change.id, command).await
    }

    /// Refuses the subsidy.
    async fn refuse_dossier(
        &self,
        context: &Context<'_>,
        input: RefuseDossierInput,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "refuseDossier", &input);
        let (reason, decision) = (input.reason, input.decision.into());
        let command = |at| DossierCommand::Refuse {
            reason,
            decision,
            at,
        };
        change(context, asker, &envelope, input.change.id, command).await
    }

    /// Asks to see it again.
    async fn adjourn_dossier(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "adjournDossier", &input);
        let command = |at| DossierCommand::Adjourn {
            reason: input.reason,
            at,
        };
        change(context, asker, &envelope, input.change.id, command).await
    }

    /// Says that the applicant was told, when no chain did it.
    async fn notify_dossier(
        &self,
        context: &Context<'_>,
        input: NotifyDossierInput,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "notifyDossier", &input);
        let document = DocumentId(input.document_id);
        let command = |at| DossierCommand::Notify { document, at };
        change(context, asker, &envelope, input.change.id, command).await
    }

    /// Closes it.
    async fn close_dossier(&self, context: &Context<'_>, input: Change) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.envelope(asker, "closeDossier", &input);
        change(context, asker, &envelope, input.id, |at| {
            DossierCommand::Close { at }
        })
        .await
    }

    /// Sends it back to instruction.
    async fn reopen_dossier(
        &self,
        context: &Context<'_>,
        input: ReasonedChange,
    ) -> Result<DossierPayload> {
        let asker = asker(context, Permission::WriteDossiers)?;
        let envelope = input.change.envelope(asker, "reopenDossier", &input);
        let command = |at| DossierCommand::Reopen {
            reason: input.reason,
            at,
        };
        change(context, asker, &envelope, input.change.id, command).await
    }
}

/// What is asked, if whoever asks may see such a dossier.
fn within(asker: &Asker, input: RequestInput) -> Result<Request, Refusal> {
    let request = Request::try_from(input)?;
    let (service, scheme) = (request.service.as_deref(), request.scheme.as_deref());
    if policy::sees(&asker.principal, service, scheme) {
        Ok(request)
    } else {
        Err(Refusal::new(
            RefusalCode::OutOfScope,
            "Vos droits ne couvrent pas ce service ou ce dispositif.",
        ))
    }
}

/// Takes a command that makes a dossier. Its reference is unique, so whoever uses one that is taken learns
/// that it is, even by a dossier they do not see.
async fn enter(
    context: &Context<'_>,
    asker: &Asker,
    envelope: &Envelope,
    request: RequestInput,
    command: impl FnOnce(Request, DateTime<Utc>) -> DossierCommand,
) -> Result<DossierPayload> {
    let (answer, id) = match within(asker, request) {
        Ok(request) => {
            let dispatcher = context.data::<Dispatcher>()?;
            let id = DossierId::of_reference(&request.reference).0;
            let command = command(request, dispatcher.now());
            let end = dispatcher
                .dispatch::<dossier::Dossier>(envelope, id, command)
                .await;
            (answer(end)?, id)
        }
        Err(refusal) => (refusal.into(), Uuid::nil()),
    };
    Ok(DossierPayload { answer, id })
}

/// Takes a command to a dossier, if it is seen.
async fn change(
    context: &Context<'_>,
    asker: &Asker,
    envelope: &Envelope,
    id: Uuid,
    command: impl FnOnce(DateTime<Utc>) -> DossierCommand,
) -> Result<DossierPayload> {
    let dispatcher = context.data::<Dispatcher>()?;
    let loaded = dispatcher.load::<dossier::Dossier>(id).await;
    let loaded = loaded.map_err(|cause| faults::of_the_log(&cause))?;
    let answer = if policy::sees_dossier(&asker.principal, &loaded.state) {
        let command = command(dispatcher.now());
        answer(
            dispatcher
                .dispatch::<dossier::Dossier>(envelope, id, command)
                .await,
        )?
    } else {
        let sentence = DossierRefusal::NotRegistered.to_string();
        Refusal::new(RefusalCode::NotFound, sentence).into()
    };
    Ok(DossierPayload { answer, id })
}
