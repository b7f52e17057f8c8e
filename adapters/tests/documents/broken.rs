//! Workers that die, hang, or have too much to do.

use super::support::{AT, letter_data, merged_letter, options, run, template};
use navette_adapters::{
    libreoffice::{PdfPool, PoolOptions},
    sim::hostile,
    workshop::Workshop,
};
use navette_domain::ports::{FailureClass, OfficeFormat, OfficeWorkshop as _};
use serde_json::{Value, json};
use std::{
    fs,
    time::{Duration, Instant},
};

pub fn failing_worker() {
    for how in ["dies", "raves", "lies"] {
        let folder = tempfile::tempdir().unwrap();
        let marker = folder.path().join(how);
        let worker = ["fails-once", how, marker.to_str().unwrap()];
        let pool = PdfPool::new(options(&worker));
        let pdf = run(pool.convert(&merged_letter(), OfficeFormat::Odt, AT)).unwrap();
        assert!(marker.exists(), "{how}");
        assert_eq!(pdf.pages, 1);
    }
}

pub fn leaking_worker() {
    let letter = merged_letter();
    let starts = |mebibytes| {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("starts");
        let pool = PdfPool::new(PoolOptions {
            workers: 1,
            ..options(&["leaks", log.to_str().unwrap(), mebibytes])
        });
        run(async {
            for _ in 0..2 {
                pool.convert(&letter, OfficeFormat::Odt, AT).await.unwrap();
            }
        });
        fs::read_to_string(log).unwrap().lines().count()
    };
    assert_eq!(starts("1"), 1);
    assert_eq!(starts("300"), 2);
}

pub fn five_among_fifty() {
    let letter = merged_letter();
    let pool = PdfPool::new(PoolOptions {
        timeout: Duration::from_secs(6),
        ..options(&["pdf-worker"])
    });
    let files: Vec<(bool, Vec<u8>)> = (0..50)
        .map(|number| match number % 10 {
            3 => (true, hostile::unfinishable(&letter, number / 10).unwrap()),
            _ => (false, letter.clone()),
        })
        .collect();
    let started = Instant::now();
    run(async {
        let conversions = files.iter().map(async |(is_hostile, file)| {
            let outcome = pool.convert(file, OfficeFormat::Odt, AT).await;
            assert_eq!(outcome.is_err(), *is_hostile, "{outcome:?}");
        });
        futures::future::join_all(conversions).await;
    });
    // The workers are still the first ones, and hold no more than warm ones do.
    let resident = pool.resident();
    assert_eq!(resident.len(), 2);
    assert!(
        resident.iter().all(|bytes| *bytes < 512 << 20),
        "{resident:?}"
    );
    assert!(started.elapsed() < Duration::from_mins(4));
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
