//! Documents from end to end: the example templates merged and converted, hostile files refused, broken
//! workers replaced. This program is also the worker that its tests need, hence its own harness.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail"
)]

use libtest_mimic::{Arguments, Trial};
use navette_adapters::{
    libreoffice::{PdfPool, PoolOptions, worker},
    workshop::Workshop,
};
use navette_domain::ports::{
    FailureClass, MergeFailure, OfficeFormat, OfficeWorkshop, Pdf, PortFailure,
};
use serde_json::{Value, json};
use std::{
    ffi::OsString,
    fs,
    future::Future,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

#[path = "documents/text.rs"]
mod text;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "pdf-worker", folder] => worker::run(Path::new(folder)),
        [_, "dies-once", marker, folder] => dies_once(Path::new(marker), Path::new(folder)),
        [_, "hangs", _] => hangs(),
        _ => libtest_mimic::run(&Arguments::from_args(), tests()).exit_code(),
    }
}

fn tests() -> Vec<Trial> {
    let test = |name: &str, body: fn()| {
        Trial::test(name, move || {
            body();
            Ok(())
        })
    };
    let text = text::TESTS.map(|(name, body)| test(name, body));
    let mut tests = vec![
        test("the_odt_letter_becomes_the_expected_pdf", odt_letter),
        test("the_docx_letter_says_the_same_as_the_odt_one", docx_letter),
        test("the_commission_sheet_adds_its_amounts_up", sheet),
        test(
            "a_convention_is_only_mentioned_above_23000_euros",
            no_convention,
        ),
        test(
            "what_is_not_a_sound_office_file_never_becomes_a_pdf",
            garbage,
        ),
        test("a_file_that_fetches_or_runs_something_is_refused", hostile),
        test("a_worker_that_dies_costs_one_retry", dead_worker),
        test(
            "a_worker_that_hangs_is_given_up_in_bounded_time",
            hung_worker,
        ),
        test(
            "a_document_too_long_to_convert_is_given_up_and_hurts_no_other",
            too_long,
        ),
        test("ten_documents_at_once_share_the_workers", many),
    ];
    tests.extend(text);
    tests
}

// --- workers that misbehave ------------------------------------------------------------------------

/// Is ready, takes a document and dies; the second time, works.
fn dies_once(marker: &Path, folder: &Path) -> ExitCode {
    if marker.exists() {
        return worker::run(folder);
    }
    fs::write(marker, "").unwrap();
    ready();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    ExitCode::FAILURE
}

fn hangs() -> ExitCode {
    ready();
    // Until the pool kills us: its end of the pipe stays open.
    std::io::stdin().read_to_string(&mut String::new()).unwrap();
    ExitCode::SUCCESS
}

fn ready() {
    let mut out = std::io::stdout();
    writeln!(out, "\"ready\"").unwrap();
    out.flush().unwrap();
}

// --- what the tests share --------------------------------------------------------------------------

