//! One sample of each event, with every optional field filled.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use navette_domain::{
    agent::AgentEvent,
    amount::Amount,
    attachment::{AttachmentEvent, AttachmentFormat},
    batch::{self, BatchEvent},
    bundle::BundleEvent,
    chain::{Action, ChainEvent, ChainRef, Definition, Recipient, Scope, Step, StepId},
    digest::Digest,
    document::{self, ByHand, DocumentEvent, PdfRef, Subject},
    dossier::{Authority, Decision, DossierEvent, DossierStatus, Payment, Request},
    event::Event,
    export::{
        Choice, ExportEvent, Format, Made, Order,
        model::{ExportModelEvent, Model},
        schedule::{
            Calendar, Days, Destination, ExportScheduleEvent, MOST_ADDRESSES, Schedule, Weekday,
        },
    },
    ids::{
        BatchId, ChainId, DocumentId, DossierId, ExportId, ExportModelId, SelectionId, SignatureId,
        TemplateId, ThirdPartyId,
    },
    image::{ImageEvent, ImageFormat},
    pause::{PauseEvent, Target},
    personal::Personal,
    ports::{Circulation, Neighbour, OfficeFormat, Registration},
    selection::{Content, SelectionEvent},
    signature::{Binding, Sheet, SignatureEvent},
    template::{TemplateEvent, TemplateRef},
    third_party::{PostalAddress, Profile, ThirdPartyEvent},
    trigger::{Firing, LeftOut, Occasion, Occurrence, Rule, TriggerEvent},
};
use uuid::Uuid;

/// Every event there is.
pub fn all() -> Vec<Event> {
    let mut all = vec![];
    all.extend(dossier().into_iter().map(Event::Dossier));
    all.extend(third_party().into_iter().map(Event::ThirdParty));
    all.extend(document().into_iter().map(Event::Document));
    all.extend(signature().into_iter().map(Event::Signature));
    all.extend(batch().into_iter().map(Event::Batch));
    all.extend(export().into_iter().map(Event::Export));
    all.extend(export_model().into_iter().map(Event::ExportModel));
    all.extend(export_schedule().into_iter().map(Event::ExportSchedule));
    all.extend(trigger().into_iter().map(Event::Trigger));
    all.extend(attachment().into_iter().map(Event::Attachment));
    all.extend(configuration());
    all
}

fn attachment() -> Vec<AttachmentEvent> {
    vec![
        AttachmentEvent::Added {
            dossier: DossierId::of_reference("SUB-2026-0012"),
            third_party: ThirdPartyId::of_key("rna:W351001234"),
            name: Personal("RIB du comité.pdf".into()),
            format: AttachmentFormat::Pdf,
            size: 48_112,
            file: Digest::of(b"attachment"),
            at: at(),
        },
        AttachmentEvent::Removed {
            reason: "Doublon".into(),
            at: at(),
        },
    ]
}

fn at() -> DateTime<Utc> {
    "2026-03-17T09:30:00.123456Z".parse().expect("a moment")
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).expect("a day of March")
}

fn pdf(content: &str) -> PdfRef {
    PdfRef {
        file: Digest::of(content.as_bytes()),
        pages: 2,
    }
}

fn step(name: &str) -> StepId {
    StepId(name.into())
}

fn batch_id() -> BatchId {
    BatchId(Uuid::from_u128(0x0195_a2b4_6d00_7000_8000_0000_0000_0001))
}

fn dossier_id() -> DossierId {
    DossierId::of_reference("SUB-2026-0012")
}

fn document_id() -> DocumentId {
    DocumentId::of_dossier(batch_id(), dossier_id())
}

fn signature_id() -> SignatureId {
    SignatureId::of(document_id(), "sign", 1)
}

fn chain_ref() -> ChainRef {
    ChainRef {
        chain: ChainId::of_code("notification-attribution"),
        version: 1,
    }
}

fn template_ref() -> TemplateRef {
    TemplateRef {
        template: TemplateId::of_code("lettre-attribution"),
        version: 1,
        file: Digest::of(b"template"),
        format: OfficeFormat::Odt,
    }
}

