//! Where a third party is reached.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A French postal address: the lines above the postcode, then postcode and town.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostalAddress {
    /// Street and complements, at most four lines of 38 characters on an envelope.
    pub lines: Vec<String>,
    /// The postcode, as text.
    pub postcode: String,
    /// The town.
    pub town: String,
}

/// An e-mail address of the plain form `local@domain.tld`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

/// A text that is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Cette adresse électronique n'est pas de la forme « nom@domaine.fr ».")]
pub struct NotAnEmailAddress;

impl FromStr for EmailAddress {
    type Err = NotAnEmailAddress;

    fn from_str(text: &str) -> Result<Self, NotAnEmailAddress> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmailAddress)?;
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"@".contains(c))
        };
        let dotted = domain.contains('.') && domain.split('.').all(|label| !label.is_empty());
        if text.len() <= 254 && plain(local) && plain(domain) && dotted {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAnEmailAddress)
        }
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = NotAnEmailAddress;
    fn try_from(text: String) -> Result<Self, NotAnEmailAddress> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
