//! What histories tell of events.

use super::{approval_refused, date, euros};
use crate::{
    agent::AgentEvent,
    attachment::AttachmentEvent,
    batch::BatchEvent,
    bundle::BundleEvent,
    chain::{ChainEvent, StepId},
    document::{ByHand, DocumentEvent},
    dossier::DossierEvent,
    event::Event,
    export::{ExportEvent, model::ExportModelEvent},
    image::ImageEvent,
    selection::SelectionEvent,
    signature::{Binding, Examination, SignatureEvent},
    template::TemplateEvent,
    third_party::ThirdPartyEvent,
    trigger::TriggerRef,
};
use std::collections::BTreeMap;

/// What an event says in a history that a clerk reads, without personal data.
pub fn sentence(event: &Event) -> String {
    match event {
        Event::Dossier(event) => dossier(event),
        Event::ThirdParty(ThirdPartyEvent::Registered { .. }) => "Tiers enregistré".into(),
        Event::ThirdParty(ThirdPartyEvent::Erased { reason, .. }) => {
            format!("Données du tiers effacées : {reason}")
        }
        Event::ThirdParty(ThirdPartyEvent::Amended { .. }) => "Tiers modifié".into(),
        Event::Document(event) => document(event),
        Event::Signature(event) => signature(event),
        Event::Batch(event) => batch(event),
        Event::Template(TemplateEvent::Uploaded { code, version, .. }) => {
            format!("Modèle « {code} » déposé en version {version}")
        }
        Event::Image(ImageEvent::Uploaded { code, version, .. }) => {
            format!("Image « {code} » déposée en version {version}")
        }
        Event::Chain(ChainEvent::Published {
            version,
            definition,
            ..
        }) => format!(
            "Chaîne « {} » publiée en version {version}",
            definition.label
        ),
        Event::Agent(AgentEvent::Erased { reason, .. }) => {
            format!("Nom d'un agent effacé : {reason}")
        }
        Event::Bundle(BundleEvent::Taken { size, file, .. }) => format!(
            "Recueil de preuves remis, arrêté à {size} événements (empreinte {})",
            file.short()
        ),
        Event::ExportSchedule(event) => event.sentence(),
        Event::Trigger(event) => event.sentence(),
        // Its name may be personal.
        Event::Attachment(AttachmentEvent::Added { size, file, .. }) => format!(
            "Pièce jointe ajoutée : {size} octets (empreinte {})",
            file.short()
        ),
        Event::Attachment(AttachmentEvent::Removed { reason, .. }) => {
            format!("Pièce jointe retirée : {reason}")
        }
        // Its name is its owner's, perhaps private.
        Event::Selection(SelectionEvent::Saved { .. }) => "Sélection enregistrée".into(),
        Event::Selection(SelectionEvent::Removed { .. }) => "Sélection supprimée".into(),
        Event::Pause(event) => event.sentence(),
        Event::Export(event) => export(event),
        Event::ExportModel(ExportModelEvent::Saved { model, .. }) => {
            format!("Modèle d'export « {} » enregistré", model.name)
        }
        Event::ExportModel(ExportModelEvent::Removed { .. }) => "Modèle d'export supprimé".into(),
    }
}

fn export(event: &ExportEvent) -> String {
    use ExportEvent as E;
    match event {
        E::Requested { order, .. } => match order.selection {
            Some(_) => format!("Export « {} » d'une sélection demandé", order.label),
            None => format!("Export « {} » demandé", order.label),
        },
        E::Completed { made, .. } => format!(
            "Export terminé : {} lignes, {} octets (empreinte {})",
            made.rows,
            made.bytes,
            made.file.short()
        ),
        E::Failed { reason, rows, .. } => format!("Export échoué après {rows} lignes : {reason}"),
        E::Cancelled { .. } => "Export abandonné".into(),
        E::Downloaded { .. } => "Fichier de l'export remis".into(),
        E::Expired { .. } => "Fichier de l'export effacé, sa durée de conservation passée".into(),
    }
}

