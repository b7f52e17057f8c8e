//! What is true in Navette: aggregates, chains and rules.
//!
//! # Glossary
//! - **Dossier**: one request for a subsidy. **Third party**: a beneficiary or any other tiers.
//! - **Template**: an office file that clerks wrote, with Jinja tags. It may include other templates and
//!   **images**, each named by its code.
//! - **Chain**: what is done to a document, as a list of **steps**; data, versioned.
//! - **Batch**: a chain started on a selection of dossiers.
//! - **Selection**: a filter, or a fixed list of dossiers, that somebody keeps under a name.
//! - **Document**: one office file on its way through a chain. **Signature**: its passage at the desk. **Paper**: what
//!   is printed of it to be signed by hand. **Scan**: that paper as it came back, of one document.
//! - **History**: what happened to a dossier, to its documents and to their signatures, event by event.
//! - **Bundle**: what an auditor takes away of a dossier: its events, files and proofs, and a verifier.
//! - **Attachment**: a file that somebody adds to a dossier.
//! - **Export**: rows of dossiers that leave as a file. **Model** of exports: a format and columns that are kept.
//!   **Schedule** of exports: one that is made again and again, and delivered; each time is a **run**.
//! - **Trigger**: what starts a chain without a clerk, on an **occasion**: a status, the end of a chain, a calendar.
//! - **Effect**: one piece of outside work, recorded with the event that causes it. **Work**: what it does.
//! - **Agent**: somebody of the authority who acts: gives a visa, rejects a letter, asks for a batch.
//! - **Subject**: whose personal data it is, a third party or an agent; its values are sealed under its key.
//!   **Erasure**: the destruction of that key.
//! - **Neighbour**: a system outside. **Port**: the role it plays. **Principal**: whoever asks.
//! - **Gate**: what lets work through to a neighbour. **Breaker**: its part that shuts it while the neighbour is down.
//! - **Pause**: what operators hold for a while: everything, a neighbour, a chain, a document.
//! - **Tray**: where documents wait for people at a neighbour. **Round**: one listing of each tray.
//!
//! # How a document moves
//! An event leads, by the pure function [`chain::react`], to effects. A worker carries an effect out
//! through a port and reports the outcome as commands, which [`event::Decider::decide`] turns into events.
//!
//! # Invariants
//! - Nothing here can know the time, draw an id, wait, or reach the outside: they are arguments.
//! - No `decide` has a wildcard over states and commands at once without naming what it refuses.
//! - `evolve` never fails and ignores what cannot apply.

pub mod agent;
pub mod amount;
pub mod archive;
pub mod attachment;
pub mod batch;
pub mod bundle;
pub mod chain;
pub mod dictionary;
pub mod digest;
pub mod document;
pub mod dossier;
pub mod event;
pub mod export;
pub mod french;
pub mod gate;
pub mod history;
pub mod ids;
pub mod image;
pub mod letters;
pub mod merge_fields;
pub mod paper_reference;
pub mod pause;
pub mod personal;
pub mod policy;
pub mod ports;
pub mod proof;
pub mod published_date;
pub mod rna;
pub mod scan;
pub mod selection;
pub mod signature;
pub mod siret;
pub mod template;
#[cfg(test)]
mod testing;
pub mod third_party;
pub mod trigger;
pub mod upcast;
