//! Merging and converting.

use super::{Errand, Outcome, StepFailure, StepResult, Steps};
use crate::library;
use navette_domain::{
    digest::Digest,
    document::{DocumentCommand, PdfRef, Stage, Subject},
    dossier::Dossier,
    french, merge_fields,
    ports::MergeFailure,
};

impl Errand<'_> {
    /// A letter is made of what is true: the dossier may have changed since its batch started.
    fn accepts(&self, dossier: &Dossier) -> StepResult<()> {
        match dossier {
            Dossier::Open { request, stage }
                if !self.definition.accepts.contains(&stage.status()) =>
            {
                Err(StepFailure::Stuck(format!(
                    "Le dossier {} est maintenant « {} », ce que cette chaîne ne prend pas : annulez le document, ou remettez le dossier en état et relancez.",
                    request.reference,
                    french::dossier_status(stage.status()),
                )))
            }
            Dossier::Open { .. } | Dossier::Unborn => Ok(()),
        }
    }
}

impl Steps {
    pub(super) async fn merge(&self, errand: &Errand<'_>) -> StepResult {
        let template = self.file(errand.journey.order.template.file).await?;
        let cases = self.cases(errand.journey).await?;
        if let (Subject::Dossier(_), Some(case)) = (errand.journey.order.subject, cases.first()) {
            errand.accepts(&case.dossier)?;
        }
        let data = self.fields(errand, &cases).await?;
        let included = &errand.journey.order.included;
        let data = merge_fields::with_images(data, included);
        let included = library::fetch(self.ports.files.as_ref(), included).await?;
        let merged = self
            .ports
            .office
            .merge_with(&template, &included, &data)
            .await
            .map_err(|failure| StepFailure::Stuck(sentence(&failure)))?;
        Ok(Outcome::document(DocumentCommand::RecordMerged {
            step: errand.step(),
            office: self.keep(&merged.bytes).await?,
            format: merged.format,
            data: Digest::of(data.to_string().as_bytes()),
            at: self.clock.now(),
        }))
    }

    pub(super) async fn convert(&self, errand: &Errand<'_>) -> StepResult {
        let Stage::Merged { office, format, at } = &errand.journey.stage else {
            return Err(anyhow::anyhow!("the document has no office file at this stage").into());
        };
        let pdf = self
            .ports
            .office
            .convert(&self.file(*office).await?, *format, *at)
            .await?;
        let file = self.keep(&pdf.bytes).await?;
        Ok(Outcome::document(DocumentCommand::RecordConverted {
            step: errand.step(),
            pdf: PdfRef {
                file,
                pages: pdf.pages,
            },
            at: self.clock.now(),
        }))
    }
}

/// What a clerk reads: the first faults, each with its place and its tag.
fn sentence(failure: &MergeFailure) -> String {
    const SHOWN: usize = 3;
    match failure {
        MergeFailure::Unreadable(sentence) => sentence.clone(),
        MergeFailure::Faults(faults) => {
            let mut shown: Vec<String> = faults
                .iter()
                .take(SHOWN)
                .map(|fault| format!("{} ({}, « {} »)", fault.sentence, fault.place, fault.tag))
                .collect();
            if faults.len() > SHOWN {
                shown.push(format!("et {} autres problèmes", faults.len() - SHOWN));
            }
            format!("La fusion a échoué : {}", shown.join(" ; "))
        }
    }
}
