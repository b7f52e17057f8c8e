//! The folder of a private PostgreSQL: who owns it, who locks it, what lies in it.
//!
//! ```text
//! data_dir/            0700, the account's
//!   lock               held while a Navette runs this server
//!   postgres.log       what the server said since its last start
//!   cluster/           PostgreSQL's own folder
//!   socket/            the private socket, unless its path is too long
//! ```

use super::{
    account::Account,
    binaries::Binaries,
    embedded::{EmbeddedPostgresError as Error, io},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A Unix socket's path is limited to 107 bytes, and the server adds `/.s.PGSQL.5432` to the folder.
const LONGEST_SOCKET_FOLDER: usize = 107 - "/.s.PGSQL.5432".len();
/// A process that another thread of ours has just begun has our open files until it is the program it is to be.
const LOCK_MAY_LINGER_FOR: Duration = Duration::from_millis(300);
const PREVIOUS_MAY_STOP_FOR: Duration = Duration::from_secs(30);
const JOURNAL: &str = "postgres.log";
const OWNER_ONLY: u32 = 0o700;

/// A folder that is locked, ours, and ready for a server.
#[derive(Debug)]
pub(super) struct Home {
    folder: PathBuf,
    account: Account,
    binaries: Binaries,
    socket: Socket,
    _lock: File,
}

#[derive(Debug)]
enum Socket {
    Inside(PathBuf),
    /// Removed with us.
    Elsewhere(TempDir),
}

impl Home {
    /// Makes `folder` ready: locks it, waits for the server of a Navette that was killed, and makes the
    /// cluster the first time.
    pub fn prepare(folder: PathBuf) -> Result<Self, Error> {
        let account = Account::for_server()?;
        make_private(&folder, &account)?;
        let lock = lock(&folder)?;
        account.check_reaches(&folder)?;
        let cluster = folder.join("cluster");
        let binaries = Binaries::find(version_of(&cluster))?;
        if cluster.exists() {
            if !account.owns(&cluster)? {
                return Err(Error::NotOurs(cluster));
            }
            let deadline = Instant::now() + PREVIOUS_MAY_STOP_FOR;
            stop_orphan(&cluster, deadline)?;
        } else {
            make_cluster(&folder, &cluster, &account, &binaries)?;
        }
        let socket = Socket::make(&folder, &account)?;
        File::create(folder.join(JOURNAL)).map_err(io("begin its journal"))?;
        Ok(Self {
            folder,
            account,
            binaries,
            socket,
            _lock: lock,
        })
    }

    /// The folder of the socket.
    pub fn socket(&self) -> &Path {
        match &self.socket {
            Socket::Inside(path) => path,
            Socket::Elsewhere(temporary) => temporary.path(),
        }
    }

    /// Where the server writes what it has to say.
    pub fn journal(&self) -> PathBuf {
        self.folder.join(JOURNAL)
    }

    /// The server's command line. Everything that is not said here is PostgreSQL's default, durability
    /// first.
    pub fn server(&self) -> Command {
        let mut server = self
            .account
            .command("INT", self.binaries.program("postgres"));
        server.arg("-D").arg(self.folder.join("cluster"));
        let socket = format!("unix_socket_directories={}", self.socket().display());
        for setting in [
            "listen_addresses=",
            &socket,
            "unix_socket_permissions=0700",
            // The values of a failed statement may be personal data: they stay out of the journal.
            "log_min_error_statement=panic",
            "log_error_verbosity=terse",
            // A queue through which much passes holds more dead rows than living ones within seconds.
            "autovacuum_naptime=10s",
        ] {
            server.arg("-c").arg(setting);
        }
        match journal_file(&self.journal()).and_then(|file| Ok((file.try_clone()?, file))) {
            Ok((out, err)) => server.stdout(out).stderr(err),
            // A full disk must not also take the server away.
            Err(_) => server.stdout(Stdio::null()).stderr(Stdio::null()),
        };
        server
    }
}

impl Socket {
    fn make(folder: &Path, account: &Account) -> Result<Self, Error> {
        let inside = folder.join("socket");
        if inside.as_os_str().len() <= LONGEST_SOCKET_FOLDER {
            make_private(&inside, account)?;
            return Ok(Self::Inside(inside));
        }
        let elsewhere = tempfile::Builder::new()
            .prefix("navette-")
            // Without this a temporary folder is open to all.
            .permissions(Permissions::from_mode(OWNER_ONLY))
            .tempdir()
            .map_err(io("make a folder for its socket"))?;
        account.give(elsewhere.path())?;
        Ok(Self::Elsewhere(elsewhere))
    }
}

fn make_private(folder: &Path, account: &Account) -> Result<(), Error> {
    let action = || format!("make the private folder {}", folder.display());
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .map_err(io(action()))?;
    fs::set_permissions(folder, Permissions::from_mode(OWNER_ONLY)).map_err(io(action()))?;
    account.give(folder)
}

fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let action = || format!("lock {}", path.display());
    let lock = File::create(&path).map_err(io(action()))?;
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_MAY_LINGER_FOR => {
                thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(folder.into())),
            Err(TryLockError::Error(error)) => return Err(io(action())(error)),
        }
    }
}

