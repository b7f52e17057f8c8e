//! The rows that are exported, as the read models would hold them.

use anyhow::Context as _;
use navette::app;
use navette_adapters::postgres::EmbeddedPostgres;
use navette_domain::export::{Choice, Format, Heading, columns};
use navette_projections::{
    dossiers::DossierFilter,
    export_rows::{self, Selection},
    scope::Scope,
};
use sqlx::{ConnectOptions as _, PgPool};
use std::{fs, path::PathBuf, process::Command};

const COLUMNS: [&str; 20] = [
    "dossier.reference",
    "dossier.objet",
    "dossier.code_statut",
    "dossier.montant_demande",
    "dossier.montant_accorde",
    "dossier.montant",
    "dossier.nature",
    "dossier.dispositif",
    "dossier.service",
    "dossier.exercice",
    "dossier.date_commission",
    "dossier.depot",
    "dossier.modification",
    "beneficiaire.nom",
    "beneficiaire.siret",
    "beneficiaire.rna",
    "beneficiaire.email",
    "attribuant.nom",
    "decision.reference",
    "decision.date",
];

const THIRD_PARTIES: &str = "
    INSERT INTO third_parties (id, name, siret, rna, email, words, version, registered_at, updated_at)
    SELECT md5('t' || n)::uuid, 'Association « L''Éveil » n° ' || n, lpad(n::text, 14, '0'), 'W' || lpad(n::text, 9, '0'),
        'contact' || n || '@example.org', '', 1, now(), now()
    FROM generate_series(1, 10000) AS n";

/// The nth dossier; a sixth of the purposes looks like a formula.
const DOSSIERS: &str = "
    INSERT INTO dossiers (id, reference, status, third_party_id, authority, purpose, nature, scheme, service,
        fiscal_year, requested_cents, granted_cents, payments, custom, commission_date, decision_reference,
        decision_date, words, version, registered_at, updated_at)
    SELECT md5('d' || n)::uuid, 'SUB-2026-' || lpad(n::text, 7, '0'),
        (ARRAY['granted', 'notified', 'deposited', 'refused'])[1 + n % 4], md5('t' || 1 + n % 10000)::uuid,
        'Département de la Haute-Garonne',
        CASE WHEN n % 6 = 0 THEN '=' ELSE '' END || 'Saison culturelle ; \"fête\" de l''été n° ' || n,
        'aide en numéraire', (ARRAY['Culture', 'Sport', 'Jeunesse; éducation'])[1 + n % 3],
        'Direction de la vie associative', 2020 + n % 7, 100000 + n, CASE WHEN n % 4 < 2 THEN 90000 + n END,
        '[]', '{}', date '2026-01-01' + n % 365, 'DELIB-2026-' || n % 500, date '2026-02-01' + n % 300,
        '', 1, timestamptz '2026-01-01 08:00:00+01' + n * interval '7 seconds', now()
    FROM generate_series($1, $2) AS n";

/// A PostgreSQL with the rows.
pub struct Data {
    postgres: EmbeddedPostgres,
    folder: tempfile::TempDir,
    pool: PgPool,
    /// The rows between tabs, for those who are spared the database.
    pub text: PathBuf,
    /// The statement that `psql` copies.
    pub statement: String,
}

impl Data {
    pub async fn of(rows: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        // PostgreSQL may have to run under another account, which passes through here.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(folder.path(), open)?;
        let postgres = EmbeddedPostgres::start(&folder.path().join("postgres")).await?;
        let pool = app::connect_for(postgres.connect_options(), "public").await?;
        for projector in navette_projections::all() {
            sqlx::raw_sql(projector.schema()).execute(&pool).await?;
        }
        sqlx::query(THIRD_PARTIES).execute(&pool).await?;
        let mut data = Self {
            postgres,
            text: folder.path().join("rows.tsv"),
            folder,
            pool,
            statement: String::new(),
        };
        data.add(1, rows).await?;
        data.statement = data.copied().await?;
        let copy = format!("\\copy ({}) TO '{}'", data.statement, data.text.display());
        data.psql(&copy)?;
        Ok(data)
    }

    /// Adds rows until there are so many.
    pub async fn grow(&self, rows: usize) -> anyhow::Result<()> {
        let known: i64 = sqlx::query_scalar("SELECT count(*) FROM dossiers")
            .fetch_one(&self.pool)
            .await?;
        self.add(usize::try_from(known)? + 1, rows).await
    }

    async fn add(&self, first: usize, last: usize) -> anyhow::Result<()> {
        sqlx::query(DOSSIERS)
            .bind(i32::try_from(first)?)
            .bind(i32::try_from(last)?)
            .execute(&self.pool)
            .await?;
        sqlx::query("VACUUM ANALYZE dossiers")
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The query of an export of ours, for `psql`.
    async fn copied(&self) -> anyhow::Result<String> {
        let selection = Selection {
            scope: Scope::whole(),
            filter: DossierFilter::default(),
        };
        let mut connection = self.pool.acquire().await?.detach();
        export_rows::begin(&mut connection, 10).await?;
        let copy = selection
            .copy(&mut connection, Format::Csv, &headings()?)
            .await?;
        let query = copy
            .strip_prefix("COPY (")
            .and_then(|rest| rest.strip_suffix(") TO STDOUT"))
            .context("another statement")?;
        Ok(query.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// The address of the database.
    pub fn url(&self) -> String {
        self.postgres.connect_options().to_url_lossy().to_string()
    }

    /// Where files are made.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command of `psql`.
    pub fn psql(&self, command: &str) -> anyhow::Result<()> {
        let options = self.postgres.connect_options();
        let socket = options.get_socket().context("no socket")?;
        let status = Command::new("psql")
            .args(["--quiet", "--no-psqlrc", "--host"])
            .arg(socket)
            .args(["--port", &options.get_port().to_string()])
            .args(["--username", options.get_username()])
            .args(["--dbname", options.get_database().context("no database")?])
            .args(["--command", command])
            .status()
            .context("psql")?;
        anyhow::ensure!(status.success(), "psql: {status}");
        Ok(())
    }

    pub async fn stop(self) {
        self.pool.close().await;
        self.postgres.stop().await;
    }
}

/// The columns, as an order chooses them.
pub fn choices() -> Vec<Choice> {
    let choice = |name: &&str| Choice {
        column: (*name).to_owned(),
        title: None,
    };
    COLUMNS.iter().map(choice).collect()
}

/// Their headings.
pub fn headings() -> anyhow::Result<Vec<Heading>> {
    Ok(columns::headings(Format::Csv, &choices())?)
}

/// A connection for one turn.
pub async fn connect(url: &str) -> anyhow::Result<PgPool> {
    app::connect_for(url.parse()?, "public").await
}
