//! What may happen to a dossier, state by state.

use super::{Decision, Dossier, DossierEvent, Outcome, Request, Stage};
use crate::{amount::Amount, french, ids::DocumentId};
use chrono::{DateTime, NaiveDate, Utc};

/// What one may ask of a dossier.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "each field means what it means in the event of the same name"
)]
pub enum DossierCommand {
    /// Deposit it.
    Register { request: Request, at: DateTime<Utc> },
    /// Deposit it as already granted.
    TakeOver {
        request: Request,
        amount: Amount,
        decision: Decision,
        at: DateTime<Utc>,
    },
    /// Change what is asked.
    Amend { request: Request, at: DateTime<Utc> },
    /// Say that all its papers are there.
    Complete { at: DateTime<Utc> },
    /// Begin to instruct it.
    TakeUp { at: DateTime<Utc> },
    /// Put it before a commission.
    Schedule {
        commission: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Grant the subsidy.
    Grant {
        amount: Amount,
        decision: Decision,
        at: DateTime<Utc>,
    },
    /// Refuse the subsidy.
    Refuse {
        reason: String,
        decision: Decision,
        at: DateTime<Utc>,
    },
    /// Ask to see it again.
    Adjourn { reason: String, at: DateTime<Utc> },
    /// Say that the applicant was told.
    Notify {
        document: DocumentId,
        at: DateTime<Utc>,
    },
    /// Close it.
    Close { at: DateTime<Utc> },
    /// Send it back to instruction.
    Reopen { reason: String, at: DateTime<Utc> },
}

/// Why a dossier says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DossierRefusal {
    /// It does not exist.
    #[error("Ce dossier n'existe pas.")]
    NotRegistered,
    /// It exists with another content.
    #[error("Un dossier porte déjà cette référence avec un autre contenu : modifiez-le plutôt.")]
    AlreadyRegistered,
    /// The status does not allow it.
    #[error("Le dossier est « {status} » : {what} n'est pas possible à ce stade.")]
    NotFrom {
        /// The status, in French.
        status: &'static str,
        /// What was asked, in French.
        what: &'static str,
    },
    /// Its reference cannot change.
    #[error("La référence d'un dossier ne change pas.")]
    ReferenceChanged,
    /// A field that must be there is empty.
    #[error("Le champ « {0} » est obligatoire.")]
    Missing(&'static str),
    /// An amount is negative.
    #[error("Le montant ne peut pas être négatif.")]
    NegativeAmount,
}

fn check(request: &Request) -> Result<(), DossierRefusal> {
    match request {
        _ if request.reference.trim().is_empty() => Err(DossierRefusal::Missing("référence")),
        _ if request.purpose.trim().is_empty() => Err(DossierRefusal::Missing("objet")),
        _ if request.amount.cents() < 0 => Err(DossierRefusal::NegativeAmount),
        _ => Ok(()),
    }
}

/// A second deposit of a known reference is silent only when it says nothing new.
fn silence_if(same: bool) -> Result<Vec<DossierEvent>, DossierRefusal> {
    if same {
        Ok(vec![])
    } else {
        Err(DossierRefusal::AlreadyRegistered)
    }
}

pub(super) fn decide(
    state: &Dossier,
    command: DossierCommand,
) -> Result<Vec<DossierEvent>, DossierRefusal> {
    use DossierCommand::{Register, TakeOver};
    match (state, command) {
        (Dossier::Unborn, Register { request, at }) => {
            check(&request)?;
            Ok(vec![DossierEvent::Registered { request, at }])
        }
        (
            Dossier::Unborn,
            TakeOver {
                request,
                amount,
                decision,
                at,
            },
        ) => {
            check(&request)?;
            if amount.cents() < 0 {
                return Err(DossierRefusal::NegativeAmount);
            }
            Ok(vec![
                DossierEvent::Registered { request, at },
                DossierEvent::TakenOver {
                    amount,
                    decision,
                    at,
                },
            ])
        }
        (Dossier::Unborn, _) => Err(DossierRefusal::NotRegistered),
        (Dossier::Open { request: known, .. }, Register { request, .. }) => {
            silence_if(**known == request)
        }
        (
            Dossier::Open {
                request: known,
                stage,
            },
            TakeOver {
                request,
                amount,
                decision,
                ..
            },
        ) => silence_if(
            **known == request && stage.outcome() == Some(&Outcome::Granted { amount, decision }),
        ),
        (Dossier::Open { request, stage }, command) => decide_open(request, stage, command),
    }
}

#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "it is the table itself: one arm for each answer, grouped by command"
)]
fn decide_open(
    request: &Request,
    stage: &Stage,
    command: DossierCommand,
) -> Result<Vec<DossierEvent>, DossierRefusal> {
    use DossierCommand as C;
    use DossierEvent as E;
    use Stage as S;
    let no = |what| {
        Err(DossierRefusal::NotFrom {
            status: french::dossier_status(stage.status()),
            what,
        })
    };
    match (stage, command) {
        (_, C::Amend { request: new, .. }) if *request == new => Ok(vec![]),
        (_, C::Amend { request: new, .. }) if request.reference != new.reference => {
            Err(DossierRefusal::ReferenceChanged)
        }
        (
            S::Deposited | S::Complete | S::UnderInstruction | S::Scheduled(_) | S::Adjourned(_),
            C::Amend { request: new, at },
        ) => {
            check(&new)?;
            Ok(vec![E::Amended { request: new, at }])
        }
        (S::Decided(_) | S::Notified(_) | S::Closed(_), C::Amend { .. }) => {
            no("modifier la demande")
        }

        (S::Deposited, C::Complete { at }) => Ok(vec![E::Completed { at }]),
        (S::Complete, C::Complete { .. }) => Ok(vec![]),
        (
            S::UnderInstruction
            | S::Scheduled(_)
            | S::Decided(_)
            | S::Adjourned(_)
            | S::Notified(_)
            | S::Closed(_),
            C::Complete { .. },
        ) => no("déclarer le dossier complet"),

        (S::Complete, C::TakeUp { at }) => Ok(vec![E::TakenUp { at }]),
        (S::UnderInstruction, C::TakeUp { .. }) => Ok(vec![]),
        (
            S::Deposited
            | S::Scheduled(_)
            | S::Decided(_)
            | S::Adjourned(_)
            | S::Notified(_)
            | S::Closed(_),
            C::TakeUp { .. },
        ) => no("commencer l'instruction"),

        (S::Scheduled(date), C::Schedule { commission, .. }) if *date == commission => Ok(vec![]),
        (
            S::UnderInstruction | S::Scheduled(_) | S::Adjourned(_),
            C::Schedule { commission, at },
        ) => Ok(vec![E::Scheduled { commission, at }]),
        (
            S::Deposited | S::Complete | S::Decided(_) | S::Notified(_) | S::Closed(_),
            C::Schedule { .. },
        ) => no("inscrire le dossier en commission"),

        (
            S::Decided(Outcome::Granted {
                amount: known,
                decision: act,
            }),
            C::Grant {
                amount, decision, ..
            },
        ) if *known == amount && *act == decision => Ok(vec![]),
        (_, C::Grant { amount, .. }) if amount.cents() < 0 => Err(DossierRefusal::NegativeAmount),
        (
            S::Scheduled(_),
            C::Grant {
                amount,
                decision,
                at,
            },
        ) => Ok(vec![E::Granted {
            amount,
            decision,
            at,
        }]),
        (
            S::Deposited
            | S::Complete
            | S::UnderInstruction
            | S::Decided(_)
            | S::Adjourned(_)
            | S::Notified(_)
            | S::Closed(_),
            C::Grant { .. },
        ) => no("accorder la subvention"),

        (
            S::Decided(Outcome::Refused {
                reason: known,
                decision: act,
            }),
            C::Refuse {
                reason, decision, ..
            },
        ) if *known == reason && *act == decision => Ok(vec![]),
        (
            S::Scheduled(_),
            C::Refuse {
                reason,
                decision,
                at,
            },
        ) => Ok(vec![E::Refused {
            reason,
            decision,
            at,
        }]),
        (
            S::Deposited
            | S::Complete
            | S::UnderInstruction
            | S::Decided(_)
            | S::Adjourned(_)
            | S::Notified(_)
            | S::Closed(_),
            C::Refuse { .. },
        ) => no("refuser la subvention"),

        (S::Adjourned(known), C::Adjourn { reason, .. }) if *known == reason => Ok(vec![]),
        (S::Scheduled(_), C::Adjourn { reason, at }) => Ok(vec![E::Adjourned { reason, at }]),
        (
            S::Deposited
            | S::Complete
            | S::UnderInstruction
            | S::Decided(_)
            | S::Adjourned(_)
            | S::Notified(_)
            | S::Closed(_),
            C::Adjourn { .. },
        ) => no("ajourner le dossier"),

        (S::Decided(_), C::Notify { document, at }) => Ok(vec![E::Notified { document, at }]),
        (S::Notified(_) | S::Closed(_), C::Notify { .. }) => Ok(vec![]),
        (
            S::Deposited | S::Complete | S::UnderInstruction | S::Scheduled(_) | S::Adjourned(_),
            C::Notify { .. },
        ) => no("notifier la décision"),

        (S::Notified(_), C::Close { at }) => Ok(vec![E::Closed { at }]),
        (S::Closed(_), C::Close { .. }) => Ok(vec![]),
        (
            S::Deposited
            | S::Complete
            | S::UnderInstruction
            | S::Scheduled(_)
            | S::Decided(_)
            | S::Adjourned(_),
            C::Close { .. },
        ) => no("clore le dossier"),

        (S::Decided(_) | S::Adjourned(_) | S::Closed(_), C::Reopen { reason, at }) => {
            Ok(vec![E::Reopened { reason, at }])
        }
        (S::UnderInstruction, C::Reopen { .. }) => Ok(vec![]),
        (S::Deposited | S::Complete | S::Scheduled(_) | S::Notified(_), C::Reopen { .. }) => {
            no("rouvrir le dossier")
        }

        // Answered by `decide` whatever the stage.
        (_, C::Register { .. } | C::TakeOver { .. }) => Err(DossierRefusal::AlreadyRegistered),
    }
}
