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
    /// List the folders of a type and subtype that have this status; the id does not matter.
    Search {
        /// The type.
        desk_type: &'a str,
        /// The subtype.
        desk_subtype: &'a str,
        /// The status.
        status: &'a str,
    },
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
            Self::Search { .. } => "RechercherDossiers",
        }
    }

    /// The message. Three of the operations are text-only: the id is the text of the request itself.
    pub fn message(&self, id: &str) -> String {
        let content = match self {
            Self::Create(request) => creation(id, request),
            // Archived rather than erased: what was signed is never destroyed on our word.
            Self::Archive => element("DossierID", id) + &element("ArchivageAction", "ARCHIVER"),
            Self::Search {
                desk_type,
                desk_subtype,
                status,
            } => [
                element("TypeTechnique", desk_type),
                element("SousType", desk_subtype),
                element("Status", status),
            ]
            .concat(),
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

/// The ids of the folders of a listing: what a history calls a name is one here.
pub fn folders(listing: &Element) -> impl Iterator<Item = &str> {
    listing.all("LogDossier").map(|entry| entry.text_of("nom"))
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn received(operation: &str, content: &str) -> Vec<u8> {
        format!(
            "<S:Envelope xmlns:S=\"http://schemas.xmlsoap.org/soap/envelope/\"><S:Header/>\
             <S:Body><{operation}Response xmlns=\"{NAMESPACE}\" \
             xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xmlns:ns2=\"http://www.w3.org/2005/05/xmlmime\">{content}</{operation}Response>\
             </S:Body></S:Envelope>"
        )
        .into_bytes()
    }

    fn said(code: &str, message: &str) -> Outcome {
        let content = format!(
            "<MessageRetour>{code}<message>{message}</message>\
             <severite>ERROR</severite></MessageRetour>"
        );
        outcome(&answer(&Request::History, &received("GetHistoDossier", &content)).unwrap())
    }

    #[test]
    fn only_an_explicit_ok_is_a_success() {
        let ko = "<codeRetour>KO</codeRetour>";
        assert_eq!(said("<codeRetour>OK</codeRetour>", ""), Outcome::Done);
        assert_eq!(said("<codeRetour/>", ""), Outcome::Unclear);
        assert_eq!(said("", "Dossier soumis"), Outcome::Unclear);
        assert_eq!(said(ko, "Dossier x introuvable."), Outcome::UnknownFolder);
        let duplicate = "Le nom de dossier est déjà présent dans le Parapheur: dossierID = x";
        assert_eq!(said(ko, duplicate), Outcome::DuplicateFolder);
        assert_eq!(said(ko, "Non"), Outcome::Refused("Non".to_owned()));
        let silent = answer(&Request::History, &received("GetHistoDossier", "")).unwrap();
        assert_eq!(outcome(&silent), Outcome::Unclear);
    }

    #[test]
    fn the_answer_to_another_question_is_not_an_answer() {
        assert!(answer(&Request::Content, &received("GetHistoDossier", "")).is_err());
        assert!(answer(&Request::History, b"<html><body>OK</body></html>").is_err());
        assert!(answer(&Request::History, b"").is_err());
    }

    #[test]
    fn the_last_line_of_a_history_decides() {
        let line = |status: &str| {
            format!(
                "<LogDossier><nom>A</nom><status>{status}</status><annotation i:nil=\"true\"/></LogDossier>"
            )
        };
        let log = line("EnCoursVisa") + &line("NonLu");
        let history = answer(&Request::History, &received("GetHistoDossier", &log)).unwrap();
        let last = last_entry(&history).unwrap();
        assert_eq!((last.status, last.annotation), ("NonLu", ""));
    }

    #[test]
    fn the_slip_is_the_last_annexe_of_one_or_many() {
        let annexe = |text: &str| {
            let file = BASE64_STANDARD.encode(text);
            format!(
                "<DocAnnexe><nom>\"a.pdf\"</nom><fichier ns2:contentType=\"application/pdf\">{file}</fichier></DocAnnexe>"
            )
        };
        let folder = |annexes: &str| {
            let content = format!(
                "<DocPrincipal>bGV0\ndHJl\n</DocPrincipal><NomDocPrincipal>\"l.pdf\"</NomDocPrincipal>\
                 <DocumentsAnnexes>{annexes}</DocumentsAnnexes>"
            );
            let folder = answer(&Request::Content, &received("GetDossier", &content)).unwrap();
            documents(&folder).unwrap()
        };
        let slip = Some(b"slip".to_vec());
        assert_eq!(folder(&annexe("slip")), (b"lettre".to_vec(), slip.clone()));
        assert_eq!(folder(&(annexe("other") + &annexe("slip"))).1, slip);
        assert_eq!(folder("").1, None);
    }

    #[test]
    fn a_folder_without_its_document_is_not_a_folder() {
        let nil = "<DocPrincipal i:nil=\"true\"/>";
        let folder = answer(&Request::Content, &received("GetDossier", nil)).unwrap();
        assert!(documents(&folder).is_err());
    }

    #[test]
    fn a_text_only_request_is_the_id_itself() {
        let message = Request::TakeBack.message("nav-1");
        let request = Element::parse(message.as_bytes())
            .unwrap()
            .into_payload()
            .unwrap();
        assert_eq!(request.name, "ExercerDroitRemordDossierRequest");
        assert_eq!(
            request.namespace,
            "http://www.adullact.org/spring-ws/iparapheur/1.0"
        );
        assert_eq!(
            (request.text.as_str(), request.children.len()),
            ("nav-1", 0)
        );
    }
}
