//! The words of iParapheur's SOAP service: what is asked, what is answered.

use crate::soap::{Element, Unreadable, element, envelope};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use navette_domain::ports::SigningRequest;

/// The namespace of every element.
pub const NAMESPACE: &str = "http://www.adullact.org/spring-ws/iparapheur/1.0";
/// The namespace of `contentType`.
pub const MIME_NAMESPACE: &str = "http://www.w3.org/2005/05/xmlmime";
/// The desk's limit on titles.
const LONGEST_TITLE: usize = 100;

/// What is asked of the desk about the folder `id`.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// Create it.
    Create(&'a SigningRequest),
    /// Tell its history.
    History,
    /// Give its content.
    Content,
    /// File it away, once finished or taken back.
    Archive,
    /// Erase it, once rejected.
    EraseRejected,
    /// Take it back while it runs.
    TakeBack,
}

impl Request<'_> {
    /// The operation, as the service calls it.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreerDossier",
            Self::History => "GetHistoDossier",
            Self::Content => "GetDossier",
            Self::Archive => "ArchiverDossier",
            Self::EraseRejected => "EffacerDossierRejete",
            Self::TakeBack => "ExercerDroitRemordDossier",
        }
    }

    /// The message. Three of the operations are text-only: the id is the text of the request itself.
    pub fn message(&self, id: &str) -> String {
        let content = match self {
            Self::Create(request) => creation(id, request),
            // Archived rather than erased: what was signed is never destroyed on our word.
            Self::Archive => element("DossierID", id) + &element("ArchivageAction", "ARCHIVER"),
            Self::History | Self::Content | Self::EraseRejected | Self::TakeBack => {
                quick_xml::escape::escape(id).into_owned()
            }
        };
        let operation = self.operation();
        envelope(&format!(
            "<{operation}Request xmlns=\"{NAMESPACE}\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xmlns:xmime=\"{MIME_NAMESPACE}\">{content}</{operation}Request>"
        ))
    }
}

fn creation(id: &str, request: &SigningRequest) -> String {
    let pdf = BASE64_STANDARD.encode(&request.pdf);
    [
        element("TypeTechnique", &request.desk_type),
        element("SousType", &request.desk_subtype),
        element("DossierID", id),
        element("DossierTitre", &title(&request.title)),
        format!(
            "<DocumentPrincipal xmime:contentType=\"application/pdf\">{pdf}</DocumentPrincipal>"
        ),
        element("NomDocPrincipal", &one_line(&request.file_name)),
        "<VisuelPDF xsi:nil=\"true\"/><XPathPourSignatureXML xsi:nil=\"true\"/>\
         <MetaDataTdtACTES xsi:nil=\"true\"/><AnnotationPublique xsi:nil=\"true\"/>\
         <AnnotationPrivee xsi:nil=\"true\"/>"
            .to_owned(),
        element("Visibilite", "CONFIDENTIEL"),
        "<DateLimite xsi:nil=\"true\"/>".to_owned(),
    ]
    .concat()
}

/// The title as the desk accepts it: line breaks and control characters make some versions fail.
pub fn title(text: &str) -> String {
    one_line(text).chars().take(LONGEST_TITLE).collect()
}

fn one_line(text: &str) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the desk says of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// It knows no folder of this id.
    UnknownFolder,
    /// It has one already.
    DuplicateFolder,
    /// It refuses, with its reason.
    Refused(String),
    /// It says neither yes nor no.
    Unclear,
}

/// Reads the answer to `request`, whatever its outcome.
pub fn answer(request: &Request<'_>, bytes: &[u8]) -> Result<Element, Unreadable> {
    let payload = Element::parse(bytes)?.into_payload()?;
    let expected = payload.namespace == NAMESPACE
        && payload.name.strip_suffix("Response") == Some(request.operation());
    if expected {
        Ok(payload)
    } else {
        Err(Unreadable::Missing("the expected response"))
    }
}

/// The outcome that an answer holds. Refusals come with a status 200.
pub fn outcome(answer: &Element) -> Outcome {
    let Some(report) = answer.child("MessageRetour") else {
        return Outcome::Unclear;
    };
    let message = report.text_of("message");
    let lower = message.to_lowercase();
    match report.text_of("codeRetour") {
        "OK" => Outcome::Done,
        "KO" if lower.contains("introuvable") => Outcome::UnknownFolder,
        "KO" if lower.contains("déjà présent") => Outcome::DuplicateFolder,
        "KO" => Outcome::Refused(message.to_owned()),
        _ => Outcome::Unclear,
    }
}

/// One line of a folder's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// Who.
    pub name: &'a str,
    /// What the folder became.
    pub status: &'a str,
    /// What they wrote.
    pub annotation: &'a str,
}

/// The last line, the only one that decides: earlier ones come in no reliable order of statuses.
pub fn last_entry(history: &Element) -> Option<LogEntry<'_>> {
    history.all("LogDossier").next_back().map(|entry| LogEntry {
        name: entry.text_of("nom"),
        status: entry.text_of("status"),
        annotation: entry.text_of("annotation"),
    })
}

/// The main document of a folder, and its slip: always the last annexe, even when it is the only one.
pub fn documents(folder: &Element) -> Result<(Vec<u8>, Option<Vec<u8>>), Unreadable> {
    let main = folder
        .child("DocPrincipal")
        .ok_or(Unreadable::Missing("DocPrincipal"))?;
    let slip = folder
        .child("DocumentsAnnexes")
        .and_then(|annexes| annexes.all("DocAnnexe").next_back())
        .and_then(|annexe| annexe.child("fichier"))
        .map(decoded)
        .transpose()?;
    Ok((decoded(main)?, slip.filter(|slip| !slip.is_empty())))
}

/// Base64, perhaps in lines. What is cut short is refused rather than guessed.
fn decoded(element: &Element) -> Result<Vec<u8>, Unreadable> {
    let compact: String = element.text.split_ascii_whitespace().collect();
    BASE64_STANDARD
        .decode(compact)
        .map_err(|error| Unreadable::Syntax(format!("base64: {error}")))
}
