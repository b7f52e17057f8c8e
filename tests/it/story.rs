//! A history told event by event, as the log would hold it, and the tables that follow it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use cqrs_es::DomainEvent;
use navette_adapters::postgres::test_cluster::TestDatabase;
use navette_domain::{
    agent::AgentEvent,
    amount::Amount,
    attachment::{AttachmentEvent, AttachmentFormat},
    batch::{self, BatchEvent},
    bundle::BundleEvent,
    chain::{Action, ChainEvent, ChainRef, Definition, Recipient, Scope, Step, StepId},
    digest::Digest,
    document::{self, ByHand, DocumentEvent, DocumentStatus, PdfRef, Subject},
    dossier::{Authority, Decision, DossierEvent, DossierStatus, Payment, Request},
    event::{Event, Metadata, Recorded},
    export::{
        self, Choice, ExportEvent, Format, Made,
        model::{ExportModelEvent, Model},
        schedule::{Calendar, Days, Destination, ExportScheduleEvent, Schedule},
    },
    ids::{
        BatchId, BundleId, ChainId, CommandId, DocumentId, DossierId, ExportId, ImageId,
        SelectionId, SignatureId, TemplateId, ThirdPartyId,
    },
    image::{ImageEvent, ImageFormat},
    pause::{PauseEvent, Pauses, Target},
    personal::Personal,
    ports::{Circulation, OfficeFormat, Registration},
    selection::{Content, SelectionEvent},
    signature::{Binding, Sheet, SignatureEvent},
    template::{TemplateEvent, TemplateRef},
    third_party::{PostalAddress, Profile, ThirdPartyEvent},
    trigger::{Firing, LeftOut, Occasion, Occurrence, Rule, TriggerEvent},
};
use sqlx::PgPool;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// A database with the tables of the shell and of all projections, without any row.
pub async fn database() -> TestDatabase {
    let database = TestDatabase::create(&sqlx::migrate!()).await.unwrap();
    for projector in navette_projections::all() {
        sqlx::raw_sql(projector.schema())
            .execute(&database.pool)
            .await
            .unwrap();
    }
    database
}

/// The story so far.
#[derive(Default)]
pub struct Story {
    pub events: Vec<Recorded>,
    versions: HashMap<Uuid, i64>,
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn noon() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub fn request(reference: &str) -> Request {
    Request {
        reference: reference.into(),
        third_party: ThirdPartyId(Uuid::from_u128(0x7000)),
        authority: Authority {
            name: "Département de la Vienne".into(),
            siret: "22860001500016".parse().ok(),
        },
        purpose: "Fête de l'Été".into(),
        amount: Amount::from_cents(100_000),
        nature: Some("aide en numéraire".into()),
        scheme: Some("Culture".into()),
        service: Some("Vie associative".into()),
        fiscal_year: Some(2026),
        payment_terms: Some("unique".into()),
        payments: vec![Payment {
            label: "Solde".into(),
            date: Some(day("2026-12-01")),
            amount: Amount::from_cents(100_000),
        }],
        custom: BTreeMap::from([("Canton".into(), "Vouneuil".into())]),
    }
}

pub fn profile(name: &str) -> Profile {
    Profile {
        name: Personal(name.into()),
        siret: "73282932000074".parse().ok(),
        rna: "W863001234".parse().ok(),
        address: Some(Personal(PostalAddress {
            lines: vec!["1 rue du Port".into()],
            postcode: "86000".into(),
            town: "Poitiers".into(),
        })),
        email: "contact@example.org".parse().ok().map(Personal),
        applicant_account: Some("asso-1".into()),
    }
}

pub fn definition() -> Definition {
    let step = |id: &str, action| Step::new(StepId(id.into()), action);
    Definition {
        code: "notification".into(),
        label: "Notification".into(),
        scope: Scope::Dossier,
        template: "lettre".into(),
        accepts: vec![DossierStatus::Granted],
        steps: vec![
            step("fusion", Action::Merge),
            step("pdf", Action::Convert),
            step(
                "message",
                Action::Email {
                    to: Recipient::Applicant,
                },
            ),
        ],
    }
}

pub fn chain() -> ChainRef {
    ChainRef {
        chain: ChainId::of_code("notification"),
        version: 1,
    }
}

pub fn template() -> TemplateRef {
    TemplateRef {
        template: TemplateId::of_code("lettre"),
        version: 1,
        file: Digest::of(b"template"),
        format: OfficeFormat::Odt,
    }
}

impl Story {
    /// One event of another story.
    pub fn of(recorded: Recorded) -> Self {
        Self {
            events: vec![recorded],
            versions: HashMap::new(),
        }
    }

