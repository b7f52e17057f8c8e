use super::*;
use crate::{
    event::Decider as _,
    export::schedule::{CalendarFault, Days},
    testing::{examples, now, replay, table, uuid},
};
use TriggerCommand as C;
use TriggerEvent as E;
use TriggerRefusal as Refusal;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_default()
}

fn rule(occasion: Occasion) -> Rule {
    Rule {
        name: "Notifier les accords".into(),
        chain: "notification".into(),
        occasion,
        selection: None,
        filter: None,
        owner: "token:anne".into(),
    }
}

fn granted() -> Rule {
    rule(Occasion::Status {
        status: DossierStatus::Granted,
    })
}

fn after(chain: &str, ending: DocumentStatus) -> Rule {
    rule(Occasion::Chain {
        chain: chain.into(),
        ending,
    })
}

/// Every day at seven in Paris, which is six in Greenwich.
fn daily() -> Rule {
    Rule {
        filter: Some(serde_json::json!({ "status": ["GRANTED"] })),
        ..rule(Occasion::Calendar(Calendar {
            days: Days::Month((1..=31).collect()),
            hour: 7,
            minute: 0,
        }))
    }
}

fn save_among(rule: Rule, others: Vec<Link>) -> C {
    C::Save {
        rule: Box::new(rule),
        administers: false,
        others,
        at: time(MONDAY),
    }
}

fn save(rule: Rule) -> C {
    save_among(rule, vec![])
}

const MONDAY: &str = "2026-11-23T10:00:00Z";
const TUESDAY: &str = "2026-11-24T10:00:00Z";

fn by(actor: &str, administers: bool) -> By {
    By {
        actor: actor.into(),
        administers,
    }
}

fn anne() -> By {
    by("token:anne", false)
}

fn suspend(at: &str) -> C {
    C::Suspend {
        by: anne(),
        reason: "Congés".into(),
        at: time(at),
    }
}

fn resume(at: &str) -> C {
    C::Resume {
        by: anne(),
        at: time(at),
    }
}

fn remove() -> C {
    C::Remove {
        by: anne(),
        at: now(),
    }
}

fn fire(occurrence: Occurrence, at: &str) -> C {
    C::Fire {
        firing: Box::new(Firing {
            occurrence,
            batch: Some(BatchId(uuid(1))),
            started: 2,
            left_out: vec![],
            not_chosen: 0,
        }),
        at: time(at),
    }
}

fn events(after: i64, through: i64) -> Occurrence {
    Occurrence::Events { after, through }
}

/// What came of these commands.
fn came_of(commands: Vec<C>) -> Trigger {
    let mut events = vec![];
    for command in commands {
        let state: Trigger = replay(events.clone());
        events.extend(state.decide(command).unwrap_or_default());
    }
    replay(events)
}

#[test]
fn the_table_of_answers_is_the_reviewed_one() {
    let states = examples!(Trigger, |state: &Trigger| state.clone();
        Trigger::Unborn => ["nothing" = Trigger::Unborn],
        Trigger::Saved { suspended: None, .. } => [
            "on a status" = came_of(vec![save(granted())]),
            "on a calendar" = came_of(vec![save(daily())]),
        ],
        Trigger::Saved { suspended: Some(_), .. } => [
            "suspended" = came_of(vec![save(granted()), suspend(MONDAY)]),
        ],
        Trigger::Removed(_) => ["removed" = came_of(vec![save(granted()), remove()])],
    );
    let commands = examples!(C, |command: &C| command.clone();
        C::Save { .. } => [
            "save the same" = save(granted()),
            "save another" = save(after("avenant", DocumentStatus::Delivered)),
            "save as somebody else" = save(Rule { owner: "token:luc".into(), ..granted() }),
        ],
        C::Suspend { .. } => [
            "suspend" = suspend(MONDAY),
            "suspend without a reason" = C::Suspend { by: anne(), reason: " ".into(), at: now() },
            "suspend as somebody else" = C::Suspend { by: by("token:luc", false), reason: "x".into(), at: now() },
        ],
        C::Resume { .. } => ["resume" = resume(MONDAY)],
        C::Remove { .. } => [
            "remove" = remove(),
            "remove as somebody else" = C::Remove { by: by("token:luc", false), at: now() },
            "remove as whoever administers" = C::Remove { by: by("token:chef", true), at: now() },
        ],
        C::Fire { .. } => [
            "fire for events" = fire(events(0, 7), MONDAY),
            "fire for a time" = fire(Occurrence::Due(time("2026-11-24T06:00:00Z")), TUESDAY),
        ],
    );
    insta::assert_snapshot!(table(&states, &commands));
}

#[test]
fn what_happened_is_answered_to_once_and_nothing_is_passed_over() {
    let first = fire(events(0, 7), MONDAY);
    let state = came_of(vec![save(granted()), first.clone()]);
    assert_eq!(state.decide(first), Ok(vec![]), "it was answered to");
    for (occurrence, answers) in [
        (events(0, 9), false),
        (events(5, 9), false),
        (events(7, 7), false),
        (events(8, 9), false),
        (events(7, 9), true),
    ] {
        let decided = state.decide(fire(occurrence, MONDAY)).unwrap_or_default();
        assert_eq!(!decided.is_empty(), answers, "{occurrence:?}");
    }
    // A change, a suspension and what follows do not forget it.
    let state = came_of(vec![
        save(granted()),
        fire(events(0, 7), MONDAY),
        suspend(MONDAY),
        resume(TUESDAY),
        save(after("avenant", DocumentStatus::Cancelled)),
    ]);
    assert_eq!(state.decide(fire(events(0, 9), MONDAY)), Ok(vec![]));
}

