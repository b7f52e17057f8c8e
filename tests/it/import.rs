//! Files of subsidies, from the bytes to the log, by the library and by the program.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use crate::{archive::detach, support::asks};
use navette::{
    app::{self, MIGRATIONS},
    clock::Clock,
    dispatch::Dispatcher,
    import::import,
};
use navette_adapters::{
    log::Log,
    postgres::{EmbeddedPostgres, test_cluster::TestDatabase},
    subsidies::{ImportReport, ReadOptions, SubsidyFile},
};
use navette_domain::{
    dossier::{Dossier, DossierCommand, DossierStatus},
    ids::{DocumentId, DossierId, ThirdPartyId},
    third_party::{ThirdParty, ThirdPartyCommand},
};
use std::{
    fmt::Write as _,
    fs::{self, Permissions},
    io::Cursor,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use uuid::Uuid;

const HEADER: &str =
    "nomAttribuant;idAttribuant;dateConvention;nomBeneficiaire;idBeneficiaire;objet;montant\n";
const ROW: &str = "Département;22800001400016;2017-02-03;Les Amis;73282932000074;Fête;12,50\n";

pub(crate) struct Desk {
    pub(crate) dispatcher: Dispatcher,
    _database: TestDatabase,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
        let pool = app::connect(database.connect_options()).await.unwrap();
        Self {
            dispatcher: {
                let log = Log::of_tests(pool.clone());
                Dispatcher::new(log, Clock::system())
            },
            _database: database,
        }
    }

    async fn take(&self, file: SubsidyFile, dry_run: bool) -> (ImportReport, Vec<String>) {
        let mut lines = vec![];
        let mut tell = |line: &str| lines.push(line.to_owned());
        let report = import(&self.dispatcher, file, dry_run, &mut tell).await;
        (report.unwrap(), lines)
    }

    pub(crate) async fn position(&self) -> i64 {
        self.dispatcher.log().last_position().await.unwrap()
    }

    /// The only dossier of the log, with its third party.
    async fn only(&self) -> (DossierId, ThirdPartyId) {
        let events = self.dispatcher.log().read(0, 10).await.unwrap().events;
        let of = |kind: &str| {
            let event = events.iter().find(|event| event.stream_type == kind);
            event.unwrap().stream_id
        };
        (DossierId(of("dossier")), ThirdPartyId(of("third_party")))
    }
}

pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/dossiers")
        .join(name)
}

fn open(name: &str) -> SubsidyFile {
    SubsidyFile::open(&example(name), &ReadOptions::default()).unwrap()
}

fn text(text: impl Into<String>) -> SubsidyFile {
    SubsidyFile::read(Cursor::new(text.into()), &ReadOptions::default()).unwrap()
}

fn generated(rows: usize) -> String {
    let mut text = String::from(HEADER);
    for row in 0..rows {
        let _ = writeln!(
            text,
            "Département;22800001400016;2017-02-03;Bénéficiaire {row};;Fête;{row},00"
        );
    }
    text
}

pub(crate) fn counts(accepted: u64, refused: u64, unchanged: u64) -> ImportReport {
    ImportReport {
        accepted,
        refused,
        unchanged,
        without_siret: 0,
    }
}

#[tokio::test]
async fn importing_the_same_file_again_changes_nothing() {
    let desk = Desk::open().await;
    for (name, accepted, refused) in [
        ("haute-garonne.csv", 68, 1),
        ("somme-utf8-bom-windows-1252-bytes.csv", 41, 0),
        ("aube.xlsx", 6, 1),
    ] {
        let (first, lines) = desk.take(open(name), false).await;
        assert_eq!(first, counts(accepted, refused, 0), "{name}");
        assert_eq!(lines.len() as u64, refused, "{name}");
        let position = desk.position().await;
        let (second, again) = desk.take(open(name), false).await;
        assert_eq!(second, counts(0, refused, accepted), "{name}");
        assert_eq!(again, lines, "{name}");
        assert_eq!(desk.position().await, position, "{name}");
    }
}

