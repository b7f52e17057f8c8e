//! `navette archive`: old events leave the log, and come back.

use super::say;
use crate::{app::Database, config::Config, epoch::Memory};
use clap::Subcommand;
use navette_adapters::log::archive::{self, Part, Whereabouts};

/// What `navette archive` does.
#[derive(Debug, Subcommand)]
pub enum Archive {
    /// Close the log as it is now: what is in it can be detached later, whole.
    Cut,
    /// Take the oldest closed part out of the log, but for the streams that go on.
    Detach,
    /// Put everything that was detached back in its place.
    Attach,
    /// List the parts that were closed, and where they are.
    List,
}

pub(super) async fn archive(what: Archive, config: &Config) -> anyhow::Result<()> {
    let database = Database::join(config).await?;
    let memory = Memory::in_folder(&config.data);
    let done = match what {
        Archive::List => list(&database).await,
        what => {
            let act = carry_out(what, &database);
            memory.around(&database.log(), act).await
        }
    };
    database.close().await;
    done
}

async fn carry_out(what: Archive, database: &Database) -> anyhow::Result<()> {
    let mut owner = database.owner().await?;
    match what {
        Archive::Cut => {
            let Part { first, last } = archive::cut(&mut owner).await?;
            say(&format!("positions {first} to {last} are closed"));
        }
        Archive::Detach => {
            let gone = archive::detach(&mut owner).await?;
            let Part { first, last } = gone.part;
            say(&format!(
                "positions {first} to {last} are out of the log, {} streams whole, in the table {}: keep a copy \
                 (pg_dump --table) and drop it, or leave it there",
                gone.streams, gone.part
            ));
        }
        Archive::Attach => {
            let last = archive::attach(&mut owner).await?;
            say(&format!("positions 1 to {last} are in the log again"));
        }
        Archive::List => {}
    }
    database.grant(&mut owner).await
}

async fn list(database: &Database) -> anyhow::Result<()> {
    let mut connection = database.pool.acquire().await?;
    for (part, place) in archive::parts(&mut connection).await? {
        say(&line(part, place));
    }
    Ok(())
}

fn line(part: Part, place: Whereabouts) -> String {
    let Part { first, last } = part;
    let place = match place {
        Whereabouts::InTheLog => "closed, in the log".to_owned(),
        Whereabouts::Detached => format!("archived, in the table {part} of this database"),
        Whereabouts::Elsewhere => {
            format!("archived, out of this database: bring back the table {part} to attach it")
        }
    };
    format!("positions {first} to {last}: {place}")
}
