//! Pages of dossiers that are answered without the engine of GraphQL, which visits each field of each row.
//!
//! Only a query that the engine has answered before, so that it is known to be valid and within its limits, and
//! that asks for nothing but columns: any doubt, and the engine answers. Its answers are the same, key by key:
//! `tests/it/straight.rs` compares them.

mod arguments;
mod plan;

use super::asking::{Asker, Reads};
use arguments::Arguments;
use async_graphql::Request;
use navette_domain::{digest::Digest, policy::Permission};
use navette_projections::{
    page::Count,
    straight::{self, Pools, Rows},
};
use plan::{Edge, Info, Plan, Top, Total};
use std::{
    collections::HashMap,
    io::{self, Write as _},
    sync::{Arc, PoisonError, RwLock},
};

/// How many queries are known; then all are forgotten.
const KNOWN: usize = 256;

/// See the module.
#[derive(Clone)]
pub struct Straight {
    reads: Reads,
    known: Arc<RwLock<HashMap<Digest, Known>>>,
}

/// A query that the engine has answered.
#[derive(Clone)]
struct Known {
    /// How it is answered straight, if it can be.
    plan: Option<Arc<Plan>>,
    /// The longest page that the engine has answered: a longer one may cost more than is allowed.
    longest: i64,
}

/// What came of a request.
pub enum Told {
    /// The body of the answer.
    Answer(Vec<u8>),
    /// The engine must answer; what is to be learnt if it does without a fault.
    Nothing(Option<Lesson>),
}

/// What is learnt from a query once the engine has answered it.
pub struct Lesson {
    key: Digest,
    known: Known,
}

impl Straight {
    /// Answers from these read models; nothing is known yet.
    pub fn new(reads: Reads) -> Self {
        Self {
            reads,
            known: Arc::default(),
        }
    }

    /// The answer to a query that is known, if it can be given straight.
    pub async fn answer(&self, request: &Request, asker: &Asker) -> Told {
        let operation = request.operation_name.as_deref().unwrap_or_default();
        let parts = [operation.as_bytes(), b"\0", request.query.as_bytes()];
        let key = Digest::of_parts(parts);
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned();
        let plan = match &known {
            Some(Known { plan: None, .. }) => return Told::Nothing(None),
            Some(Known {
                plan: Some(plan), ..
            }) => Some(plan.clone()),
            None => Plan::of(request).map(Arc::new),
        };
        let Some(plan) = plan else {
            let known = Known {
                plan: None,
                longest: 0,
            };
            return Told::Nothing(Some(Lesson { key, known }));
        };
        let Some(arguments) = Arguments::read(&plan, request) else {
            return Told::Nothing(None);
        };
        let longest = arguments.page.rows();
        if known.is_none_or(|known| known.longest < longest) {
            let known = Known {
                plan: Some(plan),
                longest,
            };
            return Told::Nothing(Some(Lesson { key, known }));
        }
        match self.read(&plan, &arguments, asker).await {
            Some(body) => Told::Answer(body),
            None => Told::Nothing(None),
        }
    }

    /// Remembers what the engine has answered.
    pub fn learn(&self, lesson: Lesson) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(lesson.key, lesson.known);
    }

    /// Whatever fails is asked again of the engine, which tells it as it does.
    async fn read(&self, plan: &Plan, arguments: &Arguments, asker: &Asker) -> Option<Vec<u8>> {
        asker.may(Permission::Read).ok()?;
        let pools = Pools {
            questions: &self.reads.pool,
            lookups: &self.reads.lookups,
        };
        let (scope, filter) = (&asker.scope, &arguments.filter);
        let rows = straight::dossiers(
            pools,
            scope,
            filter,
            &arguments.orders,
            &arguments.page,
            plan.parts(),
        );
        let counted = async {
            if plan.counts() {
                self.reads.count(scope, filter).await.map(Some)
            } else {
                Ok(None)
            }
        };
        let (rows, total) = tokio::join!(rows, counted);
        let (rows, total) = (rows.ok()?, total.ok()?);
        let mut body = Vec::with_capacity(64 * 1024);
        write(&mut body, plan, &rows, total).ok()?;
        Some(body)
    }
}

