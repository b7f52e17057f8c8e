//! A connection that is cut while a group is written: whether it was is unknown, and found out.

use super::*;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
};

/// What becomes of the next group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The server never hears it.
    Before,
    /// The server does it, and its answer is lost.
    After,
}

/// A socket in front of PostgreSQL's that cuts one connection when it writes.
struct Proxy {
    folder: TempDir,
    armed: Arc<AtomicBool>,
}

impl Proxy {
    fn before(server: &Path, cut: Cut) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let armed = Arc::new(AtomicBool::new(false));
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).unwrap();
        let (server, ready) = (server.join(".s.PGSQL.5432"), armed.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.unwrap();
                tokio::spawn(relay(client, server, cut, ready.clone()));
            }
        });
        Self { folder, armed }
    }

    async fn pool(&self, options: PgConnectOptions) -> PgPool {
        let options = options.socket(self.folder.path());
        let pool = PgPoolOptions::new().max_connections(3);
        pool.connect_with(options).await.unwrap()
    }
}

/// The name of the events that are written, which travels with their values only.
const WRITTEN: &[u8] = b"dossier.taken_up";

/// Passes everything on until an armed group; then the connection ends.
async fn relay(mut client: UnixStream, mut server: UnixStream, cut: Cut, armed: Arc<AtomicBool>) {
    let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            length = client.read(&mut asked) => {
                let Ok(length @ 1..) = length else { return };
                let asked = &asked[..length];
                let writes = asked.windows(WRITTEN.len()).any(|word| word == WRITTEN);
                let cuts = writes && armed.swap(false, Ordering::SeqCst);
                if cuts && cut == Cut::Before {
                    return;
                }
                server.write_all(asked).await.unwrap();
                if cuts {
                    // Once the server answers, it has committed.
                    assert!(server.read(&mut answered).await.unwrap() > 0);
                    return;
                }
            }
            length = server.read(&mut answered) => {
                let Ok(length @ 1..) = length else { return };
                client.write_all(&answered[..length]).await.unwrap();
            }
        }
    }
}

async fn append_through(cut: Cut) -> (Appended, TestDatabase) {
    let database = TestDatabase::create(&MIGRATIONS).await.unwrap();
    let socket: PathBuf = database.connect_options().get_socket().unwrap().clone();
    let proxy = Proxy::before(&socket, cut);
    let log = {
        let pool = proxy.pool(database.connect_options()).await;
        Log::of_tests(pool.clone())
    };
    proxy.armed.store(true, Ordering::SeqCst);
    let appended = log.append(commit(Uuid::now_v7(), 0, 2)).await.unwrap();
    assert!(!proxy.armed.load(Ordering::SeqCst), "nothing was cut");
    (appended, database)
}

#[tokio::test]
async fn a_commit_whose_acknowledgement_is_lost_is_found_by_its_receipt() {
    let (appended, database) = append_through(Cut::After).await;
    let found = Appended {
        version: 2,
        position: 2,
        replayed: true,
        handed: false,
    };
    assert_eq!(appended, found);
    assert_eq!(read_through(&database.pool).await.len(), 2);
}

#[tokio::test]
async fn a_commit_that_never_reached_the_server_is_written_by_the_next_try() {
    let (appended, database) = append_through(Cut::Before).await;
    let written = Appended {
        version: 2,
        position: 2,
        replayed: false,
        handed: false,
    };
    assert_eq!(appended, written);
    assert_eq!(read_through(&database.pool).await.len(), 2);
}
