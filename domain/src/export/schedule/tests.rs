use super::*;
use crate::{
    event::Decider as _,
    testing::{replay, uuid},
};
use ExportScheduleCommand as C;
use ExportScheduleEvent as E;
use ExportScheduleRefusal as Refusal;
use chrono::TimeDelta;

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap_or_default()
}

fn calendar(days: Days, hour: u32, minute: u32) -> Calendar {
    Calendar { days, hour, minute }
}

fn every_day(hour: u32, minute: u32) -> Calendar {
    calendar(Days::Month((1..=31).collect()), hour, minute)
}

/// So many times that a calendar is due, one after the other.
fn times(calendar: &Calendar, after: &str, number: usize) -> Vec<DateTime<Utc>> {
    let next = |time: &DateTime<Utc>| calendar.next_after(*time);
    std::iter::successors(Some(time(after)), next)
        .skip(1)
        .take(number)
        .collect()
}

fn at_times(texts: &[&str]) -> Vec<DateTime<Utc>> {
    texts.iter().map(|text| time(text)).collect()
}

#[test]
fn the_same_time_of_day_is_another_moment_once_clocks_have_changed() {
    let found = times(&every_day(6, 30), "2026-10-23T12:00:00Z", 3);
    let expected = [
        "2026-10-24T04:30:00Z",
        "2026-10-25T05:30:00Z",
        "2026-10-26T05:30:00Z",
    ];
    assert_eq!(found, at_times(&expected));
    let found = times(&every_day(6, 30), "2026-03-27T12:00:00Z", 2);
    assert_eq!(
        found,
        at_times(&["2026-03-28T05:30:00Z", "2026-03-29T04:30:00Z"])
    );
}

#[test]
fn a_time_that_clocks_jump_over_is_the_first_moment_after_and_one_that_comes_twice_is_used_once() {
    // On 29 March 2026, 3:00 follows 1:59.
    let found = times(&every_day(2, 30), "2026-03-28T00:00:00Z", 3);
    let expected = [
        "2026-03-28T01:30:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:30:00Z",
    ];
    assert_eq!(found, at_times(&expected));
    // On 25 October 2026, 2:30 comes twice, an hour apart.
    let found = times(&every_day(2, 30), "2026-10-24T12:00:00Z", 2);
    assert_eq!(
        found,
        at_times(&["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"])
    );
}

#[test]
fn days_of_the_week_and_of_the_month_are_those_of_france() {
    let week = calendar(Days::Week(vec![Weekday::Thursday, Weekday::Monday]), 0, 15);
    // Sunday 23:15 in Greenwich is Monday in Paris.
    let found = times(&week, "2026-11-22T12:00:00Z", 3);
    let expected = [
        "2026-11-22T23:15:00Z",
        "2026-11-25T23:15:00Z",
        "2026-11-29T23:15:00Z",
    ];
    assert_eq!(found, at_times(&expected));
    let month = calendar(Days::Month(vec![31, 1]), 12, 0);
    let found = times(&month, "2027-01-31T12:00:00Z", 4);
    let expected = [
        "2027-02-01T11:00:00Z",
        "2027-02-28T11:00:00Z",
        "2027-03-01T11:00:00Z",
        "2027-03-31T10:00:00Z",
    ];
    assert_eq!(
        found,
        at_times(&expected),
        "a short month has its last day instead"
    );
}

#[test]
fn the_last_time_until_a_moment_is_the_one_whose_next_is_beyond_it() {
    let calendars = [
        every_day(2, 30),
        calendar(Days::Week(vec![Weekday::Sunday]), 2, 0),
        calendar(Days::Month(vec![29]), 23, 59),
    ];
    for calendar in calendars {
        for hours in 0..24 * 400 {
            let now = time("2026-01-01T00:30:00Z") + TimeDelta::hours(hours);
            let last = calendar.last_until(now).unwrap_or_default();
            assert!(last <= now && now - last <= TimeDelta::days(32), "{now}");
            let next = calendar.next_after(last);
            assert!(next.is_some_and(|next| next > now), "{now}");
            assert_eq!(calendar.next_after(now), next, "{now}");
        }
    }
}

#[test]
fn a_calendar_is_told_in_french() {
    for (days, minute, sentence) in [
        (
            Days::Week(vec![Weekday::Monday, Weekday::Thursday]),
            30,
            "chaque lundi et jeudi à 6 h 30",
        ),
        (
            Days::Month(vec![1, 15, 31]),
            0,
            "le 1er, 15 et 31 de chaque mois à 6 h",
        ),
    ] {
        assert_eq!(calendar(days, 6, minute).sentence(), sentence);
    }
}

