//! Which fields each tag uses, and what is wrong with them for given data.

use super::{
    engine,
    tag::{Kind, Tag},
    values::empty_field,
};
use minijinja::{Environment, ErrorKind};
use navette_domain::ports::TemplateFault;
use serde_json::Value as Json;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt::Write as _,
};

/// A field as a tag names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// `v.montant`
    pub(super) written: String,
    /// `versements[].montant`
    pub(super) path: String,
}

/// A tag with the fields it uses.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) tag: Tag,
    pub(super) fields: Vec<Field>,
    /// Whether the tag itself foresees that they may be unknown.
    tolerant: bool,
}

/// Reads the fields of the tags of one part, in order; also answers what cannot be read.
pub(super) fn analyse(
    environment: &Environment<'_>,
    tags: Vec<Tag>,
) -> (Vec<Use>, Vec<TemplateFault>) {
    let mut scopes = Scopes::default();
    let mut faults = Vec::new();
    let uses = tags
        .into_iter()
        .map(|tag| {
            let expression = expression(&tag);
            let (names, problem) =
                expression.map_or((Vec::new(), None), |code| names(environment, code));
            if let Some(sentence) = problem.or_else(|| unsupported(&tag)) {
                faults.push(fault(&tag, sentence));
            }
            let fields = names
                .iter()
                .filter_map(|name| scopes.resolve(name))
                .collect();
            scopes.follow(&tag, &names);
            let tolerant = ["defined", "default", "|d("]
                .iter()
                .any(|word| tag.code.contains(word));
            Use {
                tag,
                fields,
                tolerant,
            }
        })
        .collect();
    (uses, faults)
}

pub(super) fn fault(tag: &Tag, sentence: String) -> TemplateFault {
    TemplateFault {
        place: tag.place.clone(),
        tag: tag.written.clone(),
        sentence,
    }
}

/// The expression that a tag evaluates, if any.
fn expression(tag: &Tag) -> Option<&str> {
    let rest = || tag.code[tag.keyword().len()..].trim();
    match (tag.kind, tag.keyword()) {
        (Kind::Print | Kind::Picture { .. }, _) => Some(&tag.code),
        (Kind::Comment, _) => None,
        (_, "if" | "elif") => Some(rest()),
        (_, "for") => rest().split_once(" in ").map(|(_, list)| {
            let list = list.split_once(" if ").map_or(list, |(list, _)| list);
            list.trim_end_matches(" recursive").trim()
        }),
        (_, "set" | "with") => rest().split_once('=').map(|(_, value)| value.trim()),
        _ => None,
    }
}

fn unsupported(tag: &Tag) -> Option<String> {
    let known = [
        "if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith",
    ];
    if tag.keyword() == "for" && !tag.code.contains(" in ") {
        return Some("une boucle s'écrit {% for élément in liste %}".into());
    }
    if tag.kind == Kind::Open && tag.keyword() == "set" {
        return Some("« set » s'écrit avec une valeur : {% set x = … %}".into());
    }
    if !tag.is_statement() || tag.kind == Kind::Comment || known.contains(&tag.keyword()) {
        return None;
    }
    Some(format!("instruction inconnue : « {} »", tag.keyword()))
}

/// The names an expression uses, or what is wrong with it.
fn names(environment: &Environment<'_>, code: &str) -> (Vec<String>, Option<String>) {
    match environment.compile_expression_owned(code.to_owned()) {
        Ok(expression) => {
            let mut names: Vec<String> =
                expression.undeclared_variables(true).into_iter().collect();
            let functions: Vec<&str> = environment.globals().map(|(name, _)| name).collect();
            names.retain(|name| !functions.contains(&name.as_str()));
            names.sort();
            if names.iter().any(|name| engine::is_ours(name)) {
                return (Vec::new(), Some("nom réservé".into()));
            }
            let unknown = unknown_filter(environment, code)
                .map(|filter| format!("filtre inconnu : « {filter} »"));
            (names, unknown)
        }
        Err(error) => {
            let detail = error.detail().unwrap_or_default();
            (
                Vec::new(),
                Some(format!("expression incorrecte ({detail})")),
            )
        }
    }
}