fn request() -> Request {
    Request {
        reference: "SUB-2026-0012".into(),
        third_party: ThirdPartyId::of_key("siret:73282932000074"),
        authority: Authority {
            name: "Département d'Ille-et-Vilaine".into(),
            siret: "73282932000074".parse().ok(),
        },
        purpose: "Festival d'été".into(),
        amount: Amount::from_cents(1_500_000),
        nature: Some("aide en numéraire".into()),
        scheme: Some("Soutien aux festivals".into()),
        service: Some("Culture".into()),
        fiscal_year: Some(2026),
        payment_terms: Some("En deux fois".into()),
        payments: vec![Payment {
            label: "Acompte de 50 %".into(),
            date: Some(day(31)),
            amount: Amount::from_cents(500_000),
        }],
        custom: [("canton".to_owned(), "Redon".to_owned())].into(),
    }
}

fn decision() -> Decision {
    Decision {
        reference: Some("CP-2026-03-17".into()),
        date: Some(day(17)),
    }
}

fn dossier() -> Vec<DossierEvent> {
    use DossierEvent as E;
    let (at, amount, reason) = (at(), Amount::from_cents(1_000_000), || "motif".to_owned());
    vec![
        E::Registered {
            request: request(),
            at,
        },
        E::TakenOver {
            amount,
            decision: decision(),
            at,
        },
        E::Amended {
            request: request(),
            at,
        },
        E::Completed { at },
        E::TakenUp { at },
        E::Scheduled {
            commission: day(17),
            at,
        },
        E::Granted {
            amount,
            decision: decision(),
            at,
        },
        E::Refused {
            reason: reason(),
            decision: decision(),
            at,
        },
        E::Adjourned {
            reason: reason(),
            at,
        },
        E::Notified {
            document: document_id(),
            at,
        },
        E::Closed { at },
        E::Reopened {
            reason: reason(),
            at,
        },
    ]
}

fn third_party() -> Vec<ThirdPartyEvent> {
    let profile = || Profile {
        name: Personal("Jeanne Le Goff".into()),
        siret: "73282932000074".parse().ok(),
        rna: "W351001234".parse().ok(),
        address: Some(Personal(PostalAddress {
            lines: vec!["12 rue des Carmes".into()],
            postcode: "35600".into(),
            town: "Redon".into(),
        })),
        email: "jeanne.legoff@eveil.example".parse().ok().map(Personal),
        applicant_account: Some("compte-4711".into()),
    };
    vec![
        ThirdPartyEvent::Registered {
            profile: profile(),
            at: at(),
        },
        ThirdPartyEvent::Amended {
            profile: profile(),
            at: at(),
        },
        ThirdPartyEvent::Erased {
            reason: "Demande du tiers du 3 mars 2037".into(),
            files: vec![Digest::of(b"letter.pdf")],
            at: at(),
        },
    ]
}

fn document() -> Vec<DocumentEvent> {
    let (mut events, at) = (document_made(), at());
    events.extend(document_handed_over());
    events.extend(document_in_house());
    events.extend([
        DocumentEvent::Reminded {
            step: step("visa"),
            at,
        },
        DocumentEvent::Failed {
            step: step("visa"),
            sentence: "Nextcloud ne répond pas.".into(),
            at,
        },
        DocumentEvent::Retried { at },
        DocumentEvent::SkippedByHand {
            step: step("register"),
            by_hand: ByHand::Registered {
                chrono: "2026D/12".into(),
            },
            reason: "enregistré pendant la panne".into(),
            at,
        },
        DocumentEvent::Restarted {
            reason: "modèle corrigé".into(),
            back_to: None,
            at,
        },
        DocumentEvent::Migrated {
            chain: ChainRef {
                version: 2,
                ..chain_ref()
            },
            begins: vec![step("approve")],
            reason: "circuit corrigé".into(),
            at,
        },
        DocumentEvent::Cancelled {
            reason: "envoyé par erreur".into(),
            at,
        },
    ]);
    events
}

