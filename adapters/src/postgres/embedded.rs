//! A private PostgreSQL, run from the programs on the machine: what Navette uses when it is given no
//! database. Unix socket only, owner-only files, default durability; it ends with Navette, even when
//! Navette is killed, and is restarted when it dies alone.

use super::{
    home::{Home, last_words, socket_of_running},
    postmaster,
};
use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use std::{
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// The role of the application, which does not own the log.
const APPLICATION: &str = "navette_app";
/// The name of the database and of its owner.
const NAME: &str = "navette";
/// Replaying what a crash left behind takes its time; a server that dies instead is seen at once.
const RECOVERY_MAY_LAST: Duration = Duration::from_mins(10);
/// After a `kill -9`, orphans of the old server may hold its memory for an instant: a few deaths are fine.
const DEATHS_AT_START: u32 = 6;

/// Why the private PostgreSQL does not run.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says it")]
pub enum EmbeddedPostgresError {
    #[error(
        "PostgreSQL is not installed: install the Debian package `postgresql`, or give Navette the URL of a \
         database"
    )]
    NotInstalled,
    #[error(
        "the data was made by PostgreSQL {wanted}, which is not installed: install the Debian package \
         `postgresql-{wanted}`, or move the data with pg_upgrade"
    )]
    OtherVersion { wanted: u32 },
    #[error(
        "PostgreSQL refuses to run as root and neither the account `postgres` nor `nobody` exists: run \
         Navette under an account of its own"
    )]
    NoAccount,
    #[error(
        "PostgreSQL runs as `{account}`, who cannot enter {door}: run `chmod a+x {door}`, choose another \
         folder for the data, or run Navette under an account of its own"
    )]
    ClosedDoor { account: String, door: PathBuf },
    #[error("{0} belongs to another account: run Navette under the account that made it")]
    NotOurs(PathBuf),
    #[error("another Navette already runs the database of {0}")]
    InUse(PathBuf),
    #[error(
        "the previous PostgreSQL of {0} is still stopping: wait, or look at why it does not end"
    )]
    StillStopping(PathBuf),
    #[error("PostgreSQL did not start: {0}")]
    DidNotStart(String),
    #[error("PostgreSQL could not {action}")]
    Io {
        action: String,
        #[source]
        source: std::io::Error,
    },
    #[error("PostgreSQL started, but the database could not be made")]
    Database(#[from] sqlx::Error),
}

use EmbeddedPostgresError as Error;

pub(super) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Error {
    let action = action.into();
    move |source| Error::Io { action, source }
}

/// A running private PostgreSQL. It stops, and its folder is free again, when this is dropped.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    socket: PathBuf,
    /// Closing it is the order to stop.
    orders: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedPostgres {
    /// Starts the server whose data is in `data_dir`, a folder of its own that is made when missing, and
    /// waits until it answers.
    pub async fn start(data_dir: &Path) -> Result<Self, Error> {
        let data_dir = std::path::absolute(data_dir)
            .map_err(io(format!("find the folder {}", data_dir.display())))?;
        let (orders, ordered) = mpsc::channel();
        let (tell, prepared) = oneshot::channel();
        let deaths = Arc::new(AtomicU32::new(0));
        let counted = deaths.clone();
        // A thread, not a task: the kernel ends the server with the thread that spawned it.
        let thread = thread::Builder::new()
            .name("postgres".into())
            .spawn(move || match Home::prepare(data_dir) {
                Ok(home) => {
                    let places = (home.socket().to_owned(), home.journal());
                    if tell.send(Ok(places)).is_ok() {
                        postmaster::keep_alive(|| home.server(), &ordered, &counted);
                    }
                }
                Err(error) => drop(tell.send(Err(error))),
            })
            .map_err(io("start the thread that watches it"))?;
        let (socket, journal) = prepared
            .await
            .map_err(|_| Error::DidNotStart("its watcher ended".into()))??;
        let server = Self {
            socket,
            orders: Some(orders),
            thread: Some(thread),
        };
        server.wait_until_ready(&deaths, &journal).await?;
        Ok(server)
    }

    /// The same database as the application, who may add to the log and not change it.
    pub fn as_application(owner: &PgConnectOptions) -> PgConnectOptions {
        owner.clone().username(APPLICATION)
    }

    /// How to reach, as its owner, the server that another Navette runs on `data_dir`, if one does. It ends
    /// with that Navette.
    pub fn reach(data_dir: &Path) -> Option<PgConnectOptions> {
        Some(options(&socket_of_running(data_dir)?))
    }

    /// How to reach the database `navette` as its owner; it stays the same when the server is restarted.
    pub fn connect_options(&self) -> PgConnectOptions {
        options(&self.socket)
    }

    /// The same as a URL, which `psql` and `pg_dump` understand too.
    pub fn url(&self) -> String {
        let folder: String = self
            .socket
            .as_os_str()
            .as_bytes()
            .iter()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                    char::from(*byte).to_string()
                }
                other => format!("%{other:02X}"),
            })
            .collect();
        format!("postgresql:///{NAME}?host={folder}&port=5432&user={NAME}")
    }

    /// Stops the server and waits until it has.
    pub async fn stop(mut self) {
        self.orders = None;
        let thread = self.thread.take();
        // The thread ends whether or not it is waited for: nothing is lost with an error here.
        let _ = tokio::task::spawn_blocking(move || thread.map(JoinHandle::join)).await;
    }

    /// Readiness is a connection that opens, whatever the time that recovery takes.
    async fn wait_until_ready(&self, deaths: &AtomicU32, journal: &Path) -> Result<(), Error> {
        let began = Instant::now();
        let options = self.connect_options().database("postgres");
        let mut connection = loop {
            match PgConnection::connect_with(&options).await {
                Ok(connection) => break connection,
                Err(error)
                    if deaths.load(Ordering::Relaxed) >= DEATHS_AT_START
                        || began.elapsed() > RECOVERY_MAY_LAST =>
                {
                    tracing::error!(%error, "PostgreSQL does not answer");
                    return Err(Error::DidNotStart(last_words(journal)));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let exists: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                .bind(NAME)
                .fetch_one(&mut connection)
                .await?;
        if !exists {
            sqlx::query("CREATE DATABASE navette")
                .execute(&mut connection)
                .await?;
        }
        let known: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
                .bind(APPLICATION)
                .fetch_one(&mut connection)
                .await?;
        if !known {
            sqlx::query("CREATE ROLE navette_app LOGIN")
                .execute(&mut connection)
                .await?;
        }
        connection.close().await?;
        Ok(())
    }
}

fn options(socket: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket)
        .port(5432)
        // Whatever the environment asks of other databases: this is a private socket.
        .ssl_mode(PgSslMode::Disable)
        .username(NAME)
        .database(NAME)
        .application_name(NAME)
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
