//! The arguments of a page, with the variables of a request.

use super::plan::Plan;
use async_graphql::{InputType, Request, Value as Constant};
use async_graphql_value::Value;
use navette_projections::{
    dossiers::{DossierFilter, DossierOrder},
    page::{PageArguments, PageRequest},
};

/// See the module.
pub struct Arguments {
    pub filter: DossierFilter,
    pub orders: Vec<DossierOrder>,
    pub page: PageRequest,
}

/// Those that are understood here.
const KNOWN: [&str; 6] = ["filter", "orderBy", "first", "after", "last", "before"];

impl Arguments {
    /// The arguments of a request, if they are what they must be.
    pub fn read(plan: &Plan, request: &Request) -> Option<Self> {
        if plan
            .arguments
            .keys()
            .any(|name| !KNOWN.contains(&name.as_str()))
        {
            return None;
        }
        let page = PageArguments {
            first: argument(plan, request, "first")?,
            after: argument(plan, request, "after")?,
            last: argument(plan, request, "last")?,
            before: argument(plan, request, "before")?,
        };
        let filter: Option<DossierFilter> = argument(plan, request, "filter")?;
        let orders: Option<Vec<DossierOrder>> = argument(plan, request, "orderBy")?;
        Some(Self {
            filter: filter.unwrap_or_default(),
            orders: orders.unwrap_or_default(),
            page: PageRequest::of(page).ok()?,
        })
    }
}

/// What an argument says, if it says it as the schema wants it.
fn argument<T: InputType>(plan: &Plan, request: &Request, name: &str) -> Option<Option<T>> {
    let Some(value) = plan.arguments.get(name) else {
        return Some(None);
    };
    // A variable that was left out leaves the argument out.
    if let Value::Variable(variable) = value
        && !request.variables.contains_key(variable)
        && plan.variables.get(variable)?.is_none()
    {
        return Some(None);
    }
    let value = value.clone().into_const_with(|variable| {
        let given = request.variables.get(&variable).cloned();
        given
            .or_else(|| plan.variables.get(&variable).cloned().flatten())
            .ok_or(())
    });
    let value = value.ok()?;
    let understood = Option::<T>::parse(Some(value.clone())).ok()?;
    is_all_of(&value, &understood.to_value()).then_some(understood)
}

/// Whether nothing that was given has been passed over: a test that is misspelt must not be left out.
fn is_all_of(given: &Constant, understood: &Constant) -> bool {
    match (given, understood) {
        (Constant::Object(given), Constant::Object(understood)) => {
            given.iter().all(|(name, given)| {
                let understood = understood.get(name);
                understood.is_some_and(|understood| is_all_of(given, understood))
            })
        }
        (Constant::List(given), Constant::List(understood)) => {
            given.len() == understood.len()
                && given
                    .iter()
                    .zip(understood)
                    .all(|(given, understood)| is_all_of(given, understood))
        }
        // One value stands for a list of one.
        (given, Constant::List(understood)) => {
            understood.len() == 1 && is_all_of(given, &understood[0])
        }
        (Constant::Object(_), _) => false,
        _ => true,
    }
}
