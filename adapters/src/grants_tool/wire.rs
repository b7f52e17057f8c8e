//! The grants tool's words: what we tell it of a dossier.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something that happened to a dossier.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub id: Uuid,
    pub r#type: String,
    pub statut: String,
    pub horodatage: DateTime<Utc>,
}
