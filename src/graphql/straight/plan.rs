//! What a query asks of a page of dossiers, if it asks for nothing but columns.

use crate::graphql::limits;
use async_graphql::{
    Name, Request, Value as Constant,
    parser::types::{Field, OperationType, Selection, SelectionSet, VariableDefinition},
};
use async_graphql_value::Value;
use navette_projections::straight::{self, Asked, DOCUMENT, DOSSIER, Part, THIRD_PARTY};
use std::collections::{HashMap, HashSet};

/// See the module.
pub struct Plan {
    /// Under which key the page is answered.
    pub key: String,
    /// What it asks of the page, in order.
    pub tops: Vec<(String, Top)>,
    /// Its arguments, by their names.
    pub arguments: HashMap<Name, Value>,
    /// Its variables, with their usual values.
    pub variables: HashMap<Name, Option<Constant>>,
}

/// What is asked of a page.
pub enum Top {
    Typename,
    Nodes(Vec<Part>),
    Edges(Vec<(String, Edge)>),
    PageInfo(Vec<(String, Info)>),
    Total(Vec<(String, Total)>),
}

/// What is asked of an edge.
pub enum Edge {
    Typename,
    Cursor,
    Node(Vec<Part>),
}

/// What is asked of a page's place in the list.
#[derive(Clone, Copy)]
pub enum Info {
    Typename,
    HasNextPage,
    HasPreviousPage,
    StartCursor,
    EndCursor,
}

/// What is asked of a total.
#[derive(Clone, Copy)]
pub enum Total {
    Typename,
    Value,
    Exact,
    Precision,
}

impl Plan {
    /// The plan of a request, if it is one query of one page of dossiers.
    pub fn of(request: &Request) -> Option<Self> {
        let document = limits::read(&request.query).ok()?;
        let mut operations = document.operations.iter();
        let (Some((_, operation)), None) = (operations.next(), operations.next()) else {
            return None;
        };
        let operation = &operation.node;
        if operation.ty != OperationType::Query || !operation.directives.is_empty() {
            return None;
        }
        let mut fields = fields(&operation.selection_set.node)?;
        let (Some((key, page)), None) = (fields.pop(), fields.pop()) else {
            return None;
        };
        if page.name.node != "dossiers" {
            return None;
        }
        let plan = Self {
            key,
            tops: each(&page.selection_set.node, top)?,
            arguments: page
                .arguments
                .iter()
                .map(|(name, value)| (name.node.clone(), value.node.clone()))
                .collect(),
            variables: operation
                .variable_definitions
                .iter()
                .map(|variable| usual(&variable.node))
                .collect(),
        };
        // The rows are read once, for one list of them.
        (plan.lists().count() <= 1).then_some(plan)
    }

    fn lists(&self) -> impl Iterator<Item = &[Part]> {
        self.tops.iter().flat_map(|(_, top)| match top {
            Top::Nodes(parts) => vec![parts.as_slice()],
            Top::Edges(edges) => edges
                .iter()
                .filter_map(|(_, edge)| match edge {
                    Edge::Node(parts) => Some(parts.as_slice()),
                    Edge::Typename | Edge::Cursor => None,
                })
                .collect(),
            Top::Typename | Top::PageInfo(_) | Top::Total(_) => vec![],
        })
    }

    /// What is asked of each dossier.
    pub fn parts(&self) -> &[Part] {
        self.lists().next().unwrap_or_default()
    }

    /// Whether the total is asked for.
    pub fn counts(&self) -> bool {
        self.tops
            .iter()
            .any(|(_, top)| matches!(top, Top::Total(_)))
    }
}

fn usual(variable: &VariableDefinition) -> (Name, Option<Constant>) {
    let value = variable
        .default_value
        .as_ref()
        .map(|value| value.node.clone());
    (variable.name.node.clone(), value)
}

/// The fields of a selection under their keys, unless it has anything else, or the same key twice.
fn fields(set: &SelectionSet) -> Option<Vec<(String, &Field)>> {
    let mut keys = HashSet::new();
    let mut fields = vec![];
    for selection in &set.items {
        let Selection::Field(field) = &selection.node else {
            return None;
        };
        let field = &field.node;
        let key = field.response_key().node.to_string();
        if !field.directives.is_empty() || !keys.insert(key.clone()) {
            return None;
        }
        fields.push((key, field));
    }
    Some(fields)
}

/// What each field of a selection asks for, unless one of them asks for something else.
fn each<T>(set: &SelectionSet, of: impl Fn(&Field) -> Option<T>) -> Option<Vec<(String, T)>> {
    fields(set)?
        .into_iter()
        .map(|(key, field)| Some((key, of(field)?)))
        .collect()
}

fn top(field: &Field) -> Option<Top> {
    let set = &field.selection_set.node;
    match field.name.node.as_str() {
        "__typename" => Some(Top::Typename),
        "nodes" => Some(Top::Nodes(parts(set)?)),
        "edges" => Some(Top::Edges(each(set, edge)?)),
        "pageInfo" => Some(Top::PageInfo(each(set, info)?)),
        "total" => Some(Top::Total(each(set, total)?)),
        _ => None,
    }
}

fn edge(field: &Field) -> Option<Edge> {
    match field.name.node.as_str() {
        "__typename" => Some(Edge::Typename),
        "cursor" => Some(Edge::Cursor),
        "node" => Some(Edge::Node(parts(&field.selection_set.node)?)),
        _ => None,
    }
}

fn info(field: &Field) -> Option<Info> {
    match field.name.node.as_str() {
        "__typename" => Some(Info::Typename),
        "hasNextPage" => Some(Info::HasNextPage),
        "hasPreviousPage" => Some(Info::HasPreviousPage),
        "startCursor" => Some(Info::StartCursor),
        "endCursor" => Some(Info::EndCursor),
        _ => None,
    }
}

fn total(field: &Field) -> Option<Total> {
    match field.name.node.as_str() {
        "__typename" => Some(Total::Typename),
        "value" => Some(Total::Value),
        "exact" => Some(Total::Exact),
        "precision" => Some(Total::Precision),
        _ => None,
    }
}

/// What is asked of a dossier, if it is columns, its third party's at most once, and its documents' likewise.
fn parts(set: &SelectionSet) -> Option<Vec<Part>> {
    let (mut third_parties, mut documents) = (0, 0);
    let parts = fields(set)?.into_iter().map(|(key, field)| {
        let inner = &field.selection_set.node;
        match field.name.node.as_str() {
            "thirdParty" => {
                third_parties += 1;
                Some(Part::ThirdParty(key, columns(inner, THIRD_PARTY)?))
            }
            "documents" => {
                documents += 1;
                Some(Part::Documents(key, columns(inner, DOCUMENT)?))
            }
            _ => Some(Part::Own(column(key, field, DOSSIER)?)),
        }
    });
    let parts = parts.collect::<Option<Vec<_>>>()?;
    (third_parties <= 1 && documents <= 1).then_some(parts)
}

fn columns(set: &SelectionSet, known: &'static [straight::Field]) -> Option<Vec<Asked>> {
    fields(set)?
        .into_iter()
        .map(|(key, field)| column(key, field, known))
        .collect()
}

fn column(key: String, field: &Field, known: &'static [straight::Field]) -> Option<Asked> {
    let name = field.name.node.as_str();
    let field = known.iter().find(|known| known.name == name)?;
    Some(Asked { key, field })
}
