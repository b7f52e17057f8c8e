//! The README, the pages of `docs` and the sample configuration say what is: every path, test and setting they
//! name.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use navette::config::Config;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands between backticks in a page, outside its blocks of code.
fn quoted_in(page: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(page).unwrap();
    let prose: String = text.split("```").step_by(2).collect();
    let quoted = prose.split('`').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

fn pages_under(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages_under(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

/// The same in the README and in all the pages of `docs`.
fn quoted() -> BTreeSet<String> {
    let mut pages = vec![root().join("README.md")];
    pages_under(&root().join("docs"), &mut pages);
    pages.iter().flat_map(|page| quoted_in(page)).collect()
}

#[test]
fn every_fault_has_its_line_with_a_test_or_what_is_missing() {
    let page = fs::read_to_string(root().join("docs/faults.md")).unwrap();
    for fault in 1..=36 {
        let start = format!("| F{fault} | ");
        let mut lines = page.lines().filter(|line| line.starts_with(&start));
        let line = lines.next().unwrap_or_else(|| panic!("no line {start}"));
        assert_eq!(lines.next(), None, "two lines {start}");
        assert!(
            line.contains('`') || line.contains("; S") || line.contains("Missing"),
            "{line}"
        );
    }
}

#[test]
fn every_path_of_the_readme_exists() {
    let ours: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap() + "/")
        .collect();
    let (paths, missing): (Vec<_>, Vec<_>) = quoted()
        .into_iter()
        .filter(|path| ours.iter().any(|folder| path.starts_with(folder)))
        .partition(|path| root().join(path).exists());
    assert_eq!(missing, Vec::<String>::new());
    assert!(paths.len() > 50, "the map is there: {paths:?}");
}

#[test]
fn every_test_of_the_readme_exists() {
    let mut sources = String::new();
    for folder in ["domain", "projections", "adapters", "src", "tests"] {
        read_sources(&root().join(folder), &mut sources);
    }
    let is_a_test = |name: &&String| {
        name.matches('_').count() > 3
            && name
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter == '_')
    };
    // The tests of documents have a harness of their own, in which a test is named by a text.
    let is_there = |name: &String| {
        sources.contains(&format!("fn {name}(")) || sources.contains(&format!("\"{name}\",\n"))
    };
    let (named, missing): (Vec<_>, Vec<_>) = quoted()
        .iter()
        .filter(is_a_test)
        .cloned()
        .partition(is_there);
    assert_eq!(missing, Vec::<String>::new());
    assert!(named.len() > 15, "the table is there: {named:?}");
}

fn read_sources(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn the_sample_configuration_is_understood_with_and_without_its_comments() {
    let path = root().join("examples/navette.toml");
    let sample = Config::read(&path).unwrap();
    let neighbours = sample.neighbours().unwrap();
    assert_eq!(
        neighbours.nextcloud.url,
        "https://nuage.departement.example"
    );
    // A commented setting is a key and a value, or a table, after "# "; prose is not.
    let is_setting = |line: &str| {
        line.starts_with('[')
            || line
                .split_once(" = ")
                .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    };
    let text = fs::read_to_string(path).unwrap();
    let whole: Vec<&str> = text
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(setting) if is_setting(setting) => setting,
            _ => line,
        })
        .collect();
    let mut whole: Config = toml::from_str(&whole.join("\n")).unwrap();
    let usual = Config::default();
    // No neighbour has limits of its own unless the site says so; the sample shows some.
    assert!(!std::mem::take(&mut whole.retry.limits).is_empty());
    assert_eq!(whole.data, usual.data);
    assert_eq!(whole.http.listen, usual.http.listen);
    assert_eq!(format!("{:?}", whole.retry), format!("{:?}", usual.retry));
    assert_eq!(whole.files(), PathBuf::from("navette-data/files"));
}
