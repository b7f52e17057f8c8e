//! Asking for exports that are made in the background, and keeping models of exports.

use super::Change;
use crate::{
    dispatch::Dispatcher,
    exports::{self, Asked, Exports, NoExport},
    graphql::{
        asking::{asker, reading},
        exports::{Export, ExportModel},
        faults,
        loaders::{self, ExportById, ExportModelById},
        refusal::{Answer, Refusal, RefusalCode, answer},
    },
};
use async_graphql::{ComplexObject, Context, InputObject, Object, Result, SimpleObject};
use navette_domain::{
    export::{
        self, Choice, ExportCommand,
        model::{self, ExportModelCommand},
    },
    ids::{CommandId, ExportId},
    policy::Permission,
};
use navette_projections::{
    dossiers::DossierFilter,
    kinds::{ExportFormat, Position},
};
use serde::Serialize;
use uuid::Uuid;

/// Changes to exports and their models.
#[derive(Default)]
pub struct ExportMutation;

#[derive(Debug, Clone, InputObject, Serialize)]
pub(super) struct ColumnInput {
    /// Its name in the dictionary: see `exportColumns`.
    column: String,
    /// Its heading, when not the usual one.
    title: Option<String>,
}

impl From<ColumnInput> for Choice {
    fn from(input: ColumnInput) -> Self {
        Self {
            column: input.column,
            title: input.title,
        }
    }
}

pub(super) fn choices(columns: Vec<ColumnInput>) -> Vec<Choice> {
    columns.into_iter().map(Into::into).collect()
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct RequestExportInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// What people will call it: the name of its file.
    label: Option<String>,
    /// The form of its bytes, unless the model says it.
    format: Option<ExportFormat>,
    /// Its columns in their order, unless the model says them; none for the usual ones.
    columns: Option<Vec<ColumnInput>>,
    /// Which dossiers; all when neither this nor `selection` is given.
    filter: Option<DossierFilter>,
    /// The selection whose dossiers are taken, as it is when the export is asked for.
    selection: Option<Uuid>,
    /// The model whose format and columns are taken.
    model: Option<Uuid>,
    /// The position at which the filter must look, as earlier mutations answered it.
    at_least: Option<Position>,
}

#[derive(Debug, Clone, InputObject, Serialize)]
struct SaveExportModelInput {
    /// The same for every repetition of this request, and for no other.
    idempotency_key: Uuid,
    /// The model that is changed; a new one when not given.
    id: Option<Uuid>,
    /// The version that was seen: if it has changed since, nothing is done.
    expected_version: Option<i64>,
    /// What people will call it.
    name: String,
    /// The form of the bytes.
    format: ExportFormat,
    /// The columns in their order; none for the usual ones.
    columns: Vec<ColumnInput>,
    /// Whether everybody may use it.
    #[graphql(default)]
    shared: bool,
}

/// Why there is no export, as data.
pub(super) fn refused(refusal: &NoExport) -> Refusal {
    let code = match refusal {
        NoExport::UnknownModel | NoExport::UnknownSelection => RefusalCode::NotFound,
        _ => RefusalCode::InvalidInput,
    };
    Refusal::new(code, refusal.to_string())
}

/// The filter as its client wrote it.
pub(super) fn written(filter: &DossierFilter) -> Result<serde_json::Value> {
    exports::written(filter).map_err(|cause| faults::internal(&cause))
}