fn options(arguments: &[&str]) -> PoolOptions {
    let mut worker_command: Vec<OsString> = vec![std::env::current_exe().unwrap().into()];
    worker_command.extend(arguments.iter().map(OsString::from));
    PoolOptions {
        workers: 2,
        timeout: Duration::from_mins(1),
        worker_command,
        archival: true,
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

fn template(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/templates");
    fs::read(folder.join(name)).unwrap()
}

fn letter_data() -> Value {
    serde_json::from_str(include_str!("data/letter.json")).unwrap()
}

fn merged_pdf(name: &str, data: &Value) -> Pdf {
    let workshop = Workshop::new(options(&["pdf-worker"]));
    run(async {
        let merged = workshop.merge(&template(name), data).await.unwrap();
        let pdf = workshop
            .convert(&merged.bytes, merged.format)
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
fn text_of(pdf: &Pdf) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("document.pdf");
    fs::write(&file, &pdf.bytes).unwrap();
    let output = Command::new("pdftotext")
        .arg(&file)
        .arg("-")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn assert_says(text: &str, expected: &[&str]) {
    for sentence in expected {
        assert!(text.contains(sentence), "« {sentence} » is not in: {text}");
    }
}

// --- the examples ----------------------------------------------------------------------------------

const LETTER: [&str; 12] = [
    "L'Éveil <Culturel> & Cie {{ dossier.montant }}",
    "12, rue des Tilleuls",
    "Bâtiment B",
    "99120 Saint-Ambre",
    "Brumeville, le 16 mars 2026",
    "attribution d’une subvention – Festival « Brume & lumières » – 12e édition",
    "par délibération n° CP-2026-112 du 12 mars 2026",
    "une subvention de 31 234,56 € (trente et un mille deux cent trente-quatre euros et \
     cinquante-six centimes)",
    "une convention d’attribution doit être signée",
    "versée en 2 échéances",
    "1er avril 2026",
    "Le Président du Conseil départemental",
];

fn odt_letter() {
    let pdf = merged_pdf("lettre-attribution.odt", &letter_data());
    let text = text_of(&pdf);
    assert_says(&text, &LETTER);
    assert_says(&text, &["Dossier AS-2026-00417", "page 1 / 1"]);
    assert!(!text.contains("{%"), "{text}");
    assert_eq!(pdf.pages, 1);
    let metadata = String::from_utf8_lossy(&pdf.bytes).into_owned();
    assert_says(&metadata, &["<pdfaid:part>2<", "<pdfaid:conformance>B<"]);
}

fn docx_letter() {
    let text = text_of(&merged_pdf("lettre-attribution.docx", &letter_data()));
    assert_says(&text, &LETTER);
    assert!(!text.contains("{%"), "{text}");
}

fn no_convention() {
    let mut data = letter_data();
    data["dossier"]["montant"] = json!("23000.00");
    data["beneficiaire"]["adresse"] = Value::Null;
    data["decision"]["date"] = Value::Null;
    data["versements"] = json!([]);
    let text = text_of(&merged_pdf("lettre-attribution.odt", &data));
    assert_says(&text, &["23 000,00 € (vingt-trois mille euros)"]);
    assert!(!text.contains("convention"), "{text}");
    assert!(!text.contains("échéance"), "{text}");
}

fn sheet() {
    let dossier = |number: u32, amount: &str| {
        let mut dossier = letter_data()["dossier"].clone();
        dossier["reference"] = json!(format!("AS-2026-{number:05}"));
        dossier["montant"] = json!(amount);
        dossier["beneficiaire"] = letter_data()["beneficiaire"].clone();
        dossier
    };
    let data = json!({ "lot": {
        "numero": "2026-07", "date": "2026-03-02", "intitule": "Culture, 1re répartition",
        "dossiers": [dossier(1, "1000.10"), dossier(2, "2500.00"), dossier(3, "499.95")],
        "total": "4000.05", "nombre": 3,
    } });
    let text = text_of(&merged_pdf("tableau-commission.ods", &data));
    assert_says(
        &text,
        &[
            "Lot n° 2026-07 du 2 mars 2026 – Culture, 1re répartition",
            "AS-2026-00003",
            "1 000,10 €",
            "Total (3 dossiers)",
            "4 000,05 €",
            "Soit quatre mille euros et cinq centimes.",
        ],
    );
    assert!(!text.contains("{%"), "{text}");
}

// --- hostile files ---------------------------------------------------------------------------------

fn refused(office: &[u8], format: OfficeFormat) -> PortFailure {
    // A worker that cannot even start: a refusal must come before it.
    let pool = PdfPool::new(options(&["no-such-role"]));
    let failure = run(pool.convert(office, format)).unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected, "{failure:?}");
    failure
}

fn garbage() {
    let letter = template("lettre-attribution.odt");
    for bytes in [
        b"".as_slice(),
        b"Bonjour, je suis un texte.",
        b"<html><body>Erreur</body></html>",
        b"%PDF-1.7\n%%EOF",
        &letter[..letter.len() / 2],
        b"PK\x03\x04 et puis plus rien",
    ] {
        refused(bytes, OfficeFormat::Odt);
    }
    refused(&letter, OfficeFormat::Docx);
}

/// The file with one entry's content changed, or added.
fn with_entry(file: &[u8], name: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut source = ZipArchive::new(Cursor::new(file)).unwrap();
    let mut target = ZipWriter::new(Cursor::new(Vec::new()));
    let mut content = String::new();
    for index in 0..source.len() {
        let mut entry = source.by_index(index).unwrap();
        if entry.name().unwrap() == name {
            entry.read_to_string(&mut content).unwrap();
        } else {
            drop(entry);
            let entry = source.by_index_raw(index).unwrap();
            target.raw_copy_file(entry).unwrap();
        }
    }
    target.start_file(name, SimpleFileOptions::DEFAULT).unwrap();
    target.write_all(change(content).as_bytes()).unwrap();
    target.finish().unwrap().into_inner()
}

fn hostile() {
    let odt = template("lettre-attribution.odt");
    let docx = template("lettre-attribution.docx");
    let ods = template("tableau-commission.ods");
    let body = |content: String, inserted: &str| {
        content.replacen("</office:text>", &format!("{inserted}</office:text>"), 1)
    };
    let image = |address: &str| {
        format!("<text:p><draw:frame><draw:image xlink:href=\"{address}\"/></draw:frame></text:p>")
    };
    let in_odt = |inserted: String| with_entry(&odt, "content.xml", |text| body(text, &inserted));
    let bomb = "A".repeat(8 << 20);
    let cases = [
        (
            "remote image",
            in_odt(image("http://127.0.0.1:9/x.png")),
            "extérieur",
        ),
        (
            "local image",
            in_odt(image("file:///etc/passwd")),
            "extérieur",
        ),
        (
            "climbing image",
            in_odt(image("../../etc/passwd")),
            "extérieur",
        ),
        (
            "entity",
            with_entry(&odt, "content.xml", |text| {
                text.replacen(
                    "?>",
                    "?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>",
                    1,
                )
            }),
            "DTD",
        ),
        (
            "macro",
            with_entry(&odt, "Basic/Standard/Module1.xml", |_| "<x/>".into()),
            "macros",
        ),
        (
            "event",
            in_odt("<text:p><script:event-listener/></text:p>".into()),
            "script",
        ),
        (
            "zip slip",
            with_entry(&odt, "../../tmp/x", |_| "x".into()),
            "chemin",
        ),
        ("zip bomb", bombed(&odt, &bomb), "démesuré"),
        (
            "external relationship",
            with_entry(&docx, "word/_rels/document.xml.rels", |text| {
                text.replacen(
                    "</Relationships>",
                    "<Relationship Id=\"x\" Type=\"http://schemas.openxmlformats.org/officeDocument\
                     /2006/relationships/image\" Target=\"http://127.0.0.1:9/x.png\" \
                     TargetMode=\"External\"/></Relationships>",
                    1,
                )
            }),
            "extérieur",
        ),
        (
            "vba",
            with_entry(&docx, "word/vbaProject.bin", |_| "x".into()),
            "macros",
        ),
        (
            "web formula",
            with_entry(&ods, "content.xml", |text| {
                text.replacen(
                    "of:=SUM(",
                    "of:=WEBSERVICE(\"http://127.0.0.1:9/\")+SUM(",
                    1,
                )
            }),
            "extérieur",
        ),
        ("many entries", many_entries(), "trop d'éléments"),
    ];
    for (case, file, reason) in cases {
        let format = match case {
            "external relationship" | "vba" => OfficeFormat::Docx,
            "web formula" => OfficeFormat::Ods,
            _ => OfficeFormat::Odt,
        };
        let failure = refused(&file, format);
        assert!(failure.sentence.contains(reason), "{case}: {failure}");
        let workshop = Workshop::new(options(&["no-such-role"]));
        let merged = run(workshop.merge(&file, &letter_data()));
        assert!(matches!(merged, Err(MergeFailure::Unreadable(_))), "{case}");
    }
}

fn bombed(odt: &[u8], content: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new_append(Cursor::new(odt.to_vec())).unwrap();
    writer
        .start_file("Pictures/x.bin", SimpleFileOptions::DEFAULT)
        .unwrap();
    writer.write_all(content.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

fn many_entries() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..10_000 {
        writer
            .start_file(format!("{index}"), SimpleFileOptions::DEFAULT)
            .unwrap();
    }
    writer.finish().unwrap().into_inner()
}

// --- broken workers --------------------------------------------------------------------------------

fn merged_letter() -> Vec<u8> {
    let workshop = Workshop::new(options(&["no-such-role"]));
    let template = template("lettre-attribution.odt");
    run(workshop.merge(&template, &letter_data()))
        .unwrap()
        .bytes
}

fn dead_worker() {
    let folder = tempfile::tempdir().unwrap();
    let marker = folder.path().join("died");
    let pool = PdfPool::new(options(&["dies-once", marker.to_str().unwrap()]));
    let pdf = run(pool.convert(&merged_letter(), OfficeFormat::Odt)).unwrap();
    assert!(marker.exists());
    assert_eq!(pdf.pages, 1);
}

fn hung_worker() {
    let pool = PdfPool::new(PoolOptions {
        timeout: Duration::from_secs(1),
        ..options(&["hangs"])
    });
    let started = Instant::now();
    let failure = run(pool.convert(&merged_letter(), OfficeFormat::Odt)).unwrap_err();
    assert_eq!(failure.class, FailureClass::Transient);
    assert!(started.elapsed() < Duration::from_secs(30));
}

fn too_long() {
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
            .convert(&long.bytes, long.format)
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
                .convert(&short.bytes, short.format)
                .await
                .unwrap()
                .pages,
            1
        );
    });
}

fn many() {
    let pool = PdfPool::new(options(&["pdf-worker"]));
    let letter = merged_letter();
    run(async {
        let conversions = (0..10).map(|_| pool.convert(&letter, OfficeFormat::Odt));
        for pdf in futures::future::join_all(conversions).await {
            assert_eq!(pdf.unwrap().pages, 1);
        }
    });
}
