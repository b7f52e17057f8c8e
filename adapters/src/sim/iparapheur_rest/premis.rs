//! What a folder says of itself, and its ZIP.

use super::{Oddity, desk::Folder};
use crate::{
    iparapheur_rest::premis::{MAIN, NAMESPACE},
    soap::{Element, Unreadable, element},
};
use navette_domain::digest::Digest;
use std::io::{self, Cursor, Write as _};
use zip::{ZipWriter, write::SimpleFileOptions};

/// What a creation asks for: title, type, subtype, file name.
pub(super) fn asked(xml: &[u8]) -> Result<(String, (String, String), String), Unreadable> {
    let root = Element::parse(xml)?;
    if root.namespace != NAMESPACE {
        return Err(Unreadable::Missing("premis"));
    }
    let property = |object: &Element, name: &str| {
        let mut all = object.all("significantProperties");
        let found = all.find(|it| it.text_of("significantPropertiesType") == name);
        found.map(|it| it.text_of("significantPropertiesValue").to_owned())
    };
    let (mut folder, mut file) = (None, None);
    for object in root.all("object") {
        let name = object.text_of("originalName").to_owned();
        if property(object, MAIN).is_some() {
            file = Some(name);
        } else {
            let circuit = (
                property(object, "i_Parapheur_reserved_type").unwrap_or_default(),
                property(object, "i_Parapheur_reserved_subtype").unwrap_or_default(),
            );
            folder = Some((name, circuit));
        }
    }
    let (title, circuit) = folder.ok_or(Unreadable::Missing("the folder"))?;
    Ok((title, circuit, file.ok_or(Unreadable::Missing("the file"))?))
}

/// The description, with dates whose offset has no colon.
pub(super) fn description(folder: &Folder) -> String {
    let mut agents = Vec::<&str>::new();
    let mut events = String::new();
    for event in &folder.events {
        let at = event
            .at
            .map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string());
        let note = element("eventOutcomeDetailNote", &event.note);
        events += &format!(
            "<event><eventIdentifier><eventIdentifierType>taskId</eventIdentifierType>{}</eventIdentifier>\
             {}{}<eventOutcomeInformation><eventOutcomeDetail>{note}</eventOutcomeDetail></eventOutcomeInformation>\
             <linkingAgentIdentifier>{}</linkingAgentIdentifier></event>",
            element("eventIdentifierValue", &event.task.to_string()),
            element("eventType", event.kind),
            element("eventDateTime", &at.unwrap_or_default()),
            element("linkingAgentIdentifierValue", event.by),
        );
        if !agents.contains(&event.by) {
            agents.push(event.by);
        }
    }
    let agents: String = (agents.iter())
        .map(|name| {
            let id = element("agentIdentifierValue", name);
            let name = element("agentName", name);
            format!("<agent><agentIdentifier>{id}</agentIdentifier>{name}</agent>")
        })
        .collect();
    let main =
        element("significantPropertiesType", MAIN) + &element("significantPropertiesValue", "true");
    let digest = element("messageDigest", &Digest::of(&folder.document).to_string());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><premis xmlns=\"{NAMESPACE}\" version=\"3.0\">\
         <object>{}</object>\
         <object><significantProperties>{main}</significantProperties><objectCharacteristics><fixity>\
         <messageDigestAlgorithm>SHA-256</messageDigestAlgorithm>{digest}</fixity></objectCharacteristics>{}</object>\
         {events}{agents}</premis>",
        element("originalName", &folder.title),
        element("originalName", &folder.file_name),
    )
}

pub(super) fn zip(folder: &Folder, oddity: Option<Oddity>) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, bytes: &[u8]| -> io::Result<()> {
        zip.start_file(name, SimpleFileOptions::DEFAULT)?;
        zip.write_all(bytes)
    };
    put(
        "i_Parapheur_internal_premis.xml",
        description(folder).as_bytes(),
    )?;
    let name = format!("Documents principaux/{}", folder.file_name);
    let document: &[u8] = match oddity {
        Some(Oddity::OtherDocument) => b"%PDF-1.7 something else",
        _ => &folder.document,
    };
    put(&name, document)?;
    if oddity == Some(Oddity::ClimbingName) {
        put("Annexes/../../etc/cron.d/evil", b"x")?;
    }
    put("Notification_bordereau.pdf", &folder.slip)?;
    let mut bytes = zip.finish()?.into_inner();
    if oddity == Some(Oddity::TruncatedZip) {
        bytes.truncate(bytes.len() / 2);
    }
    Ok(bytes)
}
