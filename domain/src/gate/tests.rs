//! What a gate promises, whatever comes.

use super::*;
use proptest::prelude::*;
use uuid::Uuid;

const SECOND: Duration = Duration::from_secs(1);

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

fn limits(at_once: u32, per_minute: Option<u32>, burst: u32) -> Limits {
    Limits {
        at_once,
        per_minute: per_minute.map(number),
        burst: number(burst),
    }
}

fn gate(at_once: u32) -> Gate {
    let policy = BreakerPolicy::default();
    Gate::new(limits(at_once, None, 1), Some(policy))
}

fn broken(document: u128) -> Heard {
    Heard::Broken(DocumentId(Uuid::from_u128(document)))
}

fn ends(gate: &mut Gate, pass: &Pass, heard: Heard, now: Duration) -> bool {
    gate.end();
    gate.hear(pass, heard, now)
}

/// One piece of work after the other, each heard as soon as it passed.
fn hears(gate: &mut Gate, now: Duration, all: impl IntoIterator<Item = Heard>) -> Vec<bool> {
    let hear = |heard| {
        assert!(gate.room(now) > 0, "shut before {heard:?}");
        let pass = gate.begin(now);
        ends(gate, &pass, heard, now)
    };
    all.into_iter().map(hear).collect()
}

fn opened() -> Gate {
    let mut gate = gate(8);
    hears(&mut gate, SECOND, (0..5).map(broken));
    gate
}

#[test]
fn five_failures_in_a_row_open_the_breaker_and_what_opens_it_is_counted_against_no_document() {
    let mut gate = gate(8);
    let counted = hears(&mut gate, SECOND, (0..5).map(broken));
    assert_eq!(counted, [true, true, true, true, false]);
    assert_eq!(gate.state(SECOND).breaker, BreakerState::Open);
    assert_eq!(gate.room(SECOND * 30), 0);
    assert_eq!(gate.opens_at(SECOND), SECOND * 31);
    assert_eq!(gate.room(SECOND * 31), 1);
}

#[test]
fn half_of_the_last_twenty_opens_the_breaker() {
    let mut gate = gate(8);
    let turns = |n: u128| {
        if n.is_multiple_of(2) {
            Heard::Answered
        } else {
            broken(n)
        }
    };
    hears(&mut gate, SECOND, (0..19).map(turns));
    assert_eq!(gate.state(SECOND).breaker, BreakerState::Closed);
    hears(&mut gate, SECOND, [broken(19)]);
    assert_eq!(gate.state(SECOND).breaker, BreakerState::Open);
}

#[test]
fn a_document_that_fails_alone_is_counted_and_stops_nobody_else() {
    let mut gate = gate(8);
    let counted = hears(&mut gate, SECOND, (0..40).map(|_| broken(7)));
    assert!(counted.into_iter().all(|counted| counted));
    let state = gate.state(SECOND);
    assert_eq!((state.breaker, state.at_once), (BreakerState::Closed, 8));
}

#[test]
fn an_answer_ends_a_row_of_failures() {
    let mut gate = gate(8);
    let turns = (0..15).map(|n| {
        if n % 5 == 4 {
            Heard::Answered
        } else {
            broken(n)
        }
    });
    hears(&mut gate, SECOND, turns);
    assert_eq!(gate.state(SECOND).breaker, BreakerState::Closed);
}

#[test]
fn a_neighbour_that_is_still_down_is_left_alone_for_twice_as_long_up_to_ten_minutes() {
    let mut gate = opened();
    let mut now = SECOND;
    let mut pauses = Vec::new();
    for n in 0..7 {
        let until = gate.opens_at(now);
        pauses.push((until - now).as_secs());
        now = until;
        assert_eq!(hears(&mut gate, now, [broken(n)]), [false]);
    }
    assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
}

#[test]
fn a_neighbour_that_comes_back_is_let_one_two_four_and_eight_before_all() {
    let mut gate = opened();
    let now = gate.opens_at(SECOND);
    let mut waves = Vec::new();
    while gate.state(now).breaker == BreakerState::HalfOpen {
        // It was slowed down too.
        gate.slowed = None;
        let passes: Vec<_> = (0..gate.room(now)).map(|_| gate.begin(now)).collect();
        assert_eq!(gate.room(now), 0);
        waves.push(passes.len());
        for pass in passes {
            ends(&mut gate, &pass, Heard::Answered, now);
        }
    }
    assert_eq!(waves, [1, 2, 4, 8]);
    assert_eq!(gate.state(now).breaker, BreakerState::Closed);
}

#[test]
fn what_passed_before_the_breaker_opened_changes_nothing_after() {
    let mut gate = gate(8);
    let late = gate.begin(SECOND);
    hears(&mut gate, SECOND, (0..5).map(broken));
    let now = gate.opens_at(SECOND);
    let probe = gate.begin(now);
    ends(&mut gate, &late, broken(9), now);
    assert_eq!(gate.state(now).breaker, BreakerState::HalfOpen);
    ends(&mut gate, &probe, Heard::Nothing, now);
    assert_eq!(
        gate.room(now),
        1,
        "a probe that reached nobody is made again"
    );
}

