//! What a query may cost, checked before it is worked on.
//!
//! The engine's own limits walk fragments again at each use, so a small text whose fragments use each other
//! twice (a fragment bomb) would keep it busy for hours. Here each fragment is weighed once, in time
//! proportional to the text.

use async_graphql::{
    Data, Executor, Request, Response, ServerError, Value,
    parser::{
        parse_query,
        types::{ExecutableDocument, OperationType, Selection, SelectionSet},
    },
};
use futures::stream::{self, BoxStream, StreamExt as _};
use std::{collections::HashMap, sync::Arc};

/// The longest text of a query; long lists belong in variables.
pub const LONGEST_QUERY: usize = 16 * 1024;
const DEEPEST_NESTING: usize = 48;
const MOST_SELECTIONS: u64 = 1_000;
const MOST_ALIASES: u64 = 40;
const MOST_DIRECTIVES: u64 = 40;
const MOST_FRAGMENTS: usize = 40;

/// Why a query is not worked on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// The text is too long.
    #[error("the query is longer than {LONGEST_QUERY} bytes: put long values in variables")]
    Long,
    /// The text is nested too deep.
    #[error("the query is nested too deep")]
    Deep,
    /// It is no GraphQL.
    #[error("the query cannot be read: {0}")]
    Unreadable(String),
    /// It selects too much, fragments counted at each use.
    #[error("the query selects too much")]
    Large,
    /// Its fragments use each other in a circle.
    #[error("the fragments of the query use each other in a circle")]
    Circular,
}

/// Reads a query that is worth working on.
pub fn read(query: &str) -> Result<ExecutableDocument, Excess> {
    if query.len() > LONGEST_QUERY {
        return Err(Excess::Long);
    }
    if nesting(query) > DEEPEST_NESTING {
        return Err(Excess::Deep);
    }
    let document = parse_query(query).map_err(|error| Excess::Unreadable(error.to_string()))?;
    if document.fragments.len() > MOST_FRAGMENTS {
        return Err(Excess::Large);
    }
    let mut scale = Scale {
        document: &document,
        fragments: HashMap::new(),
    };
    let mut total = Weight::default();
    for (_, operation) in document.operations.iter() {
        let directives = operation.node.directives.len() as u64;
        total = total.plus(scale.weigh(&operation.node.selection_set.node)?);
        total.directives = total.directives.saturating_add(directives);
    }
    // Fragments that no operation uses are validated too.
    for name in document.fragments.keys() {
        total = total.plus(scale.fragment(name)?);
    }
    if total.selections > MOST_SELECTIONS
        || total.aliases > MOST_ALIASES
        || total.directives > MOST_DIRECTIVES
    {
        return Err(Excess::Large);
    }
    Ok(document)
}

/// How deep brackets nest: the parser goes down once for each. Those in strings count too.
fn nesting(query: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in query.bytes() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    selections: u64,
    aliases: u64,
    directives: u64,
}

impl Weight {
    fn plus(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
        }
    }
}

struct Scale<'d> {
    document: &'d ExecutableDocument,
    /// `None` while it is being weighed.
    fragments: HashMap<&'d str, Option<Weight>>,
}

impl<'d> Scale<'d> {
    fn weigh(&mut self, set: &'d SelectionSet) -> Result<Weight, Excess> {
        let mut total = Weight::default();
        for selection in &set.items {
            let mut own = Weight {
                selections: 1,
                ..Weight::default()
            };
            own.directives = selection.node.directives().len() as u64;
            let inner = match &selection.node {
                Selection::Field(field) => {
                    own.aliases = u64::from(field.node.alias.is_some());
                    self.weigh(&field.node.selection_set.node)?
                }
                Selection::InlineFragment(inline) => self.weigh(&inline.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.node.fragment_name.node)?
                }
            };
            total = total.plus(own).plus(inner);
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'d str) -> Result<Weight, Excess> {
        match self.fragments.get(name) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return Err(Excess::Circular),
            None => {}
        }
        let Some(fragment) = self.document.fragments.get(name) else {
            // The validation will name it.
            return Ok(Weight::default());
        };
        self.fragments.insert(name, None);
        let mut weight = self.weigh(&fragment.node.selection_set.node)?;
        let directives = fragment.node.directives.len() as u64;
        weight.directives = weight.directives.saturating_add(directives);
        self.fragments.insert(name, Some(weight));
        Ok(weight)
    }
}

