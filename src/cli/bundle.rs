//! `navette bundle`.

use super::{history::dossier, say};
use crate::{
    app::Database,
    bundle::{Bundle, Bundles},
    clock::Clock,
    config::Config,
    dispatch::Dispatcher,
    epoch::Memory,
    workers::Projections,
};
use anyhow::Context as _;
use clap::Args;
use navette_adapters::file_store::Files;
use navette_domain::digest::Digest;
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::NamedTempFile;

/// The actor of a bundle that is taken where Navette runs.
const ACTOR: &str = "cli:bundle";

/// The options of `navette bundle`.
#[derive(Debug, Args)]
pub struct BundleOptions {
    /// The dossier: its reference or its id.
    dossier: String,
    /// The checkpoint that the auditor holds: the bundle then proves that the log only grew since.
    #[arg(long, value_name = "CHECKPOINT_FILE")]
    since: Option<PathBuf>,
    /// Where to write the bundle, a ZIP.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) async fn bundle(options: &BundleOptions, config: &Config) -> anyhow::Result<()> {
    let held = match &options.since {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .with_context(|| format!("reading the checkpoint {}", path.display()))?,
        ),
        None => None,
    };
    let database = Database::join(config).await?;
    let memory = Memory::in_folder(&config.data);
    let take = options.take(config, &database, held.as_deref());
    let taken = memory.around(&database.log(), take).await;
    database.close().await;
    let (events, size, digest) = taken?;
    say(&format!(
        "{} : {events} événements, prouvés par le point de contrôle de {size} événements.\nSHA-256 : {digest}",
        options.out.display()
    ));
    Ok(())
}

impl BundleOptions {
    async fn take(
        &self,
        config: &Config,
        database: &Database,
        held: Option<&str>,
    ) -> anyhow::Result<(usize, u64, Digest)> {
        let log = database.log();
        // Nobody may be following the log now.
        let projections = Projections::open(log.clone(), navette_projections::all()).await?;
        projections.catch_up().await?;
        let files = Files::in_folder(&config.files()).map_err(|cause| anyhow::anyhow!(cause))?;
        let bundles = Bundles::new(
            Dispatcher::new(log, Clock::system()),
            Arc::new(files),
            config.key_file(),
            projections.standing(),
        );
        let dossier = dossier(&database.pool, &self.dossier).await?;
        let bundle = bundles.take(ACTOR, dossier, held).await?;
        let told = (bundle.events, bundle.size, bundle.digest);
        place(bundle, &self.out).with_context(|| format!("writing {}", self.out.display()))?;
        Ok(told)
    }
}

/// Puts the bundle in its place whole, or not at all.
fn place(mut bundle: Bundle, out: &Path) -> io::Result<()> {
    let folder = match out.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = NamedTempFile::new_in(folder)?;
    io::copy(&mut bundle.file, &mut draft)?;
    draft.flush()?;
    draft.persist(out).map_err(|error| error.error)?;
    Ok(())
}
