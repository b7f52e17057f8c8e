//! Personal data of the log, sealed: one key for each subject, whose destruction erases what it sealed.
//!
//! Events are sealed on their way into the log and opened on their way out, so that nothing above knows of
//! it: the hash of an event is taken over what is stored, and stays right whatever happens to a key.
//!
//! # Invariants
//! - A key is on disk no later than the first event that it seals.
//! - A key in memory is used for at most a second after it was destroyed elsewhere.
//! - A value whose key is destroyed reads as erased; a key that was never there is a fault, never an erasure.

mod cache;
mod master;
mod sealed;

pub use master::MasterFault;
pub(crate) use sealed::{Place, keys_of};

use crate::log::{StreamAppend, connect};
use cache::Cache;
use chrono::{DateTime, Utc};
use master::Master;
use navette_domain::digest::Digest;
use ring::aead::LessSafeKey;
use sealed::Unsealed;
use sqlx::{PgConnection, PgPool};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::timeout;
use uuid::Uuid;

/// The tables of the keys.
const TABLES: &str = include_str!("../../../migrations/20261127160000_subjects_have_keys.sql");

/// How long the database may take to keep new keys.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeysFault {
    /// The database of the keys did not answer.
    #[error("the keys of personal data cannot be reached")]
    Database(#[from] sqlx::Error),
    /// A key that sealed something was never in this database.
    #[error("key {0} is missing: is this the database that holds the keys of this log?")]
    Missing(Uuid),
    /// The bytes are not those that were sealed, or not where they were.
    #[error("a sealed value does not open under its key: it was changed or moved")]
    Damaged,
    /// What is to be sealed is not an event of ours.
    #[error("a personal value cannot be sealed")]
    Payload(#[from] serde_json::Error),
    /// About the master key.
    #[error(transparent)]
    Master(#[from] MasterFault),
}

impl KeysFault {
    /// The database's own failure, if it is one.
    pub(crate) fn database(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

/// A subject's key.
#[derive(Debug)]
pub(crate) struct SubjectKey {
    subject: Uuid,
    key: LessSafeKey,
}

/// Some keys by their ids; none for those that are destroyed.
pub(crate) type Keyring = HashMap<Uuid, Option<Arc<SubjectKey>>>;

/// The key that seals for each subject, with its id.
type InForce = HashMap<Uuid, (Uuid, Arc<SubjectKey>)>;

/// The keys of one log.
#[derive(Debug, Clone)]
pub struct Keys {
    pool: PgPool,
    apart: bool,
    master: Arc<Master>,
    cache: Arc<Mutex<Cache>>,
    /// The subjects that wait for a key, of which whoever holds the other makes all.
    waiting: Arc<Mutex<BTreeSet<Uuid>>>,
    /// The connection that makes keys, as long as it works: the pool's would be tried each time before they are
    /// used, and plan each time anew.
    making: Arc<tokio::sync::Mutex<Option<PgConnection>>>,
}

impl Keys {
    /// The keys in this database, the log's own or one `apart`, under the master key of this file, which
    /// is made when there is no key yet.
    pub async fn open(pool: PgPool, apart: bool, file: &Path) -> Result<Self, KeysFault> {
        if apart {
            sqlx::raw_sql(TABLES).execute(&pool).await?;
        }
        let mark = mark(&pool).await?;
        let master = match (Master::read(file)?, mark) {
            (Some(master), _) => master,
            (None, None) => Master::make(file)?,
            (None, Some(_)) => return Err(MasterFault::Gone(file.to_owned()).into()),
        };
        let known = "INSERT INTO keys.master (mark) VALUES ($1) ON CONFLICT DO NOTHING";
        sqlx::query(known)
            .bind(master.mark())
            .execute(&pool)
            .await?;
        if self::mark(&pool).await?.as_deref() != Some(master.mark()) {
            return Err(MasterFault::Foreign(file.to_owned()).into());
        }
        Ok(Self::under(pool, apart, master))
    }

    /// The keys of a test, in the log's own database, under a master key that everybody knows.
    #[cfg(any(test, feature = "sim"))]
    pub fn of_tests(pool: PgPool) -> Self {
        Self::under(pool, false, Master::of_tests())
    }

    fn under(pool: PgPool, apart: bool, master: Master) -> Self {
        Self {
            pool,
            apart,
            master: Arc::new(master),
            cache: Arc::default(),
            waiting: Arc::default(),
            making: Arc::default(),
        }
    }

    /// A receipt keeps what was asked as a digest, which could be compared with guesses: this one cannot be,
    /// without the master key.
    pub fn blind(&self, content: Digest) -> Digest {
        self.master.blind(content)
    }

    /// The subject that an agent is, by their name or address: nobody finds it without the master key.
    pub fn agent(&self, name: &str) -> Uuid {
        self.master.agent(name)
    }

    /// Whether something is sealed for this subject that can still be read.
    pub async fn holds(&self, subject: Uuid) -> Result<bool, KeysFault> {
        let sql = "SELECT EXISTS (SELECT FROM keys.subject_keys WHERE subject = $1 AND wrapped IS NOT NULL)";
        let (holds,) = sqlx::query_as(sql)
            .bind(subject)
            .fetch_one(&self.pool)
            .await?;
        Ok(holds)
    }

    /// Seals the personal values of events that are about to be stored.
    pub(crate) async fn seal(&self, streams: &mut [StreamAppend]) -> Result<(), KeysFault> {
        let mut unsealed = vec![];
        for stream in streams {
            let (stream_type, stream_id) = (stream.stream_type, stream.stream_id);
            for event in &mut stream.events {
                let personal = Unsealed::find(stream_type, stream_id, event, &self.master)?;
                unsealed.extend(personal);
            }
        }
        if unsealed.is_empty() {
            return Ok(());
        }
        let subjects = unsealed.iter().flat_map(Unsealed::subjects).collect();
        let keys = self.in_force(subjects).await?;
        unsealed.into_iter().try_for_each(|event| event.seal(&keys))
    }

    /// The keys of these ids.
    pub(crate) async fn ring(&self, ids: &BTreeSet<Uuid>) -> Result<Keyring, KeysFault> {
        if ids.is_empty() {
            return Ok(Keyring::new());
        }
        self.hear_of_destructions().await?;
        let (mut ring, unknown) = self.cache().find(ids);
        if unknown.is_empty() {
            return Ok(ring);
        }
        let rows: Vec<KeyRow> =
            sqlx::query_as("SELECT id, subject, wrapped FROM keys.subject_keys WHERE id = ANY($1)")
                .bind(&unknown)
                .fetch_all(&self.pool)
                .await?;
        for row in rows {
            ring.insert(row.id, self.keep(row)?);
        }
        match unknown.into_iter().find(|id| !ring.contains_key(id)) {
            Some(missing) => Err(KeysFault::Missing(missing)),
            None => Ok(ring),
        }
    }

    /// The keys in force of these subjects, made if there are none, each under its id. Keys that are asked for
    /// while others are made are made together then: a statement for each would cost more than its event.
    async fn in_force(&self, subjects: BTreeSet<Uuid>) -> Result<InForce, KeysFault> {
        self.hear_of_destructions().await?;
        let (found, unknown) = self.cache().in_force(&subjects);
        if unknown.is_empty() {
            return Ok(found);
        }
        self.waiting().extend(unknown);
        let mut making = self.making.lock().await;
        // Somebody has perhaps made them with their own; they may have failed to, or gone, as well.
        let (mut found, unknown) = self.cache().in_force(&subjects);
        if unknown.is_empty() {
            return Ok(found);
        }
        let mut wanted = std::mem::take(&mut *self.waiting());
        wanted.extend(unknown);
        let make = self.make(making.take(), wanted.into_iter().collect());
        // All wait for it: it must not wait for a server that says nothing any more.
        let made = timeout(PATIENCE, make).await;
        let (connection, mut made) = made.map_err(|_| sqlx::Error::PoolTimedOut)??;
        *making = Some(connection);
        found.extend(
            subjects
                .iter()
                .filter_map(|subject| made.remove_entry(subject)),
        );
        Ok(found)
    }

    /// The keys of these subjects, in their order, made where there are none in force.
    async fn make(
        &self,
        connection: Option<PgConnection>,
        subjects: Vec<Uuid>,
    ) -> Result<(PgConnection, InForce), KeysFault> {
        // Dropped, and so closed, unless it answers.
        let mut connection = match connection {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let mut found = InForce::new();
        let (mut ids, mut wrapped) = (vec![], vec![]);
        for subject in &subjects {
            let (id, bytes) = self.master.new_key(*subject)?;
            ids.push(id);
            wrapped.push(bytes);
        }
        // Subjects are in order, so that two processes cannot wait for each other.
        let rows: Vec<KeyRow> = sqlx::query_as(
            "INSERT INTO keys.subject_keys (id, subject, wrapped)
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[])
             ON CONFLICT (subject) WHERE wrapped IS NOT NULL DO UPDATE SET subject = EXCLUDED.subject
             RETURNING id, subject, wrapped",
        )
        .bind(&ids)
        .bind(&subjects)
        .bind(&wrapped)
        .fetch_all(&mut connection)
        .await?;
        for row in rows {
            let (id, subject) = (row.id, row.subject);
            if let Some(key) = self.keep(row)? {
                found.insert(subject, (id, key));
            }
        }
        Ok((connection, found))
    }

    /// A connection that makes keys. In the log's own database, the commit of the events carries the keys to disk
    /// before them; apart, they must be there by themselves.
    async fn connect(&self) -> sqlx::Result<PgConnection> {
        let mut connection = connect(&self.pool).await?;
        if !self.apart {
            let speed = "SET synchronous_commit = off";
            sqlx::query(speed).execute(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Destroys the keys of a subject: what they sealed is erased, here at once, on other nodes within a
    /// second. Doing it again changes nothing.
    pub async fn destroy(&self, subject: Uuid) -> Result<(), KeysFault> {
        let destroyed: Vec<(Uuid,)> = sqlx::query_as(
            "UPDATE keys.subject_keys SET wrapped = NULL, destroyed_at = clock_timestamp()
             WHERE subject = $1 AND wrapped IS NOT NULL RETURNING id",
        )
        .bind(subject)
        .fetch_all(&self.pool)
        .await?;
        for (id,) in destroyed {
            self.cache().destroy(id, subject);
        }
        Ok(())
    }

    /// How far the log's erasures were carried out.
    pub async fn erased_up_to(&self) -> Result<i64, KeysFault> {
        let sql = "SELECT position FROM keys.erasures";
        let (position,) = sqlx::query_as(sql).fetch_one(&self.pool).await?;
        Ok(position)
    }

    /// Says that the log's erasures were carried out up to `position`.
    pub async fn set_erased_up_to(&self, position: i64) -> Result<(), KeysFault> {
        sqlx::query("UPDATE keys.erasures SET position = $1")
            .bind(position)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets what others have destroyed since the last look, if that was not just now.
    async fn hear_of_destructions(&self) -> Result<(), KeysFault> {
        let Some(since) = self.cache().due() else {
            return Ok(());
        };
        let looked = std::time::Instant::now();
        // A margin for what was being destroyed during the last look.
        let (now, destroyed): (DateTime<Utc>, Vec<Uuid>) = sqlx::query_as(
            "SELECT clock_timestamp(), coalesce(array_agg(id), '{}') FROM keys.subject_keys
             WHERE wrapped IS NULL AND destroyed_at > $1 - interval '10 seconds'",
        )
        .bind(since)
        .fetch_one(&self.pool)
        .await?;
        self.cache().heard(looked, now, &destroyed);
        Ok(())
    }

    fn keep(&self, row: KeyRow) -> Result<Option<Arc<SubjectKey>>, KeysFault> {
        let KeyRow {
            id,
            subject,
            wrapped,
        } = row;
        let opened = wrapped.map(|mut wrapped| self.master.open_key(id, subject, &mut wrapped));
        let key = opened.transpose()?;
        let key = key.map(|key| Arc::new(SubjectKey { subject, key }));
        self.cache().keep(id, key.clone());
        Ok(key)
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeSet<Uuid>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: Uuid,
    subject: Uuid,
    wrapped: Option<Vec<u8>>,
}

async fn mark(pool: &PgPool) -> Result<Option<Vec<u8>>, KeysFault> {
    let mark = sqlx::query_scalar("SELECT mark FROM keys.master");
    Ok(mark.fetch_optional(pool).await?)
}

#[cfg(all(test, feature = "sim"))]
mod tests;
