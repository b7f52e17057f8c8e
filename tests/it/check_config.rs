//! `navette check-config`: every neighbour is tried, and all that is wrong is said at once.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use navette::{
    config::{DoorConfig, NeighboursConfig},
    neighbourhood::{Manners, Neighbourhood},
};
use navette_adapters::{
    desk::DeskConfig,
    services::ServiceAuth,
    sim::{directory::DirectorySim, ledger::Ledger, wire::Meddler},
};
use secrecy::ExposeSecret as _;
use std::{fmt::Write as _, fs, process::Output};
use tokio::process::Command;

/// The file that says what `config` says.
fn file(config: &NeighboursConfig) -> String {
    let (cloud, maarch) = (&config.nextcloud, &config.maarch);
    let DeskConfig::Soap(desk) = &config.desk else {
        unreachable!("the simulated desk speaks SOAP");
    };
    let mut text = format!(
        "[neighbours.nextcloud]\nurl = {:?}\nlogin = {:?}\napp_password = {:?}\n\
         [neighbours.desk]\nkind = \"soap\"\nurl = {:?}\nlogin = {:?}\npassword = {:?}\n",
        cloud.url,
        cloud.login,
        cloud.app_password.expose_secret(),
        desk.url,
        desk.login,
        desk.password.expose_secret(),
    );
    let _ = write!(
        text,
        "[neighbours.maarch]\nurl = {:?}\nlogin = {:?}\npassword = {:?}\ndoctype = {:?}\n\
         status = {:?}\ndestination = {:?}\n\
         [neighbours.smtp]\nhost = {:?}\nport = {}\ntls = \"none\"\nfrom = {:?}\n",
        maarch.url,
        maarch.login,
        maarch.password.expose_secret(),
        maarch.doctype,
        maarch.status,
        maarch.destination,
        config.smtp.host,
        config.smtp.port.unwrap_or_default(),
        config.smtp.from,
    );
    for (name, door) in [
        ("porte_documents", &config.porte_documents),
        ("grants_tool", &config.grants_tool),
    ] {
        let DoorConfig::Contract(door) = door else {
            unreachable!("the neighbourhood speaks our contract");
        };
        let token = door.token.expose_secret();
        let _ = write!(
            text,
            "[neighbours.{name}]\nurl = {:?}\ntoken = {token:?}\n",
            door.url
        );
    }
    for (name, service) in &config.services {
        let Some(ServiceAuth::Bearer { token }) = &service.auth else {
            unreachable!("the simulated services know a token");
        };
        let token = token.expose_secret();
        let _ = write!(
            text,
            "[neighbours.services.{name}]\nurl = {:?}\nauth = {{ kind = \"bearer\", token = {token:?} }}\n",
            service.url
        );
    }
    text
}

/// What the program says of this configuration, for the chain of letters.
async fn check(config: &NeighboursConfig) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("navette.toml");
    let data = format!("data = '{}'\n", folder.path().join("data").display());
    fs::write(&path, data + &file(config)).unwrap();
    let chain = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/chains/notification-attribution.toml"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_navette"))
        .arg("--config")
        .arg(path)
        .args(["check-config", "--chain", chain])
        .output()
        .await
        .unwrap();
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    (output, said)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_configuration_is_tried_whole_changes_nothing_and_ends_with_success() {
    let neighbours = Neighbourhood::start(Manners::default()).await.unwrap();
    let (output, said) = check(&neighbours.config()).await;
    assert_eq!(output.status.code(), Some(0), "{said}");
    for told in [
        "nextcloud: Nextcloud 31.0.5 répond et accepte le compte.",
        "nextcloud: La règle d'approbation « Visa DGS » existe.",
        "signatories: WARNING",
        "desk: iParapheur répond et accepte le compte.",
        "desk: Le type « Courrier / Notification » existe.",
        "maarch: Maarch Courrier accepte le compte",
        "smtp: Le serveur de messagerie répond et accepte le compte.",
        "porte_documents: Le porte-documents répond et accepte le jeton.",
        "grants_tool: L'outil de gestion des aides répond et accepte le jeton.",
        "services: Le service « mandats » répond.",
        "scans: Les scans de courriers signés peuvent être lus.",
    ] {
        assert!(said.contains(told), "{told} is missing in {said}");
    }
    assert_eq!(neighbours.ledger.entries(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_is_said_in_words_at_once_without_secrets() {
    let neighbours = Neighbourhood::start(Manners::default()).await.unwrap();
    let mut config = neighbours.config();
    let nowhere = "http://127.0.0.1:9".to_owned();
    config.nextcloud.app_password = "secret-1".into();
    if let DeskConfig::Soap(desk) = &mut config.desk {
        desk.url = desk.url.replace("http://", "https://");
    }
    config.maarch.doctype = "Autre".to_owned();
    config.maarch.destination = "NULLE".to_owned();
    config.smtp.port = Some(9);
    for door in [&mut config.porte_documents, &mut config.grants_tool] {
        if let DoorConfig::Contract(door) = door {
            door.token = "secret-2".into();
        }
    }
    if let DoorConfig::Contract(door) = &mut config.grants_tool {
        door.url = nowhere;
    }
    let (output, said) = check(&config).await;
    assert_eq!(output.status.code(), Some(1), "{said}");
    for told in [
        "nextcloud: FAILED, Nextcloud refuse le compte de service de Navette.",
        "desk: FAILED, La connexion avec iParapheur n'a pas abouti : il ne parle pas TLS",
        "maarch: FAILED, Le type de document « Autre » n'existe pas dans Maarch Courrier.",
        "maarch: FAILED, Le service destinataire « NULLE » n'existe pas dans Maarch Courrier.",
        "smtp: FAILED, La connexion avec le serveur de messagerie n'a pas abouti : rien n'écoute",
        "porte_documents: FAILED, Le porte-documents refuse le compte de service de Navette.",
        "grants_tool: FAILED, La connexion avec l'outil de gestion des aides n'a pas abouti : rien",
    ] {
        assert!(said.contains(told), "{told} is missing in {said}");
    }
    assert!(!said.contains("secret-"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_siret_is_completed_by_the_directory_or_said_to_be_none() {
    let sim = DirectorySim::start(Ledger::default(), Meddler::default());
    let sim = sim.await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("navette.toml");
    fs::write(
        &path,
        format!("[company_directory]\nurl = {:?}\n", sim.url()),
    )
    .unwrap();
    let ask = async |siret: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_navette"));
        program.arg("--config").arg(&path).args(["company", siret]);
        let output = program.output().await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), said)
    };
    let closed = "LES AMIS DU LAC (fermé)\nRNA W212345678\n3 RUE DU PORT\n21000 DIJON\n";
    assert_eq!(ask("732 829 320 00074").await, (Some(0), closed.to_owned()));
    let (code, said) = ask("30613890001294").await;
    assert_eq!(code, Some(1));
    assert!(said.contains("introuvable"), "{said}");
    let (code, said) = ask("73282932000075").await;
    assert_eq!(code, Some(1));
    assert!(said.starts_with("« 73282932000075 » : "), "{said}");
}
