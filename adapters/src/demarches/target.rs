//! What Démarches simplifiées is told: documents, as messages to the applicant, and the decision.
//!
//! No call there can be repeated by itself, so each looks first: a message with our very bytes attached is
//! ours, and a dossier that is in the state we want was brought there.

use super::{client::Api, queries, wire};
use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use md5::{Digest as _, Md5};
use navette_domain::{
    french,
    ports::{
        Answer, Deposit, DepositReceipt, FailureClass, GrantsTool, Named, Neighbour, PortFailure,
        PorteDocuments, Trial,
    },
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// How Démarches simplifiées is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemarcheTargetConfig {
    /// The platform's address.
    pub url: String,
    /// A token that may write.
    pub token: SecretString,
    /// The id of the instructor in whose name Navette acts.
    pub instructor: String,
    /// From a status of Navette (`notified`) to the decision it means there.
    #[serde(default)]
    pub decisions: BTreeMap<String, Decision>,
    /// How long one call may last, in seconds.
    #[serde(default = "super::source::default_timeout")]
    pub timeout_seconds: u64,
}

/// A decision there, with its motive.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Pass to instruction.
    Instruct,
    /// Accept.
    Accept(String),
    /// Refuse.
    Refuse(String),
    /// Close without an answer.
    Drop(String),
}

impl Decision {
    fn state(&self) -> wire::State {
        match self {
            Self::Instruct => wire::State::EnInstruction,
            Self::Accept(_) => wire::State::Accepte,
            Self::Refuse(_) => wire::State::Refuse,
            Self::Drop(_) => wire::State::SansSuite,
        }
    }

    fn mutation(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Instruct => (queries::INSTRUCT, None),
            Self::Accept(motive) => (queries::ACCEPT, Some(motive)),
            Self::Refuse(motive) => (queries::REFUSE, Some(motive)),
            Self::Drop(motive) => (queries::DROP, Some(motive)),
        }
    }
}

/// The target, in the part of one neighbour or another.
#[derive(Debug, Clone)]
pub struct DemarcheTarget {
    neighbour: Neighbour,
    api: Api,
    config: DemarcheTargetConfig,
}

impl DemarcheTarget {
    /// Refuses an address that is not one.
    pub fn new(neighbour: Neighbour, config: DemarcheTargetConfig) -> anyhow::Result<Self> {
        let (url, token, timeout) = (&config.url, config.token.clone(), config.timeout_seconds);
        Ok(Self {
            neighbour,
            api: Api::new(neighbour, url, token, timeout)?,
            config,
        })
    }

    /// Sends the document to the applicant, or finds it sent.
    async fn send(&self, deposit: &Deposit) -> Answer<DepositReceipt> {
        let number = self.number(&deposit.dossier_reference)?;
        let dossier = self.read(number).await?;
        let checksum = BASE64_STANDARD.encode(Md5::digest(&deposit.pdf));
        let bears = |message: &&wire::Message| {
            let mut files = message.attachments.iter();
            files.any(|file| file.checksum == checksum)
        };
        let found = dossier.messages.iter().find(bears);
        let message = match found {
            Some(message) => message.id.clone(),
            None => self.write(&dossier.id, deposit, &checksum).await?,
        };
        Ok(DepositReceipt {
            url: format!(
                "{}/dossiers/{number}/messagerie#{message}",
                self.config.url.trim_end_matches('/')
            ),
        })
    }

    async fn write(&self, dossier: &str, deposit: &Deposit, checksum: &str) -> Answer<String> {
        let asked = json!({ "input": {
            "dossierId": dossier,
            "filename": format!("{}.pdf", deposit.title.replace(['/', '\\'], "-")),
            "byteSize": deposit.pdf.len(),
            "checksum": checksum,
            "contentType": "application/pdf",
        }});
        let upload: wire::Payload<wire::Upload> = self.api.ask(queries::UPLOAD, asked).await?;
        let upload = upload.payload.and_then(|payload| payload.direct_upload);
        let upload = upload.ok_or_else(|| self.silence())?;
        self.api.upload(&upload, &deposit.pdf).await?;
        let asked = json!({ "input": {
            "dossierId": dossier,
            "instructeurId": self.config.instructor,
            "body": format!("Vous trouverez ci-joint le document « {} ».", deposit.title),
            "attachment": upload.signed_blob_id,
        }});
        let done = self.change(queries::MESSAGE, asked).await?;
        let sent = done.message.map(|message| message.id);
        sent.ok_or_else(|| self.silence())
    }

