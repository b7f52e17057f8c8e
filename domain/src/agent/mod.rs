//! The agents whose names and addresses the log holds: who gave a visa, who rejected a letter, who is written to.
//! A stream of its own is named by who they are, in a way that nobody reads without the master key.
//!
//! ```text
//! (none) --erase--> erased once --erase--> erased twice …
//! ```

use crate::event::{aggregate, events};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

events! {
    /// What happens to what is known of an agent.
    pub enum AgentEvent {
        /// It was erased.
        Erased = "agent.erased", 1 {
            /// Why, without personal data.
            reason: String,
            /// When.
            at: DateTime<Utc>,
        }
    }
}

/// What is known of an agent: how often it was erased, since an agent may act again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    erased: u32,
}

/// What one may ask of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentCommand {
    /// Erase what is known so far.
    Erase {
        /// Why, without personal data.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// Why an agent is not erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgentRefusal {
    /// An erasure is accounted for.
    #[error("Le motif de l'effacement est vide.")]
    NoReason,
}

impl Agent {
    /// The state after `event`.
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the same shape as every aggregate's"
    )]
    pub fn evolve(self, event: AgentEvent) -> Self {
        match event {
            AgentEvent::Erased { .. } => Self {
                erased: self.erased.saturating_add(1),
            },
        }
    }
}

fn decide(_: &Agent, command: AgentCommand) -> Result<Vec<AgentEvent>, AgentRefusal> {
    match command {
        AgentCommand::Erase { reason, .. } if reason.trim().is_empty() => {
            Err(AgentRefusal::NoReason)
        }
        AgentCommand::Erase { reason, at } => Ok(vec![AgentEvent::Erased { reason, at }]),
    }
}

aggregate!(Agent, "agent", AgentCommand, AgentEvent, AgentRefusal);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::Decider as _,
        testing::{now, replay},
    };

    #[test]
    fn an_agent_is_erased_with_a_reason_and_again_after_acting_again() {
        let erase = |reason: &str| AgentCommand::Erase {
            reason: reason.to_owned(),
            at: now(),
        };
        let mut told = vec![];
        for _ in 0..2 {
            let state: Agent = replay(told.clone());
            assert_eq!(state.decide(erase(" ")), Err(AgentRefusal::NoReason));
            told.extend(state.decide(erase("Départ")).unwrap_or_default());
        }
        assert_eq!(replay::<Agent>(told), Agent { erased: 2 });
    }
}
