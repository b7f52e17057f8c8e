//! Batches and their documents: what sets chains in motion, stops them and moves them by hand.

mod moving;
mod plan;

pub use plan::Plan;

use crate::{
    dispatch::{DispatchFailure, Dispatcher, Receipt},
    library::Library,
    unit::{Belonging, Envelope, Unit},
};
use anyhow::Context as _;
use futures::FutureExt as _;
use navette_adapters::{log::StreamState, workshop::Workshop};
use navette_domain::{
    batch::{Batch, BatchCommand, BatchRefusal},
    chain::{Action, Chain, ChainRef, Definition},
    dictionary::Dictionary,
    document::{Document, DocumentCommand, DocumentRefusal},
    dossier::Dossier,
    french,
    ids::{BatchId, ChainId, DossierId, TemplateId},
    personal::Personal,
    template::{Included, Template, TemplateRef},
    third_party::{EmailAddress, ThirdParty, ThirdPartyRefusal},
};
use navette_projections::documents;
use std::collections::HashSet;
use uuid::Uuid;

/// The field of templates that a scan is recognised by.
const REFERENCE: &str = "document.reference_papier";
/// The most dossiers of one batch.
pub const MOST_DOSSIERS: usize = 20_000;

/// A batch to start.
#[derive(Debug, Clone)]
pub struct StartBatch {
    /// Its id, minted by whoever asks.
    pub batch: BatchId,
    /// What its clerk calls it.
    pub label: String,
    /// The chain, whose last version is taken.
    pub chain_code: String,
    /// The dossiers, in the clerk's order.
    pub dossiers: Vec<DossierId>,
    /// Where to write to whoever asks.
    pub reply_to: Option<Personal<EmailAddress>>,
}

/// A dossier that the chain does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedDossier {
    /// Which.
    pub dossier: DossierId,
    /// What people call it, if it exists.
    pub reference: Option<String>,
    /// Why, in French.
    pub sentence: String,
}

/// A selection, as a chain sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// The dossiers it takes, with what people call them.
    pub taken: Vec<(DossierId, String)>,
    /// Those it leaves out.
    pub refused: Vec<RefusedDossier>,
}

/// What was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where it stands in the log.
    pub receipt: Receipt,
    /// The dossiers that were left out.
    pub refused: Vec<RefusedDossier>,
}

