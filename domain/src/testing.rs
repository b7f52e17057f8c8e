//! What the tests of the aggregates share: examples of every value, and the table of answers.

use crate::{
    amount::Amount,
    chain::{ChainRef, StepId},
    digest::Digest,
    document::PdfRef,
    dossier::{Authority, Request},
    event::Decider,
    ids::{ChainId, TemplateId, ThirdPartyId},
    ports::OfficeFormat,
    template::TemplateRef,
};
use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::{
    DomainEvent as _,
    test::{AggregateTestExecutor, TestFramework},
};
use std::{collections::BTreeMap, fmt::Write as _};
use uuid::Uuid;

/// Lists labelled examples under patterns that must be exhaustive: a variant without an example does not
/// compile, and an example under another variant's pattern fails the test.
macro_rules! examples {
    ($ty:ty, $key:expr; $( $pattern:pat => [ $( $label:literal = $example:expr ),+ $(,)? ] ),+ $(,)?) => {{
        let key = $key;
        let all: Vec<(&'static str, &'static str, $ty)> =
            Vec::from([$($( (stringify!($pattern), $label, $example) ),+),+]);
        for (listed_under, label, example) in &all {
            let found = match key(example) { $( $pattern => stringify!($pattern) ),+ };
            assert_eq!(&found, listed_under, "{label} is listed under another variant");
        }
        all.into_iter().map(|(_, label, example)| (label, example)).collect::<Vec<_>>()
    }};
}
pub(crate) use examples;

/// The table state × command → answer, as text to review. Answers are event types, silence or the
/// refusal's sentence.
pub(crate) fn table<A: Decider>(states: &[(&str, A)], commands: &[(&str, A::Command)]) -> String
where
    A::Command: Clone,
{
    let width = commands
        .iter()
        .map(|(label, _)| label.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (label, state) in states {
        let _ = writeln!(text, "{label}");
        for (label, command) in commands {
            let answer = match state.decide(command.clone()) {
                Ok(events) if events.is_empty() => "silence".to_owned(),
                Ok(events) => {
                    let types: Vec<_> = events.iter().map(A::Event::event_type).collect();
                    format!("→ {}", types.join(", "))
                }
                Err(refusal) => format!("✗ {refusal}"),
            };
            let _ = writeln!(text, "    {label:width$}  {answer}");
        }
        text.push('\n');
    }
    text
}

/// The state after `events`, as the engine replays them.
pub(crate) fn replay<A: Decider>(events: impl IntoIterator<Item = A::Event>) -> A {
    events.into_iter().fold(A::default(), |mut state, event| {
        state.apply(event);
        state
    })
}

/// Given, when, then.
pub(crate) fn given<A: Decider<Services = ()>>(
    events: impl Into<Vec<A::Event>>,
) -> AggregateTestExecutor<A> {
    TestFramework::<A>::with(()).given(events.into())
}

/// A moment: rules must not depend on which.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

/// A day of March 2026.
pub(crate) fn march(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap_or_default()
}

/// The id number `n`.
pub(crate) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// The PDF whose content is `content`.
pub(crate) fn pdf(content: &str) -> PdfRef {
    PdfRef {
        file: Digest::of(content.as_bytes()),
        pages: 2,
    }
}

/// A step of a chain.
pub(crate) fn step(name: &str) -> StepId {
    StepId(name.to_owned())
}

/// A version of a chain.
pub(crate) fn chain_ref() -> ChainRef {
    ChainRef {
        chain: ChainId::of_code("notification-attribution"),
        version: 1,
    }
}

/// A version of a template.
pub(crate) fn template_ref() -> TemplateRef {
    TemplateRef {
        template: TemplateId::of_code("lettre-attribution"),
        version: 1,
        file: Digest::of(b"template"),
        format: OfficeFormat::Odt,
    }
}

/// A request for a subsidy.
pub(crate) fn request() -> Request {
    Request {
        reference: "SUB-2026-0012".into(),
        third_party: ThirdPartyId::of_key("rna:W351001234"),
        authority: Authority {
            name: "Département d'Ille-et-Vilaine".into(),
            siret: None,
        },
        purpose: "Festival d'été".into(),
        amount: Amount::from_cents(1_500_000),
        nature: None,
        scheme: None,
        service: None,
        fiscal_year: None,
        payment_terms: None,
        payments: vec![],
        custom: BTreeMap::new(),
    }
}
