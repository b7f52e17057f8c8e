//! Dossiers, third parties and documents, in the read models of a Navette whose log is empty.

use super::server::{self, Server};
use anyhow::ensure;
use navette::app;
use navette_adapters::postgres::EmbeddedPostgres;
use sqlx::{ConnectOptions as _, PgPool};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

/// The name of the token.
pub const TOKEN: &str = "bench";
const PATIENCE: Duration = Duration::from_mins(1);
const GLANCE: Duration = Duration::from_millis(100);

const THIRD_PARTIES: &str = "
    INSERT INTO third_parties (id, name, siret, rna, email, words, version, registered_at, updated_at)
    SELECT md5('t' || n)::uuid, 'Association « L''Éveil » n° ' || n, lpad(n::text, 14, '0'), 'W' || lpad(n::text, 9, '0'),
        'contact' || n || '@example.org', 'association eveil ' || n, 1, now(), now()
    FROM generate_series(1, 10000) AS n";

/// Eight statuses, a hundred commissions, sixty schemes, eight services; each combination is as frequent as
/// another, and its dossiers lie far apart. A hundred have a word that no other has.
const DOSSIERS: &str = "
    INSERT INTO dossiers (id, reference, status, third_party_id, authority, purpose, nature, scheme, service,
        fiscal_year, requested_cents, granted_cents, payments, custom, commission_date, words, version,
        registered_at, updated_at)
    SELECT md5('d' || n)::uuid, 'SUB-' || lpad(n::text, 8, '0'),
        (ARRAY['deposited', 'complete', 'under_instruction', 'scheduled', 'granted', 'refused', 'notified', 'closed'])
            [1 + n % 8],
        md5('t' || 1 + (n / 8 * 7919) % 10000)::uuid, 'Département de la Haute-Garonne',
        'Saison culturelle de l''association, programme n° ' || n, 'Aide en numéraire',
        'Dispositif ' || n / 8 % 60, 'Service ' || n / 16 % 8, 2024 + n / 8 % 3,
        50000 + n::bigint * 7919 % 100000 * 100,
        CASE WHEN n % 8 IN (4, 6, 7) THEN 50000 + n::bigint * 7919 % 100000 * 100 END, '[]', '{}',
        date '2024-01-10' + 10 * (n / 8 % 100), 'saison culturelle association programme ' || n || ' q' || n / 100 || 'q', 3,
        timestamptz '2024-01-01 08:00:00+01' + n * interval '7 minutes', now()
    FROM generate_series($1, $2) AS n";

/// Two or three for each dossier.
const DOCUMENTS: &str = "
    INSERT INTO documents (id, batch_id, dossier_id, chain_id, chain_version, template_id, template_version, title,
        date, stage, round, included, pages, version, requested_at, updated_at)
    SELECT md5('p' || n || '.' || m)::uuid, md5('b' || n / 200)::uuid, md5('d' || n)::uuid, md5('chain')::uuid, 1,
        md5('template')::uuid, 1, (ARRAY['Lettre d''attribution', 'Arrêté', 'Convention'])[m], date '2026-03-12',
        (ARRAY['delivered', 'signed', 'in_visa'])[1 + n % 3], 1, '[]', m, 9,
        timestamptz '2024-02-01 08:00:00+01' + n * interval '7 minutes', now()
    FROM generate_series($1, $2) AS n, generate_series(1, 2 + n % 2) AS m";

const INDICES: &str = "
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid IN ('dossiers'::regclass, 'documents'::regclass) AND NOT indisprimary";

/// What an administrator of PostGraphile would add for the question that is measured: its conditions are on the
/// columns themselves, and ours on expressions that have indices already.
const PEER: &str = "CREATE INDEX ON dossiers (status, commission_date) INCLUDE (amount_cents)";

/// A PostgreSQL with the rows.
pub struct Data {
    postgres: EmbeddedPostgres,
    folder: tempfile::TempDir,
    pub pool: PgPool,
    pub token: String,
    /// Where the tables of dossiers, third parties and documents are.
    pub schemas: Vec<String>,
}

impl Data {
    pub async fn open() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // PostgreSQL may have to run under another account, which passes through here.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(folder.path(), open)?;
        let postgres = EmbeddedPostgres::start(&folder.path().join("postgres")).await?;
        let pool = app::connect(postgres.connect_options()).await?;
        let mut data = Self {
            postgres,
            folder,
            pool,
            token: String::new(),
            schemas: vec![],
        };
        // The neighbours of the example are never called, since nothing is to be done.
        let config = format!(
            "data = \"{}\"\ndatabase_url = \"{}\"\n{}",
            data.place("data").display(),
            data.postgres.connect_options().to_url_lossy(),
            include_str!("../../../../examples/navette.toml")
        );
        fs::write(data.place("navette.toml"), config)?;
        data.token = server::token(&data)?;
        data.tables().await?;
        sqlx::query(THIRD_PARTIES).execute(&data.pool).await?;
        sqlx::query(PEER).execute(&data.pool).await?;
        Ok(data)
    }

    /// Has Navette make its tables.
    async fn tables(&mut self) -> anyhow::Result<()> {
        let maker = Server::ours(self)?;
        let began = Instant::now();
        for table in ["dossiers", "third_parties", "documents"] {
            let schema = loop {
                let schema: Option<String> = sqlx::query_scalar(
                    "SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = to_regclass($1)",
                )
                .bind(table)
                .fetch_optional(&self.pool)
                .await?;
                if let Some(schema) = schema {
                    break schema;
                }
                ensure!(began.elapsed() < PATIENCE, "there is no table {table}");
                tokio::time::sleep(GLANCE).await;
            };
            self.schemas.push(schema);
        }
        drop(maker);
        Ok(())
    }

    /// Adds dossiers and their documents until there are so many.
    pub async fn grow(&self, dossiers: usize) -> anyhow::Result<()> {
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM dossiers")
            .fetch_one(&self.pool)
            .await?;
        // Indices are made faster than they grow.
        let indices: Vec<(String, String)> = sqlx::query_as(INDICES).fetch_all(&self.pool).await?;
        for (name, _) in &indices {
            let drop = format!("DROP INDEX {name}");
            sqlx::raw_sql(&drop).execute(&self.pool).await?;
        }
        for statement in [DOSSIERS, DOCUMENTS] {
            sqlx::query(statement)
                .bind(i32::try_from(known)? + 1)
                .bind(i32::try_from(dossiers)?)
                .execute(&self.pool)
                .await?;
        }
        for (_, definition) in &indices {
            sqlx::raw_sql(definition).execute(&self.pool).await?;
        }
        for table in ["third_parties", "dossiers", "documents"] {
            let vacuum = format!("VACUUM ANALYZE {table}");
            sqlx::raw_sql(&vacuum).execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Where files are made.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The address of the database, as a client in JavaScript reads it.
    pub fn url(&self) -> String {
        self.postgres.url()
    }

    /// The process of PostgreSQL.
    pub fn postgres(&self) -> anyhow::Result<u32> {
        server::postgres_process(&self.place("postgres"))
    }

    pub async fn stop(self) {
        self.pool.close().await;
        self.postgres.stop().await;
    }
}
