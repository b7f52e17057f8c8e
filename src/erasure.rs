//! Erasing what is known of a third party: asked for, held against the retention, recorded, carried out.
//!
//! The event is written first, and what it says is done afterwards by whichever process comes by: the key is
//! destroyed, the files go, the read models forget. Each can be done again, so a process that dies in
//! between, or a backup that brings keys back, changes nothing in the end.

use crate::{
    clock,
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    unit::Envelope,
    workers::Projections,
};
use anyhow::Context as _;
use navette_domain::{
    agent::{Agent, AgentCommand, AgentRefusal},
    digest::Digest,
    document::{Document, DocumentEvent, DocumentStatus, Journey},
    dossier::{Dossier, DossierEvent},
    event::{Event, Recorded},
    ids::{CommandId, DossierId},
    ports::FileStore,
    third_party::{
        HeldDossier, KeptDossier, Retention, ThirdParty, ThirdPartyCommand, ThirdPartyEvent,
        ThirdPartyRefusal,
    },
};
use navette_projections::{attachments, signatures, third_parties};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use uuid::Uuid;

/// The stored names of the events that this follows.
const ERASED: [&str; 2] = ["third_party.erased", "agent.erased"];
/// A rest between two looks at the log.
const REST: Duration = Duration::from_secs(1);
/// After how many events that erase nothing the place is noted.
const STRIDE: i64 = 10_000;

/// What an erasure would meet.
#[derive(Debug, Default)]
pub struct Prospect {
    /// The dossiers that forbid it.
    pub held: Vec<HeldDossier>,
    /// The files that would go.
    pub files: BTreeSet<Digest>,
    /// What would stay, and why, in French.
    pub kept: Vec<String>,
}

/// Why nothing was erased.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErasureRefusal {
    /// The law holds it.
    #[error("Ce tiers ne peut pas encore être effacé. {}", sentences(.0))]
    Held(Vec<HeldDossier>),
    /// The third party itself says no.
    #[error(transparent)]
    ThirdParty(#[from] ThirdPartyRefusal),
}

/// Why nothing of an agent was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgentErasureRefusal {
    /// Nothing of them can be read.
    #[error(
        "Le journal ne tient rien de lisible sous ce nom : il doit être écrit comme dans le journal, ou est déjà effacé."
    )]
    Unknown,
    /// The agent's own rules say no.
    #[error(transparent)]
    Agent(#[from] AgentRefusal),
}

fn sentences(held: &[HeldDossier]) -> String {
    let sentences: Vec<_> = held.iter().map(ToString::to_string).collect();
    sentences.join(" ")
}

/// Erases third parties.
#[derive(Clone)]
pub struct Erasure {
    dispatcher: Dispatcher,
    projections: Projections,
    files: Arc<dyn FileStore>,
    retention: Retention,
}

impl Erasure {
    /// Erasures in this dispatcher's log, these read models and this store.
    pub fn new(
        dispatcher: Dispatcher,
        projections: Projections,
        files: Arc<dyn FileStore>,
        retention: Retention,
    ) -> Self {
        Self {
            dispatcher,
            projections,
            files,
            retention,
        }
    }

    /// Erases, unless the law holds what is known; says what stays.
    pub async fn erase(
        &self,
        envelope: &Envelope,
        third_party: Uuid,
        reason: &str,
    ) -> Result<(Receipt, Vec<String>), DispatchFailure<ErasureRefusal>> {
        let prospect = match self.dispatcher.answered(envelope).await? {
            Some(receipt) => {
                self.carry_out(0).await?;
                return Ok((receipt, vec![]));
            }
            None => self.prospect(third_party).await?,
        };
        if !prospect.held.is_empty() {
            let refusal = ErasureRefusal::Held(prospect.held);
            return Err(DispatchFailure::Refused(refusal));
        }
        let command = ThirdPartyCommand::Erase {
            reason: reason.to_owned(),
            files: prospect.files.into_iter().collect(),
            at: self.dispatcher.now(),
        };
        let receipt = self
            .dispatcher
            .dispatch::<ThirdParty>(envelope, third_party, command)
            .await
            .map_err(DispatchFailure::into_refusal)?;
        self.carry_out(0).await?;
        Ok((receipt, prospect.kept))
    }

    /// Erases the name or address of an agent, written as it is in the log, wherever it stands so far.
    pub async fn erase_agent(
        &self,
        actor: &str,
        name: &str,
        reason: &str,
    ) -> Result<Receipt, DispatchFailure<AgentErasureRefusal>> {
        let log = self.dispatcher.log();
        let subject = log.keys().agent(name);
        let holds = log.keys().holds(subject).await;
        if !holds.context("looking for the key of an agent")? {
            return Err(DispatchFailure::Refused(AgentErasureRefusal::Unknown));
        }
        // An act of its own each time: they may have acted again since.
        let head = log.last_position().await.context("reading the log")?;
        let act = format!("erase what came before {head}");
        let envelope = Envelope {
            command: CommandId::following(subject, &act),
            content: Digest::of_parts([subject.as_bytes().as_slice(), reason.as_bytes()]),
            actor: actor.to_owned(),
            expected_version: None,
        };
        let command = AgentCommand::Erase {
            reason: reason.to_owned(),
            at: self.dispatcher.now(),
        };
        let receipt = self
            .dispatcher
            .dispatch::<Agent>(&envelope, subject, command)
            .await
            .map_err(DispatchFailure::into_refusal)?;
        self.carry_out(0).await?;
        Ok(receipt)
    }

