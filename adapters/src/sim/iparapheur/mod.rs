//! A simulated iParapheur: the SOAP service, the people who sign, and what they sign with.

pub mod authority;
mod desk;
mod endpoint;
pub mod pdf_signature;
pub mod slip;
#[cfg(test)]
mod tests;

use super::{
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use desk::Desk;
use navette_domain::ports::Neighbour;
use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Which generation's histories the desk writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// Version 4: folders are read before they are signed.
    V4,
    /// Version 5, through its bridge.
    #[default]
    V5,
}

/// Given a folder's id and title, the reason to refuse it, if any.
pub type Objection = Arc<dyn Fn(&str, &str) -> Option<String> + Send + Sync>;

/// Somebody who deals with every folder by themselves.
#[derive(Clone)]
pub struct Automatic {
    /// How long after its creation.
    pub after: Duration,
    /// What they refuse; they sign the rest.
    pub objection: Objection,
}

impl Automatic {
    /// Signs everything, `after` its creation.
    pub fn signs_everything(after: Duration) -> Self {
        Self {
            after,
            objection: Arc::new(|_, _| None),
        }
    }
}

impl fmt::Debug for Automatic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Automatic")
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

/// How the desk is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The technical account.
    pub login: String,
    /// Its password.
    pub password: String,
    /// The types, each with a subtype.
    pub circuits: Vec<(String, String)>,
    /// The generation.
    pub flavour: Flavour,
    /// How many times a new folder's history is still empty when asked: the circuit starts on its own time.
    pub slow_start: u32,
    /// Who deals with folders; nobody by default, and the test does.
    pub automatic: Option<Automatic>,
    /// The port, or any.
    pub port: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            login: "navette".to_owned(),
            password: "secret:de:test".to_owned(),
            circuits: vec![("Courrier".to_owned(), "Notification".to_owned())],
            flavour: Flavour::default(),
            slow_start: 0,
            automatic: None,
            port: None,
        }
    }
}

/// An answer that is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// A SOAP fault, status 500, and nothing is done.
    Fault,
    /// The work is done, but `codeRetour` is empty.
    EmptyCode,
    /// The documents' base64 is cut short.
    TruncatedBase64,
    /// The main document is what was sent: nobody signed it.
    Unsigned,
    /// The main document lost its second half before it was encoded.
    TruncatedPdf,
    /// The main document is a web page.
    PageForPdf,
    /// The whole answer is a web page, status 200.
    PageForAnswer,
    /// The whole answer stands after a document type.
    DocumentType,
}

/// The running desk; it stops when dropped.
#[derive(Debug)]
pub struct IParapheurSim {
    desk: Arc<Mutex<Desk>>,
    server: Server,
    options: Options,
}

impl IParapheurSim {
    /// Starts a desk on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler, options: Options) -> io::Result<Self> {
        let desk = Arc::new(Mutex::new(Desk::new(ledger, options.clone())?));
        let server = wire::serve(
            Neighbour::IParapheur,
            endpoint::router(desk.clone(), &options),
            endpoint::operation,
            meddler,
            options.port,
        )
        .await?;
        Ok(Self {
            desk,
            server,
            options,
        })
    }

    /// The service without MTOM.
    pub fn url(&self) -> String {
        format!("{}/ws-iparapheur-no-mtom", self.server.url())
    }

    /// The technical account: login and password.
    pub fn account(&self) -> (&str, &str) {
        (&self.options.login, &self.options.password)
    }

    /// The ids of the folders that run, in order of id.
    pub fn running(&self) -> Vec<String> {
        self.desk().running()
    }

    /// The president signs a folder.
    pub fn sign(&self, id: &str) -> io::Result<()> {
        self.desk().sign(id)
    }

    /// The president refuses a folder.
    pub fn reject(&self, id: &str, reason: &str) -> io::Result<()> {
        self.desk().reject(id, reason)
    }

    /// Somebody before the president gives their visa; the circuit goes on.
    pub fn visa(&self, id: &str, annotation: &str) -> io::Result<()> {
        self.desk().visa(id, annotation)
    }

    /// The next answer to `operation` is odd.
    pub fn misbehaves(&self, operation: &'static str, oddity: Oddity) {
        self.desk().oddities.push((operation, oddity));
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