fn journal_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

fn version_of(cluster: &Path) -> Option<u32> {
    let version = fs::read_to_string(cluster.join("PG_VERSION")).ok()?;
    version.trim().parse().ok()
}

/// Makes the cluster beside its place and moves it there whole: a crash leaves no half of one.
fn make_cluster(
    folder: &Path,
    cluster: &Path,
    account: &Account,
    binaries: &Binaries,
) -> Result<(), Error> {
    let draft = tempfile::Builder::new()
        .prefix("making-")
        .tempdir_in(folder)
        .map_err(io("make its folder"))?;
    account.give(draft.path())?;
    let made = draft.path().join("cluster");
    let output = account
        .command("KILL", binaries.program("initdb"))
        .arg("--pgdata")
        .arg(&made)
        .args(["--username=navette", "--encoding=UTF8"])
        // Text is ordered by code point: the same on every machine and for ever, so that no index and no
        // cursor breaks with an update of the system's locales. C.UTF-8 still knows capitals and accents;
        // a list for people asks for French order with COLLATE.
        .args(["--locale=C.UTF-8", "--lc-collate=C"])
        // Whoever can enter the private socket's folder is the account itself, or root.
        .args(["--auth-local=trust", "--auth-host=reject"])
        .output()
        .map_err(io("run setpriv (Debian package `util-linux`)"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Error::DidNotStart(words));
    }
    fs::rename(&made, cluster)
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(io("move its data into place"))
}

/// A Navette that was killed leaves a server that is stopping: we hold the lock, so it is nobody's, and is
/// asked once more, then waited for. The server itself copes with a stale pid file.
fn stop_orphan(cluster: &Path, deadline: Instant) -> Result<(), Error> {
    while let Some(orphan) = running_server(cluster) {
        if Instant::now() > deadline {
            return Err(Error::StillStopping(cluster.into()));
        }
        // It may be gone meanwhile.
        let _ = kill(orphan, Signal::SIGINT);
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The server that runs on `cluster`. Its number in the pid file may be another's by now, so the command
/// line must name the cluster too.
pub(super) fn running_server(cluster: &Path) -> Option<Pid> {
    let pid_file = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let pid: i32 = pid_file.lines().next()?.trim().parse().ok()?;
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let names_it = command_line
        .split(|byte| *byte == 0)
        .any(|argument| argument == cluster.as_os_str().as_encoded_bytes());
    names_it.then(|| Pid::from_raw(pid))
}

/// The folder of the socket of the server that runs on the cluster of `folder`: the fifth line of its pid
/// file.
pub(super) fn socket_of_running(folder: &Path) -> Option<PathBuf> {
    let cluster = std::path::absolute(folder).ok()?.join("cluster");
    running_server(&cluster)?;
    let pid_file = fs::read_to_string(cluster.join("postmaster.pid")).ok()?;
    let socket = pid_file.lines().nth(4)?.trim();
    (!socket.is_empty()).then(|| socket.into())
}

/// The end of the journal, for the sentence that says why the server did not start.
pub(super) fn last_words(journal: &Path) -> String {
    let text = fs::read_to_string(journal).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(4).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}
