//! The file of a run, taken where it is to go.

use super::Schedules;
use crate::addresses;
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Paris;
use navette_adapters::parcel::{NotPut, Parcel, put_in_folder};
use navette_domain::{
    digest::Digest,
    export::{
        Format,
        schedule::{Destination, ExportScheduleCommand, Run},
    },
    ids::ExportScheduleId,
    letters,
    personal::Personal,
    ports::{Email, FailureClass, PortFailure},
    third_party::EmailAddress,
};
use navette_projections::{
    exports::{self, ExportRow},
    kinds::ExportState,
    scope::Scope,
};
use std::io::{Read as _, Seek as _};

/// The longest name of a file, in bytes, without its time and extension: file systems stop at 255.
const LONGEST_NAME: usize = 200;

/// Why a file did not arrive.
struct Undelivered {
    /// For the owner of the schedule, in French, without addresses.
    reason: String,
    /// Whether trying again cannot help.
    for_good: bool,
}

impl From<PortFailure> for Undelivered {
    fn from(failure: PortFailure) -> Self {
        Self {
            for_good: failure.class == FailureClass::Rejected,
            reason: failure.to_string(),
        }
    }
}

impl From<NotPut> for Undelivered {
    fn from(fault: NotPut) -> Self {
        Self {
            for_good: matches!(fault, NotPut::Taken(_)),
            reason: fault.to_string(),
        }
    }
}

impl From<anyhow::Error> for Undelivered {
    fn from(cause: anyhow::Error) -> Self {
        tracing::error!(cause = format!("{cause:#}"), "a delivery failed");
        Self {
            reason: "Erreur interne : le fichier n'a pas pu être lu.".to_owned(),
            for_good: false,
        }
    }
}

fn for_good(reason: impl Into<String>) -> Undelivered {
    Undelivered {
        reason: reason.into(),
        for_good: true,
    }
}

impl Schedules {
    pub(super) async fn deliver(&self, id: ExportScheduleId, run: &Run) -> anyhow::Result<()> {
        let rows = exports::by_ids(&self.pool, &Scope::whole(), &[run.export.0]).await?;
        let Some(row) = rows.into_iter().next() else {
            return Ok(());
        };
        let over = match row.state {
            ExportState::Requested => return Ok(()),
            ExportState::Completed => None,
            ExportState::Failed => Some(row.reason.clone().unwrap_or_default()),
            ExportState::Cancelled => Some("L'export a été abandonné.".to_owned()),
            ExportState::Expired => Some("Le fichier de l'export n'est plus conservé.".to_owned()),
        };
        if let Some(reason) = over {
            return self.give_up(id, run.due, reason).await;
        }
        let mut reached = vec![];
        let delivered = self.take(run, &row, &mut reached).await;
        let (export, at) = (run.export, self.dispatcher.now());
        let (what, command) = match delivered {
            Ok(()) => ("delivered", ExportScheduleCommand::Deliver { export, at }),
            Err(Undelivered { reason, for_good }) => {
                tracing::warn!(schedule = %id, %export, reason, "an export could not be delivered");
                let command = ExportScheduleCommand::FailDelivery {
                    export,
                    reason,
                    reached,
                    for_good,
                    at,
                };
                ("delivery failed", command)
            }
        };
        self.tell(id, Self::about(run, what), command).await
    }

    /// Takes the file where it is to go; says which addresses it has reached.
    async fn take(
        &self,
        run: &Run,
        row: &ExportRow,
        reached: &mut Vec<u32>,
    ) -> Result<(), Undelivered> {
        match &run.schedule.destination {
            Destination::Folder(name) => {
                let folder = self.places.folders.get(name).cloned();
                let folder = folder.ok_or_else(|| unknown("folders", name))?;
                let parcel = self.parcel(run, row).await?;
                let put = tokio::task::spawn_blocking(move || put_in_folder(&folder, &parcel));
                put.await.context("putting a file in a folder")??;
                Ok(())
            }
            Destination::Webdav(name) => {
                let collection = self.places.webdav.get(name);
                let collection = collection.ok_or_else(|| unknown("webdav", name))?;
                let parcel = self.parcel(run, row).await?;
                Ok(collection.put_parcel(&parcel).await?)
            }
            Destination::Email(addresses) => self.send(run, row, addresses, reached).await,
        }
    }

    /// The file, out of the store and checked.
    async fn parcel(&self, run: &Run, row: &ExportRow) -> anyhow::Result<Parcel> {
        let digest = row.file.as_deref().context("an export without its file")?;
        let digest: Digest = digest.parse().context("reading a digest")?;
        let content = tempfile::tempfile().context("making a file for a delivery")?;
        let into = Box::new(
            content
                .try_clone()
                .context("making a file for a delivery")?,
        );
        let length = self.files.get_long(digest, into).await;
        let length = length.map_err(|cause| anyhow::anyhow!(cause))?;
        let format = Format::from(row.format);
        Ok(Parcel {
            name: file_name(&run.schedule.name, run.due, format),
            content,
            length: length.with_context(|| format!("the store has lost {digest}"))?,
            digest,
            media_type: format.media_type(),
        })
    }

