//! Workers that die, hang, or have too much to do.

use super::support::{AT, letter_data, merged_letter, options, run, template};
use navette_adapters::{
    libreoffice::{PdfPool, PoolOptions},
    workshop::Workshop,
};
use navette_domain::ports::{FailureClass, OfficeFormat, OfficeWorkshop as _};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub fn dead_worker() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("died");
    let pool = PdfPool::new(options(&["dies-once", marker.to_str().unwrap()]));
    let pdf = run(pool.convert(&merged_letter(), OfficeFormat::Odt, AT)).unwrap();
    assert!(marker.exists());
    assert_eq!(pdf.pages, 1);
}

pub fn hung_worker() {
    let pool = PdfPool::new(PoolOptions {
        timeout: Duration::from_secs(1),
        ..options(&["hangs"])
    });
    let started = Instant::now();
    let failure = run(pool.convert(&merged_letter(), OfficeFormat::Odt, AT)).unwrap_err();
    assert_eq!(failure.class, FailureClass::Transient);
    assert!(started.elapsed() < Duration::from_secs(30));
}

pub fn too_long() {
    let workshop = Workshop::new(PoolOptions {
        workers: 1,
        timeout: Duration::from_secs(3),
        ..options(&["pdf-worker"])
    });
    let mut data = letter_data();
    let payment = json!({ "date": "2026-04-01", "libelle": "Acompte", "montant": "1.00" });
    data["versements"] = Value::Array(vec![payment; 20_000]);
    run(async {
        let long = workshop
            .merge(&template("lettre-attribution.odt"), &data)
            .await
            .unwrap();
        let started = Instant::now();
        let failure = workshop
            .convert(&long.bytes, long.format, AT)
            .await
            .unwrap_err();
        assert_eq!(failure.class, FailureClass::Transient, "{failure:?}");
        assert!(started.elapsed() < Duration::from_secs(30));
        let short = workshop
            .merge(&template("lettre-attribution.odt"), &letter_data())
            .await;
        let short = short.unwrap();
        assert_eq!(
            workshop
                .convert(&short.bytes, short.format, AT)
                .await
                .unwrap()
                .pages,
            1
        );
    });
}

pub fn many() {
    let pool = PdfPool::new(options(&["pdf-worker"]));
    let letter = merged_letter();
    run(async {
        let conversions = (0..10).map(|_| pool.convert(&letter, OfficeFormat::Odt, AT));
        for pdf in futures::future::join_all(conversions).await {
            assert_eq!(pdf.unwrap().pages, 1);
        }
    });
}
