//! Where dossiers come from, when another tool takes them in.

use super::Answer;
use crate::{personal::Personal, third_party::PostalAddress};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Where a dossier stands at its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// The applicant may still change it.
    Draft,
    /// It is instructed.
    Instructed,
    /// It was accepted.
    Accepted,
    /// It was refused.
    Refused,
    /// It was closed without an answer.
    Dropped,
}

/// Who asks, as the source knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceApplicant {
    /// Their name; empty when the source does not know it yet.
    pub name: Personal<String>,
    /// Their SIRET, as the source writes it.
    pub siret: Option<String>,
    /// Their number as an association, as the source writes it.
    pub rna: Option<String>,
    /// Where letters go.
    pub address: Option<Personal<PostalAddress>>,
    /// Where messages go, as the source writes it.
    pub email: Option<Personal<String>>,
}

/// A dossier as its source tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceDossier {
    /// Its number there.
    pub number: String,
    /// Where it stands.
    pub state: SourceState,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who asks.
    pub applicant: SourceApplicant,
    /// What its form says, by the labels of its fields, in order.
    pub fields: Vec<(String, String)>,
}

/// Some of the dossiers that changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourcePage {
    /// In the source's order.
    pub dossiers: Vec<SourceDossier>,
    /// Where the next ones begin, if there are any.
    pub next: Option<String>,
}

/// A tool that takes dossiers in.
#[async_trait]
pub trait DossierSource: Send + Sync {
    /// The dossiers that changed at or after `since`, from `after` on. One that changes meanwhile may come
    /// twice, and none is left out.
    async fn changed(
        &self,
        since: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Answer<SourcePage>;
}
