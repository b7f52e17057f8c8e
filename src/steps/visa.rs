//! Circulating for visa.

use super::{Errand, Outcome, Report, StepFailure, StepResult, Steps};
use anyhow::Context as _;
use navette_adapters::pdf;
use navette_domain::{
    chain::Action,
    document::{DocumentCommand, PdfRef},
    ports::{Circulation, Tray, VisaRequest, VisaState},
};

impl Errand<'_> {
    /// The request of one round, without its bytes.
    fn visa_request(&self, round: u32) -> StepResult<VisaRequest> {
        let Action::Visa { folder, circuit } = self.action()? else {
            return Err(anyhow::anyhow!("not a step of visa").into());
        };
        Ok(VisaRequest {
            document: self.claimed.effect.document,
            folder: folder.clone(),
            file_name: self.file_name_in(round),
            circuit: circuit.clone(),
            pdf: vec![],
        })
    }
}

impl Steps {
    pub(super) async fn circulate(&self, errand: &Errand<'_>) -> StepResult {
        let request = VisaRequest {
            pdf: self.file(errand.pdf()?.file).await?,
            ..errand.visa_request(errand.journey.round)?
        };
        let circulation = self
            .ports
            .visa
            .circulate(&request, errand.attempt())
            .await?;
        Ok(Outcome::document(DocumentCommand::RecordSentForVisa {
            step: errand.step(),
            circulation,
            at: self.clock.now(),
        }))
    }

    pub(super) async fn watch_visa(
        &self,
        errand: &Errand<'_>,
        circulation: &Circulation,
    ) -> StepResult {
        let at = self.clock.now();
        let step = errand.step();
        match self.ports.visa.state(circulation).await? {
            VisaState::Pending => {
                let Action::Visa { folder, .. } = errand.action()? else {
                    return Err(anyhow::anyhow!("not a step of visa").into());
                };
                let tray = Tray::Folder {
                    folder: folder.clone(),
                };
                self.waits(errand, tray, circulation.file_id.clone())
            }
            VisaState::Approved { by, at: visaed_at, comment, pdf: bytes } => {
                let file = self.keep(&bytes).await?;
                let pages = tokio::task::spawn_blocking(move || pdf::pages(&bytes)).await.context("counting pages")?.map_err(|_| {
                    StepFailure::Stuck("Le fichier visé n'est plus un PDF lisible : remplacez-le dans Nextcloud, puis relancez.".to_owned())
                })?;
                let pdf = PdfRef { file, pages };
                Ok(Outcome::document(DocumentCommand::RecordVisaed { step, pdf, by, comment, visaed_at, at }))
            }
            VisaState::Rejected { by, reason, .. } => Ok(Outcome::document(DocumentCommand::RecordVisaRefused { step, by, reason, at })),
            VisaState::Lost => Err(StepFailure::Stuck(
                "Le document a disparu de Nextcloud pendant son visa : recommencez-le ou annulez-le.".to_owned(),
            )),
        }
    }

    /// Takes back what may have begun to circulate without our having heard of it.
    pub(super) async fn recall_visa(&self, errand: &Errand<'_>, round: u32) -> StepResult {
        match self.ports.visa.find(&errand.visa_request(round)?).await? {
            Some(circulation) => self.withdraw_visa(&circulation).await,
            None => Ok(Report::default().into()),
        }
    }

    pub(super) async fn withdraw_visa(&self, circulation: &Circulation) -> StepResult {
        self.ports.visa.withdraw(circulation).await?;
        Ok(Report::default().into())
    }
}