    /// A message to each address that has none yet. A repeated one is the same, byte for byte.
    async fn send(
        &self,
        run: &Run,
        row: &ExportRow,
        addresses: &[Option<Personal<EmailAddress>>],
        reached: &mut Vec<u32>,
    ) -> Result<(), Undelivered> {
        let (words, attachments) = self.message(run, row).await?;
        let (mut failed, mut hopeless) = (vec![], true);
        let known = (0_u32..).zip(addresses);
        let known = known.filter_map(|(place, address)| Some((place, address.as_ref()?)));
        let mut anybody = false;
        for (place, address) in known {
            anybody = true;
            if run.reached.contains(&place) {
                continue;
            }
            let email = Email {
                message_id: format!("export-{}-{place}@navette", run.export),
                to: Personal(address.reveal().to_string()),
                subject: words.subject.clone(),
                text: words.text.clone(),
                html: words.html.clone(),
                attachments: attachments.clone(),
                date: run.due,
            };
            match self.postman.send(&email).await {
                Ok(()) => reached.push(place),
                Err(failure) => {
                    let failure = Undelivered::from(failure);
                    hopeless &= failure.for_good;
                    failed.push(format!("adresse n° {} : {}", place + 1, failure.reason));
                }
            }
        }
        match (anybody, failed.is_empty()) {
            (false, _) => Err(for_good(
                "Les adresses de cet export programmé ont été effacées.",
            )),
            (true, true) => Ok(()),
            (true, false) => Err(Undelivered {
                reason: failed.join(" ; "),
                for_good: hopeless,
            }),
        }
    }

    /// The words about a file, and the file itself if it is small enough; otherwise a link is among the words.
    async fn message(
        &self,
        run: &Run,
        row: &ExportRow,
    ) -> Result<(letters::Words, Vec<(String, String, Vec<u8>)>), Undelivered> {
        let (name, rows) = (&run.schedule.name, row.rows.unwrap_or_default());
        let day = run.due.with_timezone(&Paris).date_naive();
        let length = row.bytes.unwrap_or_default().unsigned_abs();
        if length <= self.places.attached {
            let parcel = self.parcel(run, row).await?;
            let mut bytes = vec![];
            let mut content = &parcel.content;
            let read = content
                .rewind()
                .and_then(|()| content.read_to_end(&mut bytes));
            read.context("reading the file of a delivery")?;
            let attachment = (parcel.name, parcel.media_type.to_owned(), bytes);
            return Ok((letters::of_export(name, day, rows, None), vec![attachment]));
        }
        let until = row.ended_at.unwrap_or(run.due)
            + TimeDelta::from_std(self.exports.kept_for()).unwrap_or_default();
        let keys = self.dispatcher.log().keys();
        let path = format!("/exports/{}/file", run.export);
        let address = addresses::sign_until(keys, &path, &run.schedule.owner, until);
        let site = self.places.public_url.as_deref();
        let (Some(site), Some(address)) = (site, address) else {
            return Err(for_good(format!(
                "Le fichier ({length} octets) est trop grand pour être joint à un message, et l'adresse de \
                 Navette manque pour en envoyer le lien : `public_url`, dans la section [exports] de la \
                 configuration."
            )));
        };
        let link = format!("{}{address}", site.trim_end_matches('/'));
        let words = letters::of_export(name, day, rows, Some((&link, until)));
        Ok((words, vec![]))
    }
}

fn unknown(section: &str, name: &str) -> Undelivered {
    for_good(format!(
        "La destination « {name} » n'est plus dans la configuration ([exports.{section}])."
    ))
}

/// The name of a file: what the schedule is called, and when it was due.
fn file_name(name: &str, due: DateTime<Utc>, format: Format) -> String {
    let plain = |c: char| {
        if c.is_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    let mut name: String = name.trim().chars().map(plain).collect();
    name.truncate(name.floor_char_boundary(LONGEST_NAME));
    let due = due.with_timezone(&Paris).format("%Y-%m-%d_%Hh%M");
    format!("{name}_{due}.{}", format.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_bears_the_name_and_the_day_of_its_run_and_names_no_other_folder() {
        let due = "2026-03-29T22:30:00Z".parse().unwrap_or_default();
        assert_eq!(
            file_name(" Été/../b.\r\n", due, Format::Scdl),
            "Été____b__2026-03-30_00h30.csv"
        );
    }
}
