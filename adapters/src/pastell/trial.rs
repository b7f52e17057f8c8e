//! Trying the hub: our account, our rights in the entity, and its flow. The desk's types can be asked for only
//! of a document, and trying makes none.

use super::Pastell;
use async_trait::async_trait;
use navette_domain::ports::{Answer, Named, Trial};
use reqwest::Method;
use serde_json::Value;

#[async_trait]
impl Trial for Pastell {
    async fn try_out(&self, _: &Named) -> Vec<Answer<String>> {
        vec![self.lists_documents().await]
    }
}

impl Pastell {
    async fn lists_documents(&self) -> Answer<String> {
        let flow = self.flow().name.as_str();
        let query = [("type", flow), ("limit", "1")];
        let response = self.send(Method::GET, &[], &query, |call| call).await?;
        let _: Vec<Value> = Self::read(response).await?;
        Ok(format!(
            "Pastell accepte le compte, qui voit les documents « {flow} » de l'entité {}.",
            self.config.entity
        ))
    }
}
