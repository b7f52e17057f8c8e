//! The GraphQL door. Resolvers are thin: they ask the policy, then the read models or the dispatcher.
//!
//! # Rules
//! - What one may not see looks exactly like what does not exist.
//! - A field that can fail is `Option<Result<T>>`: its failure leaves the rest of the answer whole.
//! - Refusals of the rules are data; errors carry a code and no cause.

mod ahead;
pub mod asking;
mod chosen;
mod connection;
mod counted;
mod export_schedules;
mod exports;
pub(crate) mod faults;
pub mod limits;
pub mod loaders;
mod mutation;
mod node;
mod objects;
pub mod persisted;
mod query;
mod refusal;
pub mod straight;
mod subscription;
mod triggers;

pub use mutation::Mutation;
pub use query::Query;
pub use subscription::Subscription;

use crate::{
    app::App, attachments::Attachments, batches::Batches, dispatch::Dispatcher, erasure::Erasure,
    exports::Exports, rehearsal::Rehearsals, scans::Scans, schedules::Schedules,
    templates::Templates,
};
use asking::{Asker, Reads};
use async_graphql::{Data, Request, SDLExportOptions, Schema, SchemaBuilder};
use sqlx::PgPool;

/// The schema, behind its limits.
pub type Executor = limits::Guarded<Schema<Query, Mutation, Subscription>>;

/// What the resolvers work with.
#[derive(Clone)]
pub struct Services {
    /// The read models.
    pub reads: Reads,
    /// Takes commands to the log.
    pub dispatcher: Dispatcher,
    /// Starts and moves batches.
    pub batches: Batches,
    /// Checks templates.
    pub templates: Templates,
    /// Erases third parties.
    pub erasure: Erasure,
    /// Takes exports to their bytes.
    pub exports: Exports,
    /// Knows where scheduled ones may go.
    pub schedules: Schedules,
    /// Adds files to dossiers.
    pub attachments: Attachments,
    /// Takes scans of signed letters.
    pub scans: Scans,
    /// Rehearses chains.
    pub rehearsals: Rehearsals,
}

impl Services {
    /// Those of an application, whose read models are asked over these pools: see [`Reads`].
    pub fn of(app: &App, questions: PgPool, lookups: PgPool) -> Self {
        Self {
            reads: Reads::new(questions, lookups, app.projections.standing()),
            dispatcher: app.dispatcher.clone(),
            batches: app.batches.clone(),
            templates: app.templates.clone(),
            erasure: app.erasure.clone(),
            exports: app.exports.clone(),
            schedules: app.schedules.clone(),
            attachments: Attachments::new(app.dispatcher.clone()),
            scans: Scans::new(app.dispatcher.clone(), app.ports.files.clone()),
            rehearsals: Rehearsals::new(
                app.dispatcher.clone(),
                app.batches.clone(),
                app.ports.clone(),
                app.clock.clone(),
            ),
        }
    }
}

/// Fields of a query at most so deep; the usual introspection query goes deeper than any of ours.
const DEPTH: usize = 12;
const INTROSPECTION_DEPTH: usize = 20;
/// What a query may cost: a page of fifty rows with their documents and their last events fits.
const COMPLEXITY: usize = 4_000;

fn bare() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription)
}

/// The schema, at work. Without introspection, it says nothing about itself, not even by suggestions.
pub fn executor(services: Services, introspection: bool) -> Executor {
    let mut builder = bare()
        .data(services.reads)
        .data(services.dispatcher)
        .data(services.batches)
        .data(services.templates)
        .data(services.erasure)
        .data(services.exports)
        .data(services.schedules)
        .data(services.attachments)
        .data(services.rehearsals)
        .limit_complexity(COMPLEXITY)
        .limit_depth(if introspection {
            INTROSPECTION_DEPTH
        } else {
            DEPTH
        })
        .limit_recursive_depth(32)
        .limit_directives(4)
        .limit_aliases(40);
    if !introspection {
        builder = builder.disable_introspection().disable_suggestions();
    }
    limits::Guarded::new(builder.finish())
}

/// A request, with whoever makes it and a loader of its own.
pub fn request(request: Request, services: &Services, asker: Asker) -> Request {
    let loader = loaders::loader(services, &asker);
    request.data(asker).data(loader)
}

/// What a subscription's connection carries.
pub fn connection(asker: Asker) -> Data {
    let mut data = Data::default();
    data.insert(asker);
    data
}

/// The schema as clients read it: `src/graphql/schema.graphql`, under review.
pub fn sdl() -> String {
    bare()
        .finish()
        .sdl_with_options(SDLExportOptions::new().sorted_fields().sorted_enum_items())
}
