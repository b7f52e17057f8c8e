//! What a batch needs before it can start: a chain, its template, and granted dossiers.

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use navette::{app::App, unit::Envelope};
use navette_domain::{
    amount::Amount,
    chain::{Chain, ChainCommand, Definition},
    digest::Digest,
    dossier::{Authority, Decision, Dossier, DossierCommand, Payment, Request},
    ids::{ChainId, CommandId, DossierId, ThirdPartyId},
    personal::Personal,
    third_party::{PostalAddress, Profile, ThirdParty, ThirdPartyCommand},
};
use navette_projections::scope::Scope;
use uuid::Uuid;

/// The template of every chain here.
pub const LETTER: &[u8] = include_bytes!("../../examples/templates/lettre-attribution.odt");

/// How many dossiers are registered at once.
const AT_ONCE: usize = 64;

/// A fresh command.
pub fn asks() -> Envelope {
    let id = Uuid::now_v7();
    Envelope {
        command: CommandId(id),
        content: Digest::of(id.as_bytes()),
        actor: "bench".to_owned(),
        expected_version: None,
    }
}

/// Publishes a chain, uploads its template and registers `count` granted dossiers.
pub async fn furnish(app: &App, chain: &str, count: usize) -> anyhow::Result<Vec<DossierId>> {
    let definition: Definition = toml::from_str(chain)?;
    let id = ChainId::of_code(&definition.code);
    let template = definition.template.clone();
    let at = app.clock.now();
    let publish = ChainCommand::Publish { definition, at };
    app.dispatcher
        .dispatch::<Chain>(&asks(), id.0, publish)
        .await?;
    app.templates
        .upload(
            &asks(),
            &Scope::whole(),
            &template,
            "lettre-attribution.odt",
            LETTER.to_vec(),
        )
        .await?;
    let dossiers: Vec<DossierId> = stream::iter(0..count)
        .map(|number| granted(app, number))
        .buffered(AT_ONCE)
        .try_collect()
        .await
        .context("registering the dossiers")?;
    Ok(dossiers)
}

async fn granted(app: &App, number: usize) -> anyhow::Result<DossierId> {
    let reference = format!("SUB-2026-{number:05}");
    let at = app.clock.now();
    let profile = profile(&reference, number)?;
    let third_party = profile.derived_id(profile.name.reveal());
    let register = ThirdPartyCommand::Register { profile, at };
    app.dispatcher
        .dispatch::<ThirdParty>(&asks(), third_party.0, register)
        .await?;
    let id = DossierId::of_reference(&reference);
    let take_over = take_over(app, reference, third_party, number)?;
    app.dispatcher
        .dispatch::<Dossier>(&asks(), id.0, take_over)
        .await?;
    Ok(id)
}

fn profile(reference: &str, number: usize) -> anyhow::Result<Profile> {
    Ok(Profile {
        name: Personal(format!("Association L'Éveil & <Culturel> {reference}")),
        siret: None,
        rna: None,
        address: Some(Personal(PostalAddress {
            lines: vec![format!("{number} rue de la République")],
            postcode: "31000".to_owned(),
            town: "Toulouse".to_owned(),
        })),
        email: Some(Personal(
            format!("contact@association-{number}.example").parse()?,
        )),
        applicant_account: Some(format!("usager-{number}")),
    })
}

/// Three payments, and amounts that all differ.
fn take_over(
    app: &App,
    reference: String,
    third_party: ThirdPartyId,
    number: usize,
) -> anyhow::Result<DossierCommand> {
    let part = 123_450 + i64::try_from(number)?;
    let payments = ["2026-04-30", "2026-06-30", "2026-09-30"]
        .iter()
        .zip(1..)
        .map(|(date, rank)| {
            Ok(Payment {
                label: format!("Versement {rank}"),
                date: Some(date.parse()?),
                amount: Amount::from_cents(part),
            })
        })
        .collect::<anyhow::Result<_>>()?;
    let amount = Amount::from_cents(3 * part);
    let request = Request {
        reference,
        third_party,
        authority: Authority {
            name: "Département de la Haute-Garonne".to_owned(),
            siret: None,
        },
        purpose: format!("Saison culturelle 2026, projet n° {number}"),
        amount,
        nature: Some("aide en numéraire".to_owned()),
        scheme: Some("Culture".to_owned()),
        service: Some("Direction de la culture".to_owned()),
        fiscal_year: Some(2026),
        payment_terms: Some("échelonné".to_owned()),
        payments,
        custom: std::collections::BTreeMap::new(),
    };
    let decision = Decision {
        reference: Some("DELIB-2026-12".to_owned()),
        date: Some("2026-03-12".parse()?),
    };
    Ok(DossierCommand::TakeOver {
        request,
        amount,
        decision,
        at: app.clock.now(),
    })
}
