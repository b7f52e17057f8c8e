//! Trying the desk: our account, the place from which folders leave, and the types that chains name.

use super::IParapheurRest;
use async_trait::async_trait;
use navette_domain::ports::{Answer, Named, Trial};

#[async_trait]
impl Trial for IParapheurRest {
    async fn try_out(&self, named: &Named) -> Vec<Answer<String>> {
        let place = match self.place().await {
            Ok(place) => place,
            Err(failure) => return vec![Err(failure)],
        };
        let mut told = vec![Ok(format!(
            "iParapheur accepte le compte ; les dossiers partiront du bureau « {} » de l'entité « {} ».",
            self.desk, self.tenant
        ))];
        for (desk_type, subtype) in &named.desk_types {
            let offered = self.circuit(place, desk_type, subtype).await;
            told.push(offered.map(|_| format!("Le type « {desk_type} / {subtype} » existe.")));
        }
        told
    }
}