/// An executor that works only on what [`read`] lets through; its streams are for subscriptions only, since
/// whoever opened a stream is not asked again who they are at each message.
#[derive(Clone)]
pub struct Guarded<E>(pub E);

impl<E: Executor> Executor for Guarded<E> {
    async fn execute(&self, mut request: Request) -> Response {
        match read(&request.query) {
            Ok(document) => {
                fill(&document, &mut request);
                request.set_parsed_query(document);
                self.0.execute(request).await
            }
            Err(excess) => refused(&excess.to_string()),
        }
    }

    fn execute_stream(
        &self,
        mut request: Request,
        session: Option<Arc<Data>>,
    ) -> BoxStream<'static, Response> {
        let document = match read(&request.query) {
            Ok(document) => document,
            Err(excess) => return stream::iter([refused(&excess.to_string())]).boxed(),
        };
        let mut operations = document.operations.iter();
        if !operations.all(|(_, operation)| operation.node.ty == OperationType::Subscription) {
            return stream::iter([refused("only subscriptions come here")]).boxed();
        }
        fill(&document, &mut request);
        request.set_parsed_query(document);
        self.0.execute_stream(request, session)
    }
}

/// Says nothing for the variables that a client leaves out, as it may: the engine, which weighs a list by the
/// length that is asked for, would call them unknown.
fn fill(document: &ExecutableDocument, request: &mut Request) {
    for (_, operation) in document.operations.iter() {
        for variable in &operation.node.variable_definitions {
            let variable = &variable.node;
            if variable.var_type.node.nullable && variable.default_value.is_none() {
                let said = request.variables.entry(variable.name.node.clone());
                said.or_insert(Value::Null);
            }
        }
    }
}

fn refused(message: &str) -> Response {
    Response::from_errors(vec![ServerError::new(message, None)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt::Write as _, time::Instant};

    fn bomb(levels: usize) -> String {
        let mut text = String::from("{ ...f0 }");
        for level in 0..levels {
            let next = level + 1;
            let _ = write!(
                text,
                " fragment f{level} on Query {{ ...f{next} ...f{next} }}"
            );
        }
        let _ = write!(text, " fragment f{levels} on Query {{ __typename }}");
        text
    }

    #[test]
    fn what_costs_too_much_is_refused_in_no_time() {
        let circle = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
        let aliases: String = (0..1_000).fold(String::new(), |text, n| text + &format!("a{n}:x "));
        for (query, expected) in [
            (bomb(22), Excess::Large),
            (bomb(39), Excess::Large),
            (bomb(200), Excess::Large),
            (circle.to_owned(), Excess::Circular),
            (format!("{{ {aliases} }}"), Excess::Large),
            (
                format!("{{ x {} }}", "@skip(if: false)".repeat(1_000)),
                Excess::Large,
            ),
            (format!("{{ {} }}", "x ".repeat(5_000)), Excess::Large),
            ("{x".repeat(5_000), Excess::Deep),
            (format!("{{ x(a: {}", "[".repeat(5_000)), Excess::Deep),
            (format!("{{ {} }}", "x ".repeat(500_000)), Excess::Long),
        ] {
            let start = Instant::now();
            assert_eq!(read(&query).err(), Some(expected), "{}", &query[..60]);
            assert!(start.elapsed().as_millis() < 500, "{}", &query[..60]);
        }
    }

    #[test]
    fn an_ordinary_query_is_read() {
        let query =
            "query Q($id: UUID!) { dossier(id: $id) { ...d } } fragment d on Dossier { id }";
        assert!(read(query).is_ok());
    }
}
