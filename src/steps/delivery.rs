//! Handing a finished document to those who must have it.

use super::{Errand, Outcome, Report, StepFailure, StepResult, Steps};
use crate::clock;
use anyhow::Context as _;
use navette_domain::{
    chain::{Action, Recipient},
    document::{DocumentCommand, Subject},
    dossier::{Dossier, DossierCommand, DossierStatus, Request},
    event::Decider as _,
    ids::{DocumentId, DossierId},
    letters,
    merge_fields::Case,
    personal::Personal,
    ports::{Deposit, Email, OutgoingMail},
};
use uuid::Uuid;

fn request(case: &Case) -> StepResult<&Request> {
    match &case.dossier {
        Dossier::Open { request, .. } => Ok(request),
        Dossier::Unborn => {
            Err(anyhow::anyhow!("a document about a dossier that does not exist").into())
        }
    }
}

/// The stored name of a status, which the grants tool is told.
fn status_code(status: DossierStatus) -> StepResult<String> {
    let value = serde_json::to_value(status).context("naming a status")?;
    Ok(value.as_str().context("naming a status")?.to_owned())
}

impl Steps {
    pub(super) async fn register(&self, errand: &Errand<'_>) -> StepResult {
        let (_, case) = self.case(errand).await?;
        let request = request(&case)?;
        let mail = OutgoingMail {
            document: errand.claimed.effect.document,
            subject: format!("{} – {}", errand.journey.title(), request.purpose),
            recipient: case.profile.name.clone(),
            recipient_email: case
                .profile
                .email
                .as_ref()
                .map(|email| Personal(email.reveal().to_string())),
            date: clock::paris_date(self.clock.now()),
            pdf: self.file(errand.pdf()?.file).await?,
        };
        let registration = self
            .ports
            .register
            .register(&mail, errand.attempt())
            .await?;
        Ok(Outcome::document(DocumentCommand::RecordRegistered {
            step: errand.step(),
            registration,
            at: self.clock.now(),
        }))
    }

    async fn deposit(
        &self,
        errand: &Errand<'_>,
        document: DocumentId,
        case: &Case,
    ) -> StepResult<Deposit> {
        Ok(Deposit {
            document,
            title: errand.journey.title(),
            dossier_reference: request(case)?.reference.clone(),
            date: errand.journey.order.date,
            pdf: self.file(errand.pdf()?.file).await?,
        })
    }

    /// The dossiers to which a document is attached, each with the key of that attachment: the document itself,
    /// or, where one document is about a whole batch, what would be the letter of each dossier.
    async fn attached(&self, errand: &Errand<'_>) -> StepResult<Vec<(DocumentId, Case)>> {
        let journey = errand.journey;
        let (ids, cases) = (self.dossiers(journey).await?, self.cases(journey).await?);
        let key = |dossier: Uuid| match journey.order.subject {
            Subject::Dossier(_) => errand.claimed.effect.document,
            Subject::Batch => DocumentId::of_dossier(journey.order.batch, DossierId(dossier)),
        };
        Ok(ids.into_iter().map(key).zip(cases).collect())
    }

    pub(super) async fn attach(&self, errand: &Errand<'_>) -> StepResult {
        let mut url = None;
        for (document, case) in self.attached(errand).await? {
            let deposit = self.deposit(errand, document, &case).await?;
            let receipt = self.ports.grants_tool.attach(&deposit).await?;
            url.get_or_insert(receipt.url);
        }
        Ok(Outcome::document(DocumentCommand::RecordAttached {
            step: errand.step(),
            url: url.context("a batch without dossiers")?,
            at: self.clock.now(),
        }))
    }