fn dossier(event: &DossierEvent) -> String {
    use DossierEvent as E;
    match event {
        E::Registered { .. } => "Dossier enregistré".into(),
        E::TakenOver { amount, .. } => {
            format!("Dossier repris comme déjà accordé, pour {}", euros(*amount))
        }
        E::Amended { .. } => "Demande modifiée".into(),
        E::Completed { .. } => "Dossier déclaré complet".into(),
        E::TakenUp { .. } => "Instruction commencée".into(),
        E::Scheduled { commission, .. } => {
            format!("Inscrit à la commission du {}", date(*commission))
        }
        E::Granted { amount, .. } => format!("Subvention accordée : {}", euros(*amount)),
        E::Refused { reason, .. } => format!("Subvention refusée : {reason}"),
        E::Adjourned { reason, .. } => format!("Dossier ajourné : {reason}"),
        E::Notified { .. } => "Décision notifiée".into(),
        E::Closed { .. } => "Dossier clos".into(),
        E::Reopened { reason, .. } => format!("Dossier rouvert : {reason}"),
    }
}

fn document(event: &DocumentEvent) -> String {
    use DocumentEvent as E;
    match event {
        E::Requested { order, .. } => format!(
            "Document demandé{} : {} (modèle en version {})",
            TriggerRef::told(order.trigger.as_ref()),
            order.title,
            order.template.version
        ),
        E::Merged { office, data, .. } => format!(
            "Données fusionnées dans le modèle (empreinte des données {}, du fichier {})",
            data.short(),
            office.short()
        ),
        E::Converted { pdf, .. } => format!(
            "PDF produit ({} page{}, empreinte {})",
            pdf.pages,
            if pdf.pages > 1 { "s" } else { "" },
            pdf.file.short()
        ),
        E::SentForVisa { .. } => "Mis en circulation pour visa".into(),
        E::Visaed {
            unchanged: true, ..
        } => "Visé".into(),
        E::Visaed {
            unchanged: false, ..
        } => "Visé, avec des annotations".into(),
        E::VisaRefused { reason, .. } => format!("Visa refusé : {reason}"),
        E::SentForSignature { .. } => "Mis en signature".into(),
        E::Signed { .. } => "Document signé".into(),
        E::SignatureRefused { reason, .. } => format!("Signature refusée : {reason}"),
        E::SentToPrint { .. } => "À imprimer pour une signature manuscrite".into(),
        E::ScanReturned { pdf, .. } => {
            let plural = if pdf.pages > 1 { "s" } else { "" };
            format!("Scan du courrier signé reçu ({} page{plural})", pdf.pages)
        }
        E::Registered { registration, .. } => format!(
            "Enregistré au courrier sous le numéro {}",
            registration.chrono
        ),
        E::Attached { .. } => "Rattaché au dossier".into(),
        E::Reported { .. } => "Nouveau statut transmis à l'outil de gestion des aides".into(),
        E::Emailed { .. } => "Message envoyé".into(),
        E::Published { .. } => "Déposé dans le porte-documents".into(),
        E::Called {
            service, answer, ..
        } => format!("Service « {service} » appelé{}", found(answer)),
        E::StepTaken {
            step,
            expression,
            found: fields,
            ..
        } => format!(
            "Étape « {step} » retenue : la condition « {expression} » est remplie{}",
            found(fields)
        ),
        E::StepSkipped {
            step,
            expression,
            found: fields,
            ..
        } => format!(
            "Étape « {step} » écartée : la condition « {expression} » ne s'applique pas{}",
            found(fields)
        ),
        E::ApprovalAsked { .. } => "Approbation demandée".into(),
        E::Approved { .. } => "Document approuvé".into(),
        E::ApprovalRefused { reason, .. } => approval_refused(reason),
        E::WaitBegan { until, .. } => {
            format!(
                "Mis en attente jusqu'au {}",
                until.format("%d/%m/%Y à %H:%M UTC")
            )
        }
        E::WaitEnded { .. } => "Attente terminée".into(),
        E::Delivered { .. } => "Document remis à tous ses destinataires".into(),
        E::Reminded { .. } => "Rappel : le document attend toujours".into(),
        E::Failed { sentence, .. } => format!("Arrêté : {sentence}"),
        E::Retried { .. } => "Relancé".into(),
        E::SkippedByHand {
            step,
            by_hand,
            reason,
            ..
        } => skipped(step, by_hand, reason),
        E::Restarted {
            reason,
            back_to: Some(to),
            ..
        } => format!("Repris à l'étape « {} » : {reason}", to.step),
        E::Restarted { reason, .. } => format!("Repris depuis le début : {reason}"),
        E::Migrated { chain, reason, .. } => {
            format!(
                "Passé à la version {} de sa chaîne : {reason}",
                chain.version
            )
        }
        E::Cancelled { reason, .. } => format!("Annulé : {reason}"),
    }
}