fn document_in_house() -> Vec<DocumentEvent> {
    use DocumentEvent as E;
    let (at, expression) = (at(), || "dossier.montant > 23000".to_owned());
    let found = || [("dossier.montant".to_owned(), "10000.00".to_owned())].into();
    vec![
        E::Called {
            step: step("mandat"),
            service: "mandats".into(),
            answer: [("numero".to_owned(), "M-2026-12".to_owned())].into(),
            at,
        },
        E::StepTaken {
            step: step("sign"),
            expression: expression(),
            found: found(),
            at,
        },
        E::StepSkipped {
            step: step("publish"),
            expression: expression(),
            found: found(),
            at,
        },
        E::ApprovalAsked {
            step: step("approve"),
            at,
        },
        E::Approved {
            step: step("approve"),
            comment: Some("Vu avec la direction".into()),
            at,
        },
        E::ApprovalRefused {
            step: step("approve"),
            reason: "montant à revoir".into(),
            at,
        },
        E::WaitBegan {
            step: step("wait"),
            until: at,
            at,
        },
        E::WaitEnded {
            step: step("wait"),
            at,
        },
    ]
}

fn document_made() -> Vec<DocumentEvent> {
    use DocumentEvent as E;
    let at = at();
    vec![
        E::Requested {
            order: document::Order {
                batch: batch_id(),
                subject: Subject::Dossier(dossier_id()),
                chain: chain_ref(),
                template: template_ref(),
                included: vec![],
                title: "Notification SUB-2026-0012".into(),
                date: day(17),
                trigger: None,
            },
            at,
        },
        E::Merged {
            step: step("merge"),
            office: Digest::of(b"office"),
            format: OfficeFormat::Odt,
            data: Digest::of(b"data"),
            at,
        },
        E::Converted {
            step: step("convert"),
            pdf: pdf("letter"),
            at,
        },
        E::SentForVisa {
            step: step("visa"),
            circulation: Circulation {
                file_id: "4242".into(),
                path: "Notifications/lettre.pdf".into(),
                etag: "5f3c".into(),
            },
            sent: pdf("letter").file,
            at,
        },
        E::Visaed {
            step: step("visa"),
            pdf: pdf("annotated letter"),
            unchanged: false,
            by: Personal("Paule Kerzerho".into()),
            comment: Some("vu".into()),
            visaed_at: at,
            at,
        },
        E::VisaRefused {
            step: step("visa"),
            by: Personal("Paule Kerzerho".into()),
            reason: "faute au nom".into(),
            at,
        },
    ]
}

fn document_handed_over() -> Vec<DocumentEvent> {
    use DocumentEvent as E;
    let (at, signed) = (at(), pdf("signed letter"));
    vec![
        E::SentForSignature {
            step: step("sign"),
            signature: signature_id(),
            sent: pdf("annotated letter").file,
            at,
        },
        E::Signed {
            step: step("sign"),
            signature: signature_id(),
            pdf: signed,
            at,
        },
        E::SignatureRefused {
            step: step("sign"),
            signature: signature_id(),
            reason: "montant erroné".into(),
            at,
        },
        E::SentToPrint {
            step: step("print"),
            sent: pdf("letter").file,
            at,
        },
        E::ScanReturned {
            step: step("print"),
            pdf: pdf("scanned letter"),
            upload: Digest::of(b"scanned letters"),
            first: 3,
            last: 4,
            at,
        },
        E::Registered {
            step: step("register"),
            registration: Registration {
                chrono: "2026D/12".into(),
                resource: "112".into(),
            },
            at,
        },
        E::Attached {
            step: step("attach"),
            file: signed.file,
            url: "https://aides.example/documents/12".into(),
            at,
        },
        E::Reported {
            step: step("notify"),
            status: "notified".into(),
            at,
        },
        E::Emailed {
            step: step("email"),
            message_id: "12@navette.example".into(),
            at,
        },
        E::Published {
            step: step("publish"),
            file: signed.file,
            url: "https://portail.example/documents/12".into(),
            at,
        },
        E::Delivered { at },
    ]
}

fn signature() -> Vec<SignatureEvent> {
    use SignatureEvent as E;
    let at = at();
    vec![
        E::Prepared {
            sheet: Sheet {
                document: document_id(),
                pdf: pdf("annotated letter").file,
                desk_type: "Courrier".into(),
                desk_subtype: "Notification".into(),
            },
            at,
        },
        E::Submitted { folder: None, at },
        E::Signed { at },
        E::Rejected {
            by: Personal("Yann Guillou".into()),
            reason: "montant erroné".into(),
            at,
        },
        E::Withdrawn { at },
        E::Retrieved {
            pdf: pdf("signed letter").file,
            slip: Some(Digest::of(b"slip")),
            binding: Binding::Exact,
            examination: None,
            at,
        },
        E::Archived { at },
    ]
}