fn schedule() -> Schedule {
    Schedule {
        name: "Suivi".into(),
        model: None,
        format: Some(Format::Csv),
        columns: None,
        selection: None,
        filter: None,
        calendar: every_day(6, 0),
        destination: Destination::Folder("controle".into()),
        owner: "token:anne".into(),
    }
}

const MONDAY: &str = "2026-11-23T10:00:00Z";

fn save(schedule: Schedule) -> C {
    let (schedule, at) = (Box::new(schedule), time(MONDAY));
    C::Save { schedule, at }
}

/// A schedule that was saved on Monday at eleven, and what came of these commands since.
fn after(commands: Vec<C>) -> ExportSchedule {
    let mut events = vec![];
    for command in [vec![save(schedule())], commands].concat() {
        let state: ExportSchedule = replay(events.clone());
        events.extend(state.decide(command).unwrap_or_default());
    }
    replay(events)
}

fn export(number: u128) -> ExportId {
    ExportId(uuid(number))
}

fn start(due: &str, at: &str) -> C {
    C::Start {
        due: time(due),
        export: export(1),
        at: time(at),
    }
}

const DUE: &str = "2026-11-24T05:00:00Z";
const LATER: &str = "2026-11-24T05:01:00Z";

fn fail(for_good: bool, reached: Vec<u32>) -> C {
    C::FailDelivery {
        export: export(1),
        reason: "injoignable".into(),
        reached,
        for_good,
        at: time(LATER),
    }
}

#[test]
fn what_was_missed_is_due_once_for_the_last_time_and_not_before_it_was_saved() {
    let state = after(vec![]);
    for (now, due) in [
        ("2026-11-24T04:59:59Z", None),
        (DUE, Some(DUE)),
        ("2026-11-24T20:00:00Z", Some(DUE)),
        // Nobody worked for days.
        ("2026-11-28T20:00:00Z", Some("2026-11-28T05:00:00Z")),
    ] {
        assert_eq!(state.due(time(now)), due.map(time), "{now}");
    }
    let late = "2026-11-28T20:00:00Z";
    let due = "2026-11-28T05:00:00Z";
    let state = after(vec![
        start(due, late),
        C::Deliver {
            export: export(1),
            at: time(late),
        },
    ]);
    assert_eq!(state.due(time(late)), None, "it was made");
    let next = "2026-11-29T05:00:00Z";
    assert_eq!(state.due(time(next)), Some(time(next)));
}

#[test]
fn a_due_time_is_started_once_and_the_next_waits_for_its_end() {
    let state = after(vec![]);
    let started = state.decide(start(DUE, LATER)).unwrap_or_default();
    assert!(
        matches!(&started[..], [E::Started { export: made, .. }] if *made == export(1)),
        "{started:?}"
    );
    let state = after(vec![start(DUE, LATER)]);
    assert_eq!(state.decide(start(DUE, LATER)), Ok(vec![]));
    let next = "2026-11-25T05:00:00Z";
    assert_eq!(state.due(time(next)), None);
    assert_eq!(state.decide(start(next, next)), Ok(vec![]));
    // What is told of another run is not of this one.
    let stale = C::Deliver {
        export: export(2),
        at: time(LATER),
    };
    assert_eq!(state.decide(stale), Ok(vec![]));
    let state = after(vec![start(DUE, LATER), fail(true, vec![])]);
    assert_eq!(state.due(time(next)), Some(time(next)));
}

#[test]
fn a_delivery_that_fails_is_tried_again_ever_later_and_given_up_in_the_end() {
    let mut commands = vec![start(DUE, LATER)];
    let mut pauses = vec![];
    loop {
        let events = after(commands.clone()).decide(fail(false, vec![]));
        match &events.unwrap_or_default()[..] {
            [E::DeliveryFailed { retry, at, .. }] => pauses.push((*retry - *at).num_minutes()),
            [E::GivenUp { due, next, .. }] => {
                assert_eq!((*due, *next), (time(DUE), time("2026-11-25T05:00:00Z")));
                break;
            }
            other => panic!("{other:?}"),
        }
        commands.push(fail(false, vec![]));
        assert!(commands.len() < 20);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256]);
    // Whoever has it does not get it again.
    let state = after(vec![
        start(DUE, LATER),
        fail(false, vec![0]),
        fail(false, vec![2]),
    ]);
    assert_eq!(state.run().map(|run| run.reached.clone()), Some(vec![0, 2]));
}