fn skipped(step: &StepId, by_hand: &ByHand, reason: &str) -> String {
    match by_hand {
        ByHand::Registered { chrono } => {
            format!("Étape « {step} » faite à la main (courrier {chrono}) : {reason}")
        }
        ByHand::SignedOnPaper => {
            format!("Étape « {step} » faite à la main (signé sur papier, sans scan) : {reason}")
        }
        ByHand::Visaed | ByHand::Attached | ByHand::HandedOver | ByHand::Waited => {
            format!("Étape « {step} » passée à la main : {reason}")
        }
    }
}

fn signature(event: &SignatureEvent) -> String {
    use SignatureEvent as E;
    match event {
        E::Prepared { .. } => "Dépôt au parapheur préparé".into(),
        E::Submitted { .. } => "Déposé au parapheur".into(),
        E::Signed { .. } => "Signé au parapheur".into(),
        E::Rejected { reason, .. } => format!("Refusé au parapheur : {reason}"),
        E::Withdrawn { .. } => "Retiré du parapheur".into(),
        E::Retrieved {
            binding,
            examination,
            ..
        } => {
            let told = match binding {
                Binding::Exact => "identique au document envoyé plus la signature",
                Binding::Weak => "réécrit par le parapheur (même texte)",
            };
            let who = examination.as_ref().map_or("", signers);
            format!("PDF signé rapporté, {told}{who}")
        }
        E::Archived { .. } => "Classé au parapheur".into(),
    }
}

/// What was checked of whoever signed.
fn signers(examination: &Examination) -> &'static str {
    match (&examination.authorities, &examination.revocation_lists) {
        (None, _) => " ; l'identité du signataire n'a pas été vérifiée",
        (Some(_), None) => " ; certificat du signataire délivré par une autorité reconnue",
        (Some(_), Some(_)) => {
            " ; certificat du signataire délivré par une autorité reconnue, et non révoqué"
        }
    }
}

fn batch(event: &BatchEvent) -> String {
    use BatchEvent as E;
    match event {
        E::Started { order, .. } => format!(
            "Lot « {} » lancé sur {} dossiers{}",
            order.label,
            order.dossiers.len(),
            TriggerRef::told(order.trigger.as_ref())
        ),
        E::Paused { .. } => "Lot suspendu".into(),
        E::Resumed { .. } => "Lot repris".into(),
        E::Cancelled { reason, .. } => format!("Lot annulé : {reason}"),
        E::Completed { .. } => "Lot terminé".into(),
    }
}

/// What the fields of a condition were, or what is kept of an answer.
fn found(fields: &BTreeMap<String, String>) -> String {
    let told: Vec<String> = fields
        .iter()
        .map(|(field, value)| format!("{field} : {value}"))
        .collect();
    if told.is_empty() {
        String::new()
    } else {
        format!(" ({})", told.join(" ; "))
    }
}
