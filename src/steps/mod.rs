//! What each step of a chain does outside, and how it is reported.
//!
//! A step reads the aggregates, calls one port, and answers with an [`Outcome`]: commands to take to the
//! log, or patience. It writes nothing itself, but for what must be in the log before the desk hears of it.

mod delivery;
mod heads;
mod in_house;
mod office;
mod signature;
mod visa;
mod waits;

use crate::{
    cases::{self, CasesFailure},
    clock::Clock,
    dispatch::Dispatcher,
    library,
    unit::Belonging,
};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use heads::Heads;
use navette_adapters::{effects::Claimed, log::StreamState, pdf::Signatories};
use navette_domain::{
    batch::{Batch, Order},
    chain::{Action, Definition, Work, is_due},
    digest::Digest,
    document::{Document, DocumentCommand, Journey, PdfRef, Stage, Subject},
    dossier::DossierCommand,
    ids::{BatchId, DossierId, SignatureId},
    merge_fields::{self, Case, Surroundings},
    paper_reference::PaperReference,
    ports::{
        Answer, Attempt, FileStore, GrantsTool, MailRegister, OfficeWorkshop, PortFailure,
        PorteDocuments, Postman, SigningDesk, Tray, VisaCircuit, WebServices,
    },
    signature::SignatureCommand,
};
use std::sync::Arc;
use uuid::Uuid;

/// Those who do the outside work.
#[derive(Clone)]
#[expect(missing_docs, reason = "each field is the port of its type")]
pub struct Ports {
    pub files: Arc<dyn FileStore>,
    pub office: Arc<dyn OfficeWorkshop>,
    pub visa: Arc<dyn VisaCircuit>,
    pub desk: Arc<dyn SigningDesk>,
    pub signatories: Arc<Signatories>,
    pub register: Arc<dyn MailRegister>,
    pub postman: Arc<dyn Postman>,
    pub porte_documents: Arc<dyn PorteDocuments>,
    pub grants_tool: Arc<dyn GrantsTool>,
    pub services: Arc<dyn WebServices>,
}

/// What a step led to.
#[derive(Debug)]
pub enum Outcome {
    /// Something to take to the log.
    Report(Box<Report>),
    /// There is nothing to do before this moment.
    NotBefore(DateTime<Utc>),
    /// It waits for people in this tray, where a listing calls it `mark`.
    Waits {
        /// Where.
        tray: Tray,
        /// What it is called there.
        mark: String,
        /// When it is to be looked at even if it has not moved, if its chain says so.
        until: Option<DateTime<Utc>>,
    },
}

/// The commands that report an outcome, written together.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// For the document.
    pub document: Option<DocumentCommand>,
    /// For its passage at the desk.
    pub signature: Option<(SignatureId, Vec<SignatureCommand>)>,
    /// For its dossier.
    pub dossier: Option<(DossierId, DossierCommand)>,
    /// What remains to be cleaned up at the same neighbour.
    pub then: Option<Work>,
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Self::Report(Box::new(report))
    }
}

impl Outcome {
    fn document(command: DocumentCommand) -> Self {
        Report {
            document: Some(command),
            ..Report::default()
        }
        .into()
    }
}

/// Why a step led to nothing.
#[derive(Debug, thiserror::Error)]
pub enum StepFailure {
    /// A neighbour failed: its class says what to do.
    #[error(transparent)]
    Port(#[from] PortFailure),
    /// A person must mend something; the sentence is in French.
    #[error("{0}")]
    Stuck(String),
    /// Our own database or files failed, or our own code: try again.
    #[error(transparent)]
    Fault(#[from] anyhow::Error),
}

impl StepFailure {
    /// What the journal may hold: never the sentence, which may quote what people wrote.
    pub fn for_the_journal(&self) -> String {
        match self {
            Self::Port(failure) => {
                let cause = failure.cause.as_deref().map(ToString::to_string);
                let cause = cause.unwrap_or_else(|| "no deeper cause".to_owned());
                format!("{:?}, {:?}: {cause}", failure.neighbour, failure.class)
            }
            Self::Stuck(_) => "a person must mend something".to_owned(),
            Self::Fault(fault) => format!("{fault:#}"),
        }
    }
}

impl From<CasesFailure> for StepFailure {
    fn from(failure: CasesFailure) -> Self {
        match failure {
            CasesFailure::NoThirdParty | CasesFailure::Erased => Self::Stuck(failure.to_string()),
            CasesFailure::Fault(fault) => Self::Fault(fault),
        }
    }
}

type StepResult<T = Outcome> = Result<T, StepFailure>;

/// Carries effects out.
#[derive(Clone)]
pub struct Steps {
    dispatcher: Dispatcher,
    ports: Ports,
    clock: Clock,
    heads: Heads,
    /// A batch that the log does not know, in a rehearsal.
    supposed: Option<Arc<(BatchId, Order)>>,
}

/// One effect with what it needs to be carried out.
struct Errand<'a> {
    claimed: &'a Claimed,
    journey: &'a Journey,
    definition: &'a Definition,
}

impl Errand<'_> {
    fn attempt(&self) -> Attempt {
        if self.claimed.effect.doubtful {
            Attempt::Again
        } else {
            Attempt::First
        }
    }