/// The first filter of an expression that does not exist.
fn unknown_filter(environment: &Environment<'_>, code: &str) -> Option<String> {
    let mut bare = String::new();
    let mut string = None;
    for character in code.chars() {
        match (string, character) {
            (None, '"' | '\'') => string = Some(character),
            (Some(quote), _) if quote == character => string = None,
            (None, _) => bare.push(character),
            _ => {}
        }
    }
    let names = bare.split('|').skip(1).map(|after| {
        after
            .trim_start()
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    names.into_iter().find(|name| {
        environment
            .empty_state()
            .apply_filter(name, &[])
            .is_err_and(|error| error.kind() == ErrorKind::UnknownFilter)
    })
}

/// What the names bound by `for`, `set` and `with` stand for.
#[derive(Default)]
struct Scopes(Vec<HashMap<String, Option<String>>>);

impl Scopes {
    fn resolve(&self, name: &str) -> Option<Field> {
        let (root, rest) = name
            .split_once('.')
            .map_or((name, ""), |(root, rest)| (root, rest));
        let path = match self.0.iter().rev().find_map(|scope| scope.get(root)) {
            Some(None) => return None,
            Some(Some(alias)) if rest.is_empty() => alias.clone(),
            Some(Some(alias)) => format!("{alias}.{rest}"),
            None => name.to_owned(),
        };
        Some(Field {
            written: name.to_owned(),
            path,
        })
    }

    fn follow(&mut self, tag: &Tag, names: &[String]) {
        match (tag.kind, tag.keyword()) {
            (Kind::Open, "for") => {
                let mut scope = HashMap::from([("loop".to_owned(), None)]);
                let target = tag.code[3..].split(" in ").next().unwrap_or_default();
                let list = match names {
                    [only] if expression(tag) == Some(only.as_str()) => self.resolve(only),
                    _ => None,
                };
                let targets: Vec<&str> = target.split(',').map(str::trim).collect();
                for name in &targets {
                    let alias = list.as_ref().map(|list| format!("{}[]", list.path));
                    scope.insert((*name).to_owned(), alias.filter(|_| targets.len() == 1));
                }
                self.0.push(scope);
            }
            (Kind::Alone, "set") | (Kind::Open, "with") => {
                let name = tag.code.split('=').next().unwrap_or_default();
                let name = name.trim_start_matches(tag.keyword()).trim().to_owned();
                if tag.kind == Kind::Open || self.0.is_empty() {
                    self.0.push(HashMap::new());
                }
                if let Some(scope) = self.0.last_mut() {
                    scope.insert(name, None);
                }
            }
            (Kind::Open, _) => self.0.push(HashMap::new()),
            (Kind::Close, _) => {
                self.0.pop();
            }
            _ => {}
        }
    }
}

/// The paths of all fields used.
pub(super) fn paths(uses: &[Use]) -> BTreeSet<String> {
    uses.iter()
        .flat_map(|used| used.fields.iter().map(|field| field.path.clone()))
        .collect()
}

/// What `data` says of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Value,
    Empty,
    Unknown,
}

pub(super) fn find(data: &Json, path: &str) -> Found {
    let mut here = data;
    for step in path.split('.') {
        let (name, lists) = step
            .find("[]")
            .map_or((step, 0), |at| (&step[..at], step[at..].len() / 2));
        here = match here {
            Json::Object(map) => match map.get(name) {
                Some(value) => value,
                None => return Found::Unknown,
            },
            Json::Null => return Found::Empty,
            // `.length` and the like are none of our business.
            _ => return Found::Unknown,
        };
        for _ in 0..lists {
            match here.get(0) {
                Some(first) => here = first,
                // An empty list says nothing of its items.
                None => return Found::Value,
            }
        }
    }
    if here.is_null() {
        Found::Empty
    } else {
        Found::Value
    }
}

/// The fields that the data does not have, each with the nearest one that it has.
pub(super) fn unknown(uses: &[Use], data: &Json) -> Vec<TemplateFault> {
    let tolerated: HashSet<&str> = uses
        .iter()
        .filter(|used| used.tolerant)
        .flat_map(|used| used.fields.iter().map(|field| field.path.as_str()))
        .collect();
    let mut known = None;
    let mut faults = Vec::new();
    for used in uses {
        for field in &used.fields {
            if tolerated.contains(field.path.as_str()) || find(data, &field.path) != Found::Unknown
            {
                continue;
            }
            let known = known.get_or_insert_with(|| all_paths(data));
            let mut sentence = format!("champ inconnu `{}`", field.written);
            if let Some(nearest) = nearest(field, known) {
                let _ = write!(sentence, " ; vouliez-vous dire `{nearest}` ?");
            }
            faults.push(fault(&used.tag, sentence));
        }
    }
    faults
}

/// The fields of a tag that the data leaves empty.
pub(super) fn empty(used: &Use, data: &Json) -> Option<String> {
    used.fields
        .iter()
        .find(|field| find(data, &field.path) == Found::Empty)
        .map(|field| empty_field(&field.written))
}

fn all_paths(data: &Json) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    collect(data, "", &mut paths);
    paths
}

fn collect(data: &Json, path: &str, paths: &mut BTreeSet<String>) {
    if !path.is_empty() {
        paths.insert(path.to_owned());
    }
    match data {
        Json::Object(map) => {
            for (name, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                collect(value, &format!("{path}{dot}{name}"), paths);
            }
        }
        Json::Array(items) => {
            if let Some(first) = items.first() {
                collect(first, &format!("{path}[]"), paths);
            }
        }
        _ => {}
    }
}

/// The known path nearest to a field, written as the tag would.
fn nearest(field: &Field, known: &BTreeSet<String>) -> Option<String> {
    let most = (field.path.chars().count() / 3).clamp(1, 5);
    let (distance, path) = known
        .iter()
        .map(|path| (strsim::damerau_levenshtein(path, &field.path), path))
        .min()?;
    if distance > most {
        return None;
    }
    // `v.montnat` for `versements[].montnat`: answer `v.montant`.
    let alias = field.written.split('.').next().unwrap_or_default();
    let tail = field.written.strip_prefix(alias).unwrap_or_default();
    let list = field.path.strip_suffix(tail).unwrap_or_default();
    match path.strip_prefix(list) {
        Some(rest) if list.contains("[]") => Some(format!("{alias}{rest}")),
        _ => Some(path.clone()),
    }
}
