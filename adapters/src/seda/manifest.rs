//! The manifest of a transfer. The order of its elements is that of the schema; `make check-seda` validates
//! what the tests write against the official schemas.

use super::{FinalAction, SedaConfig, SedaVersion};
use crate::soap::element;
use chrono::SecondsFormat;
use navette_domain::ports::{ArchiveTransfer, ArchivedFile};
use sha2::{Digest as _, Sha512};

/// Where a file lies in the ZIP: by its number, since names may repeat.
pub(super) fn path(number: usize, file: &ArchivedFile) -> String {
    let extension = file.name.rsplit_once('.').map_or("bin", |(_, end)| end);
    let plain = !extension.is_empty()
        && extension.len() <= 8
        && extension.chars().all(|sign| sign.is_ascii_alphanumeric());
    let extension = if plain { extension } else { "bin" };
    format!("content/BDO{number}.{}", extension.to_lowercase())
}

pub(super) fn write(config: &SedaConfig, transfer: &ArchiveTransfer) -> String {
    let namespace = config.version.namespace();
    let content = [
        element(
            "Date",
            &transfer.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        ),
        element("MessageIdentifier", &transfer.identifier),
        element("ArchivalAgreement", &line(&config.agreement)),
        nest(
            "CodeListVersions",
            &[
                // Names that the standard wants, for lists that nobody versions.
                element("ReplyCodeListVersion", "ReplyCodeListVersion0"),
                element(
                    "MessageDigestAlgorithmCodeListVersion",
                    "MessageDigestAlgorithmCodeListVersion0",
                ),
                element("FileFormatCodeListVersion", "FileFormatCodeListVersion0"),
            ],
        ),
        nest("DataObjectPackage", &package(config, transfer)),
        agency("ArchivalAgency", &config.archival_agency),
        agency("TransferringAgency", &config.transferring_agency),
    ];
    let content = content.concat();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <ArchiveTransfer xmlns=\"{namespace}\">{content}</ArchiveTransfer>\n"
    )
}

fn package(config: &SedaConfig, transfer: &ArchiveTransfer) -> Vec<String> {
    let files = (1..).zip(&transfer.files);
    let mut parts: Vec<_> = files
        .map(|(number, file)| object(config.version, number, file))
        .collect();
    parts.push(nest("DescriptiveMetadata", &[dossier(config, transfer)]));
    parts.push(match config.version {
        SedaVersion::V2_0 => "<ManagementMetadata/>".to_owned(),
        SedaVersion::V2_1 | SedaVersion::V2_2 => nest(
            "ManagementMetadata",
            &[element(
                "OriginatingAgencyIdentifier",
                &line(&config.transferring_agency),
            )],
        ),
    });
    parts
}

/// Version 2.0 names the group of an object inside it; later ones wrap it.
fn object(version: SedaVersion, number: usize, file: &ArchivedFile) -> String {
    let digest = hex(&Sha512::digest(&file.bytes));
    let group = match version {
        SedaVersion::V2_0 => element("DataObjectGroupId", &format!("G{number}")),
        SedaVersion::V2_1 | SedaVersion::V2_2 => String::new(),
    };
    let content = [
        group,
        element("DataObjectVersion", "BinaryMaster_1"),
        element("Uri", &path(number, file)),
        format!("<MessageDigest algorithm=\"SHA-512\">{digest}</MessageDigest>"),
        element("Size", &file.bytes.len().to_string()),
        nest(
            "FormatIdentification",
            &[element("MimeType", &line(&file.media_type))],
        ),
        nest("FileInfo", &[element("Filename", &line(&file.name))]),
    ];
    let content = content.concat();
    let object = format!("<BinaryDataObject id=\"BDO{number}\">{content}</BinaryDataObject>");
    match version {
        SedaVersion::V2_0 => object,
        SedaVersion::V2_1 | SedaVersion::V2_2 => {
            format!("<DataObjectGroup id=\"G{number}\">{object}</DataObjectGroup>")
        }
    }
}

fn dossier(config: &SedaConfig, transfer: &ArchiveTransfer) -> String {
    let (from, to) = (transfer.from.to_string(), transfer.to.to_string());
    let action = match config.final_action {
        FinalAction::Keep => "Keep",
        FinalAction::Destroy => "Destroy",
    };
    let rule = [
        element("Rule", &line(&config.appraisal_rule)),
        element("StartDate", &to),
        element("FinalAction", action),
    ];
    let content = [
        element("DescriptionLevel", "RecordGrp"),
        element("Title", &line(&transfer.title)),
        element("OriginatingSystemId", &line(&transfer.dossier_reference)),
        element("Description", &line(&transfer.description)),
        element("StartDate", &from),
        element("EndDate", &to),
    ];
    let mut parts = vec![
        nest("Management", &[nest("AppraisalRule", &rule)]),
        nest("Content", &content),
    ];
    let files = (1..).zip(&transfer.files);
    parts.extend(files.map(|(number, file)| document(number, file)));
    format!("<ArchiveUnit id=\"AU0\">{}</ArchiveUnit>", parts.concat())
}

fn document(number: usize, file: &ArchivedFile) -> String {
    let content = [
        element("DescriptionLevel", "Item"),
        element("Title", &line(&file.title)),
    ];
    let reference = element("DataObjectGroupReferenceId", &format!("G{number}"));
    let parts = [
        nest("Content", &content),
        nest("DataObjectReference", &[reference]),
    ];
    format!(
        "<ArchiveUnit id=\"AU{number}\">{}</ArchiveUnit>",
        parts.concat()
    )
}

fn agency(name: &str, identifier: &str) -> String {
    nest(name, &[element("Identifier", &line(identifier))])
}

fn nest(name: &str, parts: &[String]) -> String {
    format!("<{name}>{}</{name}>", parts.concat())
}

/// Control characters have no place in XML, escaped or not.
fn line(text: &str) -> String {
    let spaced = text
        .chars()
        .map(|sign| if sign.is_control() { ' ' } else { sign });
    let spaced: String = spaced
        .filter(|sign| !matches!(sign, '\u{fffe}' | '\u{ffff}'))
        .collect();
    spaced.trim().to_owned()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
