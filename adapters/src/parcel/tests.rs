#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use super::*;
use std::{fs, io::Write as _};

fn parcel(name: &str, bytes: &[u8]) -> Parcel {
    let mut content = tempfile::tempfile().unwrap();
    content.write_all(bytes).unwrap();
    Parcel {
        name: name.into(),
        content,
        length: bytes.len() as u64,
        digest: Digest::of(bytes),
        media_type: "text/csv",
    }
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn a_parcel_is_in_its_folder_whole_under_its_name_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = vec![7; 3 * CHUNK + 1];
    // A process that was killed has left half of it.
    fs::write(folder.path().join(".suivi.csv.partiel"), &bytes[..10]).unwrap();
    put_in_folder(folder.path(), &parcel("suivi.csv", &bytes)).unwrap();
    assert_eq!(names(folder.path()), ["suivi.csv"]);
    assert!(fs::read(folder.path().join("suivi.csv")).unwrap() == bytes);
    let damaged = Parcel {
        digest: Digest::of(b"other"),
        ..parcel("autre.csv", b"1")
    };
    let refused = put_in_folder(folder.path(), &damaged);
    assert!(matches!(refused, Err(NotPut::Damaged)), "{refused:?}");
    assert_eq!(names(folder.path()), ["suivi.csv"]);
}

#[test]
fn a_parcel_that_is_there_is_found_and_another_file_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("suivi.csv");
    for _ in 0..2 {
        put_in_folder(folder.path(), &parcel("suivi.csv", b"1;2")).unwrap();
    }
    let refused = put_in_folder(folder.path(), &parcel("suivi.csv", b"3;4"));
    assert!(matches!(refused, Err(NotPut::Taken(_))), "{refused:?}");
    assert_eq!(fs::read(path).unwrap(), b"1;2");
}

#[test]
fn a_folder_that_is_not_mounted_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("partage");
    let refused = put_in_folder(&missing, &parcel("suivi.csv", b"1"));
    assert!(matches!(refused, Err(NotPut::Folder(_))), "{refused:?}");
    assert!(!missing.exists());
}
