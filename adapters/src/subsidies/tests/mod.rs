//! All the real files, and the cases that they lack.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod cases;
mod identity;
mod real_files;
mod volume;
mod workbooks;

use super::*;
use std::{fmt::Write as _, io::Cursor, path::PathBuf};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/dossiers")
        .join(name)
}

fn split(rows: SubsidyFile) -> (Vec<SubsidyRow>, Vec<RefusedRow>) {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for row in rows {
        match row.unwrap() {
            Row::Accepted(row) => accepted.push(*row),
            Row::Refused(row) => refused.push(row),
        }
    }
    (accepted, refused)
}

fn read(name: &str, options: &ReadOptions) -> (Vec<SubsidyRow>, Vec<RefusedRow>) {
    split(SubsidyFile::open(&example(name), options).unwrap())
}

fn read_text(text: impl AsRef<[u8]>) -> (Vec<SubsidyRow>, Vec<RefusedRow>) {
    let source = Cursor::new(text.as_ref().to_vec());
    split(SubsidyFile::read(source, &strict()).unwrap())
}

fn fault_of(text: impl AsRef<[u8]>) -> String {
    let source = Cursor::new(text.as_ref().to_vec());
    match SubsidyFile::read(source, &strict()) {
        Ok(mut rows) => rows.find_map(Result::err).unwrap().to_string(),
        Err(fault) => fault.to_string(),
    }
}

fn strict() -> ReadOptions {
    ReadOptions::default()
}

fn without_damaged_siret() -> ReadOptions {
    ReadOptions {
        without_damaged_siret: true,
        mapping: None,
    }
}

fn lines(refused: &[RefusedRow]) -> String {
    let mut lines = String::new();
    for row in refused {
        writeln!(lines, "{row}").unwrap();
    }
    lines
}

const HEADER: &str = "nomAttribuant;idAttribuant;dateConvention;nomBeneficiaire;objet;montant\n";

fn one(row: &str) -> SubsidyRow {
    let (mut accepted, refused) = read_text(format!("{HEADER}{row}\n"));
    assert_eq!(lines(&refused), "");
    accepted.remove(0)
}
