//! Those who make PDFs of the same letters: a bare LibreOfficeKit loop, unoserver, `soffice`.

use super::{
    super::peers::{Driven, Peers},
    Bench, Cost,
};
use anyhow::{Context as _, ensure};
use navette_adapters::libreoffice::{bare::Order, worker::Reply};
use serde_json::json;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
};

const UNOSERVERS: u16 = 2;
const UNOSERVER_PORT: u16 = 21_003;
const OPTIONS: &str = r#"{"SelectPdfVersion":{"type":"long","value":"2"}}"#;
const FILTER: &str = "writer_pdf_Export";

impl Bench {
    pub(super) fn bare(&self) -> anyhow::Result<Driven> {
        let profile = self.folder.join("bare");
        fs::create_dir_all(&profile)?;
        let mut bare = Driven::start(
            Command::new(std::env::current_exe()?)
                .arg("bare-loop")
                .arg(profile)
                .env("SAL_USE_VCLPLUGIN", "svp"),
        )?;
        let ready: Reply = serde_json::from_str(&bare.answer()?)?;
        ensure!(
            ready == Reply::Ready,
            "the bare loop does not start: {ready:?}"
        );
        Ok(bare)
    }

    pub(super) fn with_bare(&self, bare: &mut Driven, letters: usize) -> anyhow::Result<Cost> {
        Self::cost(|| {
            for input in &self.files[..letters] {
                let order = Order {
                    input: input.clone(),
                    output: self.folder.join("bare.pdf"),
                    options: OPTIONS.into(),
                };
                let reply: Reply = serde_json::from_str(&bare.ask(&serde_json::to_value(order)?)?)?;
                ensure!(reply == Reply::Converted, "the bare loop: {reply:?}");
            }
            Ok(())
        })
    }

    pub(super) fn unoservers(&self, peers: &Peers) -> anyhow::Result<Vec<Driven>> {
        (0..UNOSERVERS)
            .map(|index| {
                let port = UNOSERVER_PORT + 10 * index;
                let profile = self.folder.join(format!("unoserver{index}"));
                Driven::start(
                    peers
                        .python("unoserver", "unoserver_letters.py")
                        .arg(port.to_string())
                        .arg(profile)
                        .stderr(Stdio::null()),
                )
            })
            .collect()
    }

    /// Shares the letters between the daemons.
    pub(super) fn with_unoservers(
        &self,
        daemons: &mut [Driven],
        letters: usize,
    ) -> anyhow::Result<Cost> {
        let share = letters.div_ceil(daemons.len());
        Self::cost(|| {
            thread::scope(|scope| {
                let shares = self.files[..letters].chunks(share);
                let turns: Vec<_> = daemons
                    .iter_mut()
                    .zip(shares)
                    .enumerate()
                    .map(|(index, (daemon, files))| {
                        let output = self.folder.join(format!("unoserver{index}.pdf"));
                        scope.spawn(move || {
                            for input in files {
                                // The daemon wants `Name=value`, and the version of PDF/A by its number.
                                let order = json!({ "input": input, "output": output, "options": ["SelectPdfVersion=2"] });
                                daemon.ask(&order)?;
                                ensure!(fs::metadata(&output)?.len() > 0, "unoserver made no PDF");
                            }
                            Ok(())
                        })
                    })
                    .collect();
                turns.into_iter().try_for_each(|turn| {
                    turn.join()
                        .map_err(|_| anyhow::anyhow!("a turn of unoserver died"))?
                })
            })
        })
    }

    pub(super) fn with_soffice(&self, letters: usize) -> anyhow::Result<Cost> {
        let profile = format!(
            "-env:UserInstallation=file://{}",
            self.folder.join("soffice").display()
        );
        Self::cost(|| {
            for input in &self.files[..letters] {
                let status = Command::new("soffice")
                    .args([profile.as_str(), "--headless", "--convert-to"])
                    .arg(format!("pdf:{FILTER}:{OPTIONS}"))
                    .arg("--outdir")
                    .arg(&self.folder)
                    .arg(input)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .context("soffice")?;
                ensure!(
                    status.success() && is_pdf(&input.with_extension("pdf")),
                    "soffice made no PDF"
                );
            }
            Ok(())
        })
    }
}

fn is_pdf(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"%PDF-"))
}