    fn step(&self) -> navette_domain::chain::StepId {
        self.claimed.effect.step.clone()
    }

    fn action(&self) -> StepResult<&Action> {
        let step = self
            .definition
            .step(&self.claimed.effect.step)
            .context("the chain has no such step")?;
        Ok(&step.action)
    }

    fn pdf(&self) -> StepResult<PdfRef> {
        Ok(self
            .journey
            .stage
            .pdf()
            .context("the document has no PDF at this stage")?)
    }

    fn belonging(&self) -> Belonging {
        let dossier = match self.journey.order.subject {
            Subject::Dossier(dossier) => Some(dossier),
            Subject::Batch => None,
        };
        Belonging {
            batch: Some(self.journey.order.batch),
            dossier,
        }
    }

    /// A name for the file that people recognise.
    fn file_name(&self) -> String {
        self.file_name_in(self.journey.round)
    }

    fn file_name_in(&self, round: u32) -> String {
        format!("{}.pdf", self.journey.title_in(round))
    }
}

impl Steps {
    /// Steps that report to this dispatcher's log.
    pub fn new(dispatcher: Dispatcher, ports: Ports, clock: Clock) -> Self {
        Self {
            dispatcher,
            ports,
            clock,
            heads: Heads::default(),
            supposed: None,
        }
    }

    /// The same, as if this batch had been started.
    #[must_use]
    pub fn supposing(mut self, batch: BatchId, order: Order) -> Self {
        self.supposed = Some(Arc::new((batch, order)));
        self
    }

    fn supposed(&self, batch: BatchId) -> Option<&Order> {
        let (supposed, order) = self.supposed.as_deref()?;
        (*supposed == batch).then_some(order)
    }

    /// Carries one effect of this document out.
    pub async fn carry_out(
        &self,
        claimed: &Claimed,
        document: &StreamState<Document>,
    ) -> StepResult {
        let journey = document
            .state
            .journey()
            .context("an effect without its document")?;
        let definition = self.dispatcher.definition(journey.order.chain).await?;
        let errand = Errand {
            claimed,
            journey,
            definition: &definition,
        };
        let effect = &claimed.effect;
        if effect.work.is_on_the_way() && !is_due(&definition, journey, effect) {
            tracing::info!(effect = %effect.id, kind = effect.work.kind(), "work that is no longer wanted was left undone");
            return Ok(Report::default().into());
        }
        match &claimed.effect.work {
            Work::Merge => self.merge(&errand).await,
            Work::Convert => self.convert(&errand).await,
            Work::Circulate => self.circulate(&errand).await,
            Work::WatchVisa { circulation } => self.watch_visa(&errand, circulation).await,
            Work::WithdrawVisa { circulation } => self.withdraw_visa(circulation).await,
            Work::RecallVisa { round } => self.recall_visa(&errand, *round).await,
            Work::Submit { signature } => self.submit(&errand, *signature).await,
            Work::WatchSignature { signature } => self.watch_signature(&errand, *signature).await,
            Work::ArchiveSignature { signature } => self.archive_signature(*signature).await,
            Work::WithdrawSignature { signature } => self.withdraw_signature(*signature).await,
            Work::Register => self.register(&errand).await,
            Work::Attach => self.attach(&errand).await,
            Work::Notify => self.notify(&errand).await,
            Work::Email => self.email(&errand).await,
            Work::Publish => self.publish(&errand).await,
            Work::Call => self.call(&errand).await,
            Work::Weigh => self.weigh(&errand).await,
            Work::Wait => self.wait(&errand).await,
            Work::Wake { until } => Ok(self.wake(&errand, *until)),
            Work::Remind => self.remind(&errand).await,
            Work::WatchScan => self.watch_scan(&errand),
        }
    }

