//! The directory's own words.

use navette_domain::{ports::Establishment, siret::Siret, third_party::PostalAddress};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub results: Vec<Unit>,
}

/// Why a question was refused.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refused {
    #[serde(default)]
    pub erreur: String,
}

/// A company, association or authority, with the establishments that were found.
#[derive(Debug, Deserialize)]
pub(super) struct Unit {
    nom_complet: Option<String>,
    nom_raison_sociale: Option<String>,
    siege: Option<Place>,
    #[serde(default)]
    matching_etablissements: Vec<Place>,
    #[serde(default)]
    complements: Complements,
}

#[derive(Debug, Default, Deserialize)]
struct Complements {
    identifiant_association: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Place {
    siret: Option<String>,
    adresse: Option<String>,
    code_postal: Option<String>,
    libelle_commune: Option<String>,
    etat_administratif: Option<String>,
}

impl Unit {
    /// The establishment of this number, if it is one of this unit.
    pub(super) fn establishment(self, siret: &Siret) -> Option<Establishment> {
        let name = self.nom_raison_sociale.or(self.nom_complet)?;
        let mut places = self.siege.into_iter().chain(self.matching_etablissements);
        let place = places.find(|place| place.siret.as_deref() == Some(siret.as_str()))?;
        Some(Establishment {
            siret: siret.clone(),
            name,
            rna: self.complements.identifiant_association,
            open: place.etat_administratif.as_deref() != Some("F"),
            address: place.address(),
        })
    }
}

impl Place {
    /// The address comes in one line, postcode and town at its end.
    fn address(self) -> Option<PostalAddress> {
        let (postcode, town) = (self.code_postal?, self.libelle_commune?);
        let line = self.adresse.unwrap_or_default();
        let street = line
            .trim()
            .strip_suffix(&town)
            .and_then(|line| line.trim_end().strip_suffix(&postcode))
            .unwrap_or(&line)
            .trim();
        let lines = if street.is_empty() {
            vec![]
        } else {
            vec![street.to_owned()]
        };
        Some(PostalAddress {
            lines,
            postcode,
            town,
        })
    }
}
