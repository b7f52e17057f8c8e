//! The same documents, whoever makes them and whenever.

use super::support::{
    AT, assert_says, letter_data, merged_letter, options, run, template, text_of,
};
use chrono::TimeDelta;
use navette_adapters::{
    libreoffice::{PdfPool, PoolOptions},
    workshop::Workshop,
};
use navette_domain::{
    digest::Digest,
    ports::{FailureClass, Merged, OfficeFormat, OfficeWorkshop as _},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the examples are named so"
)]
fn merged(name: &str) -> Merged {
    let workshop = Workshop::new(options(&["no-such-role"]));
    let mut data = letter_data();
    if name.ends_with(".ods") {
        data = serde_json::json!({ "lot": {
            "numero": "1", "date": "2026-03-02", "intitule": "x",
            "dossiers": [], "total": "0.00", "nombre": 0,
        } });
    }
    run(workshop.merge(&template(name), &data)).unwrap()
}

pub fn bytes() {
    for name in [
        "lettre-attribution.odt",
        "lettre-attribution.docx",
        "tableau-commission.ods",
    ] {
        let merged = merged(name);
        let digest = |at| {
            // A pool of its own, hence another worker.
            let pool = PdfPool::new(options(&["pdf-worker"]));
            let pdf = run(pool.convert(&merged.bytes, merged.format, at)).unwrap();
            Digest::of(&pdf.bytes)
        };
        let first = digest(AT);
        assert_eq!(first, digest(AT), "{name}");
        assert_ne!(first, digest(AT + TimeDelta::days(1)), "{name}");
    }
}

/// A LibreOffice of which only the program is there.
pub fn fallback() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = "/usr/lib/libreoffice/program/soffice.bin";
    symlink(program, folder.path().join("soffice.bin")).unwrap();
    let pool = PdfPool::new(PoolOptions {
        libreoffice: Some(folder.path().to_owned()),
        ..options(&["pdf-worker"])
    });
    let letter = merged_letter();
    let pdf = run(pool.convert(&letter, OfficeFormat::Odt, AT)).unwrap();
    assert_eq!(pdf.pages, 1);
    assert_says(&text_of(&pdf), &["une subvention de 31 234,56 €"]);
    let with_kit = PdfPool::new(options(&["pdf-worker"]));
    let usual = run(with_kit.convert(&letter, OfficeFormat::Odt, AT)).unwrap();
    assert_eq!(text_of(&pdf), text_of(&usual));
    let garbage = run(pool.convert(b"Bonjour", OfficeFormat::Odt, AT)).unwrap_err();
    assert_eq!(garbage.class, FailureClass::Rejected);
}
