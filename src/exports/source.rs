//! From the database to the bytes of a file, row after row, in memory that does not depend on their number.

use super::{NoExport, read_filter};
use async_trait::async_trait;
use futures::{TryStreamExt as _, future::BoxFuture};
use navette_adapters::export::{EncodeFault, Encoding};
use navette_domain::{
    digest::Digest,
    export::{Format, Heading, Made, Order, columns},
};
use navette_projections::{
    export_rows::{self, Selection},
    scope::Scope,
};
use sha2::{Digest as _, Sha256};
use sqlx::{Connection as _, PgConnection, PgPool};
use std::fmt::Write as _;

/// What is gathered before it is passed on.
const CHUNK: usize = 64 * 1024;
/// How many incomplete dossiers are named.
const NAMED: i64 = 20;
/// PostgreSQL's code for a statement that was cancelled, by its time limit or by us.
const CANCELLED: &str = "57014";

/// The rows of an export, in one snapshot.
pub struct Source {
    pool: PgPool,
    connection: PgConnection,
    /// The server's process behind it.
    process: i32,
    selection: Selection,
    format: Format,
    headings: Vec<Heading>,
}

/// Where the bytes go.
#[async_trait]
pub trait Target: Send {
    /// Takes all of `bytes`, of which so many rows are the end.
    async fn take(&mut self, bytes: &mut Vec<u8>, rows: u64) -> Result<(), Broken>;
}

/// Why an export stopped.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// Nobody wants it any more.
    #[error("Le destinataire a interrompu le téléchargement.")]
    Unwanted,
    /// The file cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeFault),
    /// It took too long.
    #[error(
        "L'export a dépassé {0} minutes : restreignez la sélection, ou demandez-le en arrière-plan."
    )]
    TooLong(u32),
    /// A fault of ours.
    #[error("Erreur interne : la lecture s'est interrompue.")]
    Fault(#[source] anyhow::Error),
}

impl Source {
    /// The rows that `order` names, from now on, for at most so many minutes.
    pub async fn open(pool: &PgPool, order: &Order, minutes: u32) -> Result<Self, NoExport> {
        let selection = Selection {
            scope: Scope::limited(&order.services, &order.schemes),
            filter: read_filter(&order.filter)?,
        };
        let headings = columns::headings(order.format, &order.columns)?;
        // Its own, not the pool's: an export may last, and may be cut.
        let mut connection = pool.acquire().await?.detach();
        export_rows::begin(&mut connection, minutes).await?;
        let process = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut connection)
            .await?;
        if order.format == Format::Scdl {
            let incomplete = export_rows::incomplete(&mut connection, &selection, NAMED).await?;
            if !incomplete.is_empty() {
                return Err(NoExport::Incomplete(told(&incomplete)));
            }
        }
        Ok(Self {
            pool: pool.clone(),
            connection,
            process,
            selection,
            format: order.format,
            headings,
        })
    }

    /// How many rows there are.
    pub async fn count(&mut self) -> Result<u64, sqlx::Error> {
        let (selection, format) = (&self.selection, self.format);
        selection.count(&mut self.connection, format).await
    }

    /// Pours them into `target` until their end, or until `unwanted`. The statement is stopped then, and the
    /// connection closed.
    pub async fn pour(
        mut self,
        minutes: u32,
        target: &mut dyn Target,
        unwanted: BoxFuture<'_, ()>,
    ) -> (Result<Made, Broken>, u64) {
        let mut rows = 0;
        let poured = tokio::select! {
            biased;
            poured = self.run(target, &mut rows) => poured,
            () = unwanted => Err(Broken::Unwanted),
        };
        if poured.is_ok() {
            let _ = self.connection.close().await;
        } else {
            // A server that sorts or scans would not notice that nobody reads.
            let cancelled = sqlx::query("SELECT pg_cancel_backend($1)").bind(self.process);
            let _ = cancelled.execute(&self.pool).await;
            let _ = self.connection.close_hard().await;
        }
        let poured = poured.map_err(|broken| match broken {
            Broken::Fault(cause) if is_cancellation(&cause) => Broken::TooLong(minutes),
            other => other,
        });
        (poured, rows)
    }

    async fn run(&mut self, target: &mut dyn Target, rows: &mut u64) -> Result<Made, Broken> {
        let fault = |cause: sqlx::Error| Broken::Fault(cause.into());
        let (selection, headings) = (&self.selection, &self.headings);
        let statement = selection
            .copy(&mut self.connection, self.format, headings)
            .await
            .map_err(fault)?;
        let mut copied = self
            .connection
            .copy_out_raw(&statement)
            .await
            .map_err(fault)?;
        let (mut sum, mut bytes) = (Sha256::new(), 0);
        let mut out = Vec::with_capacity(CHUNK + CHUNK / 2);
        let mut encoding = Encoding::begin(self.format, headings.clone(), &mut out)?;
        // What comes before the rows goes at once: whoever asks sees that it begins.
        pass(&mut out, 0, target, &mut sum, &mut bytes).await?;
        while let Some(row) = copied.try_next().await.map_err(fault)? {
            encoding.take(&row, &mut out)?;
            *rows = encoding.rows();
            if out.len() >= CHUNK {
                pass(&mut out, *rows, target, &mut sum, &mut bytes).await?;
            }
        }
        *rows = encoding.end(&mut out)?;
        pass(&mut out, *rows, target, &mut sum, &mut bytes).await?;
        Ok(Made {
            rows: *rows,
            bytes,
            file: Digest::from_bytes(sum.finalize().into()),
        })
    }
}

async fn pass(
    out: &mut Vec<u8>,
    rows: u64,
    target: &mut dyn Target,
    sum: &mut Sha256,
    bytes: &mut u64,
) -> Result<(), Broken> {
    sum.update(&out[..]);
    *bytes += out.len() as u64;
    target.take(out, rows).await?;
    out.clear();
    Ok(())
}

fn is_cancellation(cause: &anyhow::Error) -> bool {
    let database = cause
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error);
    database
        .and_then(sqlx::error::DatabaseError::code)
        .as_deref()
        == Some(CANCELLED)
}

/// What is wrong with dossiers that cannot be published, for whoever can mend it.
fn told(incomplete: &[export_rows::Incomplete]) -> String {
    let mut sentence = String::from(
        "Le fichier SCDL ne peut pas être produit : il manque des données obligatoires à des dossiers accordés. \
         Complétez-les, ou excluez-les de la sélection.",
    );
    for dossier in incomplete {
        let missing = dossier.missing.join(", ");
        let _ = write!(sentence, "\n{} : {missing}", dossier.reference);
    }
    if incomplete.len() == usize::try_from(NAMED).unwrap_or_default() {
        sentence.push_str("\n…");
    }
    sentence
}

/// A bounded context for faults of the disk.
pub fn disk(cause: std::io::Error) -> Broken {
    Broken::Fault(anyhow::Error::from(cause).context("writing the file of an export"))
}
