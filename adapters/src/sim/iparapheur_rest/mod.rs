//! A simulated iParapheur 5 behind its REST interface: tokens that end, lists in pages, folders that go their
//! way, and no memory of what was asked twice.

mod desk;
mod endpoint;
mod premis;

use super::{
    iparapheur::Automatic,
    ledger::Ledger,
    wire::{self, Meddler, Server},
};
use desk::Desk;
use navette_domain::ports::Neighbour;
use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How the desk is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The technical account.
    pub login: String,
    /// Its password.
    pub password: String,
    /// The entity, and the desk from which folders leave.
    pub place: (String, String),
    /// The types, each with a subtype.
    pub circuits: Vec<(String, String)>,
    /// How long a token is good for, in seconds.
    pub token_seconds: u64,
    /// Whether folders that are at other desks are listed.
    pub lists_downstream: bool,
    /// How many things a page holds at the most, whatever is asked.
    pub largest_page: usize,
    /// Who deals with folders; nobody by default, and the test does.
    pub automatic: Option<Automatic>,
    /// The port, or any.
    pub port: Option<u16>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            login: "ws".to_owned(),
            password: "secret".to_owned(),
            place: ("Département".to_owned(), "Service Aides".to_owned()),
            circuits: vec![("Courrier".to_owned(), "Notification".to_owned())],
            token_seconds: 300,
            lists_downstream: true,
            largest_page: 100,
            automatic: None,
            port: None,
        }
    }
}

/// An answer that is not as it should be, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// The ZIP is cut short.
    TruncatedZip,
    /// The document in the ZIP is not the one that is described.
    OtherDocument,
    /// A name in the ZIP climbs out of its folder.
    ClimbingName,
    /// The whole answer is a web page, status 200.
    PageForAnswer,
    /// The token is refused before its time.
    Unauthorised,
}

/// The running desk; it stops when dropped.
#[derive(Debug)]
pub struct IParapheurRestSim {
    desk: Arc<Mutex<Desk>>,
    server: Server,
    options: Options,
}

impl IParapheurRestSim {
    /// Starts a desk on loopback.
    pub async fn start(ledger: Ledger, meddler: Meddler, options: Options) -> io::Result<Self> {
        let desk = Arc::new(Mutex::new(Desk::new(ledger, options.clone())?));
        let server = wire::serve(
            Neighbour::IParapheur,
            endpoint::router(desk.clone()),
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

    /// The server's address.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// How it was set up.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The ids of the folders that run, in order of creation.
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

    /// Somebody before the president gives their visa: the folder can no longer be taken back.
    pub fn visa(&self, id: &str) -> io::Result<()> {
        self.desk().visa(id)
    }

    /// Folders of others, which fill the lists.
    pub fn crowd(&self, folders: usize) {
        self.desk().crowd(folders);
    }

    /// Every token given so far is worth nothing any more.
    pub fn forgets_tokens(&self) {
        self.desk().tokens.clear();
    }

    /// How many times a token was asked for: with the password, and with another token.
    pub fn logins(&self) -> (u32, u32) {
        self.desk().logins
    }

    /// The next answer to `operation` is odd.
    pub fn misbehaves(&self, operation: &'static str, oddity: Oddity) {
        self.desk().oddities.push((operation, oddity));
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
