//! Which fields each tag uses and how, and what is wrong with them: by themselves, by the data
//! dictionary, or for given data.

mod check;
mod expression;
mod filters;
mod lookup;
mod scopes;
mod uses;

pub use check::Checked;
pub(super) use check::check;
pub(super) use expression::{Role, read};
pub(super) use lookup::{empty, nearest_path, unknown};
pub use uses::FieldUse;
pub(super) use uses::uses;

use super::{
    engine,
    faults::syntax,
    tag::{Kind, Tag},
};
use expression::{Reading, Usage};
use minijinja::{
    Environment,
    machinery::{
        self,
        ast::{Expr, Stmt},
    },
    syntax::SyntaxConfig,
};
use navette_domain::ports::TemplateFault;
use scopes::Scopes;

/// A field as a tag uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// `v.montant`
    pub(super) written: String,
    /// `versements[].montant`
    pub(super) path: String,
    pub(super) role: Role,
    /// The filters it goes through, in order.
    pub(super) filters: Vec<String>,
    /// Whether the template does without it where it is empty.
    pub(super) foreseen: bool,
    /// Whether the tag goes on even if nobody knows the field.
    pub(super) excused: bool,
}

/// A tag with the fields it uses.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) tag: Tag,
    pub(super) fields: Vec<Field>,
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
            let mut reading = Reading::default();
            let mut bound = Vec::new();
            match unsupported(&tag) {
                Some(sentence) => reading.problems.push(sentence),
                None => bound = read_tag(environment, &tag, &mut reading),
            }
            if reading
                .usages
                .iter()
                .any(|usage| engine::is_ours(&usage.name))
            {
                reading.problems.push("nom réservé".into());
            }
            faults.extend(reading.problems.iter().map(|problem| tag.fault(problem)));
            let fields = scopes.fields(&reading.usages);
            scopes.follow(&tag, &reading.usages, bound);
            Use { tag, fields }
        })
        .collect();
    (uses, faults)
}

/// A name that a tag gives, and the name of what it stands for, if it has one.
type Bound = (String, Option<String>);

/// Reads what a tag evaluates; answers the names that it gives.
fn read_tag(environment: &Environment<'_>, tag: &Tag, reading: &mut Reading) -> Vec<Bound> {
    let (mut bound, mut images) = (Vec::new(), Vec::new());
    let mut see = |expression: &Expr<'_>, role: Role| {
        let more = read(environment, expression, &role);
        reading.usages.extend(more.usages);
        reading.problems.extend(more.problems);
    };
    let rest = tag.code[tag.keyword().len()..].trim();
    let outcome = match (tag.kind, tag.keyword()) {
        (Kind::Print | Kind::Picture { .. }, _) => {
            machinery::parse_expr(&tag.code).map(|code| {
                see(&code, Role::Printed);
                // The tag of a picture is an image without a filter saying so.
                if matches!(tag.kind, Kind::Picture { .. }) {
                    images = expression::images_by_name(&code);
                }
            })
        }
        (_, "if" | "elif") => machinery::parse_expr(rest).map(|code| see(&code, Role::Tested)),
        (_, "colspan" | "cellbg") => machinery::parse_expr(rest).map(|code| see(&code, Role::Used)),
        (_, keyword @ ("for" | "set" | "with")) => {
            let end = match tag.kind {
                Kind::Open => format!("{{% end{keyword} %}}"),
                _ => String::new(),
            };
            let whole = format!("{{% {} %}}{end}", tag.code);
            machinery::parse(&whole, "", SyntaxConfig::default())
                .map(|parsed| bound = statement(&parsed, &mut see))
        }
        _ => Ok(()),
    };
    images.retain(|image| !reading.usages.contains(image));
    reading.usages.extend(images);
    if outcome.is_err() {
        let code = if tag.is_statement() { rest } else { &tag.code };
        reading.problems.push(syntax::sentence(code));
    }
    // A loop's condition looks at its own items.
    if tag.keyword() == "for" {
        let root = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        reading
            .usages
            .retain(|usage| bound.iter().all(|(name, _)| *name != root(&usage.name)));
    }
    bound
}

