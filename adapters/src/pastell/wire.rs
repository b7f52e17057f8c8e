//! The words of Pastell's API.

use serde::Deserialize;
use serde_json::Value;

/// A document that was just made.
#[derive(Debug, Deserialize)]
pub(super) struct Created {
    pub id_d: String,
}

/// A line of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub id_d: String,
    titre: Option<String>,
}

impl Listed {
    pub fn title(&self) -> &str {
        self.titre.as_deref().unwrap_or_default()
    }
}

/// What the hub says after something was filled in: incomplete comes with status 200.
#[derive(Debug, Deserialize)]
pub(super) struct Filled {
    formulaire_ok: Value,
    pub message: Option<String>,
}

impl Filled {
    /// Written as a number, a text or a boolean, according to the release.
    pub fn is_complete(&self) -> bool {
        match &self.formulaire_ok {
            Value::Bool(said) => *said,
            Value::Number(said) => said.as_i64() == Some(1),
            Value::String(said) => said == "1",
            _ => false,
        }
    }
}

/// A document.
#[derive(Debug, Deserialize)]
pub(super) struct Detail {
    #[serde(default)]
    last_action: LastAction,
    /// Both spellings are met, perhaps in one answer.
    #[serde(default)]
    action_possible: Vec<String>,
    #[serde(default, rename = "action-possible")]
    action_possible_too: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum LastAction {
    Name(String),
    Full {
        action: String,
        message: Option<String>,
    },
}

impl Default for LastAction {
    fn default() -> Self {
        Self::Name(String::new())
    }
}

impl Detail {
    pub fn allows(&self, action: &str) -> bool {
        let mut all = self.action_possible.iter().chain(&self.action_possible_too);
        all.any(|possible| possible == action)
    }

    /// The state: the last action that was carried out.
    pub fn state(&self) -> &str {
        match &self.last_action {
            LastAction::Name(action) | LastAction::Full { action, .. } => action,
        }
    }

    /// What was said of it.
    pub fn message(&self) -> &str {
        match &self.last_action {
            LastAction::Name(_) => "",
            LastAction::Full { message, .. } => message.as_deref().unwrap_or_default(),
        }
    }
}

/// Why something is refused.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    #[serde(rename = "error-message")]
    pub message: String,
}