    /// The next event of a stream.
    pub fn tell(&mut self, stream: Uuid, dossier: Option<DossierId>, event: Event) -> &mut Self {
        let (stream_type, event_type) = names(&event);
        let version = self.versions.entry(stream).or_default();
        *version += 1;
        let position = i64::try_from(self.events.len()).unwrap() + 1;
        self.events.push(Recorded {
            position,
            stream_type: stream_type.into(),
            stream_id: stream,
            version: *version,
            event,
            event_type,
            metadata: Metadata {
                command: CommandId(Uuid::from_u128(0xC000 + u128::try_from(position).unwrap())),
                actor: "token:essai".into(),
                batch: None,
                dossier,
                effect: None,
            },
            recorded_at: noon() + TimeDelta::seconds(position),
        });
        self
    }

    pub fn dossier(&mut self, id: DossierId, event: DossierEvent) -> &mut Self {
        self.tell(id.0, Some(id), Event::Dossier(event))
    }

    /// A dossier with this request.
    pub fn registered(&mut self, request: Request) -> DossierId {
        let id = DossierId::of_reference(&request.reference);
        self.dossier(
            id,
            DossierEvent::Registered {
                request,
                at: noon(),
            },
        );
        id
    }

    pub fn third_party(&mut self, id: ThirdPartyId, profile: Profile) -> &mut Self {
        self.tell(
            id.0,
            None,
            Event::ThirdParty(ThirdPartyEvent::Registered {
                profile,
                at: noon(),
            }),
        )
    }

    /// A batch, and the requests for its documents.
    pub fn batch(&mut self, id: BatchId, dossiers: &[DossierId]) -> &mut Self {
        let order = batch::Order {
            label: "Commission de mars".into(),
            chain: chain(),
            template: template(),
            dossiers: dossiers.to_vec(),
            requested_by: "token:essai".into(),
            reply_to: None,
            trigger: None,
        };
        self.tell(
            id.0,
            None,
            Event::Batch(BatchEvent::Started { order, at: noon() }),
        );
        for dossier in dossiers {
            let order = document::Order {
                batch: id,
                subject: Subject::Dossier(*dossier),
                chain: chain(),
                template: template(),
                included: vec![],
                title: format!("Notification {dossier}"),
                date: day("2026-11-23"),
                trigger: None,
            };
            self.document(id, *dossier, DocumentEvent::Requested { order, at: noon() });
        }
        self
    }

    pub fn document(
        &mut self,
        batch: BatchId,
        dossier: DossierId,
        event: DocumentEvent,
    ) -> &mut Self {
        let id = DocumentId::of_dossier(batch, dossier);
        self.tell(id.0, Some(dossier), Event::Document(event));
        if let Some(told) = self.events.last_mut() {
            told.metadata.batch = Some(batch.0);
        }
        self
    }

    /// Applies what was told from the `from`th event on to every table of the live schema.
    pub async fn project_from(&self, pool: &PgPool, from: usize) {
        let projectors = navette_projections::all();
        let mut transaction = pool.begin().await.unwrap();
        for recorded in &self.events[from..] {
            for projector in &projectors {
                projector.apply(&mut transaction, recorded).await.unwrap();
            }
        }
        transaction.commit().await.unwrap();
    }