#[tokio::test]
async fn the_same_subsidies_in_another_format_are_the_same_dossiers() {
    let desk = Desk::open().await;
    desk.take(open("aube.xlsx"), false).await;
    for name in ["aube.ods", "aube.xls"] {
        let (report, _) = desk.take(open(name), false).await;
        assert_eq!(report, counts(0, 1, 6), "{name}");
    }
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let desk = Desk::open().await;
    let (report, _) = desk.take(open("haute-garonne.csv"), true).await;
    assert_eq!(report, counts(68, 1, 0));
    assert_eq!(desk.position().await, 0);
}

#[tokio::test]
async fn an_import_that_was_cut_short_goes_on_when_it_is_started_again() {
    let desk = Desk::open().await;
    let (report, _) = desk.take(text(generated(700)), false).await;
    assert_eq!(report, counts(700, 0, 0));
    let (report, _) = desk.take(text(generated(1_300)), false).await;
    assert_eq!(report, counts(600, 0, 700));
    // Each row has its third party and its dossier, which is registered and taken over.
    assert_eq!(desk.position().await, 3 * 1_300);
}

#[tokio::test]
async fn rows_of_one_beneficiary_share_one_third_party() {
    let desk = Desk::open().await;
    let other = ROW.replace("Fête", "Bal").replace("Les Amis", "LES AMIS");
    let (report, _) = desk
        .take(text(format!("{HEADER}{ROW}{other}")), false)
        .await;
    assert_eq!(report, counts(2, 0, 0));
    assert_eq!(desk.position().await, 5);
}

#[tokio::test]
async fn an_imported_dossier_is_granted_as_its_row_says() {
    let desk = Desk::open().await;
    desk.take(text(format!("{HEADER}{ROW}")), false).await;
    let (dossier, third_party) = desk.only().await;
    let Dossier::Open { request, stage } = desk.dispatcher.load(dossier.0).await.unwrap().state
    else {
        panic!("no dossier")
    };
    assert_eq!(stage.status(), DossierStatus::Granted);
    assert_eq!(request.amount.to_string(), "12.50");
    assert_eq!(request.third_party, third_party);
    assert!(request.reference.starts_with("SUB-2017-"));
}

#[tokio::test]
async fn a_file_never_overwrites_what_a_clerk_wrote_about_a_third_party() {
    let desk = Desk::open().await;
    desk.take(text(format!("{HEADER}{ROW}")), false).await;
    let (_, third_party) = desk.only().await;
    let known = desk.dispatcher.load::<ThirdParty>(third_party.0).await;
    let mut profile = known.unwrap().state.profile().unwrap().clone();
    profile.email = Some(
        "amis@example.org"
            .parse::<navette_domain::third_party::EmailAddress>()
            .unwrap()
            .into(),
    );
    let command = ThirdPartyCommand::Amend {
        profile: profile.clone(),
        at: desk.dispatcher.now(),
    };
    desk.dispatcher
        .dispatch::<ThirdParty>(&asks(), third_party.0, command)
        .await
        .unwrap();
    let other = ROW.replace("Fête", "Bal");
    desk.take(text(format!("{HEADER}{ROW}{other}")), false)
        .await;
    let known = desk.dispatcher.load::<ThirdParty>(third_party.0).await;
    assert_eq!(known.unwrap().state.profile(), Some(&profile));
}

#[tokio::test]
async fn a_dossier_that_a_clerk_reopened_is_refused_with_its_line_and_left_alone() {
    let desk = Desk::open().await;
    desk.take(text(format!("{HEADER}{ROW}")), false).await;
    let (dossier, _) = desk.only().await;
    let command = DossierCommand::Reopen {
        reason: "Erreur de bénéficiaire".to_owned(),
        at: desk.dispatcher.now(),
    };
    desk.dispatcher
        .dispatch::<Dossier>(&asks(), dossier.0, command)
        .await
        .unwrap();
    let position = desk.position().await;
    let (report, lines) = desk.take(text(format!("{HEADER}{ROW}")), false).await;
    assert_eq!(report, counts(0, 1, 0));
    assert!(
        lines[0].starts_with("ligne 2, dossier SUB-2017-"),
        "{lines:?}"
    );
    assert!(lines[0].contains("avec un autre contenu"), "{lines:?}");
    assert_eq!(desk.position().await, position);
}

