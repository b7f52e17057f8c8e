//! What is asked of Navette: dossiers that were granted, and batches of them.

use chrono::{DateTime, TimeDelta, Utc};
use navette::{
    access::{self, Holder},
    app::App,
    batches::StartBatch,
    unit::Envelope,
};
use navette_domain::{
    amount::Amount,
    attachment::{Attachment, AttachmentCommand, AttachmentFormat, NewFile},
    chain::{Chain, ChainCommand, Definition},
    digest::Digest,
    dossier::{Authority, Decision, Dossier, DossierCommand, DossierStatus, Payment, Request},
    event::Decider,
    export::{
        Export, ExportCommand, Format, Order,
        model::{ExportModel, ExportModelCommand, Model},
        schedule::{Calendar, Days, Destination, ExportSchedule, ExportScheduleCommand, Schedule},
    },
    ids::{BatchId, ChainId, CommandId, DocumentId, DossierId},
    personal::Personal,
    policy::Role,
    selection::{Content, Selection, SelectionCommand},
    third_party::{PostalAddress, Profile, ThirdParty, ThirdPartyCommand},
    trigger::{Occasion, Rule, Trigger, TriggerCommand},
};
use navette_projections::scope::Scope;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A batch, and the documents that it must make.
#[derive(Debug, Clone)]
pub struct Batch {
    pub id: BatchId,
    pub chain: &'static str,
    references: Vec<String>,
}

impl Batch {
    /// A letter for each of so many dossiers of their own.
    pub fn of_letters(count: usize, round: usize) -> Self {
        Self {
            id: BatchId(Uuid::now_v7()),
            chain: "notification-attribution",
            references: (0..count)
                .map(|index| format!("SUB-{round}-{index}"))
                .collect(),
        }
    }

    /// One sheet about the dossiers of another batch.
    pub fn of_sheet(letters: &Self) -> Self {
        Self {
            id: BatchId(Uuid::now_v7()),
            chain: "tableau-commission",
            references: letters.references.clone(),
        }
    }

    /// Whether it makes letters, which everybody receives; its sheet only gets a visa.
    pub fn makes_letters(&self) -> bool {
        self.chain == "notification-attribution"
    }

    pub fn dossiers(&self) -> Vec<DossierId> {
        let ids = self.references.iter();
        ids.map(|reference| DossierId::of_reference(reference))
            .collect()
    }

    pub fn documents(&self) -> Vec<DocumentId> {
        if !self.makes_letters() {
            return vec![DocumentId::of_batch(self.id)];
        }
        let dossiers = self.dossiers().into_iter();
        dossiers
            .map(|dossier| DocumentId::of_dossier(self.id, dossier))
            .collect()
    }

    /// Registers its dossiers, and starts it.
    pub async fn start(&self, app: &App) {
        for reference in &self.references {
            register(app, reference).await;
        }
        let ask = StartBatch {
            batch: self.id,
            label: "Commission de mars".into(),
            chain_code: self.chain.into(),
            dossiers: self.dossiers(),
            reply_to: "clerc@departement.example".parse().ok().map(Personal),
        };
        let started = app.batches.start(&envelope(), &ask).await.unwrap();
        assert!(started.refused.is_empty(), "{:?}", started.refused);
        if let Some(dossier) = self.dossiers().first() {
            attach(app, *dossier).await;
        }
    }
}

/// Takes the chains and templates of the examples in; a second time changes nothing.
pub async fn configure(app: &App) {
    let chains = [
        include_str!("../../examples/chains/notification-attribution.toml"),
        include_str!("../../examples/chains/tableau-commission.toml"),
    ];
    for chain in chains {
        let definition: Definition = toml::from_str(chain).unwrap();
        let id = ChainId::of_code(&definition.code).0;
        let at = Utc::now();
        dispatch::<Chain>(app, id, ChainCommand::Publish { definition, at }).await;
    }
    let templates: [(&str, &str, &[u8]); 2] = [
        (
            "lettre-attribution",
            "lettre-attribution.odt",
            include_bytes!("../../examples/templates/lettre-attribution.odt"),
        ),
        (
            "tableau-commission",
            "tableau-commission.ods",
            include_bytes!("../../examples/templates/tableau-commission.ods"),
        ),
    ];
    for (code, name, bytes) in templates {
        app.templates
            .upload(&envelope(), &Scope::whole(), code, name, bytes.to_vec())
            .await
            .unwrap();
    }
    let logo = include_bytes!("../../examples/images/logo.png").to_vec();
    app.templates
        .upload_image(&envelope(), "logo", "logo.png", logo)
        .await
        .unwrap();
    let command = SelectionCommand::Save {
        name: "À notifier".into(),
        shared: true,
        content: Content::Filter(serde_json::json!({ "status": ["Granted"] })),
        by: envelope().actor,
        at: Utc::now(),
    };
    dispatch::<Selection>(app, Uuid::from_u128(0x5E1), command).await;
    let granted = Occasion::Status {
        status: DossierStatus::Granted,
    };
    // Nobody has this token: what is due waits.
    trigger(app, "Sans titulaire", granted, "token:personne", Utc::now()).await;
}