fn batch() -> Vec<BatchEvent> {
    use BatchEvent as E;
    let at = at();
    vec![
        E::Started {
            order: batch::Order {
                label: "Notifications de mars".into(),
                chain: chain_ref(),
                template: template_ref(),
                dossiers: vec![dossier_id()],
                requested_by: "token:instruction".into(),
                reply_to: "claire.martin@departement.example"
                    .parse()
                    .ok()
                    .map(Personal),
                trigger: None,
            },
            at,
        },
        E::Paused { at },
        E::Resumed { at },
        E::Cancelled {
            reason: "erreur de modèle".into(),
            at,
        },
        E::Completed { at },
    ]
}

fn configuration() -> [Event; 9] {
    let step = |id: &str, action| Step::new(step(id), action);
    [
        Event::Template(TemplateEvent::Uploaded {
            code: "lettre-attribution".into(),
            version: 1,
            file_name: "Lettre d'attribution.odt".into(),
            format: OfficeFormat::Odt,
            file: Digest::of(b"template"),
            fields: vec!["beneficiaire.nom".into(), "dossier.montant".into()],
            at: at(),
        }),
        Event::Agent(AgentEvent::Erased {
            reason: "Départ de l'agent le 3 mars 2037".into(),
            at: at(),
        }),
        Event::Bundle(BundleEvent::Taken {
            dossier: dossier_id(),
            size: 4_812,
            file: Digest::of(b"bundle"),
            at: at(),
        }),
        Event::Selection(SelectionEvent::Saved {
            name: "Sport, année 2026".into(),
            shared: true,
            content: Content::Filter(serde_json::json!({
                "status": ["Granted"],
                "schemeIs": { "prefix": "Sport" }
            })),
            owner: "token:instruction".into(),
            at: at(),
        }),
        Event::Selection(SelectionEvent::Removed { at: at() }),
        Event::Pause(PauseEvent::Begun {
            target: Target::Neighbour {
                neighbour: Neighbour::IParapheur,
            },
            reason: "maintenance du parapheur".into(),
            at: at(),
        }),
        Event::Pause(PauseEvent::Ended {
            target: Target::Everything,
            at: at(),
        }),
        Event::Image(ImageEvent::Uploaded {
            code: "logo".into(),
            version: 1,
            file_name: "Logo du département.png".into(),
            format: ImageFormat::Png,
            file: Digest::of(b"image"),
            at: at(),
        }),
        Event::Chain(ChainEvent::Published {
            version: 1,
            definition: Definition {
                code: "notification-attribution".into(),
                label: "Notification d'attribution".into(),
                scope: Scope::Dossier,
                template: "lettre-attribution".into(),
                accepts: vec![DossierStatus::Granted],
                steps: vec![
                    step("merge", Action::Merge),
                    step("convert", Action::Convert),
                    step(
                        "visa",
                        Action::Visa {
                            folder: "Notifications".into(),
                            circuit: "Visa DGS".into(),
                        },
                    ),
                    step(
                        "sign",
                        Action::Sign {
                            desk_type: "Courrier".into(),
                            desk_subtype: "Notification".into(),
                        },
                    ),
                    step("register", Action::Register),
                    step("attach", Action::Attach),
                    step("notify", Action::Notify),
                    step(
                        "email",
                        Action::Email {
                            to: Recipient::Applicant,
                        },
                    ),
                    step("publish", Action::Publish),
                ],
            },
            at: at(),
        }),
    ]
}

fn choices() -> Vec<Choice> {
    vec![
        Choice {
            column: "beneficiaire.nom".into(),
            title: None,
        },
        Choice {
            column: "montant.2026".into(),
            title: Some("Accordé en 2026".into()),
        },
    ]
}

