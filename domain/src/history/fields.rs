//! What a state says, field by field. Keys follow the data dictionary where it has the field, and labels are
//! then its own.

use super::{Field, State};
use crate::{
    dictionary,
    document::{Journey, PdfRef, Stage as DocumentStage},
    dossier::{Decision, Dossier, Outcome, Payment, Request, Stage},
    french,
    ids::{DocumentId, SignatureId},
    signature::Signature,
};

pub(super) fn of(state: &State) -> Vec<Field> {
    let mut said = Said::default();
    if let Dossier::Open { request, stage } = &state.dossier {
        said.request(request);
        said.stage(stage);
    }
    for (id, document) in &state.documents {
        if let Some(journey) = document.journey() {
            said.document(*id, journey);
        }
    }
    for (id, signature) in &state.signatures {
        let document = signature.sheet().map(|sheet| sheet.document);
        let known = state
            .documents
            .iter()
            .find(|(known, _)| Some(*known) == document);
        let title = known
            .and_then(|(_, document)| document.journey())
            .map(Journey::title);
        said.signature(*id, signature, &title.unwrap_or_default());
    }
    said.0
}

#[derive(Default)]
struct Said(Vec<Field>);

impl Said {
    fn say(&mut self, key: String, label: String, value: Option<impl ToString>) {
        if let Some(value) = value {
            let value = value.to_string();
            self.0.push(Field { key, label, value });
        }
    }

    /// A field of the dictionary.
    fn known(&mut self, path: &str, value: Option<impl ToString>) {
        let label = dictionary::label(path).unwrap_or(path);
        self.say(path.to_owned(), label.to_owned(), value);
    }

    fn request(&mut self, request: &Request) {
        self.known("dossier.reference", Some(&request.reference));
        self.known("dossier.objet", Some(&request.purpose));
        let amount = french::euros(request.amount);
        self.known("dossier.montant_demande", Some(amount));
        self.known("dossier.nature", request.nature.as_ref());
        self.known("dossier.dispositif", request.scheme.as_ref());
        self.known("dossier.service", request.service.as_ref());
        self.known("dossier.exercice", request.fiscal_year);
        let terms = request.payment_terms.as_ref();
        self.known("dossier.conditions_versement", terms);
        let (key, label) = ("beneficiaire.id", "Identifiant du bénéficiaire");
        self.say(key.into(), label.into(), Some(request.third_party));
        self.known("attribuant.nom", Some(&request.authority.name));
        self.known("attribuant.siret", request.authority.siret.as_ref());
        if !request.payments.is_empty() {
            let payments: Vec<_> = request.payments.iter().map(payment).collect();
            self.known("versements", Some(payments.join(" ; ")));
        }
        for (name, value) in &request.custom {
            let key = format!("{}.{name}", dictionary::CUSTOM);
            self.say(key, name.clone(), Some(value));
        }
    }

    fn stage(&mut self, stage: &Stage) {
        let status = french::dossier_status(stage.status());
        self.known("dossier.statut", Some(status));
        match stage {
            Stage::Scheduled(day) => {
                self.known("dossier.date_commission", Some(french::date(*day)));
            }
            Stage::Adjourned(reason) => {
                let (key, label) = ("dossier.motif_ajournement", "Motif de l'ajournement");
                self.say(key.into(), label.into(), Some(reason));
            }
            Stage::Deposited
            | Stage::Complete
            | Stage::UnderInstruction
            | Stage::Decided(_)
            | Stage::Notified(_)
            | Stage::Closed(_) => {}
        }
        match stage.outcome() {
            Some(Outcome::Granted { amount, decision }) => {
                let (key, label) = ("decision.montant", "Montant accordé");
                self.say(key.into(), label.into(), Some(french::euros(*amount)));
                self.decision(decision);
            }
            Some(Outcome::Refused { reason, decision }) => {
                self.known("decision.motif", Some(reason));
                self.decision(decision);
            }
            None => {}
        }
    }

    fn decision(&mut self, decision: &Decision) {
        self.known("decision.reference", decision.reference.as_ref());
        self.known("decision.date", decision.date.map(french::date));
    }

    fn document(&mut self, id: DocumentId, journey: &Journey) {
        let title = journey.title();
        let mut say = |name: &str, label: &str, value: Option<String>| {
            let label = format!("Document « {title} » : {label}");
            self.say(format!("documents.{id}.{name}"), label, value);
        };
        let status = french::document_status(journey.status());
        say("statut", "statut", Some(status.to_owned()));
        let template = format!("version {}", journey.order.template.version);
        say("modele", "modèle", Some(template));
        if let DocumentStage::Merged { office, .. } = &journey.stage {
            say(
                "bureautique",
                "fichier bureautique",
                Some(office.to_string()),
            );
        }
        say("pdf", "PDF en vigueur", journey.stage.pdf().map(pdf));
        let done: Vec<_> = journey.done.iter().map(|step| step.0.as_str()).collect();
        let done = (!done.is_empty()).then(|| done.join(", "));
        say("etapes", "étapes terminées", done);
        let registration = journey.registration.as_ref();
        let number = registration.map(|registration| registration.chrono.clone());
        say("courrier", "numéro de courrier", number);
        for (name, answer) in &journey.answers {
            let label = format!("réponse « {name} »");
            say(&format!("reponses.{name}"), &label, Some(answer.clone()));
        }
        let reason = match &journey.stage {
            DocumentStage::VisaRefused { reason }
            | DocumentStage::SignatureRefused { reason }
            | DocumentStage::Cancelled { reason } => Some(reason.clone()),
            DocumentStage::Requested
            | DocumentStage::Merged { .. }
            | DocumentStage::Converted { .. }
            | DocumentStage::InVisa { .. }
            | DocumentStage::Visaed { .. }
            | DocumentStage::InSignature { .. }
            | DocumentStage::OnPaper { .. }
            | DocumentStage::Signed { .. }
            | DocumentStage::Registered { .. }
            | DocumentStage::Attached { .. }
            | DocumentStage::Delivered { .. } => None,
        };
        say("motif", "motif", reason);
        say("arret", "arrêté", journey.trouble());
    }

    fn signature(&mut self, id: SignatureId, signature: &Signature, title: &str) {
        let mut say = |name: &str, label: &str, value: Option<String>| {
            let label = format!("Signature de « {title} » : {label}");
            self.say(format!("signatures.{id}.{name}"), label, value);
        };
        let (signed, reason) = match signature {
            Signature::Retrieved { pdf, .. } | Signature::Archived { pdf, .. } => (Some(pdf), None),
            Signature::Rejected { reason, .. } | Signature::Discarded { reason, .. } => {
                (None, Some(reason))
            }
            Signature::Unborn
            | Signature::Prepared { .. }
            | Signature::Submitted { .. }
            | Signature::Signed { .. }
            | Signature::Withdrawn { .. } => (None, None),
        };
        let status = french::signature_status(signature);
        say("statut", "statut", status.map(ToOwned::to_owned));
        say("pdf", "PDF signé", signed.map(ToString::to_string));
        say("motif", "motif", reason.cloned());
    }
}

fn payment(payment: &Payment) -> String {
    let amount = french::euros(payment.amount);
    let day = payment.date.map(french::date);
    let day = day.map_or_else(String::new, |day| format!(" ({day})"));
    format!("{} : {amount}{day}", payment.label)
}

fn pdf(pdf: PdfRef) -> String {
    let plural = if pdf.pages > 1 { "s" } else { "" };
    format!("{} ({} page{plural})", pdf.file, pdf.pages)
}
