//! What the tests share.

use chrono::{DateTime, Utc};
use navette_adapters::{libreoffice::PoolOptions, workshop::Workshop};
use navette_domain::ports::{OfficeWorkshop as _, Pdf};
use serde_json::Value;
use std::{
    ffi::OsString,
    fs,
    future::Future,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

pub fn options(arguments: &[&str]) -> PoolOptions {
    let mut worker_command: Vec<OsString> = vec![std::env::current_exe().unwrap().into()];
    worker_command.extend(arguments.iter().map(OsString::from));
    PoolOptions {
        workers: 2,
        timeout: Duration::from_mins(1),
        ..PoolOptions::for_this_machine(worker_command)
    }
}

/// When the tests' documents were made.
pub const AT: DateTime<Utc> = DateTime::from_timestamp(1_773_680_400, 0).unwrap();

pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

pub fn template(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/templates");
    fs::read(folder.join(name)).unwrap()
}

pub fn letter_data() -> Value {
    serde_json::from_str(include_str!("../data/letter.json")).unwrap()
}

pub fn merged_pdf(name: &str, data: &Value) -> Pdf {
    let workshop = Workshop::new(options(&["pdf-worker"]));
    run(async {
        let merged = workshop.merge(&template(name), data).await.unwrap();
        let pdf = workshop
            .convert(&merged.bytes, merged.format, AT)
            .await
            .unwrap();
        if let Some(folder) = std::env::var_os("NAVETTE_KEEP_DOCUMENTS") {
            let folder = PathBuf::from(folder);
            fs::write(folder.join(name), &merged.bytes).unwrap();
            fs::write(folder.join(format!("{name}.pdf")), &pdf.bytes).unwrap();
        }
        pdf
    })
}

/// The PDF's text, every run of spaces made one.
pub fn text_of(pdf: &Pdf) -> String {
    read(pdf, &[])
}

/// The same, line by line as it lies on the page: rows of tables stay together.
pub fn lines_of(pdf: &Pdf) -> String {
    read(pdf, &["-layout"])
}

fn read(pdf: &Pdf, options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    fs::write(&file, &pdf.bytes).unwrap();
    let output = Command::new("pdftotext")
        .args(options)
        .arg(&file)
        .arg("-")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub fn assert_says(text: &str, expected: &[&str]) {
    for sentence in expected {
        assert!(text.contains(sentence), "« {sentence} » is not in: {text}");
    }
}

pub fn merged_letter() -> Vec<u8> {
    let workshop = Workshop::new(options(&["no-such-role"]));
    let template = template("lettre-attribution.odt");
    run(workshop.merge(&template, &letter_data()))
        .unwrap()
        .bytes
}
