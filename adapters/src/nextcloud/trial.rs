//! Trying Nextcloud: its release, our account, and what visas need there.

use super::{Nextcloud, VisaBy, failure, tags};
use async_trait::async_trait;
use navette_domain::ports::{Answer, FailureClass, Named, Trial};

#[async_trait]
impl Trial for Nextcloud {
    async fn try_out(&self, named: &Named) -> Vec<Answer<String>> {
        let server = match self.server().await {
            Ok(server) => server,
            Err(failure) => return vec![Err(failure)],
        };
        // What the server says of itself it may say to anybody.
        if let Err(failure) = self.user_id().await {
            return vec![Err(failure)];
        }
        let release = &server.version.string;
        let reached = format!("Nextcloud {release} répond et accepte le compte.");
        let mut told = vec![Ok(reached), self.try_root().await];
        match self.config.visa {
            VisaBy::Approval => told.extend(self.try_rules(named).await),
            VisaBy::Tags if !server.has_tags() => {
                let sentence = "Les étiquettes collaboratives ne sont pas activées dans Nextcloud.";
                told.push(Err(failure(FailureClass::Rejected, sentence)));
            }
            VisaBy::Tags => told.extend(self.try_tags().await),
            VisaBy::Folders => {}
        }
        if self.config.visa != VisaBy::Approval && !server.has_comments() {
            let sentence = "Les commentaires ne sont pas activés dans Nextcloud : les visas et les \
                            refus n'auront ni auteur ni motif.";
            told.push(Err(failure(FailureClass::Rejected, sentence)));
        }
        told
    }
}

impl Nextcloud {
    /// The folder of everything: made by the first upload, but a file of that name would be in its way.
    async fn try_root(&self) -> Answer<String> {
        let root = &self.config.root_folder;
        Ok(match self.resource(root).await? {
            None => {
                format!("Le dossier « {root} » n'existe pas encore : le premier dépôt le créera.")
            }
            Some(found) if found.href.ends_with('/') => format!("Le dossier « {root} » existe."),
            Some(_) => {
                let sentence = format!("« {root} » est un fichier dans Nextcloud, non un dossier.");
                return Err(failure(FailureClass::Rejected, sentence));
            }
        })
    }

    /// Without chains to ask for, the rules are listed.
    async fn try_rules(&self, named: &Named) -> Vec<Answer<String>> {
        let rules = match self.rules().await {
            Ok(rules) => rules,
            Err(failure) => return vec![Err(failure)],
        };
        if rules.is_empty() {
            let sentence =
                "Aucune règle d'approbation de Nextcloud n'est ouverte au compte de Navette.";
            return vec![Err(failure(FailureClass::Rejected, sentence))];
        }
        if named.circuits.is_empty() {
            let names: Vec<_> = rules.iter().map(|rule| rule.description.trim()).collect();
            return vec![Ok(format!("Règles d'approbation : {}.", names.join(", ")))];
        }
        let mut told = Vec::new();
        for circuit in &named.circuits {
            let found = self.rule(circuit).await;
            told.push(found.map(|_| format!("La règle d'approbation « {circuit} » existe.")));
        }
        told
    }

    /// The first tag is ours to make; those of the answers are made by whoever runs the site.
    async fn try_tags(&self) -> Vec<Answer<String>> {
        let there = match self.tags().await {
            Ok(there) => there,
            Err(failure) => return vec![Err(failure)],
        };
        let told = self.marks().into_iter().map(|mark| {
            if there.iter().any(|tag| tag.name == mark) {
                Ok(format!("L'étiquette « {mark} » existe."))
            } else {
                Err(tags::missing(mark))
            }
        });
        told.collect()
    }
}
