//! The dossiers of one démarche.

use super::{client::Api, queries, wire};
use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use navette_domain::{
    personal::Personal,
    ports::{
        Answer, DossierSource, FailureClass, Named, Neighbour, SourceApplicant, SourceDossier,
        SourcePage, SourceState, Trial,
    },
    third_party::PostalAddress,
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

/// Which démarche is taken in, and what its fields are called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DemarcheConfig {
    /// The platform's address.
    pub url: String,
    /// A token that opens the démarche; reading is enough.
    pub token: SecretString,
    /// The démarche's number.
    pub demarche: u32,
    /// Who grants.
    pub authority: String,
    /// Its SIRET.
    pub authority_siret: Option<String>,
    /// The scheme (dispositif) of its dossiers.
    pub scheme: Option<String>,
    /// The label of the field that says what the money is for.
    pub purpose: String,
    /// The label of the field that says how much is asked.
    pub amount: String,
    /// The label of the field or private annotation that says how much is granted, if it is another.
    pub granted: Option<String>,
    /// How long one call may last, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

pub(super) fn default_timeout() -> u64 {
    60
}

/// The source.
#[derive(Debug, Clone)]
pub struct DemarcheSource {
    api: Api,
    config: DemarcheConfig,
}

impl DemarcheSource {
    /// Refuses an address that is not one.
    pub fn new(config: DemarcheConfig) -> anyhow::Result<Self> {
        let (url, token, timeout) = (&config.url, config.token.clone(), config.timeout_seconds);
        Ok(Self {
            api: Api::new(Neighbour::GrantsTool, url, token, timeout)?,
            config,
        })
    }
}

#[async_trait]
impl DossierSource for DemarcheSource {
    async fn changed(
        &self,
        since: Option<DateTime<Utc>>,
        after: Option<&str>,
    ) -> Answer<SourcePage> {
        let since = since.map(|since| since.to_rfc3339_opts(SecondsFormat::Secs, true));
        let variables = json!({
            "demarche": self.config.demarche, "since": since, "after": after,
        });
        let answer: wire::Demarche<wire::Changed> =
            self.api.ask(queries::CHANGED, variables).await?;
        let wire::Connection { page_info, nodes } = answer.demarche.dossiers;
        let next = page_info
            .end_cursor
            .filter(|cursor| page_info.has_next_page && Some(cursor.as_str()) != after);
        Ok(SourcePage {
            dossiers: nodes.into_iter().map(dossier).collect(),
            next,
        })
    }
}

fn dossier(told: wire::Dossier) -> SourceDossier {
    let fields = told.champs.into_iter().chain(told.annotations);
    let fields = fields.filter_map(|field| {
        let value = field.string_value?.trim().to_owned();
        (!value.is_empty()).then_some((field.label, value))
    });
    SourceDossier {
        number: told.number.to_string(),
        state: match told.state {
            wire::State::EnConstruction => SourceState::Draft,
            wire::State::EnInstruction => SourceState::Instructed,
            wire::State::Accepte => SourceState::Accepted,
            wire::State::Refuse => SourceState::Refused,
            wire::State::SansSuite => SourceState::Dropped,
        },
        changed_at: told.date_derniere_modification,
        decided_at: told.date_traitement,
        fields: fields.collect(),
        applicant: applicant(told.demandeur, told.usager.map(|usager| usager.email)),
    }
}

fn applicant(told: wire::Demandeur, account: Option<String>) -> SourceApplicant {
    match told {
        wire::Demandeur::Person { nom, prenom, email } => SourceApplicant {
            name: Personal(format!("{prenom} {nom}").trim().to_owned()),
            siret: None,
            rna: None,
            address: None,
            email: email.or(account).map(Personal),
        },
        wire::Demandeur::Organisation {
            siret,
            entreprise,
            association,
            address,
        } => SourceApplicant {
            name: Personal(name(entreprise.as_ref(), association.as_ref())),
            siret: Some(siret),
            rna: association.and_then(|association| association.rna),
            address: address.map(|address| {
                Personal(PostalAddress {
                    lines: address.street.into_iter().collect(),
                    postcode: address.postal_code,
                    town: address.city_name,
                })
            }),
            email: account.map(Personal),
        },
        // The registers have not answered the platform yet: the name is not known.
        wire::Demandeur::UnknownOrganisation { siret } => SourceApplicant {
            name: Personal(String::new()),
            siret: Some(siret),
            rna: None,
            address: None,
            email: account.map(Personal),
        },
    }
}

fn name(company: Option<&wire::Entreprise>, association: Option<&wire::Association>) -> String {
    let title = association.and_then(|association| association.titre.clone());
    let names = company.map(|company| {
        let person = [company.prenom.as_deref(), company.nom.as_deref()];
        let person: Vec<_> = person.into_iter().flatten().collect();
        match company.raison_sociale.trim() {
            "" => person.join(" "),
            name => name.to_owned(),
        }
    });
    title.or(names).unwrap_or_default().trim().to_owned()
}

#[async_trait]
impl Trial for DemarcheSource {
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let asked = json!({ "demarche": self.config.demarche });
        let form: wire::Demarche<wire::Form> = match self.api.ask(queries::FIELDS, asked).await {
            Ok(form) => form,
            Err(failure) => return vec![Err(failure)],
        };
        let form = form.demarche;
        let mut told = vec![Ok(format!(
            "La démarche {} s'appelle « {} ».",
            self.config.demarche, form.title
        ))];
        let revision = form.active_revision;
        let labels: Vec<_> = revision
            .champ_descriptors
            .into_iter()
            .chain(revision.annotation_descriptors)
            .map(|descriptor| descriptor.label)
            .collect();
        let config = &self.config;
        let wanted = [
            Some(&config.purpose),
            Some(&config.amount),
            config.granted.as_ref(),
        ];
        for label in wanted.into_iter().flatten() {
            if !labels.iter().any(|known| known.trim() == label.trim()) {
                let sentence = format!("La démarche n'a pas de champ « {label} ».");
                told.push(Err(self.api.failure(FailureClass::Rejected, sentence)));
            }
        }
        told
    }
}
