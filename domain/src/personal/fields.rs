//! Which values of which events are sealed, under whose key, and what remains of them without it.

use crate::export::schedule::MOST_ADDRESSES;
use serde_json::{Value, json};

/// What people read where a text was erased.
pub const ERASED: &str = "[effacé]";

/// Whose key seals a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The third party whose stream it is.
    Stream,
    /// The third party whose id the payload holds there.
    Named(&'static str),
    /// The agent whose name or address the value itself is.
    Value,
}

/// What a sealed value reads as once its key is destroyed. The names are stored: they only grow in number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erased {
    /// A [`Profile`](crate::third_party::Profile) without anything.
    Profile,
    /// A text that says so.
    Text,
    /// No columns.
    Columns,
    /// Nothing.
    Nothing,
}

impl Erased {
    const ALL: [Self; 4] = [Self::Profile, Self::Text, Self::Columns, Self::Nothing];

    /// Its stored name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Text => "text",
            Self::Columns => "columns",
            Self::Nothing => "nothing",
        }
    }

    /// The one that is stored under this name.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|erased| erased.code() == code)
    }

    /// The value that is read instead.
    pub fn value(self) -> Value {
        match self {
            Self::Profile => json!({
                "name": ERASED, "siret": null, "rna": null, "address": null, "email": null,
                "applicant_account": null,
            }),
            Self::Text => json!(ERASED),
            Self::Columns => json!({}),
            Self::Nothing => Value::Null,
        }
    }
}

/// A personal value of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonalField {
    /// Where it is in the payload, as a JSON pointer.
    pub pointer: &'static str,
    /// Whose key seals it.
    pub owner: Owner,
    /// What remains of it.
    pub erased: Erased,
}

/// The personal values of the events of this stored name. What an agent writes on a document belongs to the
/// agent, not to whom the document is for; the columns of a dossier's source may hold anything, and belong
/// to its third party.
pub fn fields(event_type: &str) -> &'static [PersonalField] {
    const fn field(pointer: &'static str, owner: Owner, erased: Erased) -> PersonalField {
        PersonalField {
            pointer,
            owner,
            erased,
        }
    }
    const PROFILE: &[PersonalField] = &[field("/profile", Owner::Stream, Erased::Profile)];
    const REQUEST: &[PersonalField] = &[field(
        "/request/custom",
        Owner::Named("/request/third_party"),
        Erased::Columns,
    )];
    const NAME: &[PersonalField] = &[field("/name", Owner::Named("/third_party"), Erased::Text)];
    const BY: &[PersonalField] = &[field("/by", Owner::Value, Erased::Text)];
    const REPLY_TO: &[PersonalField] = &[field("/order/reply_to", Owner::Value, Erased::Nothing)];
    const fn address(pointer: &'static str) -> PersonalField {
        field(pointer, Owner::Value, Erased::Nothing)
    }
    const ADDRESSES: [PersonalField; MOST_ADDRESSES] = [
        address("/schedule/destination/email/0"),
        address("/schedule/destination/email/1"),
        address("/schedule/destination/email/2"),
        address("/schedule/destination/email/3"),
        address("/schedule/destination/email/4"),
    ];
    match event_type {
        "third_party.registered" | "third_party.amended" => PROFILE,
        "dossier.registered" | "dossier.amended" => REQUEST,
        "document.visaed" | "document.visa_refused" | "signature.rejected" => BY,
        "batch.started" => REPLY_TO,
        "export_schedule.saved" => &ADDRESSES,
        "attachment.added" => NAME,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::third_party::Profile;

    #[test]
    fn an_erased_profile_is_the_same_whether_it_was_erased_or_lost_its_key() {
        let read: Option<Profile> = serde_json::from_value(Erased::Profile.value()).ok();
        assert_eq!(read, Some(Profile::erased()));
    }

    #[test]
    fn every_way_to_be_erased_is_found_again_by_its_stored_name() {
        for erased in Erased::ALL {
            assert_eq!(Erased::of_code(erased.code()), Some(erased));
        }
        assert_eq!(Erased::of_code("?"), None);
    }
}