    /// What a mutation did; its refusals come with a status 200.
    async fn change(&self, mutation: &str, asked: serde_json::Value) -> Answer<wire::Done> {
        let answer: wire::Payload<wire::Done> = self.api.ask(mutation, asked).await?;
        let done = answer.payload.ok_or_else(|| self.silence())?;
        match done.errors.as_ref().and_then(|errors| errors.first()) {
            None => Ok(done),
            Some(refusal) => {
                let said = &refusal.message;
                let sentence = format!("Démarches simplifiées refuse : « {said} ».");
                Err(self.api.failure(FailureClass::Rejected, sentence))
            }
        }
    }

    async fn read(&self, number: u32) -> Answer<wire::Known> {
        let asked = json!({ "number": number });
        let read: wire::Read = self.api.ask(queries::DOSSIER, asked).await?;
        Ok(read.dossier)
    }

    /// The reference of a dossier, as the number that the platform gave it.
    fn number(&self, reference: &str) -> Answer<u32> {
        reference.trim().parse().map_err(|_| {
            let sentence =
                "La référence du dossier n'est pas un numéro de dossier de Démarches simplifiées.";
            self.api.failure(FailureClass::Rejected, sentence)
        })
    }

    async fn decide(&self, dossier: &wire::Known, decision: &Decision) -> Answer<()> {
        let (mutation, motive) = decision.mutation();
        let mut input = json!({
            "dossierId": dossier.id, "instructeurId": self.config.instructor,
        });
        if let Some(motive) = motive {
            input["motivation"] = json!(motive);
        }
        let asked = json!({ "input": input });
        self.change(mutation, asked).await.map(drop)
    }

    fn silence(&self) -> PortFailure {
        let sentence = "Démarches simplifiées n'a pas dit ce qu'elle a fait.";
        self.api.failure(FailureClass::Transient, sentence)
    }
}

#[async_trait]
impl PorteDocuments for DemarcheTarget {
    /// The dossier says whose it is.
    async fn deposit(&self, _applicant: &str, deposit: &Deposit) -> Answer<DepositReceipt> {
        self.send(deposit).await
    }
}

#[async_trait]
impl GrantsTool for DemarcheTarget {
    async fn attach(&self, deposit: &Deposit) -> Answer<DepositReceipt> {
        self.send(deposit).await
    }

    async fn report_status(
        &self,
        _event: Uuid,
        dossier_reference: &str,
        status: &str,
        _at: DateTime<Utc>,
    ) -> Answer<()> {
        let decision = self.config.decisions.get(status).ok_or_else(|| {
            let sentence = format!(
                "La configuration ne dit pas quelle décision l'état « {status} » est dans Démarches simplifiées."
            );
            self.api.failure(FailureClass::Rejected, sentence)
        })?;
        let number = self.number(dossier_reference)?;
        let dossier = self.read(number).await?;
        if dossier.state == decision.state() {
            return Ok(());
        }
        // A decision is only taken on what is instructed.
        if dossier.state == wire::State::EnConstruction && *decision != Decision::Instruct {
            self.decide(&dossier, &Decision::Instruct).await?;
        }
        match self.decide(&dossier, decision).await {
            // Somebody, or an earlier attempt of ours, may have been faster.
            Err(refused) if refused.class == FailureClass::Rejected => {
                let now = self.read(number).await?.state;
                if now == decision.state() {
                    return Ok(());
                }
                Err(refused)
            }
            other => other,
        }
    }
}

#[async_trait]
impl Trial for DemarcheTarget {
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let asked = self
            .api
            .ask::<serde_json::Value>(queries::ANYBODY, json!({}));
        let sentence = format!(
            "{} (Démarches simplifiées) répond et accepte le jeton.",
            self.neighbour
        );
        vec![asked.await.map(|_| french::capitalised(&sentence))]
    }
}
