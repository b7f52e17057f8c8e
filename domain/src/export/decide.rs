//! What may happen to an export.

use super::{ColumnFault, Export, ExportEvent, Made, Order, columns};
use chrono::{DateTime, Utc};

/// What one may ask of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event of the same name"
)]
pub enum ExportCommand {
    /// Ask for it.
    Request { order: Order, at: DateTime<Utc> },
    /// Say that its file is whole.
    Complete { made: Made, at: DateTime<Utc> },
    /// Say that it stopped.
    Fail {
        reason: String,
        rows: u64,
        at: DateTime<Utc>,
    },
    /// Give it up.
    Cancel { at: DateTime<Utc> },
    /// Take its file.
    Download { at: DateTime<Utc> },
    /// Keep its file no longer.
    Expire { at: DateTime<Utc> },
}

/// Why an export says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportRefusal {
    /// It does not exist.
    #[error("Cet export n'existe pas.")]
    NotRequested,
    /// It exists with another order.
    #[error("Un autre export porte déjà cet identifiant.")]
    AlreadyRequested,
    /// Its columns cannot be.
    #[error(transparent)]
    Columns(#[from] ColumnFault),
    /// It has no name.
    #[error("L'export n'a pas d'intitulé.")]
    NoLabel,
    /// It is over.
    #[error("Cet export est terminé.")]
    Over,
    /// Its file is not whole yet.
    #[error("Le fichier de cet export n'est pas encore prêt.")]
    NotReady,
    /// There is no file.
    #[error("Cet export n'a pas de fichier : il a échoué, ou il a été abandonné.")]
    NoFile,
    /// Its file went straight to whoever asked.
    #[error("Le fichier de cet export a été remis directement : il n'a pas été conservé.")]
    NotKept,
    /// Its file was kept for a while only.
    #[error("Le fichier de cet export n'est plus conservé : demandez-le de nouveau.")]
    Gone,
}

pub(super) fn decide(
    state: &Export,
    command: ExportCommand,
) -> Result<Vec<ExportEvent>, ExportRefusal> {
    use Export as S;
    use ExportCommand as C;
    use ExportEvent as E;
    match (state, command) {
        (S::Unborn, C::Request { order, at }) => {
            if order.label.trim().is_empty() {
                return Err(ExportRefusal::NoLabel);
            }
            columns::headings(order.format, &order.columns)?;
            Ok(vec![E::Requested { order, at }])
        }
        (known, C::Request { order, .. }) if known.order() == Some(&order) => Ok(vec![]),
        (
            S::Requested(_) | S::Completed(..) | S::Failed(_) | S::Cancelled(_) | S::Expired(_),
            C::Request { .. },
        ) => Err(ExportRefusal::AlreadyRequested),
        (
            S::Unborn,
            C::Complete { .. }
            | C::Fail { .. }
            | C::Cancel { .. }
            | C::Download { .. }
            | C::Expire { .. },
        ) => Err(ExportRefusal::NotRequested),

        (S::Requested(_), C::Complete { made, at }) => Ok(vec![E::Completed { made, at }]),
        (S::Requested(_), C::Fail { reason, rows, at }) => Ok(vec![E::Failed { reason, rows, at }]),
        (S::Requested(_), C::Cancel { at }) => Ok(vec![E::Cancelled { at }]),
        (S::Requested(_), C::Download { .. } | C::Expire { .. }) => Err(ExportRefusal::NotReady),

        (S::Completed(_, known), C::Complete { made, .. }) if *known == made => Ok(vec![]),
        (S::Completed(order, _), C::Download { .. } | C::Expire { .. }) if !order.kept => {
            Err(ExportRefusal::NotKept)
        }
        (S::Completed(..), C::Download { at }) => Ok(vec![E::Downloaded { at }]),
        (S::Completed(..), C::Expire { at }) => Ok(vec![E::Expired { at }]),

        (S::Failed(_), C::Fail { .. })
        | (S::Cancelled(_), C::Cancel { .. })
        | (S::Expired(_), C::Expire { .. }) => Ok(vec![]),
        (S::Expired(_), C::Download { .. }) => Err(ExportRefusal::Gone),
        (S::Failed(_) | S::Cancelled(_), C::Download { .. } | C::Expire { .. }) => {
            Err(ExportRefusal::NoFile)
        }
        (
            S::Completed(..) | S::Failed(_) | S::Cancelled(_) | S::Expired(_),
            C::Complete { .. } | C::Fail { .. } | C::Cancel { .. },
        ) => Err(ExportRefusal::Over),
    }
}
