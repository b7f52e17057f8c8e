//! The unprivileged account under which PostgreSQL runs: it refuses root.

use super::embedded::{EmbeddedPostgresError as Error, io};
use nix::unistd::{Gid, Uid, User, geteuid};
use std::{
    ffi::OsStr,
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

/// An account to drop to; ours when we are not root.
#[derive(Debug)]
pub(super) struct Account {
    drop_to: Option<(String, Uid, Gid)>,
}

impl Account {
    /// The account for PostgreSQL: `postgres` or else `nobody` when we are root, and otherwise our own.
    pub fn for_server() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self { drop_to: None });
        }
        for name in ["postgres", "nobody"] {
            if let Ok(Some(user)) = User::from_name(name) {
                let drop_to = Some((user.name, user.uid, user.gid));
                return Ok(Self { drop_to });
            }
        }
        Err(Error::NoAccount)
    }

    /// A command that runs `program` under the account, and that the kernel signals with `at_death` when
    /// the thread that spawned it ends, however it ends.
    pub fn command(&self, at_death: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        if let Some((_, uid, gid)) = &self.drop_to {
            command
                .arg(format!("--reuid={uid}"))
                .arg(format!("--regid={gid}"))
                .arg("--clear-groups");
        }
        command
            .arg(format!("--pdeathsig={at_death}"))
            .arg("--")
            .arg(program)
            .current_dir("/")
            // A Ctrl-C in the terminal is for Navette, which stops the server when it no longer needs it.
            .process_group(0)
            .stdin(Stdio::null())
            // A locale or a port of our own environment must not decide how the server behaves.
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Gives `path` to the account.
    pub fn give(&self, path: &Path) -> Result<(), Error> {
        let Some((_, uid, gid)) = &self.drop_to else {
            return Ok(());
        };
        chown(path, Some(uid.as_raw()), Some(gid.as_raw())).map_err(io(format!(
            "give {} to the database's account",
            path.display()
        )))
    }

    /// Whether `path` belongs to the account: PostgreSQL refuses the data of another.
    pub fn owns(&self, path: &Path) -> Result<bool, Error> {
        let metadata = path
            .metadata()
            .map_err(io(format!("look at {}", path.display())))?;
        let uid = self.drop_to.as_ref().map_or(geteuid(), |(_, uid, _)| *uid);
        Ok(metadata.uid() == uid.as_raw())
    }

    /// Refuses a folder that the account cannot reach, and names the first closed door.
    pub fn check_reaches(&self, folder: &Path) -> Result<(), Error> {
        let Some((account, _, _)) = &self.drop_to else {
            return Ok(());
        };
        let from_the_root = folder.ancestors().collect::<Vec<_>>().into_iter().rev();
        for door in from_the_root {
            // Asked as the account itself, so that access lists count as well as modes.
            let status = self
                .command("KILL", "test")
                .arg("-x")
                .arg(door)
                .status()
                .map_err(io("run setpriv (Debian package `util-linux`)"))?;
            if !status.success() {
                return Err(Error::ClosedDoor {
                    account: account.clone(),
                    door: door.into(),
                });
            }
        }
        Ok(())
    }
}
