//! What may happen to a trigger.

use super::{ENDINGS, Firing, Link, Occasion, Occurrence, Rule, Trigger, TriggerEvent, circle};
use crate::{document::DocumentStatus, export::schedule::CalendarFault, french};
use chrono::{DateTime, Utc};

/// Who asks for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// As in `Metadata::actor`.
    pub actor: String,
    /// Whether they look after what others save.
    pub administers: bool,
}

/// What one may ask of a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TriggerCommand {
    /// Save it, as whoever owns it from now on.
    Save {
        /// What it says.
        rule: Box<Rule>,
        /// Whether its owner looks after what others save.
        administers: bool,
        /// What the other triggers start at the end of chains.
        others: Vec<Link>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Have it fire no longer.
    Suspend {
        /// Who asks.
        by: By,
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// Have it fire again.
    Resume {
        /// Who asks.
        by: By,
        /// When.
        at: DateTime<Utc>,
    },
    /// Remove it.
    Remove {
        /// Who asks.
        by: By,
        /// When.
        at: DateTime<Utc>,
    },
    /// Say that it fired, and what came of it.
    Fire {
        /// What came of it.
        firing: Box<Firing>,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why a trigger says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TriggerRefusal {
    /// It does not exist, or is somebody else's: nobody can tell which.
    #[error("Ce déclencheur n'existe pas, ou n'est pas à vous.")]
    NotYours,
    /// It has no name.
    #[error("Le nom (`name`) d'un déclencheur a de 1 à 200 caractères.")]
    BadName,
    /// A suspension without a reason.
    #[error("Indiquez pourquoi le déclencheur est suspendu (`reason`).")]
    NoReason,
    /// Its calendar cannot be.
    #[error(transparent)]
    Calendar(#[from] CalendarFault),
    /// No document ends so.
    #[error(
        "Un document ne finit pas « {} » (`ending`) : choisissez {}.",
        french::document_status(*.0),
        endings()
    )]
    NoEnding(DocumentStatus),
    /// All dossiers, again and again.
    #[error(
        "Un déclencheur à calendrier lance tous les dossiers qu'il choisit : indiquez lesquels, par un filtre \
         (`filter`) ou une sélection (`selection`)."
    )]
    ChoosesAll,
    /// A filter and a selection.
    #[error("Indiquez soit un filtre (`filter`), soit une sélection (`selection`).")]
    BothChosen,
    /// It would start itself again.
    #[error(
        "Ce déclencheur se relancerait sans fin : {}. Choisissez une autre chaîne (`chain`, `afterChain`).",
        way(.0)
    )]
    Circle(Vec<String>),
}

fn endings() -> String {
    let names = ENDINGS.map(|ending| format!("« {} »", french::document_status(ending)));
    names.join(" ou ")
}

fn way(others: &[String]) -> String {
    if others.is_empty() {
        return "la chaîne qu'il lance est celle dont il attend la fin".to_owned();
    }
    let names: Vec<_> = others.iter().map(|name| format!("« {name} »")).collect();
    format!(
        "la chaîne qu'il lance mène à celle dont il attend la fin, par {}",
        names.join(" puis ")
    )
}

fn check(rule: &Rule, others: &[Link]) -> Result<(), TriggerRefusal> {
    if !(1..=200).contains(&rule.name.trim().chars().count()) {
        return Err(TriggerRefusal::BadName);
    }
    if rule.selection.is_some() && rule.filter.is_some() {
        return Err(TriggerRefusal::BothChosen);
    }
    match &rule.occasion {
        Occasion::Chain { ending, .. } if !ENDINGS.contains(ending) => {
            return Err(TriggerRefusal::NoEnding(*ending));
        }
        Occasion::Status { .. } | Occasion::Chain { .. } => {}
        Occasion::Calendar(calendar) => {
            calendar.check()?;
            if rule.selection.is_none() && rule.filter.is_none() {
                return Err(TriggerRefusal::ChoosesAll);
            }
        }
    }
    match rule.link().and_then(|link| circle(&link, others)) {
        Some(way) => Err(TriggerRefusal::Circle(way)),
        None => Ok(()),
    }
}

