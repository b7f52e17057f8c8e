//! What Maarch Courrier calls the things that our configuration names: ids differ on every site, so they
//! are resolved by code or label, once.

use super::{MaarchConfig, MaarchCourrier, failure, wire};
use async_trait::async_trait;
use navette_domain::ports::{Answer, FailureClass, Named, Trial};

/// The ids that every registration bears.
#[derive(Debug)]
pub(super) struct References {
    pub(super) model: i64,
    pub(super) doctype: i64,
    pub(super) priority: String,
    pub(super) status: String,
    pub(super) destination: i64,
}

impl MaarchCourrier {
    /// The ids of this site, asked for until they have once been answered.
    pub(super) async fn references(&self) -> Answer<&References> {
        let resolved = self.references.get_or_try_init(async || {
            let config = &self.config;
            Answer::Ok(References {
                model: self.model(config).await?,
                doctype: self.doctype(config).await?,
                priority: self.priority(config).await?,
                status: self.status(config).await?,
                destination: self.destination(config).await?,
            })
        });
        resolved.await
    }

    /// What a registration needs, tried on its own.
    async fn try_each(&self) -> [Answer<()>; 5] {
        let config = &self.config;
        [
            self.model(config).await.map(drop),
            self.doctype(config).await.map(drop),
            self.priority(config).await.map(drop),
            self.status(config).await.map(drop),
            self.destination(config).await.map(drop),
        ]
    }

    async fn model(&self, config: &MaarchConfig) -> Answer<i64> {
        let table: wire::IndexingModels = self.read("indexingModels").await?;
        let outgoing = table
            .models
            .into_iter()
            .filter(|m| m.category == "outgoing");
        let named = outgoing.map(|m| (m.id, [m.id.to_string(), m.label]));
        pick(
            "Le modèle d'enregistrement « départ »",
            &config.model,
            named,
        )
    }

    async fn doctype(&self, config: &MaarchConfig) -> Answer<i64> {
        let table: wire::Doctypes = self.read("doctypes/types").await?;
        let types = table.doctypes.into_iter();
        let named = types.map(|t| (t.type_id, [t.type_id.to_string(), t.description]));
        pick("Le type de document", &config.doctype, named)
    }

    async fn priority(&self, config: &MaarchConfig) -> Answer<String> {
        let table: wire::Priorities = self.read("priorities").await?;
        let priorities = table.priorities.into_iter();
        let named = priorities.map(|p| (p.id.clone(), [p.id, p.label]));
        pick("La priorité", &config.priority, named)
    }

    async fn status(&self, config: &MaarchConfig) -> Answer<String> {
        let table: Vec<wire::Status> = self.read("autocomplete/statuses").await?;
        let statuses = table.into_iter();
        let named = statuses.map(|s| (s.id.clone(), [s.id, s.label]));
        pick("Le statut", &config.status, named)
    }

    async fn destination(&self, config: &MaarchConfig) -> Answer<i64> {
        let table: wire::Entities = self.read("entities").await?;
        let entities = table.entities.into_iter();
        let named = entities.map(|e| (e.serial_id, [e.code, e.label]));
        pick("Le service destinataire", &config.destination, named)
    }
}

#[async_trait]
impl Trial for MaarchCourrier {
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        // The shortest of the tables: without it, neither the address nor the account is worth more questions.
        if let Err(failure) = self.priority(&self.config).await
            && failure.class != FailureClass::Rejected
        {
            return vec![Err(failure)];
        }
        let tried = self.try_each().await;
        let wrong: Vec<_> = tried.into_iter().filter_map(Result::err).collect();
        if wrong.is_empty() {
            let sentence = "Maarch Courrier accepte le compte, et connaît le modèle, le type de document, \
                            la priorité, le statut et le service.";
            return vec![Ok(sentence.to_owned())];
        }
        wrong.into_iter().map(Err).collect()
    }
}

/// The one entry that bears the name `wanted`; a guess among several would register under a wrong one.
fn pick<T>(what: &str, wanted: &str, entries: impl Iterator<Item = (T, [String; 2])>) -> Answer<T> {
    let wanted = wanted.trim();
    let is_named = |names: &[String; 2]| names.iter().any(|name| name.trim() == wanted);
    let mut found = entries
        .filter(|(_, names)| is_named(names))
        .map(|(id, _)| id);
    let problem = match (found.next(), found.next()) {
        (Some(id), None) => return Ok(id),
        (None, _) => "n'existe pas",
        (Some(_), Some(_)) => "existe plusieurs fois",
    };
    let sentence = format!("{what} « {wanted} » {problem} dans Maarch Courrier.");
    Err(failure(FailureClass::Rejected, sentence))
}
