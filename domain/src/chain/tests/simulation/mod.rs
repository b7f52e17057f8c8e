//! Whole batches, run thousands of times in a time of their own, among neighbours, networks, processes and
//! people who do anything: the real rules (`decide`, `evolve`, `react`, `is_due`) over a model of everything
//! else. One seed is one run, byte for byte; a run that fails prints its seed and its story.
//!
//! `NAVETTE_SCHEDULES` says how many runs, `NAVETTE_SEED` from which seed on.
//!
//! What a neighbour does longer after it was asked than callers wait and processes take to come back is left
//! out, since nobody can look for it; what a process does under a lease that it lost while it was frozen is
//! let in, and only its repetitions outside are excused.

mod checks;
mod desk;
mod log;
mod network;
mod outside;
mod people;
mod random;
mod steps;
mod weather;
mod world;

use super::{super::Definition, commission_table, notification, on_paper};
use crate::{
    amount::Amount,
    batch::{Batch, BatchCommand, Order as BatchOrder},
    document::{DocumentCommand, Order, Subject},
    dossier::{Decision, DossierCommand},
    event::Decider as _,
    ids::{BatchId, DocumentId, DossierId},
    ports::Neighbour,
    testing::{chain_ref, march, now, request, template_ref, uuid},
};
use log::Log;
use random::Random;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};
use weather::{Tally, Weather};
use world::{Happening, World};

/// When work that failed is tried again, in milliseconds, and after how many failures a person is called.
struct Policy {
    base: u64,
    cap: u64,
    failures: u32,
    poll: u64,
    lease: u64,
    locked_out: u64,
}

const POLICY: Policy = Policy {
    base: 1_000,
    cap: 20_000,
    failures: 4,
    poll: 15_000,
    lease: 10_000,
    locked_out: 20_000,
};

/// The chains that are run: the shipped ones, and the long one without each of its parts.
fn chains() -> Vec<Definition> {
    let without = |kinds: &[&str]| {
        let mut definition = notification();
        let is_kept = |id: &str| !kinds.contains(&id);
        definition.steps.retain(|step| is_kept(&step.id.0));
        assert_eq!(definition.faults(), vec![]);
        definition
    };
    vec![
        notification(),
        notification(),
        without(&["visa"]),
        without(&["sign"]),
        without(&["sign", "register", "attach"]),
        without(&["visa", "sign"]),
        without(&["visa", "sign", "register", "attach"]),
        on_paper(),
        commission_table(),
    ]
}

/// One run. Its story is told only if asked for, since telling takes longer than running.
fn run(chains: &[Definition], seed: u64, is_told: bool) -> (Result<Tally, String>, String) {
    let mut random = Random::seeded(seed);
    let chosen = random.between(0, chains.len() as u64 - 1);
    let definition = &chains[usize::try_from(chosen).expect("an index")];
    let weather = Weather::drawn(&mut random);
    let mut world = World::new(Log::new(definition), random, weather, is_told);
    let ended = begin(&mut world)
        .and_then(|()| world.run())
        .and_then(|()| world.everything_holds());
    let story = world.journal();
    (ended.map(|()| world.tally), story)
}