    pub async fn project(&self, pool: &PgPool) {
        self.project_from(pool, 0).await;
    }
}

fn names(event: &Event) -> (&'static str, String) {
    match event {
        Event::Dossier(event) => ("dossier", event.event_type()),
        Event::ThirdParty(event) => ("third_party", event.event_type()),
        Event::Document(event) => ("document", event.event_type()),
        Event::Signature(event) => ("signature", event.event_type()),
        Event::Batch(event) => ("batch", event.event_type()),
        Event::Template(event) => ("template", event.event_type()),
        Event::Image(event) => ("image", event.event_type()),
        Event::Chain(event) => ("chain", event.event_type()),
        Event::Bundle(event) => ("bundle", event.event_type()),
        Event::Agent(event) => ("agent", event.event_type()),
        Event::Export(event) => ("export", event.event_type()),
        Event::ExportModel(event) => ("export_model", event.event_type()),
        Event::ExportSchedule(event) => ("export_schedule", event.event_type()),
        Event::Selection(event) => ("selection", event.event_type()),
        Event::Attachment(event) => ("attachment", event.event_type()),
        Event::Pause(event) => ("pause", event.event_type()),
        Event::Trigger(event) => ("trigger", event.event_type()),
    }
}

/// A story with every event there is.
pub fn everything() -> Story {
    let mut story = Story::default();
    configuration(&mut story);
    pauses(&mut story);
    triggers(&mut story);
    let (first, second) = dossiers(&mut story);
    let batch = BatchId(Uuid::from_u128(0xB000));
    story.batch(batch, &[first, second]);
    letters(&mut story, batch, first, second);
    let at = noon();
    for event in [
        BatchEvent::Paused { at },
        BatchEvent::Resumed { at },
        BatchEvent::Completed { at },
    ] {
        story.tell(batch.0, None, Event::Batch(event));
    }
    let event = BundleEvent::Taken {
        dossier: first,
        size: 40,
        file: Digest::of(b"bundle"),
        at,
    };
    story.tell(
        BundleId::of_dossier(first).0,
        Some(first),
        Event::Bundle(event),
    );
    let event = AgentEvent::Erased {
        reason: "Départ".into(),
        at,
    };
    story.tell(Uuid::from_u128(0xA6E7), None, Event::Agent(event));
    exports(&mut story);
    attachments(&mut story, first);
    let given_up = BatchId(Uuid::from_u128(0xB001));
    story.batch(given_up, &[first]);
    let event = BatchEvent::Cancelled {
        reason: "erreur".into(),
        at,
    };
    story.tell(given_up.0, None, Event::Batch(event));
    export_schedules(&mut story);
    triggers_fired(&mut story, first);
    story
}

/// Files of a dossier: one is kept, one was taken away.
fn attachments(story: &mut Story, dossier: DossierId) {
    let at = noon();
    for (id, removed) in [(0xA77, false), (0xA78, true)] {
        let event = AttachmentEvent::Added {
            dossier,
            third_party: ThirdPartyId(Uuid::from_u128(0x7000)),
            name: Personal("Devis.pdf".into()),
            format: AttachmentFormat::Pdf,
            size: 5,
            file: Digest::of(b"devis"),
            at,
        };
        story.tell(Uuid::from_u128(id), Some(dossier), Event::Attachment(event));
        if removed {
            let reason = "doublon".into();
            let event = AttachmentEvent::Removed { reason, at };
            story.tell(Uuid::from_u128(id), Some(dossier), Event::Attachment(event));
        }
    }
}

fn exports(story: &mut Story) {
    use ExportEvent as E;
    let at = noon();
    let columns = vec![Choice {
        column: "beneficiaire.nom".into(),
        title: Some("Nom".into()),
    }];
    let made = Made {
        rows: 2,
        bytes: 80,
        file: Digest::of(b"export"),
    };
    let failed = E::Failed {
        reason: "panne".into(),
        rows: 1,
        at,
    };
    let ends = [
        vec![
            E::Completed { made, at },
            E::Downloaded { at },
            E::Expired { at },
        ],
        vec![failed],
        vec![E::Cancelled { at }],
    ];
    for (number, end) in (0xE000..).zip(ends) {
        let order = export::Order {
            label: "Commission de mars".into(),
            format: Format::Ods,
            columns: columns.clone(),
            filter: serde_json::json!({ "status": ["GRANTED"] }),
            selection: Some(SelectionId(Uuid::from_u128(0x5E1))),
            services: vec!["Vie associative".into()],
            schemes: vec![],
            kept: true,
            requested_by: "token:essai".into(),
        };
        let requested = E::Requested { order, at };
        for event in [vec![requested], end].concat() {
            story.tell(Uuid::from_u128(number), None, Event::Export(event));
        }
    }
    let model = |name: &str| Model {
        name: name.into(),
        format: Format::CsvFrench,
        columns: columns.clone(),
        shared: true,
        owner: "token:essai".into(),
    };
    for (id, event) in [
        (
            0xE100,
            ExportModelEvent::Saved {
                model: model("Suivi"),
                at,
            },
        ),
        (
            0xE100,
            ExportModelEvent::Saved {
                model: model("Suivi 2026"),
                at,
            },
        ),
        (
            0xE101,
            ExportModelEvent::Saved {
                model: model("Ancien"),
                at,
            },
        ),
        (0xE101, ExportModelEvent::Removed { at }),
    ] {
        story.tell(Uuid::from_u128(id), None, Event::ExportModel(event));
    }
}

/// Schedules: one that was delivered, one that was given up, one that was removed.
fn export_schedules(story: &mut Story) {
    use ExportScheduleEvent as E;
    let at = noon();
    let (due, next) = (at, at + TimeDelta::days(1));
    let saved = |name: &str, destination| E::Saved {
        schedule: Box::new(Schedule {
            name: name.into(),
            model: None,
            format: Some(Format::CsvFrench),
            columns: None,
            selection: Some(SelectionId(Uuid::from_u128(0x5E1))),
            filter: None,
            calendar: Calendar {
                days: Days::Month((1..=31).collect()),
                hour: 12,
                minute: 0,
            },
            destination,
            owner: "token:essai".into(),
        }),
        next: due,
        at,
    };
    let folder = || Destination::Folder("controle".into());
    let address = "service@departement.example".parse().unwrap();
    let email = Destination::Email(vec![Some(Personal(address))]);
    let started = E::Started {
        due,
        export: ExportId(Uuid::from_u128(0xE000)),
        next,
        at,
    };
    let failed = E::DeliveryFailed {
        reason: "panne".into(),
        reached: vec![],
        retry: at,
        at,
    };
    let given_up = E::GivenUp {
        due,
        reason: "panne".into(),
        next,
        at,
    };
    let histories = [
        vec![
            saved("Suivi", folder()),
            saved("Suivi quotidien", email),
            started.clone(),
            failed.clone(),
            E::Delivered { at },
        ],
        vec![
            saved("Contrôle", folder()),
            started,
            failed,
            given_up.clone(),
        ],
        vec![saved("Sans droit", folder()), given_up],
        vec![saved("Ancien", folder()), E::Removed { at }],
    ];
    for (number, history) in (0xE200..).zip(histories) {
        for event in history {
            story.tell(Uuid::from_u128(number), None, Event::ExportSchedule(event));
        }
    }
}

/// Triggers of each occasion, saved before anything happens: some will have fired, others are to fire, one is
/// changed and suspended, and one removed in the end.
fn triggers(story: &mut Story) {
    let granted = Occasion::Status {
        status: DossierStatus::Granted,
    };
    let after = |ending| Occasion::Chain {
        chain: "notification".into(),
        ending,
    };
    let calendar = Occasion::Calendar(Calendar {
        days: Days::Month(vec![1]),
        hour: 12,
        minute: 0,
    });
    let occasions = [
        granted.clone(),
        after(DocumentStatus::Delivered),
        calendar,
        granted,
        after(DocumentStatus::Delivered),
        after(DocumentStatus::VisaRefused),
        after(DocumentStatus::SignatureRefused),
        after(DocumentStatus::Cancelled),
    ];
    for (id, occasion) in (0x7210..).zip(occasions) {
        let next = matches!(occasion, Occasion::Calendar(_)).then(noon);
        trigger_saved(story, id, occasion, next);
    }
}

/// A trigger, saved to start the chain "avenant".
pub fn trigger_saved(story: &mut Story, id: u128, occasion: Occasion, next: Option<DateTime<Utc>>) {
    let rule = Box::new(Rule {
        name: format!("Déclencheur {id}"),
        chain: "avenant".into(),
        occasion,
        selection: Some(SelectionId(Uuid::from_u128(0x5E1))),
        filter: None,
        owner: "token:essai".into(),
    });
    let at = noon();
    let event = TriggerEvent::Saved { rule, next, at };
    story.tell(Uuid::from_u128(id), None, Event::Trigger(event));
}

fn triggers_fired(story: &mut Story, dossier: DossierId) {
    use TriggerEvent as E;
    let at = noon();
    let last = story.events.last().unwrap().position;
    let fired = |occurrence| E::Fired {
        firing: Box::new(Firing {
            occurrence,
            batch: Some(BatchId(Uuid::from_u128(0xB000))),
            started: 1,
            left_out: vec![LeftOut {
                dossier,
                reason: "Le dossier est clos.".into(),
            }],
            not_chosen: 1,
        }),
        next: None,
        at,
    };
    let events = Occurrence::Events {
        after: 0,
        through: last,
    };
    let reason = "Révision".into();
    for (id, event) in [
        (0x7210, fired(events)),
        (0x7212, fired(Occurrence::Due(at))),
        (0x7212, E::Suspended { reason, at }),
        (0x7212, E::Resumed { next: None, at }),
        (0x7214, E::Removed { at }),
    ] {
        story.tell(Uuid::from_u128(id), None, Event::Trigger(event));
    }
    let refused = Occasion::Status {
        status: DossierStatus::Refused,
    };
    trigger_saved(story, 0x7213, refused, None);
    let reason = "Révision".into();
    let event = E::Suspended { reason, at };
    story.tell(Uuid::from_u128(0x7213), None, Event::Trigger(event));
}

/// Somebody's selections: one is kept, one was removed.
fn selections(story: &mut Story) {
    let at = noon();
    for (id, removed) in [(0x5E1, false), (0x5E2, true)] {
        let content = Content::Dossiers(vec![DossierId::of_reference("SUB-1")]);
        let event = SelectionEvent::Saved {
            name: "À notifier".into(),
            shared: true,
            content,
            owner: "token:essai".into(),
            at,
        };
        story.tell(Uuid::from_u128(id), None, Event::Selection(event));
        if removed {
            let event = SelectionEvent::Removed { at };
            story.tell(Uuid::from_u128(id), None, Event::Selection(event));
        }
    }
}

fn pauses(story: &mut Story) {
    let (target, at) = (Target::Everything, noon());
    let reason = "maintenance".into();
    for event in [
        PauseEvent::Begun { target, reason, at },
        PauseEvent::Ended { target, at },
    ] {
        story.tell(Pauses::STREAM, None, Event::Pause(event));
    }
}

fn configuration(story: &mut Story) {
    let at = noon();
    for version in 1..=2 {
        let event = ChainEvent::Published {
            version,
            definition: definition(),
            at,
        };
        story.tell(chain().chain.0, None, Event::Chain(event));
        let event = TemplateEvent::Uploaded {
            code: "lettre".into(),
            version,
            file_name: "Lettre.odt".into(),
            format: OfficeFormat::Odt,
            file: Digest::of(b"template"),
            fields: vec!["beneficiaire.nom".into()],
            at,
        };
        story.tell(template().template.0, None, Event::Template(event));
    }
    selections(story);
    let event = ImageEvent::Uploaded {
        code: "logo".into(),
        version: 1,
        file_name: "Logo.png".into(),
        format: ImageFormat::Png,
        file: Digest::of(b"image"),
        at,
    };
    story.tell(ImageId::of_code("logo").0, None, Event::Image(event));
    let asso = ThirdPartyId(Uuid::from_u128(0x7000));
    story.third_party(asso, profile("Comité des fêtes"));
    let event = ThirdPartyEvent::Amended {
        profile: profile("Comité des Fêtes"),
        at,
    };
    story.tell(asso.0, None, Event::ThirdParty(event));
    let gone = ThirdPartyId(Uuid::from_u128(0x7001));
    story.third_party(gone, profile("Jeanne Oubliée"));
    let event = ThirdPartyEvent::Erased {
        reason: "Demande du tiers".into(),
        files: vec![Digest::of(b"nothing's")],
        at,
    };
    story.tell(gone.0, None, Event::ThirdParty(event));
}

fn dossiers(story: &mut Story) -> (DossierId, DossierId) {
    use DossierEvent as E;
    let at = noon();
    let amount = Amount::from_cents(90_000);
    let decision = || Decision {
        reference: Some("CP-2026-12".into()),
        date: Some(day("2026-03-12")),
    };
    let reason = || "à revoir".to_owned();
    let first = story.registered(request("SUB-1"));
    for event in [
        E::Amended {
            request: Request {
                purpose: "Fête d'hiver".into(),
                ..request("SUB-1")
            },
            at,
        },
        E::Completed { at },
        E::TakenUp { at },
        E::Scheduled {
            commission: day("2026-03-12"),
            at,
        },
        E::Adjourned {
            reason: reason(),
            at,
        },
        E::Scheduled {
            commission: day("2026-04-12"),
            at,
        },
        E::Refused {
            reason: reason(),
            decision: decision(),
            at,
        },
        E::Reopened {
            reason: reason(),
            at,
        },
        E::Scheduled {
            commission: day("2026-05-12"),
            at,
        },
        E::Granted {
            amount,
            decision: decision(),
            at,
        },
        E::Notified {
            document: DocumentId(Uuid::from_u128(1)),
            at,
        },
        E::Closed { at },
    ] {
        story.dossier(first, event);
    }
    let second = story.registered(request("SUB-2"));
    story.dossier(
        second,
        E::TakenOver {
            amount,
            decision: decision(),
            at,
        },
    );
    (first, second)
}

#[expect(clippy::too_many_lines, reason = "one line for each of many cases")]
fn letters(story: &mut Story, batch: BatchId, first: DossierId, second: DossierId) {
    use DocumentEvent as E;
    let at = noon();
    let step = StepId("étape".into());
    let step = || step.clone();
    let pdf = PdfRef {
        file: Digest::of(b"pdf"),
        pages: 2,
    };
    let signature = SignatureId::of(DocumentId::of_dossier(batch, first), "signature", 1);
    let merged = || E::Merged {
        step: step(),
        office: Digest::of(b"office"),
        format: OfficeFormat::Odt,
        data: Digest::of(b"data"),
        at,
    };
    let to_visa = || {
        let circulation = Circulation {
            file_id: "1".into(),
            path: "/a".into(),
            etag: "e".into(),
        };
        E::SentForVisa {
            step: step(),
            circulation,
            sent: pdf.file,
            at,
        }
    };
    let by = || Personal("Jeanne Élue".to_owned());
    let reason = || "montant faux".to_owned();
    for event in [
        merged(),
        E::Converted {
            step: step(),
            pdf,
            at,
        },
        to_visa(),
        E::Visaed {
            step: step(),
            pdf,
            unchanged: true,
            by: by(),
            comment: None,
            visaed_at: at,
            at,
        },
        E::SentForSignature {
            step: step(),
            signature,
            sent: pdf.file,
            at,
        },
    ] {
        story.document(batch, first, event);
    }
    desk(story, first, signature, batch, true);
    let signed = PdfRef {
        file: Digest::of(b"signed"),
        pages: 2,
    };
    let registration = Registration {
        chrono: "2026/1".into(),
        resource: "7".into(),
    };
    let url = || "https://example.org/1".to_owned();
    for event in [
        E::Signed {
            step: step(),
            signature,
            pdf: signed,
            at,
        },
        E::Registered {
            step: step(),
            registration,
            at,
        },
        E::Called {
            step: step(),
            service: "mandats".into(),
            answer: [("numero".to_owned(), "M-1".to_owned())].into(),
            at,
        },
        E::StepTaken {
            step: step(),
            expression: "dossier.montant > 1".into(),
            found: [("dossier.montant".to_owned(), "1000.00".to_owned())].into(),
            at,
        },
        E::StepSkipped {
            step: step(),
            expression: "dossier.montant > 23000".into(),
            found: [("dossier.montant".to_owned(), "1000.00".to_owned())].into(),
            at,
        },
        E::ApprovalAsked { step: step(), at },
        E::ApprovalRefused {
            step: step(),
            reason: reason(),
            at,
        },
        E::Retried { at },
        E::ApprovalAsked { step: step(), at },
        E::Approved {
            step: step(),
            comment: Some("vu".into()),
            at,
        },
        E::WaitBegan {
            step: step(),
            until: at,
            at,
        },
        E::WaitEnded { step: step(), at },
        E::Attached {
            step: step(),
            file: signed.file,
            url: url(),
            at,
        },
        E::Reported {
            step: step(),
            status: "notified".into(),
            at,
        },
        E::Emailed {
            step: step(),
            message_id: "a@b".into(),
            at,
        },
        E::Published {
            step: step(),
            file: signed.file,
            url: url(),
            at,
        },
        E::Delivered { at },
    ] {
        story.document(batch, first, event);
    }
    let other = SignatureId::of(DocumentId::of_dossier(batch, second), "signature", 1);
    for event in [
        E::Failed {
            step: step(),
            sentence: "Le modèle est incorrect.".into(),
            at,
        },
        E::Retried { at },
        E::SkippedByHand {
            step: step(),
            by_hand: ByHand::HandedOver,
            reason: reason(),
            at,
        },
        merged(),
        E::Converted {
            step: step(),
            pdf,
            at,
        },
        to_visa(),
        E::Reminded { step: step(), at },
        E::VisaRefused {
            step: step(),
            by: by(),
            reason: reason(),
            at,
        },
        E::Restarted {
            reason: reason(),
            back_to: None,
            at,
        },
        merged(),
        E::Converted {
            step: step(),
            pdf,
            at,
        },
        E::SentToPrint {
            step: step(),
            sent: pdf.file,
            at,
        },
        E::ScanReturned {
            step: step(),
            pdf: signed,
            upload: Digest::of(b"scans"),
            first: 3,
            last: 4,
            at,
        },
        E::Migrated {
            chain: chain(),
            begins: vec![],
            reason: reason(),
            at,
        },
        E::SentForSignature {
            step: step(),
            signature: other,
            sent: pdf.file,
            at,
        },
    ] {
        story.document(batch, second, event);
    }
    desk(story, second, other, batch, false);
    for event in [
        E::SignatureRefused {
            step: step(),
            signature: other,
            reason: reason(),
            at,
        },
        E::Cancelled {
            reason: reason(),
            at,
        },
    ] {
        story.document(batch, second, event);
    }
}

fn desk(story: &mut Story, dossier: DossierId, id: SignatureId, batch: BatchId, signed: bool) {
    use SignatureEvent as E;
    let at = noon();
    let sheet = Sheet {
        document: DocumentId::of_dossier(batch, dossier),
        pdf: Digest::of(b"pdf"),
        desk_type: "Courrier".into(),
        desk_subtype: "Notification".into(),
    };
    let retrieved = E::Retrieved {
        pdf: Digest::of(b"signed"),
        slip: Some(Digest::of(b"slip")),
        binding: Binding::Exact,
        examination: None,
        at,
    };
    let rejected = E::Rejected {
        by: Personal("Jean Élu".into()),
        reason: "non".into(),
        at,
    };
    let mut events = vec![
        E::Prepared {
            sheet: sheet.clone(),
            at,
        },
        E::Submitted { folder: None, at },
    ];
    if signed {
        events.extend([E::Signed { at }, retrieved]);
    } else {
        events.push(rejected);
    }
    events.push(E::Archived { at });
    for event in events {
        story.tell(id.0, Some(dossier), Event::Signature(event));
    }
    if !signed {
        let id = SignatureId(Uuid::from_u128(id.0.as_u128() ^ 1));
        for event in [E::Prepared { sheet, at }, E::Withdrawn { at }] {
            story.tell(id.0, Some(dossier), Event::Signature(event));
        }
    }
}
