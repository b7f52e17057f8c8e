//! A simulated archive that speaks SEDA: it takes the packages of one folder, and answers in another.

use super::ledger::Ledger;
use crate::soap::Element;
use navette_domain::ports::Neighbour;
use sha2::{Digest as _, Sha512};
use std::{
    fmt::Write as _,
    fs, io,
    io::{Cursor, Read as _},
    path::{Path, PathBuf},
};
use zip::ZipArchive;

/// The effect that the ledger notes for a package, keyed by its identifier.
pub const TAKEN: &str = "taken";

/// The archive.
pub struct ArchiveSim {
    ledger: Ledger,
    incoming: PathBuf,
    answers: PathBuf,
}

/// What the archive makes of a package.
struct Judged {
    identifier: String,
    namespace: String,
    fault: Option<String>,
}

impl ArchiveSim {
    /// An archive that looks at `incoming` when it is asked to, and answers in `answers`.
    pub fn new(ledger: Ledger, incoming: &Path, answers: &Path) -> Self {
        Self {
            ledger,
            incoming: incoming.to_owned(),
            answers: answers.to_owned(),
        }
    }

    /// Acknowledges every package that is there; takes none.
    pub fn acknowledge(&self) -> io::Result<()> {
        for package in self.packages()? {
            let judged = judge(&fs::read(package)?);
            let content = format!(
                "<MessageReceivedIdentifier>{}</MessageReceivedIdentifier>",
                judged.identifier
            );
            self.answer("Acknowledgement", "ACK", &judged, &content)?;
        }
        Ok(())
    }

    /// Judges every package, takes it away and replies.
    pub fn judge(&self) -> io::Result<()> {
        for package in self.packages()? {
            let bytes = fs::read(&package)?;
            let judged = judge(&bytes);
            let id = &judged.identifier;
            self.ledger
                .note(Neighbour::Archive, TAKEN, id, Some(&bytes));
            let mut content = match &judged.fault {
                None => "<ReplyCode>000</ReplyCode>".to_owned(),
                Some(fault) => format!(
                    "<ReplyCode>101</ReplyCode><Operation><Event><EventDateTime>2026-01-15T10:00:00Z</EventDateTime>\
                     <Outcome>KO</Outcome><OutcomeDetailMessage>{fault}</OutcomeDetailMessage></Event></Operation>"
                ),
            };
            let _ = write!(
                content,
                "<MessageRequestIdentifier>{id}</MessageRequestIdentifier>"
            );
            if judged.fault.is_none() {
                content.push_str("<GrantDate>2026-01-15T10:00:00+01:00</GrantDate>");
            }
            self.answer("ArchiveTransferReply", "ATR", &judged, &content)?;
            fs::remove_file(package)?;
        }
        Ok(())
    }

    fn packages(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.incoming)?;
        let paths = entries.map(|entry| Ok(entry?.path()));
        let zips = |path: &io::Result<PathBuf>| {
            path.as_ref()
                .is_ok_and(|path| path.extension().is_some_and(|end| end == "zip"))
        };
        paths.filter(zips).collect()
    }

    fn answer(&self, kind: &str, prefix: &str, of: &Judged, content: &str) -> io::Result<()> {
        let (namespace, id) = (&of.namespace, &of.identifier);
        let text = format!(
            "<{kind} xmlns=\"{namespace}\"><Date>2026-01-15T10:00:00Z</Date>\
             <MessageIdentifier>{prefix}-{id}</MessageIdentifier>{content}</{kind}>"
        );
        fs::write(self.answers.join(format!("{prefix}-{id}.xml")), text)
    }
}

/// Holds the files against the manifest.
fn judge(package: &[u8]) -> Judged {
    let mut judged = Judged {
        identifier: "unknown".to_owned(),
        namespace: String::new(),
        fault: Some("paquet illisible".to_owned()),
    };
    let Ok(mut zip) = ZipArchive::new(Cursor::new(package)) else {
        return judged;
    };
    let manifest = read(&mut zip, "manifest.xml");
    let manifest = manifest.and_then(|bytes| Element::parse(&bytes).ok());
    let Some(manifest) = manifest else {
        return judged;
    };
    manifest
        .text_of("MessageIdentifier")
        .clone_into(&mut judged.identifier);
    judged.namespace.clone_from(&manifest.namespace);
    judged.fault = fault(&manifest, &mut zip);
    judged
}

fn fault(manifest: &Element, zip: &mut ZipArchive<Cursor<&[u8]>>) -> Option<String> {
    let package = manifest.child("DataObjectPackage")?;
    let grouped = package
        .all("DataObjectGroup")
        .flat_map(|group| group.all("BinaryDataObject"));
    let objects: Vec<_> = package.all("BinaryDataObject").chain(grouped).collect();
    if objects.is_empty() || zip.len() != objects.len() + 1 {
        return Some("le bordereau ne décrit pas les fichiers du paquet".to_owned());
    }
    objects.into_iter().find_map(|object| {
        let uri = object.text_of("Uri");
        let Some(bytes) = read(zip, uri) else {
            return Some(format!("{uri} est illisible"));
        };
        let digest = Sha512::digest(&bytes);
        let digest = digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let sound = object.text_of("MessageDigest") == digest
            && object.text_of("Size") == bytes.len().to_string();
        (!sound).then(|| format!("l'empreinte de {uri} ne correspond pas"))
    })
}

fn read(zip: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    zip.by_name(name).ok()?.read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