#[test]
fn a_run_keeps_what_the_schedule_said_when_it_began() {
    let other = Schedule {
        destination: Destination::Webdav("finances".into()),
        ..schedule()
    };
    let state = after(vec![start(DUE, LATER), save(other.clone())]);
    let run = state.run().map(|run| run.schedule.clone());
    assert_eq!(run, Some(schedule()));
    assert_eq!(state.schedule(), Some(&other));
}

#[test]
fn another_calendar_counts_from_when_it_was_saved_and_another_name_changes_no_time() {
    let renamed = Schedule {
        name: "Autre".into(),
        ..schedule()
    };
    let now = "2026-11-26T10:00:00Z";
    let state = after(vec![C::Save {
        schedule: Box::new(renamed),
        at: time(now),
    }]);
    assert_eq!(state.due(time(now)), Some(time("2026-11-26T05:00:00Z")));
    let moved = Schedule {
        calendar: every_day(7, 0),
        ..schedule()
    };
    let state = after(vec![C::Save {
        schedule: Box::new(moved),
        at: time(now),
    }]);
    assert_eq!(state.due(time(now)), None);
}

#[test]
fn only_its_owner_changes_a_schedule_and_whoever_administers_may_remove_it() {
    let state = after(vec![]);
    let theirs = Schedule {
        owner: "token:luc".into(),
        ..schedule()
    };
    assert_eq!(state.decide(save(theirs)), Err(Refusal::NotYours));
    let remove = |by: &str, administers| C::Remove {
        by: by.into(),
        administers,
        at: time(LATER),
    };
    let at = time(LATER);
    for (by, administers, answer) in [
        ("token:luc", false, Err(Refusal::NotYours)),
        ("token:luc", true, Ok(vec![E::Removed { at }])),
        ("token:anne", false, Ok(vec![E::Removed { at }])),
    ] {
        assert_eq!(state.decide(remove(by, administers)), answer);
        let unborn = ExportSchedule::Unborn.decide(remove(by, administers));
        assert_eq!(unborn, Err(Refusal::NotYours));
    }
    // Nothing of it is made or delivered any more.
    let state = after(vec![start(DUE, LATER), remove("token:anne", false)]);
    assert_eq!(state.decide(remove("token:anne", false)), Ok(vec![]));
    assert_eq!(state.decide(save(schedule())), Err(Refusal::NotYours));
    assert_eq!(
        (state.run(), state.due(time("2027-01-01T00:00:00Z"))),
        (None, None)
    );
    assert_eq!(state.decide(fail(false, vec![])), Ok(vec![]));
}

#[test]
fn a_schedule_that_could_not_run_is_refused_with_what_is_wrong() {
    let address = || "anne@departement.example".parse().ok().map(Personal);
    let week = Days::Week(vec![]);
    for (wrong, refusal) in [
        (
            Schedule {
                name: " ".into(),
                ..schedule()
            },
            Refusal::BadName,
        ),
        (
            Schedule {
                format: None,
                ..schedule()
            },
            Refusal::NoFormat,
        ),
        (
            Schedule {
                columns: Some(vec![Choice {
                    column: "x".into(),
                    title: None,
                }]),
                format: Some(Format::Scdl),
                ..schedule()
            },
            Refusal::Columns(crate::export::ColumnFault::NotToChoose),
        ),
        (
            Schedule {
                calendar: calendar(week, 6, 0),
                ..schedule()
            },
            Refusal::Calendar(CalendarFault::NoDay),
        ),
        (
            Schedule {
                calendar: calendar(Days::Month(vec![0]), 6, 0),
                ..schedule()
            },
            Refusal::Calendar(CalendarFault::NoSuchDay(0)),
        ),
        (
            Schedule {
                calendar: every_day(24, 0),
                ..schedule()
            },
            Refusal::Calendar(CalendarFault::NoSuchTime(24, 0)),
        ),
        (
            Schedule {
                destination: Destination::Email(vec![]),
                ..schedule()
            },
            Refusal::Addresses,
        ),
        (
            Schedule {
                destination: Destination::Email((0..=MOST_ADDRESSES).map(|_| address()).collect()),
                ..schedule()
            },
            Refusal::Addresses,
        ),
    ] {
        let answer = ExportSchedule::Unborn.decide(save(wrong));
        assert_eq!(answer, Err(refusal));
    }
    let known = after(vec![]);
    assert_eq!(
        known.decide(save(schedule())),
        Ok(vec![]),
        "it says so already"
    );
}
