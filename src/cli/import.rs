//! `navette import`.

use super::say;
use crate::{
    app::Database,
    clock::Clock,
    config::Config,
    dispatch::Dispatcher,
    epoch::Memory,
    import::{self, ImportFailure, Watermark, import_source},
};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use navette_adapters::{
    demarches::DemarcheSource,
    subsidies::{FileFault, ImportReport, Mapping, ReadOptions, SubsidyFile},
};
use std::{
    error::Error as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The options of `navette import`.
#[derive(Debug, Args)]
pub struct Import {
    /// A CSV, XLSX, XLS or ODS file of subsidies.
    #[arg(required_unless_present = "from")]
    file: Option<PathBuf>,
    /// Take the dossiers of a tool of the configuration instead: what changed since the last time.
    #[arg(long, value_enum, conflicts_with_all = ["file", "mapping", "without_damaged_siret"])]
    from: Option<Source>,
    /// With `--from`: everything, whatever was read before.
    #[arg(long, requires = "from")]
    all: bool,
    /// Say what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Accept rows whose SIRET is damaged, without it.
    #[arg(long)]
    without_damaged_siret: bool,
    /// How the file names its columns, if it follows no known format.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
}

/// A tool that takes dossiers in.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Source {
    /// Démarches simplifiées: the démarche of `[demarches_simplifiees]`.
    DemarchesSimplifiees,
}

/// Imports, and prints one line for each refused row, then the counts. A file that cannot be read is told
/// before any database is opened.
pub(super) async fn import(options: &Import, config: &Config) -> anyhow::Result<ExitCode> {
    let Some(file) = &options.file else {
        return options.import_source(config).await;
    };
    let file = match options.open(file)? {
        Ok(file) => file,
        Err(fault) => return Ok(unreadable(&fault)),
    };
    let database = Database::join(config).await?;
    let imported = options.take(config, &database, file).await;
    database.close().await;
    match imported {
        Ok(report) => {
            say(&options.sentence(&report));
            Ok(ExitCode::SUCCESS)
        }
        Err(ImportFailure::File(fault)) => Ok(unreadable(&fault)),
        Err(ImportFailure::Fault(fault)) => Err(fault),
    }
}

impl Import {
    /// Writes to the log only if it is what it was when this machine last saw it, and remembers it then.
    async fn take(
        &self,
        config: &Config,
        database: &Database,
        file: SubsidyFile,
    ) -> Result<ImportReport, ImportFailure> {
        let (log, memory) = (database.log(), Memory::in_folder(&config.data));
        memory.check(&log).await?;
        let dispatcher = Dispatcher::new(log.clone(), Clock::system());
        let report = import::import(&dispatcher, file, self.dry_run, &mut say).await?;
        memory.remember(&log).await?;
        Ok(report)
    }

    /// The dossiers of a tool. What was read is remembered once all of it is written.
    async fn import_source(&self, config: &Config) -> anyhow::Result<ExitCode> {
        let demarche = config.demarches_simplifiees.as_ref().context(
            "the configuration says nothing of Démarches simplifiées: add its section [demarches_simplifiees]",
        )?;
        let source = DemarcheSource::new(demarche.clone())?;
        let watermark = Watermark::of(&config.data, demarche.demarche);
        let since = if self.all { None } else { watermark.read()? };
        let database = Database::join(config).await?;
        let (log, memory) = (database.log(), Memory::in_folder(&config.data));
        let imported = async {
            memory.check(&log).await?;
            let dispatcher = Dispatcher::new(log.clone(), Clock::system());
            let (report, until) = import_source(
                &dispatcher,
                &source,
                demarche,
                since,
                self.dry_run,
                &mut say,
            )
            .await?;
            memory.remember(&log).await?;
            if let (Some(until), false) = (until, self.dry_run) {
                watermark.write(until)?;
            }
            anyhow::Ok(report)
        };
        let imported = imported.await;
        database.close().await;
        say(&self.sentence(&imported?));
        Ok(ExitCode::SUCCESS)
    }

    fn open(&self, file: &Path) -> anyhow::Result<Result<SubsidyFile, FileFault>> {
        let mapping = match &self.mapping {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("reading the mapping {}", path.display()))?;
                match Mapping::parse(&text) {
                    Ok(mapping) => Some(mapping),
                    Err(fault) => return Ok(Err(fault)),
                }
            }
            None => None,
        };
        let options = ReadOptions {
            without_damaged_siret: self.without_damaged_siret,
            mapping,
        };
        Ok(SubsidyFile::open(file, &options))
    }

    fn sentence(&self, report: &ImportReport) -> String {
        if self.dry_run {
            format!("{report} (essai : rien n'a été enregistré)")
        } else {
            report.to_string()
        }
    }
}

fn unreadable(fault: &FileFault) -> ExitCode {
    say(&fault.to_string());
    if let Some(cause) = fault.source() {
        say(&format!("  {cause}"));
    }
    ExitCode::FAILURE
}