    /// Signatures show the names of agents; whose they are is known by the master key alone.
    async fn forget_agents(&self, erasures: &[Recorded]) -> anyhow::Result<()> {
        let log = self.dispatcher.log();
        let shown = signatures::agents(log.pool()).await?;
        let erased = shown.into_iter().filter(|name| {
            let subject = log.keys().agent(name);
            erasures.iter().any(|erasure| erasure.stream_id == subject)
        });
        let erased: Vec<_> = erased.collect();
        Ok(signatures::forget_agents(log.pool(), &erased).await?)
    }

    /// What an erasure would meet, from everything that is in the log now.
    pub async fn prospect(&self, third_party: Uuid) -> anyhow::Result<Prospect> {
        let log = self.dispatcher.log();
        self.projections.catch_up().await?;
        let mut prospect = Prospect::default();
        let mut dossiers = vec![];
        for dossier in third_parties::dossiers_of(log.pool(), third_party).await? {
            let files = &mut prospect.files;
            dossiers.push(self.dossier(dossier.id, &dossier.documents, files).await?);
        }
        for shared in third_parties::documents_shared_by(log.pool(), third_party).await? {
            if shared.names_others {
                prospect.kept.push(format!(
                    "« {} » nomme aussi d'autres tiers : ce document reste, avec ce qu'il dit de celui-ci.",
                    shared.title
                ));
            } else {
                self.document(shared.id, &mut prospect.files).await?;
            }
        }
        for file in attachments::files_of(log.pool(), third_party).await? {
            prospect.files.insert(file.parse()?);
        }
        let today = clock::paris_date(self.dispatcher.now());
        prospect.held = self.retention.holding(&dossiers, today);
        Ok(prospect)
    }

    async fn dossier(
        &self,
        id: Uuid,
        documents: &[Uuid],
        files: &mut BTreeSet<Digest>,
    ) -> anyhow::Result<KeptDossier> {
        let (mut state, mut closed) = (Dossier::default(), None);
        for recorded in self.dispatcher.log().stream(id).await? {
            if let Event::Dossier(event) = recorded.event {
                if let DossierEvent::Closed { at } = &event {
                    closed = Some(clock::paris_date(*at));
                }
                state = state.evolve(event);
            }
        }
        let Dossier::Open { request, stage } = state else {
            anyhow::bail!("dossier {id} is shown and is not in the log");
        };
        let mut kept = KeptDossier {
            dossier: DossierId(id),
            reference: request.reference,
            status: stage.status(),
            closed,
            signed: None,
            under_way: false,
        };
        for document in documents {
            let (over, signed) = self.document(*document, files).await?;
            kept.under_way |= !over;
            kept.signed = kept.signed.max(signed);
        }
        Ok(kept)
    }

    /// Whether a document has reached its end, and when it was signed; its files are added.
    async fn document(
        &self,
        id: Uuid,
        files: &mut BTreeSet<Digest>,
    ) -> anyhow::Result<(bool, Option<chrono::NaiveDate>)> {
        let log = self.dispatcher.log();
        let (mut state, mut signed) = (Document::default(), None);
        for recorded in log.stream(id).await? {
            let Event::Document(event) = recorded.event else {
                continue;
            };
            files.extend(event.files());
            if let DocumentEvent::Signed { at, .. } = &event {
                signed = Some(clock::paris_date(*at));
            }
            if let DocumentEvent::SentForSignature { signature, .. } = &event {
                for recorded in log.stream(signature.0).await? {
                    if let Event::Signature(event) = &recorded.event {
                        files.extend(event.files());
                    }
                }
            }
            state = state.evolve(event);
        }
        let status = state.journey().map(Journey::status);
        let over = matches!(
            status,
            Some(DocumentStatus::Delivered | DocumentStatus::Cancelled)
        );
        Ok((over, signed))
    }

    /// Does what the erasures of the log say, from where it was last done or from `seen`, up to the head; says
    /// which that was.
    async fn carry_out(&self, seen: i64) -> anyhow::Result<i64> {
        let log = self.dispatcher.log();
        let head = log.last_position().await?;
        let noted = log.keys().erased_up_to().await?;
        // A log that was restored may be shorter than when the place was noted: then it is read anew.
        let from = if noted > head { 0 } else { noted.max(seen) };
        if from >= head {
            return Ok(head);
        }
        let [erasures, of_agents] = ERASED.map(|name| log.read_named(name, from, head));
        let (erasures, of_agents) = (erasures.await?, of_agents.await?);
        for recorded in &erasures {
            log.keys().destroy(recorded.stream_id).await?;
            let Event::ThirdParty(ThirdPartyEvent::Erased { files, .. }) = &recorded.event else {
                continue;
            };
            for file in files {
                let removed = self.files.remove(*file).await;
                removed
                    .map_err(|cause| anyhow::anyhow!(cause))
                    .with_context(|| format!("removing the file {file}"))?;
            }
        }
        for recorded in &of_agents {
            log.keys().destroy(recorded.stream_id).await?;
        }
        if !of_agents.is_empty() {
            self.projections.catch_up().await?;
            self.forget_agents(&of_agents).await?;
        }
        let none = erasures.is_empty() && of_agents.is_empty();
        if !none {
            self.projections.catch_up().await?;
            self.projections.drop_unread().await?;
        }
        if !none || head - noted >= STRIDE || noted > head {
            log.keys().set_erased_up_to(head).await?;
        }
        Ok(head)
    }

    /// Carries out what others recorded and did not live to do.
    pub async fn follow(&self) -> anyhow::Result<()> {
        let mut head = self.dispatcher.log().head();
        let mut seen = 0;
        loop {
            head.mark_unchanged();
            seen = self.carry_out(seen).await?;
            tokio::time::sleep(REST).await;
            head.changed().await?;
        }
    }
}