async fn trigger(app: &App, name: &str, occasion: Occasion, owner: &str, at: DateTime<Utc>) {
    let rule = Box::new(Rule {
        name: name.into(),
        chain: "notification-attribution".into(),
        occasion,
        selection: None,
        filter: Some(serde_json::json!({})),
        owner: owner.into(),
    });
    let command = TriggerCommand::Save {
        rule,
        administers: false,
        others: vec![],
        at,
    };
    dispatch::<Trigger>(app, Uuid::now_v7(), command).await;
}

/// Asks for a file of all dossiers, made in the background, and keeps a model of it; and a schedule and a trigger
/// that are due at once, since two days ago. All the dossiers of the trigger are under way already, or notified.
pub async fn export(app: &App) {
    let at = Utc::now();
    let order = Order {
        label: "Tous les dossiers".into(),
        format: Format::Xlsx,
        columns: vec![],
        filter: serde_json::json!({}),
        selection: None,
        services: vec![],
        schemes: vec![],
        kept: true,
        requested_by: "token:essai".into(),
    };
    let id = Uuid::now_v7();
    dispatch::<Export>(app, id, ExportCommand::Request { order, at }).await;
    let model = Model {
        name: "Suivi".into(),
        format: Format::Ods,
        columns: vec![],
        shared: true,
        owner: "token:essai".into(),
    };
    let id = Uuid::now_v7();
    dispatch::<ExportModel>(app, id, ExportModelCommand::Save { model, at }).await;
    let holder = Holder {
        name: "essai".into(),
        role: Role::Instructor,
        services: vec![],
        schemes: vec![],
        email: None,
    };
    // The second time, it is there.
    let _ = access::issue(&app.pool, &holder).await;
    let id = Uuid::now_v7();
    let calendar = Calendar {
        days: Days::Month((1..=31).collect()),
        hour: 0,
        minute: 0,
    };
    let schedule = Box::new(Schedule {
        name: format!("Suivi {id}"),
        model: None,
        format: Some(Format::Ndjson),
        columns: None,
        selection: None,
        filter: None,
        calendar: calendar.clone(),
        destination: Destination::Folder("controle".into()),
        owner: "token:essai".into(),
    });
    let at = at - TimeDelta::days(2);
    let command = ExportScheduleCommand::Save { schedule, at };
    dispatch::<ExportSchedule>(app, id, command).await;
    let daily = Occasion::Calendar(calendar);
    trigger(app, "Chaque jour", daily, "token:essai", at).await;
}

/// Adds a file to a dossier.
async fn attach(app: &App, dossier: DossierId) {
    let loaded = app.dispatcher.load::<Dossier>(dossier.0).await.unwrap();
    let Dossier::Open { request, .. } = loaded.state else {
        panic!("{dossier} is registered");
    };
    let bytes = b"%PDF-1.7 devis";
    let file = app.ports.files.put(bytes.to_vec()).await.unwrap();
    let command = AttachmentCommand::Add {
        dossier,
        third_party: request.third_party,
        file: NewFile {
            name: Personal("Devis.pdf".into()),
            format: AttachmentFormat::Pdf,
            size: bytes.len() as u64,
            file,
        },
        at: Utc::now(),
    };
    dispatch::<Attachment>(app, Uuid::now_v7(), command).await;
}

async fn register(app: &App, reference: &str) {
    let at = Utc::now();
    let profile = profile(reference);
    let party = profile.derived_id(profile.name.reveal());
    dispatch::<ThirdParty>(app, party.0, ThirdPartyCommand::Register { profile, at }).await;
    let amount = Amount::from_cents(100_000);
    let request = Request {
        reference: reference.into(),
        third_party: party,
        authority: Authority {
            name: "Département de la Vienne".into(),
            siret: "22860001500016".parse().ok(),
        },
        purpose: "Fête de l'Été".into(),
        amount,
        nature: Some("aide en numéraire".into()),
        scheme: Some("Culture".into()),
        service: Some("Vie associative".into()),
        fiscal_year: Some(2026),
        payment_terms: Some("unique".into()),
        payments: vec![Payment {
            label: "Solde".into(),
            date: "2026-12-01".parse().ok(),
            amount,
        }],
        custom: BTreeMap::from([("Canton".into(), "Vouneuil".into())]),
    };
    let decision = Decision {
        reference: Some("CP-2026-12".into()),
        date: "2026-03-12".parse().ok(),
    };
    let id = DossierId::of_reference(reference).0;
    let command = DossierCommand::TakeOver {
        request,
        amount,
        decision,
        at,
    };
    dispatch::<Dossier>(app, id, command).await;
}

fn profile(reference: &str) -> Profile {
    let account = reference.to_lowercase();
    Profile {
        name: Personal(format!("Comité des fêtes {reference}")),
        siret: None,
        rna: None,
        address: Some(Personal(PostalAddress {
            lines: vec!["1 rue du Port".into()],
            postcode: "86000".into(),
            town: "Poitiers".into(),
        })),
        email: format!("{account}@example.org").parse().ok().map(Personal),
        applicant_account: Some(account),
    }
}

fn envelope() -> Envelope {
    let command = Uuid::now_v7();
    Envelope {
        command: CommandId(command),
        content: Digest::of(command.as_bytes()),
        actor: "token:essai".into(),
        expected_version: None,
    }
}

async fn dispatch<A: Decider>(app: &App, id: Uuid, command: A::Command)
where
    A::Command: Clone + Sync,
{
    app.dispatcher
        .dispatch::<A>(&envelope(), id, command)
        .await
        .unwrap();
}