/// What a change to an export answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ExportPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl ExportPayload {
    /// The export's id; null when the change was refused.
    async fn export_id(&self) -> Option<Uuid> {
        self.answer.position.map(|_| self.id)
    }

    /// The export as it now is; null when the change was refused.
    async fn export(&self, context: &Context<'_>) -> Option<Result<Export>> {
        let position = self.answer.position?;
        let read = async {
            reading(context, Some(position)).await?;
            loaders::load(context, ExportById(self.id)).await
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

/// What a change to a model of exports answers.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct ExportModelPayload {
    #[graphql(flatten)]
    answer: Answer,
    #[graphql(skip)]
    id: Uuid,
}

#[ComplexObject]
impl ExportModelPayload {
    /// The model's id; null when the change was refused.
    async fn model_id(&self) -> Option<Uuid> {
        self.answer.position.map(|_| self.id)
    }

    /// The model as it now is; null when it was removed, or the change was refused.
    async fn model(&self, context: &Context<'_>) -> Option<Result<ExportModel>> {
        let position = self.answer.position?;
        let read = async {
            reading(context, Some(position)).await?;
            loaders::load(context, ExportModelById(self.id)).await
        };
        read.await.transpose().map(|row| row.map(Into::into))
    }
}

#[Object]
impl ExportMutation {
    /// Asks for an export that is made in the background; its file is then kept for a while.
    async fn request_export(
        &self,
        context: &Context<'_>,
        input: RequestExportInput,
    ) -> Result<ExportPayload> {
        let asker = asker(context, Permission::KeepExports)?;
        reading(context, input.at_least).await?;
        let key = input.idempotency_key;
        let envelope = asker.envelope("requestExport", key, None, &input);
        let asked = Asked {
            label: input.label,
            format: input.format.map(Into::into),
            columns: input.columns.map(choices),
            filter: input.filter.as_ref().map(written).transpose()?,
            selection: input.selection,
            model: input.model,
        };
        let exports = context.data::<Exports>()?;
        let id = CommandId::following(key, "export").0;
        let order = match exports.order(&asker.principal, asked, true).await {
            Ok(order) => order,
            Err(NoExport::Fault(cause)) => return Err(faults::internal(&cause)),
            Err(refusal) => {
                let answer = refused(&refusal).into();
                return Ok(ExportPayload { answer, id });
            }
        };
        let end = exports.request(&envelope, ExportId(id), order).await;
        Ok(ExportPayload {
            answer: answer(end)?,
            id,
        })
    }

    /// Gives up an export that is not whole yet.
    async fn cancel_export(&self, context: &Context<'_>, input: Change) -> Result<ExportPayload> {
        let asker = asker(context, Permission::KeepExports)?;
        let envelope = input.envelope(asker, "cancelExport", &input);
        let dispatcher = context.data::<Dispatcher>()?;
        let loaded = dispatcher.load::<export::Export>(input.id).await;
        let loaded = loaded.map_err(|cause| faults::internal(&cause))?;
        let order = loaded.state.order();
        let theirs = order.is_some_and(|order| order.requested_by == asker.principal.actor);
        let seen = loaders::load(context, ExportById(input.id))
            .await?
            .is_some();
        if !(theirs || seen && asker.may(Permission::Administer).is_ok()) {
            let sentence = export::ExportRefusal::NotRequested.to_string();
            return Ok(ExportPayload {
                answer: Refusal::new(RefusalCode::NotFound, sentence).into(),
                id: input.id,
            });
        }
        let command = ExportCommand::Cancel {
            at: dispatcher.now(),
        };
        let end = dispatcher
            .dispatch::<export::Export>(&envelope, input.id, command)
            .await;
        Ok(ExportPayload {
            answer: answer(end)?,
            id: input.id,
        })
    }

    /// Keeps a model of exports, or changes one of one's own.
    async fn save_export_model(
        &self,
        context: &Context<'_>,
        input: SaveExportModelInput,
    ) -> Result<ExportModelPayload> {
        let asker = asker(context, Permission::KeepExports)?;
        let (key, expected) = (input.idempotency_key, input.expected_version);
        let envelope = asker.envelope("saveExportModel", key, expected, &input);
        let dispatcher = context.data::<Dispatcher>()?;
        let of_key = || CommandId::following(key, "export model").0;
        let id = input.id.unwrap_or_else(of_key);
        let model = model::Model {
            name: input.name,
            format: input.format.into(),
            columns: choices(input.columns),
            shared: input.shared,
            owner: asker.principal.actor.clone(),
        };
        if input.id.is_some()
            && dispatcher
                .load::<model::ExportModel>(id)
                .await
                .is_ok_and(|known| known.version == 0)
        {
            let sentence = model::ExportModelRefusal::NotYours.to_string();
            return Ok(ExportModelPayload {
                answer: Refusal::new(RefusalCode::NotFound, sentence).into(),
                id,
            });
        }
        let at = dispatcher.now();
        let command = ExportModelCommand::Save { model, at };
        let end = dispatcher
            .dispatch::<model::ExportModel>(&envelope, id, command)
            .await;
        Ok(ExportModelPayload {
            answer: answer(end)?,
            id,
        })
    }

    /// Removes a model of one's own.
    async fn remove_export_model(
        &self,
        context: &Context<'_>,
        input: Change,
    ) -> Result<ExportModelPayload> {
        let asker = asker(context, Permission::KeepExports)?;
        let envelope = input.envelope(asker, "removeExportModel", &input);
        let dispatcher = context.data::<Dispatcher>()?;
        let command = ExportModelCommand::Remove {
            by: asker.principal.actor.clone(),
            at: dispatcher.now(),
        };
        let end = dispatcher
            .dispatch::<model::ExportModel>(&envelope, input.id, command)
            .await;
        Ok(ExportModelPayload {
            answer: answer(end)?,
            id: input.id,
        })
    }
}
