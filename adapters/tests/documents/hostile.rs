//! Files that are not what they say, or that run, fetch or swell.

use super::support::{AT, letter_data, options, run, template};
use navette_adapters::{libreoffice::PdfPool, workshop::Workshop};
use navette_domain::ports::{
    FailureClass, MergeFailure, OfficeFormat, OfficeWorkshop as _, PortFailure,
};
use std::io::{Cursor, Read as _, Write as _};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

fn refused(office: &[u8], format: OfficeFormat) -> PortFailure {
    // A worker that cannot even start: a refusal must come before it.
    let pool = PdfPool::new(options(&["no-such-role"]));
    let failure = run(pool.convert(office, format, AT)).unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected, "{failure:?}");
    failure
}

pub fn garbage() {
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

pub fn hostile() {
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
