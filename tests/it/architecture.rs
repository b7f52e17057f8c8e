//! The shape of the house, held by tests: who depends on whom, and how long files are.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What `package` is built with when it is built alone, itself excepted, so many steps away.
/// Development dependencies are left out.
fn built_with(package: &str, depth: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--all-features"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--package", package, "--depth", depth])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != package)
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn the_domain_knows_neither_database_nor_network_nor_clock_nor_randomness() {
    let found = built_with("navette-domain", "99");
    assert!(found.contains("serde"), "{found:?}");
    for forbidden in [
        "async-graphql",
        "axum",
        "getrandom",
        "hyper",
        "iana-time-zone",
        "lettre",
        "rand",
        "reqwest",
        "rustls",
        "socket2",
        "sqlx",
    ] {
        assert!(
            !found.contains(forbidden),
            "the domain is built with {forbidden}"
        );
    }
    let ours = found.iter().filter(|name| name.starts_with("navette"));
    assert_eq!(ours.count(), 0, "{found:?}");
    // cqrs-es brings its locks; the domain itself runs nothing.
    assert!(!built_with("navette-domain", "1").contains("tokio"));
}

#[test]
fn projections_and_adapters_see_the_domain_and_never_each_other() {
    for package in ["navette-projections", "navette-adapters"] {
        let found = built_with(package, "99");
        let ours: Vec<_> = found
            .iter()
            .filter(|name| name.starts_with("navette"))
            .collect();
        assert_eq!(ours, ["navette-domain"], "{package}");
    }
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Tests may be as long as their tables.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part == "tests" || part == "tests.rs" || part == "testing.rs"
    })
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![];
    for folder in ["src", "domain/src", "projections/src", "adapters/src"] {
        rust_files(&root.join(folder), &mut files);
    }
    let long: Vec<String> = files
        .iter()
        .filter_map(|path| {
            let path = path.strip_prefix(root).unwrap();
            let length = fs::read_to_string(root.join(path)).unwrap().lines().count();
            (length > 400 && !is_test(path)).then(|| format!("{} ({length})", path.display()))
        })
        .collect();
    assert_eq!(long, Vec::<String>::new());
}