#[test]
fn times_that_were_missed_are_answered_to_once_for_the_last() {
    let state = came_of(vec![save(daily())]);
    let last = "2026-11-27T06:00:00Z";
    let late = "2026-11-27T20:00:00Z";
    assert_eq!(state.due(time(MONDAY)), None, "not before it was saved");
    assert_eq!(state.due(time(late)), Some(time(last)));
    let earlier = Occurrence::Due(time("2026-11-25T06:00:00Z"));
    assert_eq!(state.decide(fire(earlier, late)), Ok(vec![]));
    let fired = fire(Occurrence::Due(time(last)), late);
    let state = came_of(vec![save(daily()), fired.clone()]);
    assert_eq!(state.due(time(late)), None);
    assert_eq!(state.decide(fired), Ok(vec![]));
    assert_eq!(
        state.due(time("2026-11-28T06:00:00Z")),
        Some(time("2026-11-28T06:00:00Z"))
    );
}

#[test]
fn a_time_that_was_due_waits_for_the_end_of_a_suspension_and_one_that_comes_during_it_is_passed_over()
 {
    let friday = "2026-11-27T10:00:00Z";
    let passed_over = came_of(vec![save(daily()), suspend(MONDAY), resume(friday)]);
    assert_eq!(passed_over.due(time(friday)), None);
    let suspended = vec![save(daily()), suspend(TUESDAY)];
    assert_eq!(came_of(suspended.clone()).due(time(friday)), None);
    let waited = came_of([suspended, vec![resume(friday)]].concat());
    assert_eq!(waited.due(time(friday)), Some(time("2026-11-27T06:00:00Z")));
}

#[test]
fn whoever_saves_a_trigger_last_owns_it_and_only_owners_and_administrators_do() {
    let state = came_of(vec![save(granted())]);
    let theirs = |administers| C::Save {
        rule: Box::new(Rule {
            owner: "token:luc".into(),
            ..granted()
        }),
        administers,
        others: vec![],
        at: now(),
    };
    assert_eq!(state.decide(theirs(false)), Err(Refusal::NotYours));
    let taken_over = came_of(vec![save(granted()), theirs(true)]);
    assert_eq!(taken_over.decide(save(granted())), Err(Refusal::NotYours));
    let removed = came_of(vec![save(granted()), remove()]);
    assert_eq!(removed.decide(save(granted())), Err(Refusal::NotYours));
}

fn link(trigger: &str, after: &str, starts: &str) -> Link {
    Link {
        trigger: trigger.into(),
        after: after.into(),
        starts: starts.into(),
    }
}

#[test]
fn a_trigger_that_would_start_itself_again_is_refused_with_the_way_it_would_take() {
    let others = vec![
        link("Aux avenants", "notification", "avenant"),
        link("Ailleurs", "notification", "rappel"),
        link("Aux paiements", "avenant", "paiement"),
        link("En rond", "paiement", "avenant"),
    ];
    for (starts_after, way) in [
        ("notification", Some(vec![])),
        ("avenant", Some(vec!["Aux avenants"])),
        ("paiement", Some(vec!["Aux avenants", "Aux paiements"])),
        ("instruction", None),
    ] {
        let rule = after(starts_after, DocumentStatus::Delivered);
        let answer = Trigger::Unborn.decide(save_among(rule, others.clone()));
        let way = way.map(|way| way.into_iter().map(str::to_owned).collect());
        assert_eq!(answer.err(), way.map(Refusal::Circle), "{starts_after}");
    }
    // Other occasions lead to no end of a chain.
    let answer = Trigger::Unborn.decide(save_among(granted(), others));
    assert!(answer.is_ok());
    let told = Refusal::Circle(vec!["A".into(), "B".into()]).to_string();
    assert!(told.contains("par « A » puis « B »"), "{told}");
}

#[test]
fn a_trigger_that_could_not_fire_is_refused_with_what_is_wrong() {
    let calendar = |days| Calendar {
        days,
        hour: 7,
        minute: 0,
    };
    for (wrong, refusal) in [
        (
            Rule {
                name: " ".into(),
                ..granted()
            },
            Refusal::BadName,
        ),
        (
            Rule {
                selection: Some(SelectionId(uuid(1))),
                ..daily()
            },
            Refusal::BothChosen,
        ),
        (
            Rule {
                filter: None,
                ..daily()
            },
            Refusal::ChoosesAll,
        ),
        (
            Rule {
                occasion: Occasion::Calendar(calendar(Days::Week(vec![]))),
                ..daily()
            },
            Refusal::Calendar(CalendarFault::NoDay),
        ),
        (
            after("avenant", DocumentStatus::Signed),
            Refusal::NoEnding(DocumentStatus::Signed),
        ),
    ] {
        assert_eq!(Trigger::Unborn.decide(save(wrong)), Err(refusal));
    }
}

#[test]
fn what_a_trigger_does_is_told_in_french() {
    let saved = |rule| E::Saved {
        rule: Box::new(rule),
        next: None,
        at: now(),
    };
    let name = "Déclencheur « Notifier les accords » de la chaîne « notification » enregistré";
    for (rule, when) in [
        (granted(), "quand un dossier devient « accordé »"),
        (
            after("avenant", DocumentStatus::VisaRefused),
            "quand un document de la chaîne « avenant » devient « visa refusé »",
        ),
    ] {
        assert_eq!(saved(rule).sentence(), format!("{name} : {when}"));
    }
    let told = TriggerRef::told(Some(&TriggerRef {
        trigger: TriggerId(uuid(1)),
        name: "Accords".into(),
    }));
    assert_eq!(told, " par le déclencheur « Accords »");
    assert_eq!(TriggerRef::told(None), "");
}