fn export() -> [ExportEvent; 6] {
    use ExportEvent as E;
    let at = at();
    [
        E::Requested {
            order: Order {
                label: "Dossiers de la commission de mars".into(),
                format: Format::CsvFrench,
                columns: choices(),
                filter: serde_json::json!({ "status": ["GRANTED"], "scheme": ["Sport"] }),
                selection: None,
                services: vec!["Sport".into()],
                schemes: vec![],
                kept: true,
                requested_by: "token:anne".into(),
            },
            at,
        },
        E::Completed {
            made: Made {
                rows: 1_139,
                bytes: 301_224,
                file: Digest::of(b"export"),
            },
            at,
        },
        E::Downloaded { at },
        E::Expired { at },
        E::Failed {
            reason: "La base n'a pas répondu à temps.".into(),
            rows: 512,
            at,
        },
        E::Cancelled { at },
    ]
}

fn export_model() -> [ExportModelEvent; 2] {
    [
        ExportModelEvent::Saved {
            model: Model {
                name: "Suivi des versements".into(),
                format: Format::Ods,
                columns: choices(),
                shared: true,
                owner: "token:anne".into(),
            },
            at: at(),
        },
        ExportModelEvent::Removed { at: at() },
    ]
}

fn trigger() -> [TriggerEvent; 5] {
    use TriggerEvent as E;
    let firing = Firing {
        occurrence: Occurrence::Events {
            after: 120,
            through: 131,
        },
        batch: Some(BatchId(Uuid::from_u128(0xB0))),
        started: 2,
        left_out: vec![LeftOut {
            dossier: DossierId::of_reference("SUB-2026-0012"),
            reason: "Le dossier SUB-2026-0012 a déjà un document en cours dans cette chaîne."
                .into(),
        }],
        not_chosen: 1,
    };
    [
        E::Saved {
            rule: Box::new(Rule {
                name: "Notifier les accords".into(),
                chain: "notification-attribution".into(),
                occasion: Occasion::Chain {
                    chain: "tableau-commission".into(),
                    ending: document::DocumentStatus::Delivered,
                },
                selection: Some(SelectionId(Uuid::from_u128(0x5E))),
                filter: Some(serde_json::json!({ "status": ["GRANTED"] })),
                owner: "token:anne".into(),
            }),
            next: Some(at()),
            at: at(),
        },
        E::Fired {
            firing: Box::new(firing),
            next: Some(at()),
            at: at(),
        },
        E::Suspended {
            reason: "Le modèle est en cours de révision.".into(),
            at: at(),
        },
        E::Resumed {
            next: Some(at()),
            at: at(),
        },
        E::Removed { at: at() },
    ]
}

fn export_schedule() -> [ExportScheduleEvent; 6] {
    use ExportScheduleEvent as E;
    let (due, next) = (at(), at() + TimeDelta::days(3));
    let address = |number| format!("service-{number}@departement.example").parse().ok();
    let addresses = (1..=MOST_ADDRESSES).map(|number| address(number).map(Personal));
    [
        E::Saved {
            schedule: Box::new(Schedule {
                name: "Subventions accordées".into(),
                model: Some(ExportModelId(Uuid::from_u128(0xE1))),
                format: Some(Format::CsvFrench),
                columns: Some(choices()),
                selection: Some(SelectionId(Uuid::from_u128(0x5E))),
                filter: Some(serde_json::json!({ "status": ["GRANTED"] })),
                calendar: Calendar {
                    days: Days::Week(vec![Weekday::Monday, Weekday::Thursday]),
                    hour: 6,
                    minute: 30,
                },
                destination: Destination::Email(addresses.collect()),
                owner: "token:anne".into(),
            }),
            next: due,
            at: at(),
        },
        E::Started {
            due,
            export: ExportId(Uuid::from_u128(0xE0)),
            next,
            at: at(),
        },
        E::DeliveryFailed {
            reason: "Le serveur de messagerie demande de patienter.".into(),
            reached: vec![0, 2],
            retry: at() + TimeDelta::minutes(1),
            at: at(),
        },
        E::Delivered { at: at() },
        E::GivenUp {
            due,
            reason: "Cette sélection n'existe pas, ou n'est pas partagée avec vous.".into(),
            next,
            at: at(),
        },
        E::Removed { at: at() },
    ]
}
