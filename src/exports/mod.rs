//! Exports: rows of dossiers that leave as a file, straight to whoever asks (`stream`) or made in the
//! background and kept for a while (`making`). Each is asked for, carried out and recorded in the same way.

mod making;
mod progress;
mod source;
mod stream;

pub use progress::{Progress, progress};
pub use source::{Broken, Source, Target};
pub use stream::Streaming;

use crate::{
    config::ExportsConfig,
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    unit::Envelope,
    workers::Standing,
};
use async_graphql::{InputType, Value};
use navette_domain::{
    export::{Choice, ColumnFault, Export, ExportCommand, ExportRefusal, Format, Order},
    ids::{CommandId, ExportId, SelectionId},
    policy::Principal,
    ports::FileStore,
};
use navette_projections::{
    condition::Filter as _, dossiers::DossierFilter, export_models, scope::Scope, selections,
};
use serde::Deserialize;
use sqlx::PgPool;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

/// Takes exports from their order to their bytes.
#[derive(Clone)]
pub struct Exports {
    pool: PgPool,
    dispatcher: Dispatcher,
    files: Arc<dyn FileStore>,
    shown: watch::Receiver<Standing>,
    policy: ExportsConfig,
    slots: Arc<Semaphore>,
}

/// What somebody asks for, in JSON.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Asked {
    /// What they call it.
    pub label: Option<String>,
    /// The form of its bytes, unless the model says it.
    pub format: Option<Format>,
    /// Its columns in their order, unless the model says them; none for the usual ones.
    pub columns: Option<Vec<Choice>>,
    /// Which dossiers, as GraphQL writes a filter; all when neither this nor a selection is given.
    pub filter: Option<serde_json::Value>,
    /// The selection whose dossiers are taken.
    pub selection: Option<Uuid>,
    /// The model whose format and columns are taken.
    pub model: Option<Uuid>,
}

/// Why there is no export.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum NoExport {
    #[error(transparent)]
    Columns(#[from] ColumnFault),
    #[error("La sélection (`filter`) ne se lit pas : {0}")]
    BadFilter(String),
    #[error("Indiquez soit un filtre (`filter`), soit une sélection (`selection`).")]
    BothChosen,
    #[error("Cette sélection (`selection`) n'existe pas, ou n'est pas partagée avec vous.")]
    UnknownSelection,
    #[error(
        "Le filtre de cette sélection (`selection`) vient d'une autre version : enregistrez-la de nouveau."
    )]
    OldSelection,
    #[error("Ce modèle d'export n'existe pas, ou n'est pas partagé avec vous.")]
    UnknownModel,
    #[error("Indiquez le format de l'export (`format`), ou un modèle (`model`).")]
    NoFormat,
    #[error("Le jeton de la personne qui a programmé cet export n'est plus en vigueur.")]
    OwnerIsGone,
    #[error("Le rôle de la personne qui a programmé cet export ne lui permet plus d'exporter.")]
    OwnerMayNot,
    #[error("{0}")]
    Incomplete(String),
    #[error(
        "Trop d'exports sont en cours : réessayez dans un instant, ou demandez l'export en arrière-plan."
    )]
    Busy,
    #[error(transparent)]
    Refused(#[from] ExportRefusal),
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

impl From<sqlx::Error> for NoExport {
    fn from(cause: sqlx::Error) -> Self {
        Self::Fault(cause.into())
    }
}

impl From<DispatchFailure<ExportRefusal>> for NoExport {
    fn from(failure: DispatchFailure<ExportRefusal>) -> Self {
        match failure {
            DispatchFailure::Refused(refusal) => Self::Refused(refusal),
            other => Self::Fault(anyhow::anyhow!("{other}")),
        }
    }
}

impl Exports {
    /// Exports of these read models, which are as far as `shown` says; what is kept is kept in `files`.
    pub fn new(
        dispatcher: Dispatcher,
        files: Arc<dyn FileStore>,
        shown: watch::Receiver<Standing>,
        policy: ExportsConfig,
    ) -> Self {
        Self {
            pool: dispatcher.log().pool().clone(),
            slots: Arc::new(Semaphore::new(policy.at_once.max(1))),
            dispatcher,
            files,
            shown,
            policy,
        }
    }

    /// The same under another policy.
    #[must_use]
    pub fn under(mut self, policy: ExportsConfig) -> Self {
        self.slots = Arc::new(Semaphore::new(policy.at_once.max(1)));
        self.policy = policy;
        self
    }

    /// How long a file is kept once it is whole.
    pub fn kept_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.policy.keep_hours) * 3600)
    }

    /// The order that says what `principal` asks for, checked.
    pub async fn order(
        &self,
        principal: &Principal,
        asked: Asked,
        kept: bool,
    ) -> Result<Order, NoExport> {
        let model = match asked.model {
            Some(id) => {
                let scope = Scope::of(principal);
                let models = export_models::by_ids(&self.pool, &scope, &[id]).await?;
                Some(models.into_iter().next().ok_or(NoExport::UnknownModel)?)
            }
            None => None,
        };
        let of_model = model.as_ref().map(|model| Format::from(model.format));
        let format = asked.format.or(of_model).ok_or(NoExport::NoFormat)?;
        let columns = match (asked.columns, &model) {
            (Some(columns), _) => columns,
            // The open-data file has its own.
            (None, Some(_)) if format == Format::Scdl => vec![],
            (None, Some(model)) => model.columns.0.clone(),
            (None, None) => vec![],
        };
        let filter = match (asked.filter, asked.selection) {
            (Some(_), Some(_)) => return Err(NoExport::BothChosen),
            (filter, None) => filter.unwrap_or_else(|| serde_json::json!({})),
            (None, Some(id)) => self.held_by(&principal.actor, id).await?,
        };
        read_filter(&filter)?;
        navette_domain::export::columns::headings(format, &columns)?;
        let label = asked.label.filter(|label| !label.trim().is_empty());
        let label = label.or_else(|| model.map(|model| model.name));
        Ok(Order {
            label: label.unwrap_or_else(|| "dossiers".to_owned()),
            format,
            columns,
            filter,
            selection: asked.selection.map(SelectionId),
            services: principal.services.clone(),
            schemes: principal.schemes.clone(),
            kept,
            requested_by: principal.actor.clone(),
        })
    }

    /// The filter that a selection is used as now, by whoever may use it.
    async fn held_by(&self, actor: &str, selection: Uuid) -> Result<serde_json::Value, NoExport> {
        let rows = selections::by_ids(&self.pool, actor, &[selection]).await?;
        let row = rows.into_iter().next().ok_or(NoExport::UnknownSelection)?;
        written(&row.as_filter().ok_or(NoExport::OldSelection)?)
    }

    /// Records that an export is asked for. Those to be kept are then made by themselves.
    pub async fn request(
        &self,
        envelope: &Envelope,
        id: ExportId,
        order: Order,
    ) -> Result<Receipt, DispatchFailure<ExportRefusal>> {
        let at = self.dispatcher.now();
        let command = ExportCommand::Request { order, at };
        self.dispatcher
            .dispatch::<Export>(envelope, id.0, command)
            .await
    }

    /// Records what became of an export, once however often it is told.
    async fn tell(
        &self,
        id: ExportId,
        actor: &str,
        what: &str,
        command: ExportCommand,
    ) -> Result<Receipt, DispatchFailure<ExportRefusal>> {
        let envelope = Envelope {
            command: CommandId::following(id.0, what),
            content: navette_domain::digest::Digest::of(what.as_bytes()),
            actor: actor.to_owned(),
            expected_version: None,
        };
        self.dispatcher
            .dispatch::<Export>(&envelope, id.0, command)
            .await
    }
}

