//! One site: its folder, its neighbours, and the lives of its Navette.

use crate::{
    killers::Victim,
    neighbours,
    story::{self, Batch},
};
use navette::{
    app::{self, App, Database},
    clock::Clock,
    config::Config,
    neighbourhood::{Manners, Neighbourhood},
    workers,
};
use navette_adapters::postgres::EmbeddedPostgres;
use navette_domain::ports::Neighbour;
use sqlx::{Connection as _, PgConnection};
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
const PATIENCE: Duration = Duration::from_mins(10);
const GLANCE: Duration = Duration::from_millis(50);

const NOT_CONVERTED: &str = "SELECT e::text FROM effects e WHERE neighbour = 'office'";
const NOT_DONE: &str = "SELECT e::text FROM effects e
                        UNION ALL SELECT b::text FROM batches b WHERE ended_at IS NULL
                        UNION ALL SELECT x::text FROM exports x WHERE state = 'requested'
                        UNION ALL SELECT s::text FROM export_schedules s
                            WHERE last_state IS DISTINCT FROM 'delivered'
                        UNION ALL SELECT t::text FROM triggers t
                            WHERE kind = 'calendar' AND fired_at IS NULL";

pub struct Site {
    pub neighbours: Neighbourhood,
    pub victim: Victim,
    folder: TempDir,
}

impl Site {
    /// A new site, among neighbours who say yes at once.
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // PostgreSQL's account must be able to enter, since the test may run as root.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let site = Self {
            neighbours: Neighbourhood::start(Manners::obliging()).await.unwrap(),
            victim: Victim::default(),
            folder,
        };
        let text = neighbours::config(&site.data(), &site.neighbours.config());
        fs::write(site.config(), text).unwrap();
        fs::create_dir(site.shelf()).unwrap();
        site
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the files of scheduled exports go.
    pub fn shelf(&self) -> PathBuf {
        neighbours::shelf(&self.data())
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("navette.toml")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("navette.log")
    }

    /// The key that Navette signs its checkpoints with.
    pub fn files(&self) -> PathBuf {
        self.data().join("files")
    }

    pub fn key_file(&self) -> PathBuf {
        self.data().join("checkpoint.key")
    }

    fn postgres(&self) -> PathBuf {
        self.data().join("postgres")
    }

    /// Where PostgreSQL says which process it is.
    pub fn postmaster_file(&self) -> PathBuf {
        self.postgres().join("cluster/postmaster.pid")
    }

    /// Navette's parts on the site's data, in this process, while no Navette lives there.
    pub async fn visit(&self) -> (Database, App) {
        let config = Config::read(&self.config()).unwrap();
        let database = Database::open(&config).await.unwrap();
        let workshop = app::workshop().unwrap();
        let neighbours = config.neighbours().unwrap();
        let ports = app::ports(neighbours, &config.files(), workshop.clone()).unwrap();
        let (pool, keys) = (database.pool.clone(), database.keys.clone());
        let app = App::build(
            pool,
            keys,
            ports,
            Clock::system(),
            config.retry.clone(),
            config.retention(),
            config.key_file(),
        )
        .await;
        (database, app.unwrap())
    }

    /// Starts batches that nobody works on yet.
    pub async fn start(&self, batches: &[&Batch]) {
        let (database, app) = self.visit().await;
        story::configure(&app).await;
        for batch in batches {
            batch.start(&app).await;
        }
        story::export(&app).await;
        app.projections.catch_up().await.unwrap();
        database.close().await;
    }

    /// Lets the PDFs of the batches that were started be made, and nothing else: to make them anew in each
    /// life would take most of the time of a test that is not about them.
    pub async fn convert(&self) {
        // Every chain asks Nextcloud first.
        self.leave_nextcloud_alone(PATIENCE).await;
        self.run_until(NOT_CONVERTED).await;
        self.leave_nextcloud_alone(Duration::ZERO).await;
    }

    async fn leave_nextcloud_alone(&self, pause: Duration) {
        let (database, app) = self.visit().await;
        app.effects("test")
            .hold_neighbour(Neighbour::Nextcloud, pause, "")
            .await
            .unwrap();
        database.close().await;
    }

    /// Lets Navette live, again each time it is killed, until nothing is left to do. Returns the number
    /// of its lives.
    pub async fn run_until_done(&self) -> u32 {
        self.run_until(NOT_DONE).await
    }

    async fn run_until(&self, none: &str) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        for lives in 1.. {
            let mut navette = self.launch();
            self.victim.is_born(navette.id().unwrap());
            tokio::select! {
                () = self.nothing_is_left(none, deadline) => {
                    self.victim.is_dead();
                    navette.kill().await.unwrap();
                    return lives;
                }
                ended = navette.wait() => self.check_killed(ended.unwrap()),
            }
        }
        unreachable!("lives are counted for ever")
    }

    /// The same, while `killer` is at work.
    pub async fn run_with(&self, killer: impl Future<Output = ()>) -> u32 {
        let killer = async {
            killer.await;
            pending::<()>().await;
        };
        tokio::select! {
            lives = self.run_until_done() => lives,
            () = killer => 0,
        }
    }

    fn launch(&self) -> Child {
        let mut journal = OpenOptions::new();
        let journal = journal.create(true).append(true).open(self.journal());
        Command::new(env!("CARGO_BIN_EXE_navette"))
            .arg("serve")
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(journal.unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    fn check_killed(&self, ended: ExitStatus) {
        let killed = ended.signal() == Some(9);
        assert!(killed, "Navette ended by itself:\n{}", self.last_words());
    }

    /// Ends when this query finds nothing.
    async fn nothing_is_left(&self, query: &str, deadline: Instant) {
        loop {
            if let Some(mut connection) = self.connect().await {
                while let Ok(left) = left(query, &mut connection).await {
                    if left.is_empty() {
                        return;
                    }
                    let late = Instant::now() > deadline;
                    assert!(!late, "{left:#?}\n{}", self.last_words());
                    tokio::time::sleep(GLANCE).await;
                }
            }
            let late = Instant::now() > deadline;
            assert!(!late, "{}", self.last_words());
            tokio::time::sleep(GLANCE).await;
        }
    }

    async fn connect(&self) -> Option<PgConnection> {
        let read_models = workers::search_path(&navette_projections::all());
        let options = EmbeddedPostgres::reach(&self.postgres())?
            .options([("search_path", read_models.as_str())]);
        PgConnection::connect_with(&options).await.ok()
    }

    fn last_words(&self) -> String {
        let journal = fs::read_to_string(self.journal()).unwrap_or_default();
        let lines: Vec<&str> = journal.lines().collect();
        lines[lines.len().saturating_sub(100)..].join("\n")
    }
}

/// What is left, unless a document calls a person: it would wait for ever.
async fn left(query: &str, connection: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let troubled = "SELECT d::text FROM documents d WHERE needs_attention";
    let troubled: Vec<String> = sqlx::query_scalar(troubled)
        .fetch_all(&mut *connection)
        .await?;
    assert_eq!(troubled, Vec::<String>::new(), "nobody should be called");
    sqlx::query_scalar(query).fetch_all(connection).await
}
