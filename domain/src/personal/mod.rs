//! Personal data, marked in the types: never printed, and sealed in the log under the key of whom it is about
//! ([`fields`]), so that it can be erased without touching what was recorded.

mod fields;

pub use fields::{ERASED, Erased, Owner, PersonalField, fields};

use serde::{Deserialize, Serialize};
use std::fmt;

/// A value about a person. It serialises as itself and prints as `***`, so that no line of logs holds it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(pub T);

impl<T> Personal<T> {
    /// The value itself: for letters, neighbours and those allowed to read it.
    pub fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_never_printed_but_is_stored_as_it_is() {
        let email = Personal("jeanne@example.org".to_owned());
        assert_eq!(format!("{email:?}"), "***");
        assert_eq!(
            serde_json::to_string(&email).ok().as_deref(),
            Some("\"jeanne@example.org\"")
        );
    }
}
