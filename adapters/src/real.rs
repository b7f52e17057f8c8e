//! The contract tests are for simulators and for real servers alike. One of the latter is named by a file
//! with its section of the configuration, and the tests that are ignored otherwise are asked for by name:
//! `NAVETTE_REAL_NEXTCLOUD=nextcloud.toml cargo test -p navette-adapters --all-features -- --ignored real_nextcloud`.
#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use serde::de::DeserializeOwned;

/// What the file named by `variable` says.
pub(crate) fn configured<T: DeserializeOwned>(variable: &str) -> T {
    let path = std::env::var(variable).expect("the variable names a file");
    let text = std::fs::read_to_string(path).expect("the file can be read");
    toml::from_str(&text).expect("the file is the section of the neighbour")
}
