//! Taking templates in: compiled before they are accepted, so that what is stored can be merged.

use crate::{
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    unit::Envelope,
};
use navette_adapters::workshop::Workshop;
use navette_domain::{
    ids::TemplateId,
    ports::{FileStore, MergeFailure},
    template::{Template, TemplateCommand, TemplateRefusal},
};
use std::sync::Arc;

/// Why a template was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadRefusal {
    /// The file is unsafe, or its tags are wrong: all that is wrong is told.
    #[error("Le modèle ne peut pas être utilisé : {0}")]
    Unusable(MergeFailure),
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] TemplateRefusal),
}

/// A template that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// Where it stands in the log.
    pub receipt: Receipt,
    /// The fields it uses.
    pub fields: Vec<String>,
}

/// Takes templates in.
#[derive(Clone)]
pub struct Templates {
    dispatcher: Dispatcher,
    files: Arc<dyn FileStore>,
    workshop: Arc<Workshop>,
}

impl Templates {
    /// Templates of this dispatcher's log.
    pub fn new(dispatcher: Dispatcher, files: Arc<dyn FileStore>, workshop: Arc<Workshop>) -> Self {
        Self {
            dispatcher,
            files,
            workshop,
        }
    }

    /// Compiles and keeps a template; the same bytes as its last version change nothing.
    pub async fn upload(
        &self,
        envelope: &Envelope,
        code: &str,
        file_name: &str,
        bytes: Vec<u8>,
    ) -> Result<Uploaded, DispatchFailure<UploadRefusal>> {
        let workshop = self.workshop.clone();
        let compiled = tokio::task::spawn_blocking(move || {
            workshop.template(&bytes).map(|template| (template, bytes))
        })
        .await;
        let (template, bytes) = compiled
            .map_err(|error| DispatchFailure::Fault(error.into()))?
            .map_err(|failure| DispatchFailure::Refused(UploadRefusal::Unusable(failure)))?;
        let file = self
            .files
            .put(bytes)
            .await
            .map_err(|error| DispatchFailure::Fault(anyhow::anyhow!(error)))?;
        let fields: Vec<String> = template.fields().into_iter().collect();
        let command = TemplateCommand::Upload {
            code: code.to_owned(),
            file_name: file_name.to_owned(),
            format: template.format(),
            file,
            fields: fields.clone(),
            at: self.dispatcher.now(),
        };
        match self
            .dispatcher
            .dispatch::<Template>(envelope, TemplateId::of_code(code).0, command)
            .await
        {
            Ok(receipt) => Ok(Uploaded { receipt, fields }),
            Err(DispatchFailure::Refused(refusal)) => Err(DispatchFailure::Refused(refusal.into())),
            Err(DispatchFailure::Conflict { actual }) => Err(DispatchFailure::Conflict { actual }),
            Err(DispatchFailure::KeyReused) => Err(DispatchFailure::KeyReused),
            Err(DispatchFailure::Fault(fault)) => Err(DispatchFailure::Fault(fault)),
        }
    }
}