#[tokio::test]
async fn a_dossier_that_is_archived_is_refused_with_its_line_and_the_others_are_taken() {
    let desk = Desk::open().await;
    desk.take(text(format!("{HEADER}{ROW}")), false).await;
    let (dossier, _) = desk.only().await;
    let at = desk.dispatcher.now();
    let notify = DossierCommand::Notify {
        document: DocumentId(Uuid::nil()),
        at,
    };
    for command in [notify, DossierCommand::Close { at }] {
        let asked = asks();
        let done = desk
            .dispatcher
            .dispatch::<Dossier>(&asked, dossier.0, command);
        done.await.unwrap();
    }
    assert_eq!(detach(desk.dispatcher.log().pool()).await.streams, 1);
    let other = ROW.replace("Fête", "Bal");
    let (report, lines) = desk
        .take(text(format!("{HEADER}{ROW}{other}")), false)
        .await;
    assert_eq!(report, counts(1, 1, 0));
    assert!(
        lines[0].starts_with("ligne 2, dossier SUB-2017-") && lines[0].contains("est archivé"),
        "{lines:?}"
    );
}

/// A folder through which the account of PostgreSQL can pass, and a configuration that names it.
pub(crate) fn site() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    let config = folder.path().join("navette.toml");
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o711)).unwrap();
    fs::write(&config, format!("data = '{}'", data.display())).unwrap();
    (folder, config)
}

pub(crate) fn navette(config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navette"));
    command.arg("--config").arg(config);
    command
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_program_prints_one_line_a_refused_row_and_the_counts_and_ends_with_the_agreed_codes() {
    let (folder, config) = site();
    let import = |arguments: &[&str]| {
        let mut command = navette(&config);
        command.arg("import").args(arguments).output().unwrap()
    };
    let file = example("haute-garonne.csv");
    let output = import(&[file.to_str().unwrap()]);
    insta::assert_snapshot!(said(&output), @"
    ligne 35, colonne nomBeneficiaire : valeur obligatoire absente ; corrigez à la source
    68 acceptés, 1 refusé, 0 inchangé
    ");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = import(&["--dry-run", file.to_str().unwrap()]);
    assert!(
        said(&output)
            .ends_with("0 accepté, 1 refusé, 68 inchangés (essai : rien n'a été enregistré)\n")
    );
    let missing = folder.path().join("missing.csv");
    assert_eq!(import(&[missing.to_str().unwrap()]).status.code(), Some(1));
    let picture = folder.path().join("picture.csv");
    fs::write(&picture, [0x89, b'P', b'N', b'G', 0, 0, 0]).unwrap();
    assert_eq!(import(&[picture.to_str().unwrap()]).status.code(), Some(1));
    assert_eq!(import(&[]).status.code(), Some(2));
}

#[tokio::test]
async fn beside_a_running_navette_the_program_uses_its_database() {
    let (folder, config) = site();
    let running = EmbeddedPostgres::start(&folder.path().join("data/postgres"))
        .await
        .unwrap();
    let output = navette(&config)
        .arg("import")
        .arg(example("haute-garonne.csv"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let pool = app::connect(running.connect_options()).await.unwrap();
    let (dossiers,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM events WHERE event_type = 'dossier.taken_over'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(dossiers, 68);
    pool.close().await;
    running.stop().await;
}

/// What the kernel says a process held at most, in kilobytes.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn many_rows_take_no_more_memory_than_few() {
    let (folder, config) = site();
    let held = |rows: usize| {
        let file = folder.path().join(format!("{rows}-{}.csv", Uuid::now_v7()));
        fs::write(&file, generated(rows)).unwrap();
        let mut child = navette(&config)
            .arg("import")
            .arg(&file)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let mut most = 0;
        loop {
            most = most.max(peak(child.id()).unwrap_or(0));
            if let Some(status) = child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0));
                return most;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    // More beneficiaries than the keys that a process remembers: from there on only rows could add to it.
    let (few, many) = (held(12_000), held(27_000));
    // Sixteen bytes a row to number equal rows, and what the allocator keeps at hand.
    assert!(many < few + 16 * 1024, "{few} kB, then {many} kB");
}
