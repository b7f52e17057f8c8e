//! `navette import`.

use super::say;
use crate::{
    app::Database,
    clock::Clock,
    config::Config,
    dispatch::Dispatcher,
    epoch::Memory,
    import::{self, ImportFailure},
};
use anyhow::Context as _;
use clap::Args;
use navette_adapters::subsidies::{FileFault, ImportReport, Mapping, ReadOptions, SubsidyFile};
use std::{error::Error as _, path::PathBuf, process::ExitCode};

/// The options of `navette import`.
#[derive(Debug, Args)]
pub struct Import {
    /// A CSV, XLSX, XLS or ODS file of subsidies.
    file: PathBuf,
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

/// Imports, and prints one line for each refused row, then the counts. A file that cannot be read is told
/// before any database is opened.
pub(super) async fn import(options: &Import, config: &Config) -> anyhow::Result<ExitCode> {
    let file = match options.open()? {
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

    fn open(&self) -> anyhow::Result<Result<SubsidyFile, FileFault>> {
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
        Ok(SubsidyFile::open(&self.file, &options))
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
