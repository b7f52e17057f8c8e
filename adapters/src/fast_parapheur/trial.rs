//! Trying the desk: that it answers, and takes our certificate. Nothing public says how to ask it for its
//! circuits.

use super::FastParapheur;
use async_trait::async_trait;
use navette_domain::ports::{Answer, FolderRef, Named, Trial};

#[async_trait]
impl Trial for FastParapheur {
    async fn try_out(&self, _: &Named) -> Vec<Answer<String>> {
        // No document of ours has this number: a desk that says so, or refuses it, has read us.
        let nobody = FolderRef("0".to_owned());
        vec![self.ask(&nobody, &["history"]).await.map(|_| {
            "FAST-Parapheur répond et accepte le certificat ; l'abonné et le circuit ne s'essaient pas sans dépôt."
                .to_owned()
        })]
    }
}
