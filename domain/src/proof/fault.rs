//! What may be wrong with a log, said to its auditor.

use std::fmt;
use uuid::Uuid;

/// Whose checkpoint is spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The database's own.
    Log,
    /// One that an auditor kept.
    Auditor,
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each sentence says it")]
pub enum Fault {
    Changed {
        position: i64,
        after: Option<i64>,
    },
    Removed {
        first: i64,
        last: i64,
    },
    RemovedAndRenumbered {
        before: i64,
        count: i64,
    },
    PredecessorRemoved {
        position: i64,
        stream: Uuid,
        version: i64,
    },
    Inserted {
        first: i64,
        last: i64,
    },
    Doubled {
        position: i64,
    },
    Reordered {
        first: i64,
        last: i64,
    },
    Truncated {
        size: u64,
        head: i64,
        holder: Holder,
    },
    SubtreeDiffers {
        first: i64,
        last: i64,
    },
    RootDiffers {
        size: u64,
        holder: Holder,
    },
    NotInTree {
        position: i64,
        size: u64,
    },
    CheckpointChanged {
        size: u64,
    },
    ForeignKey {
        size: u64,
        holder: Holder,
    },
    OtherEpoch {
        size: u64,
        epoch: Uuid,
        holder: Holder,
    },
    TimeStamp {
        size: u64,
        why: String,
    },
    KeyChange {
        size: u64,
    },
}

fn places(first: i64, last: i64) -> String {
    if first == last {
        format!("à la position {first}")
    } else {
        format!("aux positions {} à {}", first.min(last), first.max(last))
    }
}

/// "le point de contrôle …", as the subject of a sentence.
fn checkpoint(size: u64, holder: Holder) -> String {
    let whose = match holder {
        Holder::Log => "",
        Holder::Auditor => " de l'auditeur",
    };
    format!("le point de contrôle{whose} à {size} événements")
}

impl fmt::Display for Fault {
    #[expect(clippy::too_many_lines, reason = "one sentence for each fault")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed {
                position,
                after: None,
            } => write!(
                f,
                "modifié : l'événement à la position {position} ne correspond plus à son empreinte"
            ),
            Self::Changed {
                position,
                after: Some(after),
            } => write!(
                f,
                "modifié : l'empreinte de l'événement à la position {position} ne se déduit pas de son contenu et de \
                 l'événement précédent de son flux (position {after}) ; l'un des deux a été modifié"
            ),
            Self::Removed { first, last } => {
                write!(
                    f,
                    "supprimé : il n'y a plus d'événement {}",
                    places(*first, *last)
                )
            }
            Self::RemovedAndRenumbered { before, count } => write!(
                f,
                "supprimé : {count} événement(s) manquent avant la position {before}, et la suite a été renumérotée"
            ),
            Self::PredecessorRemoved {
                position,
                stream,
                version,
            } => write!(
                f,
                "supprimé : l'événement à la position {position} suit la version {version} du flux {stream}, qui manque"
            ),
            Self::Inserted { first, last } => write!(
                f,
                "inséré : un événement a été ajouté après coup {}, et la suite a été décalée",
                places(*first, *last)
            ),
            Self::Doubled { position } => {
                write!(
                    f,
                    "inséré : la position {position} porte plusieurs événements"
                )
            }
            Self::Reordered { first, last } => write!(
                f,
                "déplacé : l'ordre des événements a été changé {}",
                places(*first, *last)
            ),
            Self::Truncated { size, head, holder } => write!(
                f,
                "tronqué : {} compte plus d'événements que le journal, qui s'arrête à la position {head}",
                checkpoint(*size, *holder)
            ),
            Self::SubtreeDiffers { first, last } => write!(
                f,
                "modifié : les empreintes {} ne sont plus celles qui ont été scellées",
                places(*first, *last)
            ),
            Self::RootDiffers { size, holder } => write!(
                f,
                "réécrit : {} porte une autre racine que celle des événements d'aujourd'hui ; un événement au moins, \
                 jusqu'à la position {size}, a été changé avec son empreinte",
                checkpoint(*size, *holder)
            ),
            Self::NotInTree { position, size } => write!(
                f,
                "réécrit : l'événement à la position {position} n'est plus prouvé par {} ; lui, ou un événement voisin, a été \
                 changé avec son empreinte",
                checkpoint(*size, Holder::Log)
            ),
            Self::CheckpointChanged { size } => write!(
                f,
                "modifié : le point de contrôle enregistré à {size} événements ne dit pas ce que dit sa note signée"
            ),
            Self::ForeignKey { size, holder } => write!(
                f,
                "clé étrangère : {} n'est pas signé par la clé de ce journal, ou sa signature est fausse",
                checkpoint(*size, *holder)
            ),
            Self::OtherEpoch {
                size,
                epoch,
                holder,
            } => write!(
                f,
                "autre époque : {} est celui du journal navette/{epoch}, que celui-ci n'a jamais été",
                checkpoint(*size, *holder)
            ),
            Self::KeyChange { size } => write!(
                f,
                "clé étrangère : le passage à une autre clé, à {size} événements, n'est pas signé par les deux clés \
                 qui se suivent"
            ),
            Self::TimeStamp { size, why } => write!(
                f,
                "horodatage : le jeton du point de contrôle à {size} événements ne prouve rien : {why}"
            ),
        }
    }
}