    pub(super) async fn notify(&self, errand: &Errand<'_>) -> StepResult {
        let (dossier, case) = self.case(errand).await?;
        let now = self.clock.now();
        let document = errand.claimed.effect.document;
        let command = DossierCommand::Notify { document, at: now };
        // What our own rules refuse must not be told outside.
        case.dossier.decide(command.clone()).map_err(|refusal| {
            StepFailure::Stuck(format!(
                "{refusal} Remettez le dossier en état et relancez, ou annulez le document."
            ))
        })?;
        let status = status_code(DossierStatus::Notified)?;
        let at = errand
            .journey
            .order
            .date
            .and_time(chrono::NaiveTime::MIN)
            .and_utc();
        let reference = &request(&case)?.reference;
        self.ports
            .grants_tool
            .report_status(errand.claimed.effect.id.0, reference, &status, at)
            .await?;
        Ok(Report {
            document: Some(DocumentCommand::RecordReported {
                step: errand.step(),
                status,
                at: now,
            }),
            dossier: Some((dossier, command)),
            ..Report::default()
        }
        .into())
    }

    pub(super) async fn email(&self, errand: &Errand<'_>) -> StepResult {
        let Action::Email { to } = errand.action()? else {
            return Err(anyhow::anyhow!("not a step of message").into());
        };
        let (to, words) = match to {
            Recipient::Applicant => self.message_to_applicant(errand).await?,
            Recipient::Requester => self.message_to_requester(errand).await?,
        };
        let message_id = format!("{}@navette", errand.claimed.effect.id);
        let email = Email {
            message_id: message_id.clone(),
            to,
            subject: words.subject,
            text: words.text,
            html: words.html,
            attachments: vec![(
                errand.file_name(),
                "application/pdf".to_owned(),
                self.file(errand.pdf()?.file).await?,
            )],
            // A repeated sending must be the same message, byte for byte.
            date: errand
                .journey
                .order
                .date
                .and_time(chrono::NaiveTime::MIN)
                .and_utc(),
        };
        self.ports.postman.send(&email).await?;
        Ok(Outcome::document(DocumentCommand::RecordEmailed {
            step: errand.step(),
            message_id,
            at: self.clock.now(),
        }))
    }

    async fn message_to_applicant(
        &self,
        errand: &Errand<'_>,
    ) -> StepResult<(Personal<String>, letters::Words)> {
        let (_, case) = self.case(errand).await?;
        let request = request(&case)?;
        let email = case.profile.email.as_ref().ok_or_else(|| {
            StepFailure::Stuck(format!(
                "Le bénéficiaire du dossier {} n'a pas d'adresse électronique : complétez le tiers, puis relancez.",
                request.reference
            ))
        })?;
        let registration = errand.journey.registration.as_ref();
        let chrono = registration.map(|registration| registration.chrono.as_str());
        let words = letters::to_applicant(
            &request.reference,
            &request.purpose,
            &request.authority.name,
            chrono,
        );
        Ok((Personal(email.reveal().to_string()), words))
    }

    async fn message_to_requester(
        &self,
        errand: &Errand<'_>,
    ) -> StepResult<(Personal<String>, letters::Words)> {
        let head = self.head(errand.journey.order.batch).await?;
        let head = head.context("a document without its batch")?;
        let address = head.reply_to.as_ref().ok_or_else(|| {
            StepFailure::Stuck("La personne qui a lancé ce lot n'a pas d'adresse électronique : annulez le document et relancez un lot avec une adresse.".to_owned())
        })?;
        let words = letters::to_requester(&errand.journey.title(), &head.label, head.dossiers);
        Ok((Personal(address.reveal().to_string()), words))
    }

    pub(super) async fn publish(&self, errand: &Errand<'_>) -> StepResult {
        let (_, case) = self.case(errand).await?;
        let account = case.profile.applicant_account.as_deref().ok_or_else(|| {
            StepFailure::Stuck("Le bénéficiaire n'a pas de compte dans le porte-documents : complétez le tiers, puis relancez.".to_owned())
        })?;
        let receipt = self
            .ports
            .porte_documents
            .deposit(
                account,
                &self
                    .deposit(errand, errand.claimed.effect.document, &case)
                    .await?,
            )
            .await?;
        Ok(Outcome::document(DocumentCommand::RecordPublished {
            step: errand.step(),
            url: receipt.url,
            at: self.clock.now(),
        }))
    }
}
