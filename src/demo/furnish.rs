//! What a demonstration starts from: the chains, templates and dossiers of `examples/`, which the program
//! carries with it.

use super::asks;
use crate::{app::App, chains, cli::say, import};
use anyhow::Context as _;
use futures::{TryStreamExt as _, stream};
use navette_adapters::subsidies::{ImportReport, ReadOptions, SubsidyFile};
use navette_domain::{
    chain::{Chain, ChainCommand, Definition},
    ids::{ChainId, ThirdPartyId},
    personal::Personal,
    third_party::{PostalAddress, Profile, ThirdParty, ThirdPartyCommand},
};
use navette_projections::{list, page::PageRequest, scope::Scope, third_parties::ThirdPartyFilter};
use std::{io::Cursor, path::Path};
use uuid::Uuid;

const CHAINS: [&str; 2] = [
    include_str!("../../examples/chains/notification-attribution.toml"),
    include_str!("../../examples/chains/tableau-commission.toml"),
];

/// Each with its code and its file's name.
const TEMPLATES: [(&str, &str, &[u8]); 3] = [
    (
        "lettre-attribution",
        "lettre-attribution.odt",
        include_bytes!("../../examples/templates/lettre-attribution.odt"),
    ),
    (
        "lettre-attribution-word",
        "lettre-attribution.docx",
        include_bytes!("../../examples/templates/lettre-attribution.docx"),
    ),
    (
        "tableau-commission",
        "tableau-commission.ods",
        include_bytes!("../../examples/templates/tableau-commission.ods"),
    ),
];

/// What was really published by Roques and the Sicoval.
const DOSSIERS: &[u8] = include_bytes!("../../examples/dossiers/haute-garonne.csv");

/// How many third parties are completed at once.
const AT_ONCE: usize = 64;

/// Uploads the templates and publishes the chains; answers with their definitions, by code.
pub(super) async fn set_up(app: &App) -> anyhow::Result<Vec<Definition>> {
    for (code, name, bytes) in TEMPLATES {
        app.templates
            .upload(&asks(), &Scope::whole(), code, name, bytes.to_vec())
            .await
            .with_context(|| format!("dépôt du modèle {name}"))?;
    }
    let mut published = vec![];
    for text in CHAINS {
        let definition = chains::read(text)?;
        let command = ChainCommand::Publish {
            definition: definition.clone(),
            at: app.clock.now(),
        };
        let id = ChainId::of_code(&definition.code);
        app.dispatcher
            .dispatch::<Chain>(&asks(), id.0, command)
            .await?;
        published.push(definition);
    }
    Ok(published)
}

/// Imports the file, else the one that the program carries.
pub(super) async fn import(app: &App, file: Option<&Path>) -> anyhow::Result<ImportReport> {
    let options = ReadOptions::default();
    let file = match file {
        Some(path) => SubsidyFile::open(path, &options)?,
        None => SubsidyFile::read(Cursor::new(DOSSIERS), &options)?,
    };
    Ok(import::import(&app.dispatcher, file, false, &mut |line| {
        say(&format!("  {line}"));
    })
    .await?)
}

/// Open data names no e-mail address, no postal address, no account: they are made up, here and nowhere
/// else. `.example` belongs to nobody.
pub(super) async fn complete_third_parties(app: &App) -> anyhow::Result<usize> {
    let ids = third_parties(app).await?;
    stream::iter(ids.iter().copied().map(anyhow::Ok))
        .try_for_each_concurrent(AT_ONCE, |id| complete(app, id))
        .await?;
    Ok(ids.len())
}

async fn third_parties(app: &App) -> anyhow::Result<Vec<Uuid>> {
    let (scope, filter) = (Scope::of(&super::principal()), ThirdPartyFilter::default());
    let (mut ids, mut after) = (vec![], None);
    loop {
        let request = PageRequest::new(Some(100), after)?;
        let page = list::page(&app.pool, &scope, &filter, &[], &request).await?;
        ids.extend(page.rows.iter().map(|(_, row)| row.id));
        match page.rows.into_iter().next_back() {
            Some((cursor, _)) if page.has_next => after = Some(cursor),
            _ => return Ok(ids),
        }
    }
}

async fn complete(app: &App, id: Uuid) -> anyhow::Result<()> {
    let loaded = app.dispatcher.load::<ThirdParty>(id).await?;
    let Some(profile) = loaded.state.profile() else {
        return Ok(());
    };
    let command = ThirdPartyCommand::Amend {
        profile: completed(ThirdPartyId(id), profile.clone())?,
        at: app.clock.now(),
    };
    app.dispatcher
        .dispatch::<ThirdParty>(&asks(), id, command)
        .await?;
    Ok(())
}

fn completed(id: ThirdPartyId, profile: Profile) -> anyhow::Result<Profile> {
    let mut short = id.0.simple().to_string();
    short.truncate(8);
    let email = format!("contact@{}-{short}.example", slug(profile.name.reveal()));
    Ok(Profile {
        address: Some(Personal(PostalAddress {
            lines: vec!["1 rue de la Mairie".to_owned()],
            postcode: "31000".to_owned(),
            town: "Toulouse".to_owned(),
        })),
        email: Some(Personal(email.parse()?)),
        applicant_account: Some(format!("usager-{short}")),
        ..profile
    })
}

/// Enough of a name to recognise it, as a part of a domain.
fn slug(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' })
        .collect();
    let mut slug = String::from("tiers");
    for word in plain.split_whitespace() {
        if slug.len() + word.len() > 40 {
            break;
        }
        slug.push('-');
        slug.push_str(word);
    }
    slug
}