    /// Whether this work is still what moves its document on.
    pub async fn wants(&self, claimed: &Claimed) -> anyhow::Result<bool> {
        let effect = &claimed.effect;
        let loaded: StreamState<Document> = self.dispatcher.load(effect.document.0).await?;
        let journey = loaded
            .state
            .journey()
            .context("an effect without its document")?;
        let definition = self.dispatcher.definition(journey.order.chain).await?;
        Ok(is_due(&definition, journey, effect))
    }

    /// What has moved in a tray, by the names that its listing gives them; none when the
    /// neighbour cannot tell.
    pub async fn moved(&self, tray: &Tray) -> Answer<Option<Vec<String>>> {
        match tray {
            Tray::Folder { folder } => self.ports.visa.moved(folder).await,
            Tray::Desk {
                desk_type,
                desk_subtype,
            } => {
                let moved = self.ports.desk.moved(desk_type, desk_subtype).await?;
                let mark = |signature: SignatureId| signature.to_string();
                Ok(moved.map(|moved| moved.into_iter().map(mark).collect()))
            }
        }
    }

    async fn file(&self, digest: Digest) -> StepResult<Vec<u8>> {
        Ok(library::stored(self.ports.files.as_ref(), digest).await?)
    }

    async fn keep(&self, bytes: &[u8]) -> StepResult<Digest> {
        Ok(self
            .ports
            .files
            .put(bytes.to_vec())
            .await
            .map_err(|error| anyhow::anyhow!(error))?)
    }

    /// The dossiers that a document is about, in order.
    async fn dossiers(&self, journey: &Journey) -> StepResult<Vec<Uuid>> {
        Ok(match journey.order.subject {
            Subject::Dossier(dossier) => vec![dossier.0],
            Subject::Batch if self.supposed(journey.order.batch).is_some() => {
                let order = self.supposed(journey.order.batch).into_iter();
                order
                    .flat_map(|order| &order.dossiers)
                    .map(|dossier| dossier.0)
                    .collect()
            }
            Subject::Batch => {
                let batch: StreamState<Batch> = self.dispatcher.load(journey.order.batch.0).await?;
                let order = batch
                    .state
                    .order()
                    .context("a document without its batch")?;
                order.dossiers.iter().map(|dossier| dossier.0).collect()
            }
        })
    }

    /// The same with their third parties.
    async fn cases(&self, journey: &Journey) -> StepResult<Vec<Case>> {
        let ids = self.dossiers(journey).await?;
        Ok(cases::load(&self.dispatcher, &ids).await?)
    }

    /// The one dossier that a document is about.
    async fn case(&self, errand: &Errand<'_>) -> StepResult<(DossierId, Case)> {
        let Subject::Dossier(dossier) = errand.journey.order.subject else {
            return Err(anyhow::anyhow!("this step needs a document about one dossier").into());
        };
        let case = self
            .cases(errand.journey)
            .await?
            .pop()
            .context("no dossier")?;
        Ok((dossier, case))
    }

    /// What templates and conditions may use, without images.
    async fn fields(&self, errand: &Errand<'_>, cases: &[Case]) -> StepResult<serde_json::Value> {
        let around = self.surroundings(errand).await?;
        Ok(match errand.journey.order.subject {
            Subject::Dossier(_) => {
                let case = cases.first().context("a document without its dossier")?;
                merge_fields::of_dossier(case, &around).context("a dossier without data")?
            }
            Subject::Batch => merge_fields::of_batch(cases, &around),
        })
    }

    async fn surroundings(&self, errand: &Errand<'_>) -> StepResult<Surroundings> {
        let journey = errand.journey;
        let head = self.head(journey.order.batch).await?;
        Ok(Surroundings {
            document: PaperReference {
                document: errand.claimed.effect.document,
                round: match journey.stage {
                    Stage::Requested => journey.round,
                    _ => journey.made_in,
                },
            },
            title: journey.title(),
            date: journey.order.date,
            batch: journey.order.batch,
            batch_label: head.map_or_else(String::new, |head| head.label.clone()),
        })
    }
}
