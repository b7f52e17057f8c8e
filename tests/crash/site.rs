//! One site: its folder, its neighbours, and the lives of its Navette.

use crate::{
    killers::Victim,
    navette::put_together,
    neighbours,
    story::{self, Batch},
};
use ::navette::{
    app::{App, Database},
    config::Config,
    neighbourhood::Neighbourhood,
};
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use std::{
    fs::{self, OpenOptions, Permissions},
    future::{Future, pending},
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// How long a run may take; it is far longer than any takes.
const PATIENCE: Duration = Duration::from_mins(5);
const GLANCE: Duration = Duration::from_millis(50);

pub struct Site {
    pub neighbours: Neighbourhood,
    pub victim: Victim,
    folder: TempDir,
}

impl Site {
    pub fn open(neighbours: Neighbourhood) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL's account must be able to enter, since the test may run as root.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let site = Self {
            neighbours,
            victim: Victim::default(),
            folder,
        };
        let text = neighbours::config(&site.data(), &site.neighbours.config());
        fs::write(site.config(), text).unwrap();
        site
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("navette.toml")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("navette.log")
    }

    /// Where PostgreSQL says which process it is.
    pub fn postmaster_file(&self) -> PathBuf {
        self.data().join("postgres/cluster/postmaster.pid")
    }

    /// Navette's parts on the site's data, in this process, while no other Navette lives there.
    pub async fn visit(&self) -> (Database, App) {
        let config = Config::read(&self.config()).unwrap();
        let database = Database::open(&config).await.unwrap();
        let app = put_together(&config, &database).await.unwrap();
        (database, app)
    }

    /// Starts batches that nobody works on yet.
    pub async fn prepare(&self, batches: &[&Batch]) {
        let (database, app) = self.visit().await;
        story::configure(&app).await;
        for batch in batches {
            batch.start(&app).await;
        }
        app.projections.catch_up().await.unwrap();
        database.close().await;
    }

    /// Lets Navette live, again each time it is killed, until nothing is left to do. Returns the number
    /// of its lives.
    pub async fn run_until_done(&self) -> u32 {
        self.run_with(pending()).await
    }

    /// The same, while `meanwhile` happens.
    pub async fn run_with(&self, meanwhile: impl Future<Output = ()>) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        let lives = self.live_until_done();
        let mut meanwhile = Box::pin(async {
            meanwhile.await;
            pending().await
        });
        tokio::select! {
            lives = lives => lives,
            () = &mut meanwhile => 0,
            () = tokio::time::sleep_until(deadline.into()) => self.tell_why().await,
        }
    }

    async fn live_until_done(&self) -> u32 {
        let mut lives = 0;
        loop {
            lives += 1;
            let mut child = self.start();
            self.victim.is_born(child.id().unwrap());
            // Navette ends when this closes: it must not outlive us. Waiting for it would close it.
            let _leash = child.stdin.take();
            tokio::select! {
                () = self.nothing_is_left() => {
                    self.victim.kill();
                    child.kill().await.unwrap();
                    return lives;
                }
                ended = child.wait() => self.check_killed(ended.unwrap()),
            }
        }
    }

    fn start(&self) -> Child {
        let journal = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.journal());
        Command::new(std::env::current_exe().unwrap())
            .arg("navette")
            .arg(self.config())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(journal.unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    fn check_killed(&self, ended: ExitStatus) {
        let journal = fs::read_to_string(self.journal()).unwrap_or_default();
        assert_eq!(
            ended.signal(),
            Some(9),
            "Navette ended by itself:\n{journal}"
        );
    }

    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(self.data().join("postgres/socket"))
            .username("navette")
            .database("navette");
        PgConnection::connect_with(&options).await
    }

    /// Ends when every batch has.
    async fn nothing_is_left(&self) {
        loop {
            if let Ok(mut connection) = self.connect().await {
                while let Ok(left) = left(&mut connection).await {
                    if !left {
                        return;
                    }
                    tokio::time::sleep(GLANCE).await;
                }
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    async fn tell_why(&self) -> ! {
        let why = match self.connect().await {
            Ok(mut connection) => troubles(&mut connection).await,
            Err(error) => vec![error.to_string()],
        };
        let journal = fs::read_to_string(self.journal()).unwrap_or_default();
        let lines: Vec<&str> = journal.lines().collect();
        let last = lines[lines.len().saturating_sub(100)..].join("\n");
        panic!("something is left to do: {why:#?}\n{last}");
    }
}

async fn left(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM effects) OR EXISTS (SELECT FROM batches WHERE ended_at IS NULL)")
        .fetch_one(connection)
        .await
}

async fn troubles(connection: &mut PgConnection) -> Vec<String> {
    let sql = "SELECT e::text FROM effects e UNION ALL SELECT d::text FROM documents d UNION ALL SELECT b::text FROM batches b";
    let told = sqlx::query_scalar(sql).fetch_all(connection).await;
    told.unwrap_or_else(|error| vec![error.to_string()])
}
