//! `navette demo`, run as a newcomer runs it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

#[test]
fn the_demonstration_takes_every_dossier_to_its_end_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    // The account of PostgreSQL passes through it.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    let data = folder.path().join("demo");
    let output = Command::new(env!("CARGO_BIN_EXE_navette"))
        .args([
            "demo",
            "--exit",
            "--dossiers",
            "3",
            "--listen",
            "127.0.0.1:0",
        ])
        .arg("--data")
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in [
        "68 acceptés, 1 refusé, 0 inchangé",
        "Lettres signées                  3",
        "Dépôts au porte-documents        3",
        "En échec ou inachevées           0",
        "Journal scellé :",
        "Jeton :",
    ] {
        assert!(said.contains(line), "{line} is missing from\n{said}");
    }
    let config = folder.path().join("navette.toml");
    fs::write(&config, format!("data = \"{}\"", data.display())).unwrap();
    let verified = Command::new(env!("CARGO_BIN_EXE_navette"))
        .arg("--config")
        .arg(&config)
        .arg("verify")
        .output()
        .unwrap();
    let verified = String::from_utf8_lossy(&verified.stdout);
    assert!(
        verified.contains(" 1 point(s) de contrôle") && verified.ends_with("Aucune anomalie.\n"),
        "{verified}"
    );
    for (place, count) in [("signed", 3), ("commission", 1)] {
        let pdfs: Vec<_> = fs::read_dir(data.join(place)).unwrap().collect();
        assert_eq!(pdfs.len(), count, "{place}");
    }
}