#[test]
fn patience_halves_once_and_comes_back_one_by_one_after_twenty_answers() {
    let mut gate = gate(8);
    let together: Vec<_> = (0..8).map(|_| gate.begin(SECOND)).collect();
    for pass in &together {
        ends(
            &mut gate,
            pass,
            Heard::Slowed(Some(SECOND * 10)),
            SECOND * 2,
        );
    }
    assert_eq!(gate.state(SECOND * 2).at_once, 4);
    assert_eq!(gate.room(SECOND * 11), 0);
    assert_eq!(gate.opens_at(SECOND * 2), SECOND * 12);
    assert_eq!(gate.room(SECOND * 12), 4);
    hears(&mut gate, SECOND * 12, [Heard::Answered; 19]);
    assert_eq!(gate.state(SECOND * 12).at_once, 4);
    hears(&mut gate, SECOND * 12, [Heard::Answered; 1]);
    assert_eq!(gate.state(SECOND * 12).at_once, 5);
    hears(&mut gate, SECOND * 12, [Heard::Answered; 60]);
    assert_eq!(gate.state(SECOND * 12).at_once, 8);
}

#[test]
fn a_gate_without_a_breaker_never_shuts() {
    let mut gate = Gate::new(limits(2, None, 1), None);
    hears(&mut gate, SECOND, (0..50).map(broken));
    assert_eq!(gate.state(SECOND).breaker, BreakerState::Closed);
}

#[derive(Debug, Clone)]
enum Move {
    Wait(u64),
    Begin,
    End(usize, u8, u128),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let any = prop_oneof![
        2 => (0_u64..20_000).prop_map(Move::Wait),
        5 => Just(Move::Begin),
        4 => (any::<usize>(), any::<u8>(), 0_u128..4)
            .prop_map(|(which, how, document)| Move::End(which, how, document)),
    ];
    prop::collection::vec(any, 1..300)
}

fn heard(how: u8, document: u128) -> Heard {
    match how % 8 {
        0..4 => Heard::Answered,
        4 => Heard::Slowed(Some(Duration::from_millis(u64::from(how) * 10))),
        5..7 => broken(document),
        _ => Heard::Nothing,
    }
}

proptest! {
    #[test]
    fn limits_are_never_passed_and_a_gate_always_opens_again(
        moves in moves(),
        at_once in 1_u32..10,
        per_minute in 1_u32..600,
        burst in 1_u32..10,
    ) {
        let limits = limits(at_once, Some(per_minute), burst);
        let mut gate = Gate::new(limits, Some(BreakerPolicy::default()));
        let (mut now, mut under_way, mut begun) = (Duration::ZERO, vec![], vec![]);
        let mut shut_until = Duration::ZERO;
        for step in moves {
            match step {
                Move::Wait(wait) => now += Duration::from_millis(wait),
                Move::Begin if gate.room(now) > 0 => {
                    prop_assert!(now >= shut_until, "a wait that was asked for is kept");
                    prop_assert_ne!(gate.state(now).breaker, BreakerState::Open);
                    under_way.push(gate.begin(now));
                    begun.push(now);
                }
                Move::End(which, how, document) if !under_way.is_empty() => {
                    let pass = under_way.swap_remove(which % under_way.len());
                    let heard = heard(how, document);
                    if let Heard::Slowed(Some(wait)) = heard {
                        shut_until = shut_until.max(now + wait);
                    }
                    ends(&mut gate, &pass, heard, now);
                }
                Move::Begin | Move::End(..) => {}
            }
            prop_assert!(under_way.len() <= usize::try_from(at_once)?);
        }
        let between = Duration::from_mins(1) / per_minute;
        for (first, from) in begun.iter().enumerate() {
            for (last, to) in begun.iter().enumerate().skip(first) {
                let bears = u128::from(burst) + (*to - *from).as_nanos() / between.as_nanos();
                prop_assert!(u128::try_from(last - first)? < bears, "the rate is kept");
            }
        }
        // Whatever happened, when all that was under way has ended and the neighbour is well, all passes again.
        for pass in under_way {
            ends(&mut gate, &pass, Heard::Nothing, now);
        }
        for _ in 0..1_000 {
            now = gate.opens_at(now);
            prop_assert!(gate.room(now) > 0, "it opens when it says so: {gate:?}");
            let pass = gate.begin(now);
            ends(&mut gate, &pass, Heard::Answered, now);
        }
        let state = gate.state(now);
        prop_assert_eq!((state.at_once, state.breaker), (at_once, BreakerState::Closed));
    }

    #[test]
    fn the_shares_of_all_processes_are_the_whole(whole in 0_u32..100, of in 1_u32..20) {
        let of = number(of);
        let parts = (0..of.get()).map(|rank| Share { rank, of }.part(whole));
        prop_assert_eq!(parts.sum::<u32>(), whole);
    }
}