fn next(rule: &Rule, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match &rule.occasion {
        Occasion::Calendar(calendar) => calendar.next_after(now),
        Occasion::Status { .. } | Occasion::Chain { .. } => None,
    }
}

impl By {
    fn may_change(&self, rule: &Rule) -> Result<(), TriggerRefusal> {
        if self.administers || rule.owner == self.actor {
            return Ok(());
        }
        Err(TriggerRefusal::NotYours)
    }
}

fn save(
    state: &Trigger,
    rule: Box<Rule>,
    administers: bool,
    others: &[Link],
    at: DateTime<Utc>,
) -> Result<Vec<TriggerEvent>, TriggerRefusal> {
    let due = match state {
        Trigger::Unborn => next(&rule, at),
        Trigger::Saved {
            rule: known,
            next: due,
            ..
        } => {
            let actor = rule.owner.clone();
            By { actor, administers }.may_change(known)?;
            if *known == rule {
                return Ok(vec![]);
            }
            // What is due already stays due, unless it would be due at other times.
            if known.occasion == rule.occasion {
                *due
            } else {
                next(&rule, at)
            }
        }
        Trigger::Removed(_) => return Err(TriggerRefusal::NotYours),
    };
    check(&rule, others)?;
    let next = due;
    Ok(vec![TriggerEvent::Saved { rule, next, at }])
}

pub(super) fn decide(
    state: &Trigger,
    command: TriggerCommand,
) -> Result<Vec<TriggerEvent>, TriggerRefusal> {
    use Trigger as S;
    use TriggerCommand as C;
    use TriggerEvent as E;
    match (state, command) {
        (
            state,
            C::Save {
                rule,
                administers,
                others,
                at,
            },
        ) => save(state, rule, administers, &others, at),
        (
            S::Saved {
                rule, suspended, ..
            },
            C::Suspend { by, reason, at },
        ) => {
            by.may_change(rule)?;
            if reason.trim().is_empty() {
                return Err(TriggerRefusal::NoReason);
            }
            Ok(match suspended {
                Some(_) => vec![],
                None => vec![E::Suspended { reason, at }],
            })
        }
        (
            S::Saved {
                rule,
                next: due,
                suspended,
                ..
            },
            C::Resume { by, at },
        ) => {
            by.may_change(rule)?;
            let Some(since) = suspended else {
                return Ok(vec![]);
            };
            // What was due when it was suspended waits; what was due since is passed over.
            let waits = due.filter(|due| due <= since);
            let next = waits.or_else(|| next(rule, at));
            Ok(vec![E::Resumed { next, at }])
        }
        (S::Saved { rule, .. }, C::Remove { by, at }) => {
            by.may_change(rule)?;
            Ok(vec![E::Removed { at }])
        }
        (S::Removed(rule), C::Remove { by, .. }) => by.may_change(rule).map(|()| vec![]),
        (
            S::Saved {
                rule,
                through: known,
                suspended: None,
                ..
            },
            C::Fire { firing, at },
        ) => {
            let answers = match firing.occurrence {
                Occurrence::Events { after, through } => {
                    let on_events = !matches!(rule.occasion, Occasion::Calendar(_));
                    on_events && after == *known && through > after
                }
                Occurrence::Due(due) => state.due(at) == Some(due),
            };
            // Somebody else was faster.
            if !answers {
                return Ok(vec![]);
            }
            let next = match firing.occurrence {
                Occurrence::Events { .. } => None,
                Occurrence::Due(due) => next(rule, due),
            };
            Ok(vec![E::Fired { firing, next, at }])
        }
        (S::Unborn, C::Suspend { .. } | C::Resume { .. } | C::Remove { .. })
        | (S::Removed(_), C::Suspend { .. } | C::Resume { .. }) => Err(TriggerRefusal::NotYours),
        // It was suspended or removed meanwhile.
        (
            S::Unborn
            | S::Saved {
                suspended: Some(_), ..
            }
            | S::Removed(_),
            C::Fire { .. },
        ) => Ok(vec![]),
    }
}
