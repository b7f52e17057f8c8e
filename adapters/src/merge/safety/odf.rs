//! OpenDocument.

use super::{data_source, embedded, external, macros, refused};
use navette_domain::ports::MergeFailure;

/// Elements whose address a reader follows only when clicked.
const FOLLOWED_ON_CLICK: [&str; 3] = ["a", "template", "bibliography-mark"];

pub(super) fn is_followed_on_click(element: &str) -> bool {
    FOLLOWED_ON_CLICK.contains(&element)
}

/// Elements that run, fetch or hide something.
pub(super) fn check_element(local_name: &str) -> Result<(), MergeFailure> {
    match local_name {
        "event-listener" | "script" | "script-data" => macros(),
        "object-ole" | "applet" | "plugin" | "floating-frame" => embedded(),
        "dde-connection" | "dde-connection-decl" | "dde-source" | "dde-link" => external(),
        "cell-range-source"
        | "database-source-sql"
        | "database-source-table"
        | "database-source-query"
        | "connection-resource" => data_source(),
        "encryption-data" => refused("le fichier est protégé par un mot de passe : l'ôter"),
        _ => Ok(()),
    }
}