fn write(out: &mut Vec<u8>, plan: &Plan, rows: &Rows, total: Option<Count>) -> io::Result<()> {
    write!(out, "{{\"data\":{{\"{}\":{{", plan.key)?;
    for (place, (key, top)) in plan.tops.iter().enumerate() {
        named(out, place, key)?;
        match top {
            Top::Typename => out.write_all(b"\"DossierConnection\"")?,
            Top::Nodes(parts) => list_of(out, rows, |out, row| rows.write(out, row, parts))?,
            Top::Edges(edges) => list_of(out, rows, |out, row| edge(out, rows, row, edges))?,
            Top::PageInfo(asked) => info(out, rows, asked)?,
            Top::Total(asked) => match total {
                Some(total) => count(out, total, asked)?,
                None => out.write_all(b"null")?,
            },
        }
    }
    out.write_all(b"}}}")
}

/// Writes the key of the value that follows.
fn named(out: &mut Vec<u8>, place: usize, key: &str) -> io::Result<()> {
    let comma = if place == 0 { "" } else { "," };
    write!(out, "{comma}\"{key}\":")
}

fn list_of(
    out: &mut Vec<u8>,
    rows: &Rows,
    mut write: impl FnMut(&mut Vec<u8>, usize) -> io::Result<()>,
) -> io::Result<()> {
    out.push(b'[');
    for row in 0..rows.len() {
        if row > 0 {
            out.push(b',');
        }
        write(out, row)?;
    }
    out.push(b']');
    Ok(())
}

fn edge(out: &mut Vec<u8>, rows: &Rows, row: usize, edges: &[(String, Edge)]) -> io::Result<()> {
    out.push(b'{');
    for (place, (key, edge)) in edges.iter().enumerate() {
        named(out, place, key)?;
        match edge {
            Edge::Typename => out.write_all(b"\"DossierEdge\"")?,
            Edge::Cursor => text(out, rows.cursor(row))?,
            Edge::Node(parts) => rows.write(out, row, parts)?,
        }
    }
    out.push(b'}');
    Ok(())
}

fn info(out: &mut Vec<u8>, rows: &Rows, asked: &[(String, Info)]) -> io::Result<()> {
    out.push(b'{');
    for (place, (key, info)) in asked.iter().enumerate() {
        named(out, place, key)?;
        match info {
            Info::Typename => out.write_all(b"\"PageInfo\"")?,
            Info::HasNextPage => write!(out, "{}", rows.has_next)?,
            Info::HasPreviousPage => write!(out, "{}", rows.has_previous)?,
            Info::StartCursor => text(out, rows.cursor(0))?,
            Info::EndCursor => text(
                out,
                rows.len().checked_sub(1).and_then(|row| rows.cursor(row)),
            )?,
        }
    }
    out.push(b'}');
    Ok(())
}

fn count(out: &mut Vec<u8>, total: Count, asked: &[(String, Total)]) -> io::Result<()> {
    out.push(b'{');
    for (place, (key, part)) in asked.iter().enumerate() {
        named(out, place, key)?;
        match part {
            Total::Typename => out.write_all(b"\"Count\"")?,
            Total::Value => write!(out, "{}", total.value)?,
            Total::Exact => write!(out, "{}", total.exact)?,
            Total::Precision if total.exact => out.write_all(b"\"EXACT\"")?,
            Total::Precision => out.write_all(b"\"ESTIMATED\"")?,
        }
    }
    out.push(b'}');
    Ok(())
}

/// Cursors need no escape.
fn text(out: &mut Vec<u8>, text: Option<&str>) -> io::Result<()> {
    match text {
        Some(text) => write!(out, "\"{text}\""),
        None => out.write_all(b"null"),
    }
}
