//! `navette demo`: real dossiers through the whole chain, with a database of its own and simulated
//! neighbours. What it prints is French: it is what a clerk would read.

#![expect(
    clippy::disallowed_methods,
    reason = "a demonstration plays the clerk, who mints ids"
)]

mod furnish;
mod outcome;
mod place;
mod watch;

use crate::{
    access::{self, Holder},
    app::{App, Database},
    batches::StartBatch,
    cli::{self, Door, Node, say, stop_on_signal},
    config::{Config, HttpConfig},
    neighbourhood::{Manners, Neighbourhood},
    unit::Envelope,
    workers::{RetryPolicy, Stop, stopped},
};
use anyhow::Context as _;
use clap::Args;
use navette_adapters::{
    proof::{CheckpointKey, Sealer, last_checkpoint},
    sim::{iparapheur, nextcloud},
};
use navette_domain::{
    chain::Definition,
    digest::Digest,
    ids::{BatchId, CommandId, DossierId},
    personal::Personal,
    policy::{Principal, Role},
};
use navette_projections::{
    dossiers::{DossierFilter, DossierOrder, DossierOrderField},
    kinds::DossierStatus,
    list,
    page::PageRequest,
    scope::Scope,
};
use place::Place;
use secrecy::ExposeSecret as _;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// The options of `navette demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Stop when the letters are delivered; succeed only if all of them are.
    #[arg(long)]
    exit: bool,
    /// How many dossiers to notify.
    #[arg(long, default_value_t = 25, value_name = "N")]
    dossiers: usize,
    /// The file of subsidies to import, instead of the one that the program carries.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The folder of the demonstration, emptied at its start.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Where to answer HTTP.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Those who give visas and sign think for an instant.
const THINKING: Duration = Duration::from_millis(300);

