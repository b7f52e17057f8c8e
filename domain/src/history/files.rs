//! The files that the events of a history name.

use crate::{
    attachment::AttachmentEvent, digest::Digest, document::DocumentEvent, event::Event,
    ports::OfficeFormat, signature::SignatureEvent,
};

/// A file that an event names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedFile {
    /// Its bytes.
    pub digest: Digest,
    /// What its name ends with.
    pub extension: &'static str,
    /// What it is, in French.
    pub label: &'static str,
}

/// The files that this event brought, of those that prove what was made, seen and signed.
pub fn files(event: &Event) -> Vec<NamedFile> {
    let pdf = |digest, label| NamedFile {
        digest,
        extension: "pdf",
        label,
    };
    match event {
        Event::Document(DocumentEvent::Merged { office, format, .. }) => vec![NamedFile {
            digest: *office,
            extension: OfficeFormat::extension(*format),
            label: "Fichier bureautique",
        }],
        Event::Document(DocumentEvent::Converted { pdf: made, .. }) => vec![pdf(made.file, "PDF")],
        Event::Document(DocumentEvent::Visaed { pdf: seen, .. }) => {
            vec![pdf(seen.file, "PDF visé")]
        }
        Event::Document(DocumentEvent::Signed { pdf: signed, .. }) => {
            vec![pdf(signed.file, "PDF signé")]
        }
        Event::Document(DocumentEvent::ScanReturned { pdf: scan, .. }) => {
            vec![pdf(scan.file, "Scan du courrier signé")]
        }
        Event::Signature(SignatureEvent::Retrieved {
            pdf: signed, slip, ..
        }) => {
            let slip = slip.map(|slip| pdf(slip, "Bordereau de signature"));
            [pdf(*signed, "PDF signé")]
                .into_iter()
                .chain(slip)
                .collect()
        }
        Event::Attachment(AttachmentEvent::Added { file, format, .. }) => vec![NamedFile {
            digest: *file,
            extension: format.extension(),
            label: "Pièce jointe",
        }],
        Event::Document(_)
        | Event::Attachment(_)
        | Event::Signature(_)
        | Event::Dossier(_)
        | Event::ThirdParty(_)
        | Event::Batch(_)
        | Event::Template(_)
        | Event::Image(_)
        | Event::Chain(_)
        | Event::Bundle(_)
        | Event::Agent(_)
        | Event::Export(_)
        | Event::ExportModel(_)
        | Event::ExportSchedule(_)
        | Event::Trigger(_)
        | Event::Pause(_)
        | Event::Selection(_) => vec![],
    }
}
