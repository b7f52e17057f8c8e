//! Lists by pages, as Relay and most clients know them.

use super::faults;
use async_graphql::{Object, OutputType, Result, SimpleObject, TypeName};
use futures::future::BoxFuture;
use navette_projections::page::{Count, Slice};
use std::borrow::Cow;

/// Counts when, and only when, the count is asked for.
type Counter = Box<dyn Fn() -> BoxFuture<'static, Result<Count, sqlx::Error>> + Send + Sync>;

/// One page of a list.
pub struct Connection<T> {
    edges: Vec<Edge<T>>,
    has_next: bool,
    has_previous: bool,
    count: Counter,
}

/// A row and its cursor.
pub struct Edge<T> {
    cursor: String,
    node: T,
}

/// Whether and how a list goes on.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Whether another page follows.
    has_next_page: bool,
    /// Whether another page precedes.
    has_previous_page: bool,
    /// The cursor to pass as `before` for the page that precedes.
    start_cursor: Option<String>,
    /// The cursor to pass as `after` for the page that follows.
    end_cursor: Option<String>,
}

impl<T> Connection<T> {
    /// A page of rows, shown as `T`.
    pub fn new<R: Into<T>>(
        slice: Slice<R>,
        count: impl Fn() -> BoxFuture<'static, Result<Count, sqlx::Error>> + Send + Sync + 'static,
    ) -> Self {
        let edge = |(cursor, row): (String, R)| Edge {
            cursor,
            node: row.into(),
        };
        Self {
            edges: slice.rows.into_iter().map(edge).collect(),
            has_next: slice.has_next,
            has_previous: slice.has_previous,
            count: Box::new(count),
        }
    }
}

impl<T: OutputType> TypeName for Connection<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", <T as OutputType>::type_name()).into()
    }
}

impl<T: OutputType> TypeName for Edge<T> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", <T as OutputType>::type_name()).into()
    }
}

#[Object(name_type)]
impl<T: OutputType> Connection<T> {
    /// The rows with their cursors.
    async fn edges(&self) -> &[Edge<T>] {
        &self.edges
    }

    /// The rows.
    async fn nodes(&self) -> Vec<&T> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Whether and how the list goes on.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next,
            has_previous_page: self.has_previous,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// How many rows there are in all: exact up to 10 000, estimated beyond.
    #[graphql(complexity = 20)]
    async fn total(&self) -> Option<Result<Count>> {
        Some(
            (self.count)()
                .await
                .map_err(|cause| faults::internal(&cause)),
        )
    }
}

#[Object(name_type)]
impl<T: OutputType> Edge<T> {
    /// Where the row stands in the list.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The row.
    async fn node(&self) -> &T {
        &self.node
    }
}
