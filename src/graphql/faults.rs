//! What goes wrong, as clients may know it: a code, a neutral message, and for faults of ours a reference
//! under which the log holds the cause.

#![expect(
    clippy::disallowed_methods,
    reason = "the number of an incident follows from nothing"
)]

use crate::workers::Held;
use async_graphql::{Error, ErrorExtensions as _};
use navette_adapters::log::Reading;
use navette_projections::page::ListFault;
use std::fmt::Display;
use uuid::Uuid;

/// A fault of ours. The cause goes to the log only.
pub fn internal(cause: &(impl Display + ?Sized)) -> Error {
    let reference = Uuid::new_v4();
    tracing::error!(%reference, cause = %format_args!("{cause:#}"), "a request failed");
    Error::new(format!("Erreur interne. Référence : {reference}.")).extend_with(|_, extensions| {
        extensions.set("code", "INTERNAL");
        extensions.set("traceId", reference.to_string());
    })
}

/// The same, unless what was asked for is archived: that is told.
pub fn of_the_log(cause: &anyhow::Error) -> Error {
    match archived(cause) {
        Some(sentence) => coded(ARCHIVED, sentence),
        None => internal(cause),
    }
}

/// The code of what is archived.
pub const ARCHIVED: &str = "ARCHIVED";

/// A sentence for clerks, if something failed because it is archived.
pub fn archived(cause: &anyhow::Error) -> Option<String> {
    let position = cause.chain().find_map(|cause| match cause.downcast_ref() {
        Some(Reading::Archived { position, .. }) => Some(*position),
        Some(Reading::LeftTheLog { last, .. }) => Some(*last),
        _ => None,
    })?;
    Some(format!(
        "Archivé jusqu'à la position {position} du journal : un administrateur peut rapporter l'archive (navette archive attach)."
    ))
}

/// A mistake in the request that the schema alone does not exclude.
pub fn bad_request(message: impl Into<String>) -> Error {
    coded("BAD_REQUEST", message)
}

/// The role does not allow it.
pub fn forbidden() -> Error {
    coded("FORBIDDEN", "Votre rôle ne permet pas cette opération.")
}

/// The read models are not yet as far as the request wants.
pub fn not_yet() -> Error {
    coded(
        "NOT_YET",
        "Les données ne sont pas encore à jour jusqu'à cette position : réessayez.",
    )
}

/// A read model will not be as far as the request wants before somebody mends it.
pub fn held(held: &Held) -> Error {
    let Held { name, position } = held;
    let message = format!(
        "La vue « {name} » est arrêtée à la position {position}, avant celle qui est attendue : un administrateur doit la remettre en marche. Sans « atLeast », elle répond dans son dernier état."
    );
    coded("HELD", message).extend_with(|_, extensions| {
        extensions.set("projection", *name);
        extensions.set("position", position.to_string());
    })
}

/// The log has no such position.
pub fn beyond(head: i64) -> Error {
    coded(
        "BEYOND_THE_LOG",
        format!(
            "Cette position n'existe pas : le journal s'arrête à la position {head}. S'il a été restauré, ce qui avait été lu au-delà ne vaut plus."
        ),
    )
    .extend_with(|_, extensions| extensions.set("head", head.to_string()))
}

fn coded(code: &'static str, message: impl Into<String>) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

/// A list that was not given.
pub fn list(fault: ListFault) -> Error {
    match fault {
        ListFault::Page(fault) => bad_request(fault.to_string()),
        ListFault::Sql(cause) => internal(&cause),
    }
}
