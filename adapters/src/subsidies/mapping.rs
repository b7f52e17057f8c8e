//! A mapping file: how an authority names the columns that Navette knows under the schema's names.

use super::{FileFault, columns::Column};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The columns of a published format that does not follow the schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What people call the format.
    pub name: String,
    /// The file's name for each column of the schema; the others are recognised as usual.
    #[serde(default)]
    pub columns: BTreeMap<Column, String>,
    /// What is the same for all rows and therefore missing from them, such as the granting authority.
    #[serde(default)]
    pub values: BTreeMap<Column, String>,
}

impl Mapping {
    /// Reads a mapping written in TOML.
    pub fn parse(text: &str) -> Result<Self, FileFault> {
        toml::from_str(text).map_err(|fault| FileFault::Mapping(Box::new(fault)))
    }
}