/// A filter as GraphQL writes it, without what it does not say.
pub fn written(filter: &DossierFilter) -> Result<serde_json::Value, NoExport> {
    fn said(value: serde_json::Value) -> serde_json::Value {
        use serde_json::Value as V;
        match value {
            V::Object(fields) => {
                let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
                fields.map(|(name, value)| (name, said(value))).collect()
            }
            V::Array(items) => items.into_iter().map(said).collect(),
            other => other,
        }
    }
    let value = filter.to_value().into_json();
    Ok(said(value.map_err(anyhow::Error::from)?))
}

/// The filter that a client wrote, or what is wrong with it.
pub fn read_filter(filter: &serde_json::Value) -> Result<DossierFilter, NoExport> {
    let value =
        Value::from_json(filter.clone()).map_err(|fault| NoExport::BadFilter(fault.to_string()))?;
    let read = DossierFilter::parse(Some(value)).map_err(|fault| {
        let fault = fault.into_server_error(async_graphql::Pos::default());
        NoExport::BadFilter(fault.message)
    })?;
    read.check()
        .map_err(|fault| NoExport::BadFilter(fault.to_string()))?;
    let known = read.to_value().into_json().unwrap_or_default();
    match unknown(filter, &known) {
        Some(name) => Err(NoExport::BadFilter(format!(
            "le champ « {name} » n'existe pas"
        ))),
        None => Ok(read),
    }
}

/// A field that was written and not read: what it asks for would be left out in silence.
fn unknown(written: &serde_json::Value, read: &serde_json::Value) -> Option<String> {
    use serde_json::Value as V;
    match (written, read) {
        (V::Object(written), V::Object(read)) => {
            written
                .iter()
                .find_map(|(name, value)| match read.get(name) {
                    Some(read) => unknown(value, read),
                    None => Some(name.clone()),
                })
        }
        (V::Array(written), V::Array(read)) => {
            let mut pairs = written.iter().zip(read);
            pairs.find_map(|(written, read)| unknown(written, read))
        }
        _ => None,
    }
}
