//! Chains as their authors write them: read and checked whole, each fault told with its step and its line.

use navette_adapters::merge;
use navette_domain::chain::{Action, Definition, DefinitionFault, Step};
use serde::Deserialize as _;
use toml::Spanned;

/// Everything that keeps a text from being a chain that can work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("La définition de la chaîne est incorrecte : {}", .0.join(" ; "))]
pub struct Faults(pub Vec<String>);

/// Where each step names itself.
#[derive(serde::Deserialize)]
struct Places {
    #[serde(default)]
    step: Vec<Place>,
}

#[derive(serde::Deserialize)]
struct Place {
    id: Option<Spanned<String>>,
}

/// The number of the line in which this byte is.
fn line(text: &str, byte: usize) -> usize {
    1 + text.get(..byte).unwrap_or_default().matches('\n').count()
}

/// The chain that this text (TOML) defines.
pub fn read(text: &str) -> Result<Definition, Faults> {
    let unreadable = |fault: &toml::de::Error| {
        let at = fault.span().map_or(1, |span| line(text, span.start));
        Faults(vec![format!("ligne {at} : {}", fault.message())])
    };
    let mut table: toml::Table = toml::from_str(text).map_err(|fault| unreadable(&fault))?;
    let places: Places = toml::from_str(text).map_err(|fault| unreadable(&fault))?;
    let place_of = |index: usize| match places.step.get(index).map(|place| &place.id) {
        Some(Some(id)) => format!("ligne {} : ", line(text, id.span().start)),
        _ => format!("étape n° {} : ", index + 1),
    };
    let mut faults = Vec::new();
    let mut steps = Vec::new();
    let written = match table.remove("step") {
        Some(toml::Value::Array(steps)) => steps,
        _ => vec![],
    };
    for (index, written) in written.into_iter().enumerate() {
        let name = written.get("id").and_then(toml::Value::as_str);
        let name = name.map_or_else(String::new, |name| format!("étape « {name} » : "));
        match Step::deserialize(written) {
            Ok(step) => steps.push((index, step)),
            Err(fault) => faults.push(format!("{}{name}{}", place_of(index), fault.message())),
        }
    }
    table.insert("step".to_owned(), toml::Value::Array(vec![]));
    let head = Definition::deserialize(toml::Value::Table(table));
    let definition = match head {
        Err(fault) => {
            faults.push(format!("elle n'est pas lisible : {}", fault.message()));
            return Err(Faults(faults));
        }
        Ok(_) if !faults.is_empty() => return Err(Faults(faults)),
        Ok(head) => Definition {
            steps: steps.into_iter().map(|(_, step)| step).collect(),
            ..head
        },
    };
    let mut found = definition.faults();
    found.extend(expressions(&definition));
    let told = found.iter().map(|fault| {
        // Of two steps of one name, it is the second that is told.
        let of_step = |step: &Step| Some(&step.id) == fault.step();
        let index = definition.steps.iter().rposition(of_step);
        format!("{}{fault}", index.map_or_else(String::new, place_of))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        Ok(definition)
    } else {
        Err(Faults(told))
    }
}

/// What is wrong with the conditions and the bodies of a chain.
fn expressions(definition: &Definition) -> Vec<DefinitionFault> {
    let conditions = definition
        .steps
        .iter()
        .filter_map(|step| Some((&step.id, step.when.as_deref()?)))
        .filter(|(_, condition)| !condition.trim().is_empty());
    let bodies = definition.steps.iter().flat_map(|step| {
        let body = match &step.action {
            Action::Call { body, .. } => body.as_deref(),
            _ => None,
        };
        let faults = body.map_or_else(Vec::new, |body| merge::body_faults(body, definition.scope));
        let told = faults.into_iter();
        told.map(|fault| DefinitionFault::Expression(step.id.clone(), fault))
    });
    conditions
        .flat_map(|(step, condition)| {
            merge::condition_faults(condition, definition.scope)
                .into_iter()
                .map(move |fault| {
                    let told = format!("la condition « {condition} » : {fault}");
                    DefinitionFault::Expression(step.clone(), told)
                })
        })
        .chain(bodies)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../examples/chains/notification-attribution.toml");

    fn faults(text: &str) -> Vec<String> {
        match read(text) {
            Ok(_) => vec![],
            Err(Faults(faults)) => faults,
        }
    }

    #[test]
    fn what_is_shipped_reads_as_it_does_from_toml() {
        let whole = toml::from_str::<Definition>(SHIPPED).map_err(|error| error.to_string());
        assert_eq!(read(SHIPPED).map_err(|error| error.to_string()), whole);
    }

    #[test]
    fn every_fault_is_told_at_once_with_its_step_and_its_line() {
        let broken = SHIPPED
            .replace("folder = \"Notifications\"", "folder = \"\"")
            .replace(
                "kind = \"register\"",
                "kind = \"register\"\nwhen = \"dossier.montnat > 1\"",
            )
            .replace("id = \"publish\"", "id = \"email\"");
        let line_of = |text: &str| {
            let before = broken.split(text).next().unwrap_or_default();
            1 + before.matches('\n').count()
        };
        let email = broken.rfind("id = \"email\"").unwrap_or_default();
        assert_eq!(
            faults(&broken),
            [
                format!(
                    "ligne {} : le champ « folder » de l'étape « visa » est vide",
                    line_of("id = \"visa\"")
                ),
                format!(
                    "ligne {} : deux étapes s'appellent « email »",
                    line(&broken, email)
                ),
                format!(
                    "ligne {} : l'étape « register » : la condition « dossier.montnat > 1 » : champ inconnu `dossier.montnat` ; vouliez-vous dire `dossier.montant` ?",
                    line_of("id = \"register\"")
                ),
            ]
        );
    }

    #[test]
    fn steps_that_do_not_read_are_all_told_with_their_lines() {
        let broken = SHIPPED
            .replace("kind = \"attach\"", "kind = \"attached\"")
            .replace("to = \"applicant\"", "to = \"clerk\"");
        let told = faults(&broken);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("étape « attach » : ") && told[0].starts_with("ligne "));
        assert!(told[1].contains("étape « email » : ") && told[1].contains("clerk"));
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        let told = faults("code = \"x\"\nlabel = \n");
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("ligne 2 : "), "{told:?}");
    }
}
