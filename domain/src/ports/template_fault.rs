//! What is wrong in a template, and where, so that a clerk can mend it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing wrong in a template, or in the data it was given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateFault {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// The tag as the clerk wrote it; empty when the fault is that of a whole part.
    pub tag: String,
    /// What is wrong and what to do, in French.
    pub sentence: String,
}

/// Where something stands in a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In full: `corps, page 2 environ`, `en-tête`, `pied de page`, `notes`, `feuille Synthèse, cellule B4`.
    #[serde(rename = "place")]
    pub name: String,
    /// The page, as the word processor last laid the text out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// The sheet's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The cell in that sheet: `B4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    /// The text around, the tag between `⟦` and `⟧`, paragraphs between ` ¶ `.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub around: String,
    /// For whoever writes a comment there; means nothing outside of the file.
    #[serde(skip)]
    pub anchor: Option<Anchor>,
}

/// A tag's paragraph inside the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    /// The entry of the zip: `content.xml`.
    pub entry: String,
    /// Where the paragraph begins in the entry, in bytes.
    pub paragraph: usize,
    /// Where the tag begins in the paragraph's text, in bytes.
    pub at: usize,
    /// How many tags written alike stand before it in that paragraph.
    pub nth: usize,
}

impl Place {
    /// What is wrong here.
    pub fn fault(&self, tag: &str, sentence: impl Into<String>) -> TemplateFault {
        TemplateFault {
            place: self.clone(),
            tag: tag.to_owned(),
            sentence: sentence.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
