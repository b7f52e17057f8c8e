//! In a process of its own, so that what is measured is the import alone.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use navette_adapters::subsidies::{ReadOptions, Row, SubsidyFile};
use std::{fs, io::Write as _};

/// The most memory that this process ever held, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let digits = peak.unwrap().trim().trim_end_matches(" kB").to_owned();
    digits.parse().unwrap()
}

fn import(rows: u32) -> u32 {
    let mut file = tempfile::tempfile().unwrap();
    let mut writer = std::io::BufWriter::new(&mut file);
    let object = "Organisation d'une manifestation culturelle ouverte à tous. ".repeat(3);
    writeln!(
        writer,
        "nomAttribuant;dateConvention;nomBeneficiaire;objet;montant"
    )
    .unwrap();
    for row in 0..rows {
        writeln!(
            writer,
            "Département;2017-02-03;Association {row};{object};{row},50"
        )
        .unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    let rows = SubsidyFile::read(file, &ReadOptions::default()).unwrap();
    let mut accepted = 0;
    for row in rows {
        accepted += u32::from(matches!(row.unwrap(), Row::Accepted(_)));
    }
    accepted
}

#[test]
fn ten_times_the_rows_take_no_more_memory_than_their_hashes() {
    assert_eq!(import(10_000), 10_000);
    let small = peak();
    assert_eq!(import(100_000), 100_000);
    let grown = peak() - small;
    // The rows together are 25 MB long; the hashes that number equal rows are a few of them.
    assert!(grown < 12 * 1024, "{grown} KiB more");
}
