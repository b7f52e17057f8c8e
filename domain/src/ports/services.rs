//! Web services that the configuration names.

use super::Answer;
use async_trait::async_trait;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceCall {
    /// Which service, by its name in the configuration.
    pub service: String,
    /// Derived from the effect: a repeated call carries the same one.
    pub key: Uuid,
    /// What is sent, if anything is.
    pub body: Option<Value>,
    /// What is kept of the answer: a name, and where it stands as a JSON pointer.
    pub keep: BTreeMap<String, String>,
}

/// The web services of a site.
#[async_trait]
pub trait WebServices: Send + Sync {
    /// Calls one, and answers with what is kept.
    async fn call(&self, call: &ServiceCall) -> Answer<BTreeMap<String, String>>;
}