/// A batch of one to three dossiers is started, and what will befall it is drawn.
fn begin(world: &mut World<'_>) -> Result<(), String> {
    let batch = BatchId(uuid(1));
    let dossiers: Vec<DossierId> = (0..world.random.between(1, 3))
        .map(|number| DossierId(uuid(100 + u128::from(number))))
        .collect();
    for dossier in &dossiers {
        let take_over = DossierCommand::TakeOver {
            request: request(),
            amount: Amount::from_cents(1),
            decision: Decision {
                reference: None,
                date: None,
            },
            at: now(),
        };
        world.log.change(*dossier, take_over);
    }
    let order = BatchOrder {
        label: "Commission".into(),
        chain: chain_ref(),
        template: template_ref(),
        dossiers: dossiers.clone(),
        requested_by: String::new(),
        reply_to: None,
        trigger: None,
    };
    let started = Batch::default()
        .decide(BatchCommand::Start { order, at: now() })
        .map_err(|refusal| refusal.to_string())?;
    world.log.batch = started.into_iter().fold(Batch::default(), Batch::evolve);
    let subjects: Vec<(DocumentId, Subject)> = match world.log.definition.scope {
        super::Scope::Dossier => dossiers
            .iter()
            .map(|dossier| {
                (
                    DocumentId(uuid(dossier.0.as_u128() + 100)),
                    Subject::Dossier(*dossier),
                )
            })
            .collect(),
        super::Scope::Batch => vec![(DocumentId(uuid(200)), Subject::Batch)],
    };
    let documents: Vec<DocumentId> = subjects.iter().map(|(document, _)| *document).collect();
    for (document, subject) in subjects {
        let order = Order {
            batch,
            subject,
            chain: chain_ref(),
            template: template_ref(),
            included: vec![],
            title: "Notification".into(),
            date: march(17),
            trigger: None,
        };
        let request = DocumentCommand::Request { order, at: now() };
        let requested = world.log.move_document(document, request, 0)?;
        requested.map_err(|refusal| refusal.to_string())?;
        if world.random.percent(15) {
            befalls(world, Happening::Cancels(document));
        }
    }
    for process in [0, 1] {
        for _ in 0..world.random.among(&[0, 0, 1, 3]) {
            befalls(world, Happening::Dies(process));
        }
        for _ in 0..world.random.among(&[0, 0, 1, 3]) {
            befalls(world, Happening::Freezes(process));
        }
    }
    if world.random.percent(10) {
        let paused = befalls(world, Happening::Pauses);
        world.plan(paused + 90_000, Happening::Resumes);
    }
    if world.random.percent(8) {
        let document = world.random.among(&documents);
        let held = befalls(world, Happening::HoldsBack(document));
        world.plan(held + 60_000, Happening::LetsGo(document));
    }
    if world.random.percent(8) {
        let neighbour = world.random.among(&Neighbour::ALL);
        let until = world.random.between(20_000, 120_000);
        befalls(world, Happening::Holds(neighbour, until));
    }
    if world.random.percent(8) {
        befalls(world, Happening::GivesUp);
    }
    if world.random.percent(8) {
        befalls(world, Happening::Reopens(dossiers[0]));
    }
    world.plan(30_000, Happening::People);
    world.wake();
    Ok(())
}

/// At a moment of the time that a batch usually takes, more often early: much happens there.
fn befalls(world: &mut World<'_>, what: Happening) -> u64 {
    let within = world.random.among(&[2_000, 20_000, 200_000]);
    let at = world.random.between(1, within);
    world.plan(at, what);
    at
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var_os(variable)?;
    Some(text.to_str()?.parse().expect("a number"))
}

#[test]
fn whatever_goes_wrong_each_step_is_done_once_and_every_document_ends_or_waits_for_a_person() {
    let runs = number_from("NAVETTE_SCHEDULES").unwrap_or(10_000);
    let first = number_from("NAVETTE_SEED").unwrap_or(0);
    let (chains, next) = (chains(), AtomicU64::new(0));
    let work = || {
        let mut tally = Tally::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= runs {
                return Ok(tally);
            }
            let seed = first.wrapping_add(number);
            match run(&chains, seed, false).0 {
                Ok(seen) => tally.add(&seen),
                Err(fault) => {
                    next.store(runs, Ordering::Relaxed);
                    return Err((seed, fault));
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let ended: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.into_iter()
            .map(|thread| thread.join().expect("a thread that ends"))
            .collect()
    });
    let mut tally = Tally::default();
    for ended in ended {
        match ended {
            Ok(seen) => tally.add(&seen),
            Err((seed, fault)) => {
                let (_, story) = run(&chains, seed, true);
                panic!("{story}\nNAVETTE_SEED={seed} NAVETTE_SCHEDULES=1: {fault}");
            }
        }
    }
    for (what, often) in tally.all_mut() {
        println!("{often:>8} {what}");
        assert!(*often > 0 || runs < 10_000, "no {what}: nothing was proved");
    }
}

#[test]
fn a_seed_gives_the_same_run_byte_for_byte() {
    let chains = chains();
    let stories: Vec<String> = (0..20).map(|seed| run(&chains, seed, true).1).collect();
    for (seed, story) in stories.iter().enumerate() {
        assert_eq!(*story, run(&chains, seed as u64, true).1);
    }
    assert_ne!(stories[0], stories[1]);
}
