//! Trying the desk: its service, our account, and the types that chains name.

use super::{
    IParapheur, failure,
    wire::{Outcome, Request},
};
use async_trait::async_trait;
use navette_domain::{
    ids::SignatureId,
    ports::{Answer, FailureClass, Named, Trial},
};
use uuid::Uuid;

#[async_trait]
impl Trial for IParapheur {
    async fn try_out(&self, named: &Named) -> Vec<Answer<String>> {
        // No folder of ours has this id: a desk that says so has read us.
        let nobody = SignatureId(Uuid::nil());
        match self.outcome(nobody, Request::History).await {
            Ok(Outcome::Unclear) => return vec![Err(super::refused(Outcome::Unclear))],
            Ok(_) => {}
            Err(failure) => return vec![Err(failure)],
        }
        let mut told = vec![Ok("iParapheur répond et accepte le compte.".to_owned())];
        for (desk_type, subtype) in &named.desk_types {
            told.push(self.offers(desk_type, subtype).await);
        }
        told
    }
}

impl IParapheur {
    /// An unknown type reads as one without subtypes.
    async fn offers(&self, desk_type: &str, subtype: &str) -> Answer<String> {
        let answer = self.ask(desk_type, Request::Subtypes).await?;
        let known: Vec<&str> = answer
            .all("SousType")
            .map(|element| element.text.trim())
            .collect();
        if known.contains(&subtype) {
            return Ok(format!("Le type « {desk_type} / {subtype} » existe."));
        }
        let known = match known.as_slice() {
            [] => "aucun sous-type n'est ouvert au compte pour ce type".to_owned(),
            known => format!(
                "les sous-types ouverts au compte sont : {}",
                known.join(", ")
            ),
        };
        let sentence = format!("iParapheur n'a pas le type « {desk_type} / {subtype} » : {known}.");
        Err(failure(FailureClass::Rejected, sentence))
    }
}