/// Why a batch was not started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartRefusal {
    /// No such chain.
    #[error("Aucune chaîne ne s'appelle « {0} ».")]
    NoChain(String),
    /// Its template was never uploaded.
    #[error("La chaîne utilise le modèle « {0} », qui n'a pas été déposé.")]
    NoTemplate(String),
    /// It is printed for a signature, and nothing on it would tell whose scan comes back.
    #[error(
        "Le modèle « {0} » n'imprime pas la référence du document : la chaîne le fait signer sur papier, et son scan ne pourrait pas être reconnu. Ajoutez au modèle, dans l'en-tête ou le pied de page, {{{{ document.reference_papier|qr }}}}, puis déposez-le de nouveau."
    )]
    NoReference(String),
    /// None of the dossiers can be taken.
    #[error("{}", nothing_left(.0))]
    NothingLeft(Vec<RefusedDossier>),
    /// The batch itself says no.
    #[error(transparent)]
    Batch(#[from] BatchRefusal),
    /// One of its documents says no.
    #[error(transparent)]
    Document(#[from] DocumentRefusal),
}

fn prints(definition: &Definition) -> bool {
    let mut steps = definition.steps.iter();
    steps.any(|step| step.action == Action::Print)
}

fn nothing_left(refused: &[RefusedDossier]) -> String {
    let first = refused.first().map_or(String::new(), |refused| {
        format!(" Par exemple : {}", refused.sentence)
    });
    format!("Aucun des dossiers choisis ne peut suivre cette chaîne.{first}")
}

/// Starts and moves batches.
#[derive(Clone)]
pub struct Batches {
    dispatcher: Dispatcher,
    library: Library,
}

impl Batches {
    /// Batches of this dispatcher's log, whose templates include what this library has.
    pub fn new(dispatcher: Dispatcher, library: Library) -> Self {
        Self {
            dispatcher,
            library,
        }
    }

    /// Starts a chain on a selection: the batch and all its documents, whole or not at all.
    pub async fn start(
        &self,
        envelope: &Envelope,
        ask: &StartBatch,
    ) -> Result<Started, DispatchFailure<StartRefusal>> {
        if let Some(receipt) = self.dispatcher.answered(envelope).await? {
            return Ok(Started {
                receipt,
                refused: vec![],
            });
        }
        let plan = self.plan(&envelope.actor, ask).await?;
        let plan = &plan;
        let receipt = self
            .dispatcher
            .commit(envelope, |mut unit: Unit| {
                async move {
                    self.begin(&mut unit, ask.batch, plan).await?;
                    Ok(unit)
                }
                .boxed()
            })
            .await?;
        Ok(Started {
            receipt,
            refused: plan.refused.clone(),
        })
    }

    /// Puts a planned batch and all its documents in a unit of work; nothing if it was started before.
    pub async fn begin(
        &self,
        unit: &mut Unit,
        batch: BatchId,
        plan: &Plan,
    ) -> Result<(), DispatchFailure<StartRefusal>> {
        let at = unit.at();
        let mut loaded = self.dispatcher.load::<Batch>(batch.0).await?;
        let belonging = Belonging {
            batch: Some(batch),
            dossier: None,
        };
        let command = BatchCommand::Start {
            order: plan.order.clone(),
            at,
        };
        let events = unit
            .decide(batch.0, &mut loaded, belonging, command)
            .map_err(|refusal| DispatchFailure::Refused(refusal.into()))?;
        if events.is_empty() {
            return Ok(());
        }
        for (id, order) in plan.documents(batch, at) {
            let mut document = StreamState::<Document>::default();
            let request = DocumentCommand::Request { order, at };
            unit.decide_document(&plan.definition, id, &mut document, request)
                .map_err(|refusal| DispatchFailure::Refused(refusal.into()))?;
        }
        Ok(())
    }

    /// What `start` would take of a selection, and leave out: nothing starts.
    pub async fn preview(
        &self,
        chain_code: &str,
        dossiers: &[DossierId],
    ) -> Result<Sorted, DispatchFailure<StartRefusal>> {
        let (chain, definition) = self.chain(chain_code).await?;
        let template = self.template(&definition).await?;
        if prints(&definition) {
            self.included(&definition, template).await?;
        }
        let Sorted { taken, mut refused } = self.sort_out(&definition, dossiers).await?;
        let taken = self.not_under_way(chain, taken, &mut refused).await?;
        Ok(Sorted { taken, refused })
    }

    async fn chain(
        &self,
        code: &str,
    ) -> Result<(ChainRef, Definition), DispatchFailure<StartRefusal>> {
        let id = ChainId::of_code(code);
        let chain = self.dispatcher.load::<Chain>(id.0).await?;
        let (version, definition) = chain
            .state
            .latest()
            .ok_or_else(|| DispatchFailure::Refused(StartRefusal::NoChain(code.to_owned())))?;
        Ok((ChainRef { chain: id, version }, definition.clone()))
    }

    async fn template(
        &self,
        definition: &Definition,
    ) -> Result<TemplateRef, DispatchFailure<StartRefusal>> {
        let id = TemplateId::of_code(&definition.template);
        let template = self.dispatcher.load::<Template>(id.0).await?;
        template.state.latest(id).ok_or_else(|| {
            DispatchFailure::Refused(StartRefusal::NoTemplate(definition.template.clone()))
        })
    }

    /// What the template includes. What is signed by hand must say which document it is: told before anything is
    /// printed, and to whoever can have the template mended.
    async fn included(
        &self,
        definition: &Definition,
        template: TemplateRef,
    ) -> Result<Vec<Included>, DispatchFailure<StartRefusal>> {
        let found = self.library.latest_of(template.file).await?;
        let included = found.included.clone();
        if !prints(definition) {
            return Ok(included);
        }
        let shown = tokio::task::spawn_blocking(move || {
            let review = Workshop::review(&found.template, &found.files, &Dictionary::default());
            let uses = review.map(|review| review.uses).unwrap_or_default();
            uses.iter().any(|used| used.path == REFERENCE)
        });
        if shown.await.context("reading a template")? {
            return Ok(included);
        }
        let code = definition.template.clone();
        Err(DispatchFailure::Refused(StartRefusal::NoReference(code)))
    }

    /// The dossiers that the chain takes, with their references, and those it leaves out.
    pub async fn sort_out(
        &self,
        definition: &Definition,
        dossiers: &[DossierId],
    ) -> anyhow::Result<Sorted> {
        let ids: Vec<Uuid> = dossiers.iter().map(|dossier| dossier.0).collect();
        let loaded = self
            .dispatcher
            .log()
            .load_many::<Dossier>(&ids)
            .await
            .context("loading the dossiers of the batch")?;
        let erased = self
            .erased(loaded.values().map(|loaded| &loaded.state))
            .await?;
        let (mut taken, mut refused) = (vec![], vec![]);
        let mut met = HashSet::new();
        for dossier in dossiers.iter().filter(|dossier| met.insert(**dossier)) {
            let state = loaded.get(&dossier.0).map(|loaded| &loaded.state);
            match state {
                None | Some(Dossier::Unborn) => refused.push(RefusedDossier {
                    dossier: *dossier,
                    reference: None,
                    sentence: "Ce dossier n'existe pas.".to_owned(),
                }),
                Some(Dossier::Open { request, .. }) if erased.contains(&request.third_party.0) => {
                    refused.push(RefusedDossier {
                        dossier: *dossier,
                        reference: Some(request.reference.clone()),
                        sentence: format!(
                            "Dossier {} : {}",
                            request.reference,
                            ThirdPartyRefusal::Erased
                        ),
                    });
                }
                Some(Dossier::Open { request, stage })
                    if definition.accepts.contains(&stage.status()) =>
                {
                    taken.push((*dossier, request.reference.clone()));
                }
                Some(Dossier::Open { request, stage }) => refused.push(RefusedDossier {
                    dossier: *dossier,
                    reference: Some(request.reference.clone()),
                    sentence: format!(
                        "Le dossier {} est « {} » : la chaîne « {} » prend les dossiers {}.",
                        request.reference,
                        french::dossier_status(stage.status()),
                        definition.label,
                        definition
                            .accepts
                            .iter()
                            .map(|status| format!("« {} »", french::dossier_status(*status)))
                            .collect::<Vec<_>>()
                            .join(" ou "),
                    ),
                }),
            }
        }
        Ok(Sorted { taken, refused })
    }

    /// The third parties of these dossiers of whom nothing is known any more.
    async fn erased(
        &self,
        dossiers: impl Iterator<Item = &Dossier>,
    ) -> anyhow::Result<HashSet<Uuid>> {
        let parties: Vec<Uuid> = dossiers
            .filter_map(|dossier| match dossier {
                Dossier::Open { request, .. } => Some(request.third_party.0),
                Dossier::Unborn => None,
            })
            .collect();
        let parties = self
            .dispatcher
            .log()
            .load_many::<ThirdParty>(&parties)
            .await;
        let parties = parties.context("loading the third parties of the batch")?;
        let erased = parties
            .into_iter()
            .filter(|(_, loaded)| loaded.state == ThirdParty::Erased);
        Ok(erased.map(|(id, _)| id).collect())
    }

    /// The dossiers without a document under way in this chain: nobody is to get the same letter twice
    /// because two clerks asked for it. (Two that ask within the same instant are both heard.)
    async fn not_under_way(
        &self,
        chain: ChainRef,
        taken: Vec<(DossierId, String)>,
        refused: &mut Vec<RefusedDossier>,
    ) -> anyhow::Result<Vec<(DossierId, String)>> {
        let ids: Vec<Uuid> = taken.iter().map(|(dossier, _)| dossier.0).collect();
        let pool = self.dispatcher.log().pool();
        let busy: HashSet<Uuid> = documents::under_way(pool, chain.chain.0, &ids)
            .await
            .context("looking for documents under way")?
            .into_iter()
            .collect();
        let (again, taken): (Vec<_>, Vec<_>) = taken
            .into_iter()
            .partition(|(dossier, _)| busy.contains(&dossier.0));
        refused.extend(again.into_iter().map(|(dossier, reference)| RefusedDossier {
            dossier,
            sentence: format!(
                "Le dossier {reference} a déjà un document en cours dans cette chaîne : attendez qu'il soit remis, ou annulez-le."
            ),
            reference: Some(reference),
        }));
        Ok(taken)
    }
}
