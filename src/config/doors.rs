//! The porte-documents and the grants tool, which may be of one kind or another.

use navette_adapters::{DepositConfig, capdemat::CapdematConfig, demarches::DemarcheTargetConfig};
use serde::{Deserialize, Deserializer, de::Error as _};

/// How one of them is reached: `kind` says which contract it speaks, ours unless told.
#[derive(Debug, Clone)]
pub enum DoorConfig {
    /// Our own deposit contract.
    Contract(DepositConfig),
    /// CapDémat, as it was published.
    Capdemat(CapdematConfig),
    /// Démarches simplifiées, where the dossier says whose it is.
    DemarchesSimplifiees(DemarcheTargetConfig),
}

impl<'de> Deserialize<'de> for DoorConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut section = toml::Table::deserialize(deserializer)?;
        let kind = section.remove("kind");
        let kind = kind.as_ref().map_or(Some("contract"), toml::Value::as_str);
        let section = toml::Value::Table(section);
        let door = match kind {
            Some("contract") => section.try_into().map(Self::Contract),
            Some("capdemat") => section.try_into().map(Self::Capdemat),
            Some("demarches-simplifiees") => section.try_into().map(Self::DemarchesSimplifiees),
            _ => {
                let sentence =
                    "`kind` must be \"contract\", \"capdemat\" or \"demarches-simplifiees\"";
                return Err(D::Error::custom(sentence));
            }
        };
        door.map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DoorConfig, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_door_speaks_our_contract_unless_it_says_another() {
        let ours = "url = 'https://a.example'\ntoken = 't'\n";
        assert!(matches!(read(ours).unwrap(), DoorConfig::Contract(_)));
        let said = format!("kind = 'contract'\n{ours}");
        assert!(matches!(read(&said).unwrap(), DoorConfig::Contract(_)));
        let capdemat = "kind = 'capdemat'\nurl = 'https://a.example'\nlogin = 'l'\n\
                        password = 'p'\ndocument_type = 3\nstates = { notified = 'Closed' }\n";
        let DoorConfig::Capdemat(capdemat) = read(capdemat).unwrap() else {
            unreachable!("the kind is said");
        };
        assert_eq!(capdemat.states["notified"], "Closed");
        let platform = "kind = 'demarches-simplifiees'\nurl = 'https://a.example'\ntoken = 't'\n\
                        instructor = 'i'\n[decisions.notified]\naccept = 'Vote'\n";
        let platform = read(platform).unwrap();
        assert!(matches!(platform, DoorConfig::DemarchesSimplifiees(_)));
    }

    #[test]
    fn a_door_of_another_kind_or_with_another_key_is_refused_by_its_name() {
        let ours = "url = 'https://a.example'\ntoken = 't'\n";
        for (text, word) in [
            (format!("kind = 'fargo'\n{ours}"), "capdemat"),
            (format!("kind = 3\n{ours}"), "`kind`"),
            (format!("{ours}login = 'l'\n"), "login"),
            ("url = 'https://a.example'\n".to_owned(), "token"),
        ] {
            let refused = read(&text).unwrap_err();
            assert!(refused.contains(word), "{refused}");
        }
    }
}