/// Shows everything; then stays until Ctrl-C, unless told to exit.
pub async fn run(options: Demo) -> anyhow::Result<ExitCode> {
    let stopping = stop_on_signal()?;
    let place = Place::clear(options.data.as_deref())?;
    say(&format!(
        "Démonstration de Navette dans {}",
        place.path().display()
    ));
    let neighbours = Neighbourhood::start(manners()).await?;
    let config = Config {
        data: place.path().to_owned(),
        retry: policy(),
        neighbours: Some(neighbours.config()),
        http: HttpConfig {
            explorer: true,
            ..HttpConfig::default()
        },
        ..Config::default()
    };
    let database = Database::open(&config).await?;
    let stop = stopping.subscribe();
    let shown = async {
        let app = cli::build(&config, &database).await?;
        let (node, door) = (Node::claim(&app.pool).await?, open_door(&options).await?);
        let address = door.address();
        let mut tasks = app.follow(&stop);
        tasks.extend(app.work(node.name(), &stop).await?);
        tasks.push(door.serve(&app, &config.http, stop.clone())?);
        let shown = show(&app, &options, place.path(), &stop).await;
        if shown.is_ok() {
            seal(&app, &config).await?;
            invite(&app, address).await?;
        }
        if shown.is_ok() && !options.exit {
            say("\nCtrl-C pour arrêter.");
            stopped(&mut stop.clone()).await;
        }
        stopping.send_replace(true);
        for task in tasks {
            task.await?;
        }
        shown
    };
    let shown = shown.await;
    database.close().await;
    Ok(if shown? {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The address that was asked for, else the usual one, else any that is free.
async fn open_door(options: &Demo) -> anyhow::Result<Door> {
    if let Some(asked) = options.listen {
        return Door::open(asked).await;
    }
    let usual = HttpConfig::default().listen;
    match Door::open(usual).await {
        Ok(door) => Ok(door),
        Err(_) => Door::open(SocketAddr::new(usual.ip(), 0)).await,
    }
}

/// Seals the log, so that `navette verify` has something to hold it against.
async fn seal(app: &App, config: &Config) -> anyhow::Result<()> {
    let key = CheckpointKey::open(&config.key_file())?;
    Sealer::new(app.pool.clone(), key).seal().await?;
    if let Some(last) = last_checkpoint(&app.pool).await? {
        let size = last.checkpoint.size;
        say(&format!("Journal scellé :  {size} événements"));
    }
    Ok(())
}

/// Says how to come and look.
async fn invite(app: &App, address: SocketAddr) -> anyhow::Result<()> {
    let holder = Holder {
        name: "demo".to_owned(),
        role: Role::Admin,
        services: vec![],
        schemes: vec![],
        email: None,
    };
    let token = access::issue(&app.pool, &holder).await?;
    say(&format!("\nGraphQL :         http://{address}/graphql"));
    say(&format!("Explorateur :     http://{address}/"));
    say(&format!("Jeton :           {}", token.expose_secret()));
    Ok(())
}

fn manners() -> Manners {
    Manners {
        visa: Some(nextcloud::Automatic {
            after: THINKING,
            ..nextcloud::Automatic::approving()
        }),
        signature: Some(iparapheur::Automatic::signs_everything(THINKING)),
        refused_addresses: None,
    }
}

fn policy() -> RetryPolicy {
    RetryPolicy {
        base_ms: 200,
        cap_ms: 5_000,
        failures: 6,
        poll_ms: 200,
        ..RetryPolicy::default()
    }
}

/// Whoever starts the batches.
fn principal() -> Principal {
    Principal {
        actor: "token:demo".to_owned(),
        role: Role::Admin,
        services: vec![],
        schemes: vec![],
        email: None,
    }
}

/// A fresh command of theirs.
fn asks() -> Envelope {
    let id = Uuid::now_v7();
    Envelope {
        command: CommandId(id),
        content: Digest::of(id.as_bytes()),
        actor: principal().actor,
        expected_version: None,
    }
}

/// Imports, takes the two chains to their ends, and tells; answers whether every dossier reached its end.
async fn show(app: &App, options: &Demo, folder: &Path, stop: &Stop) -> anyhow::Result<bool> {
    let definitions = furnish::set_up(app).await?;
    say("\n1. Import des subventions");
    let report = furnish::import(app, options.file.as_deref()).await?;
    say(&format!("  {report}"));
    app.projections.catch_up().await?;
    let completed = furnish::complete_third_parties(app).await?;
    app.projections.catch_up().await?;
    say(&format!(
        "  Coordonnées fictives (adresse, courriel, compte) ajoutées à {completed} tiers : les données publiées n'en ont pas."
    ));
    let chosen = choose(app, options.dossiers).await?;
    anyhow::ensure!(!chosen.is_empty(), "aucun dossier accordé à notifier");
    say(&format!(
        "  Filtre : dossiers accordés, par montant décroissant → {} dossiers",
        chosen.len()
    ));

    let chain = |code| Chosen::of(&definitions, code, &chosen);
    say("\n2. Chaîne « Tableau de commission » : un tableau pour tout le lot, visa sans signature");
    let sheets = chain("tableau-commission")?.take(app, stop).await?;
    let commission = folder.join("commission");
    let sheet_is_there = outcome::copy_pdfs(app, &sheets.documents, &commission).await? == 1;

    say("\n3. Chaîne « Notification d'attribution » : une lettre par dossier");
    let letters = chain("notification-attribution")?.take(app, stop).await?;
    let seconds = letters.lasted.as_secs_f32();
    say(&format!("\nRésultat, en {seconds:.1} s"));
    outcome::print_table(app, letters.batch, &letters.documents).await?;
    let signed = folder.join("signed");
    let delivered = outcome::copy_pdfs(app, &letters.documents, &signed).await?;
    say(&format!("\nLettres signées : {}", signed.display()));
    say(&format!("Tableau visé :    {}", commission.display()));
    Ok(sheet_is_there && delivered == chosen.len())
}

/// The first granted dossiers, the largest amounts first.
async fn choose(app: &App, most: usize) -> anyhow::Result<Vec<DossierId>> {
    let scope = Scope::of(&principal());
    let filter = DossierFilter {
        status: Some(vec![DossierStatus::Granted]),
        ..DossierFilter::default()
    };
    let order = DossierOrder {
        field: DossierOrderField::Amount,
        descending: true,
    };
    let (mut chosen, mut after) = (vec![], None);
    loop {
        let request = PageRequest::new(Some(100), after)?;
        let page = list::page(&app.pool, &scope, &filter, &[order], &request).await?;
        after = page.rows.last().map(|(cursor, _)| cursor.clone());
        chosen.extend(page.rows.into_iter().map(|(_, row)| DossierId(row.id)));
        if !page.has_next || chosen.len() >= most {
            chosen.truncate(most);
            return Ok(chosen);
        }
    }
}

/// A chain and the dossiers that go through it.
struct Chosen<'a> {
    definition: &'a Definition,
    dossiers: &'a [DossierId],
}

/// A batch that was watched to its end.
struct Taken {
    batch: BatchId,
    documents: Vec<navette_projections::documents::DocumentRow>,
    lasted: Duration,
}

impl<'a> Chosen<'a> {
    fn of(
        definitions: &'a [Definition],
        code: &str,
        dossiers: &'a [DossierId],
    ) -> anyhow::Result<Self> {
        let definition = definitions
            .iter()
            .find(|definition| definition.code == code)
            .with_context(|| format!("la chaîne {code} manque"))?;
        Ok(Self {
            definition,
            dossiers,
        })
    }

    async fn take(&self, app: &App, stop: &Stop) -> anyhow::Result<Taken> {
        let (batch, began) = (BatchId(Uuid::now_v7()), Instant::now());
        let ask = StartBatch {
            batch,
            label: "Démonstration".to_owned(),
            chain_code: self.definition.code.clone(),
            dossiers: self.dossiers.to_vec(),
            reply_to: Some(Personal("instruction@departement.example".parse()?)),
        };
        let started = app.batches.start(&asks(), &ask).await?;
        for refused in started.refused {
            say(&format!("  {}", refused.sentence));
        }
        app.projections.catch_up().await?;
        watch::watch(app, self.definition, batch, stop).await?;
        let (lasted, documents) = (began.elapsed(), outcome::documents_of(app, batch).await?);
        outcome::print_failures(&documents);
        Ok(Taken {
            batch,
            documents,
            lasted,
        })
    }
}