/// Reads a statement that gives names.
fn statement(parsed: &Stmt<'_>, see: &mut impl FnMut(&Expr<'_>, Role)) -> Vec<Bound> {
    let Stmt::Template(template) = parsed else {
        return Vec::new();
    };
    match template.children.first() {
        Some(Stmt::ForLoop(repeated)) => {
            see(&repeated.iter, Role::Looped);
            if let Some(condition) = &repeated.filter_expr {
                see(condition, Role::Tested);
            }
            let item = expression::name_of(&repeated.iter).map(|list| format!("{list}[]"));
            let mut bound = vec![("loop".to_owned(), None)];
            match &repeated.target {
                Expr::Var(name) => bound.push((name.id.to_owned(), item)),
                Expr::Tuple(names) => bound.extend(names.items.iter().filter_map(unknown_item)),
                Expr::List(names) => bound.extend(names.items.iter().filter_map(unknown_item)),
                _ => {}
            }
            bound
        }
        Some(Stmt::Set(set)) => {
            see(&set.expr, Role::Used);
            assigned(&set.target, &set.expr)
        }
        Some(Stmt::WithBlock(block)) => {
            let assignments = block.assignments.iter();
            let given = assignments.flat_map(|(target, value)| {
                see(value, Role::Used);
                assigned(target, value)
            });
            given.collect()
        }
        _ => Vec::new(),
    }
}

fn assigned(target: &Expr<'_>, value: &Expr<'_>) -> Vec<Bound> {
    let name = expression::name_of(target);
    let stands_for = expression::name_of(value);
    name.map(|name| (name, stands_for)).into_iter().collect()
}

fn unknown_item(target: &Expr<'_>) -> Option<Bound> {
    expression::name_of(target).map(|name| (name, None))
}

/// What to write instead of Jinja's statements that make no sense in an office document.
fn refused(tag: &Tag) -> Option<&'static str> {
    Some(match tag.keyword() {
        "macro" | "endmacro" | "call" | "endcall" => {
            "les macros n'existent pas ici : mettre le passage dans un sous-modèle, et l'insérer par \
             {% include \"code\" %}"
        }
        "import" | "from" | "extends" | "block" | "endblock" => {
            "un modèle n'hérite pas d'un autre : insérer un sous-modèle par {% include \"code\" %}"
        }
        "filter" | "endfilter" => {
            "un filtre s'écrit dans la balise d'un champ : {{ champ|filtre }}"
        }
        "do" => "une valeur se garde par {% set x = … %}",
        "autoescape" | "endautoescape" => "une valeur est toujours du texte : ôter cette balise",
        "break" | "continue" => {
            "une boucle ne s'interrompt pas : la limiter par une condition, {% for x in liste if … %}"
        }
        _ => return None,
    })
}

fn unsupported(tag: &Tag) -> Option<String> {
    let known = [
        "if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith", "colspan",
        "cellbg", "hm", "vm",
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
    if let Some(sentence) = refused(tag) {
        return Some(sentence.into());
    }
    let french = [
        ("si", "if"),
        ("sinon", "else"),
        ("finsi", "endif"),
        ("fin", "endif » ou « endfor"),
        ("pour", "for"),
        ("finpour", "endfor"),
        ("end", "endif » ou « endfor"),
        ("elseif", "elif"),
    ];
    let nearest = french
        .iter()
        .find(|(french, _)| *french == tag.keyword())
        .map(|(_, known)| *known)
        .or_else(|| {
            let near = |known: &&str| strsim::damerau_levenshtein(known, tag.keyword()) <= 1;
            known.into_iter().find(near)
        });
    let keyword = tag.keyword();
    Some(match nearest {
        Some(nearest) => {
            format!("instruction inconnue : « {keyword} » ; vouliez-vous dire « {nearest} » ?")
        }
        None => format!("instruction inconnue : « {keyword} »"),
    })
}

#[cfg(test)]
mod tests;
