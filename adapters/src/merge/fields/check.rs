//! What the data dictionary says against a template, before any dossier is merged into it.

use super::{Field, Role, Use, filters, lookup};
use navette_domain::{
    chain::Scope,
    dictionary::{Dictionary, FieldKind, Found, IMAGES},
    ports::TemplateFault,
};

/// What the dictionary says against a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// No merge can succeed until these are mended.
    pub faults: Vec<TemplateFault>,
    /// Worth a look: a merge may succeed.
    pub warnings: Vec<TemplateFault>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "an iterator that can be cloned is a value"
)]
pub(in crate::merge) fn check<'a>(
    tags: impl Iterator<Item = &'a Use> + Clone,
    dictionary: &Dictionary,
) -> Checked {
    let mut checked = Checked::default();
    let known: Vec<String> = known(dictionary);
    for used in tags.clone() {
        for field in &used.fields {
            let item_of = field.path.strip_suffix("[]");
            let of_list = item_of.map(|list| dictionary.find(list));
            if matches!(of_list, Some(Found::Field(list)) if list.kind == FieldKind::List) {
                continue;
            }
            let told = match dictionary.find(&field.path) {
                Found::Field(found) => misuse(field, found.kind).map(|sentence| (sentence, true)),
                Found::Custom { dossiers: 0 } => {
                    let known = known.iter().filter(|known| is_custom(dictionary, known));
                    let nearest = lookup::nearest(field, known.map(String::as_str));
                    let nearest = nearest.map_or_else(String::new, |nearest| {
                        format!(" ; vouliez-vous dire `{nearest}` ?")
                    });
                    let written = &field.written;
                    Some((
                        format!("aucun dossier n'a le champ `{written}`{nearest}"),
                        false,
                    ))
                }
                Found::Custom { .. } | Found::Image { known: true } => None,
                Found::Image { known: false } => Some((unknown_image(field, dictionary), true)),
                Found::Unknown => {
                    let sentence = lookup::unknown_field(field, known.iter().map(String::as_str));
                    Some((sentence, !field.excused))
                }
            };
            let Some((sentence, certain)) = told else {
                continue;
            };
            let list = if certain {
                &mut checked.faults
            } else {
                &mut checked.warnings
            };
            let fault = used.tag.fault(sentence);
            if !list.contains(&fault) {
                list.push(fault);
            }
        }
    }
    checked.faults.extend(strangers(&tags, dictionary));
    checked
}

fn unknown_image(field: &Field, dictionary: &Dictionary) -> String {
    let known = dictionary.images().iter();
    let known: Vec<String> = known.map(|code| format!("{IMAGES}.{code}")).collect();
    let nearest = lookup::nearest(field, known.iter().map(String::as_str));
    let nearest = nearest.map_or_else(String::new, |nearest| {
        format!(" ; vouliez-vous dire `{nearest}` ?")
    });
    format!("aucune image `{}` n'a été déposée{nearest}", field.written)
}

/// Every path that may be meant.
fn known(dictionary: &Dictionary) -> Vec<String> {
    let listed = dictionary.fields().map(|field| field.path.clone());
    let groups: Vec<String> = dictionary
        .fields()
        .filter(|field| is_custom(dictionary, &format!("{}.x", field.path)))
        .map(|field| field.path.clone())
        .collect();
    let custom = dictionary.custom().keys();
    let custom = custom.flat_map(|name| groups.iter().map(move |group| format!("{group}.{name}")));
    listed.chain(custom).collect()
}

fn is_custom(dictionary: &Dictionary, path: &str) -> bool {
    matches!(dictionary.find(path), Found::Custom { .. })
}

/// Why a field of this kind cannot be used so.
fn misuse(field: &Field, kind: FieldKind) -> Option<String> {
    let written = &field.written;
    let is = in_words(kind);
    let many = matches!(kind, FieldKind::List | FieldKind::Record);
    match &field.role {
        Role::Looped if kind != FieldKind::List => Some(format!(
            "une boucle parcourt une liste, et `{written}` est {is}"
        )),
        Role::Compared(_) if kind == FieldKind::List => Some(format!(
            "`{written}` est une liste, qui ne se compare pas : comparer son nombre d'éléments, \
             `{written}|length`, ou un champ de ses éléments"
        )),
        Role::Printed if many => Some(format!(
            "`{written}` est {is}, qui ne s'écrit pas : choisir un de ses champs"
        )),
        Role::Filtered(filter) => {
            let takes = filters::takes(filter)?;
            if takes.contains(&kind) {
                return None;
            }
            let wanted: Vec<&str> = takes.iter().map(|kind| in_words(*kind)).collect();
            Some(format!(
                "le filtre « {filter} » attend {}, et `{written}` est {is}",
                wanted.join(" ou ")
            ))
        }
        _ => None,
    }
}

fn in_words(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "un texte",
        FieldKind::Amount => "un montant",
        FieldKind::Date => "une date",
        FieldKind::Integer => "un nombre",
        FieldKind::Boolean => "un oui ou non",
        FieldKind::List => "une liste",
        FieldKind::Record => "une fiche",
    }
}

/// A document is about one dossier or about a batch: fields that only the other has, if both are used.
fn strangers<'a>(
    tags: &(impl Iterator<Item = &'a Use> + Clone),
    dictionary: &Dictionary,
) -> Vec<TemplateFault> {
    let only = |scope: Scope| -> Vec<TemplateFault> {
        let fields = tags
            .clone()
            .flat_map(|used| used.fields.iter().map(move |field| (used, field)));
        let alone = fields.filter(|(_, field)| {
            matches!(dictionary.find(&field.path), Found::Field(found) if found.scopes == [scope])
        });
        let told = alone.map(|(used, field)| {
            let (here, other) = match scope {
                Scope::Dossier => ("un seul dossier", "tout un lot"),
                Scope::Batch => ("tout un lot", "un seul dossier"),
            };
            used.tag.fault(format!(
                "`{}` n'existe que dans les documents sur {here}, et ce modèle utilise aussi des \
                 champs de documents sur {other}",
                field.written
            ))
        });
        told.collect()
    };
    let (dossier, batch) = (only(Scope::Dossier), only(Scope::Batch));
    match (dossier.len(), batch.len()) {
        (0, _) | (_, 0) => Vec::new(),
        (few, many) if few <= many => dossier,
        _ => batch,
    }
}
