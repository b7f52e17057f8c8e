//! The SOAP service: who may call, which operation is asked, in which words it is answered.

use super::{
    Oddity, Options,
    desk::{Creation, Desk, Folder, LogEntry, Said},
};
use crate::{
    iparapheur::wire::{MIME_NAMESPACE, NAMESPACE},
    soap::{Element, element, envelope},
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Request, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use quick_xml::{NsReader, events::Event, name::ResolveResult};
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone)]
struct Endpoint {
    desk: Arc<Mutex<Desk>>,
    authorization: String,
}

pub(super) fn router(desk: Arc<Mutex<Desk>>, options: &Options) -> Router {
    let account = format!("{}:{}", options.login, options.password);
    let endpoint = Endpoint {
        desk,
        authorization: format!("Basic {}", BASE64_STANDARD.encode(account)),
    };
    // The path with attachments answers inline too.
    Router::new()
        .route("/ws-iparapheur-no-mtom", post(serve))
        .route("/ws-iparapheur", post(serve))
        .layer(DefaultBodyLimit::disable())
        .with_state(endpoint)
}

/// The operation that a request asks for: the local name of the body's content.
pub(super) fn operation(_: &Request<()>, body: &[u8]) -> String {
    let mut reader = NsReader::from_str(std::str::from_utf8(body).unwrap_or_default());
    let mut in_body = false;
    while let Ok((namespace, event)) = reader.read_resolved_event() {
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.local_name();
                if in_body && matches!(namespace, ResolveResult::Bound(_)) {
                    let name = name.as_ref();
                    return name.strip_suffix("Request").unwrap_or(name).to_owned();
                }
                in_body = name.as_ref() == "Body";
            }
            Event::Eof => break,
            _ => {}
        }
    }
    "unknown".to_owned()
}

/// What a portal answers to whoever is not logged in any more.
const PAGE: &str = "<html><body>Votre session a expiré.</body></html>";

async fn serve(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> Response {
    let given = headers
        .get(header::AUTHORIZATION)
        .map(header::HeaderValue::as_bytes);
    if given != Some(endpoint.authorization.as_bytes()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let request = match Element::parse(&body).and_then(Element::into_payload) {
        Ok(request) if request.namespace == NAMESPACE => request,
        Ok(_) => return fault("unknown namespace"),
        Err(error) => return fault(&error.to_string()),
    };
    let Some(operation) = request.name.strip_suffix("Request") else {
        return fault("not a request");
    };
    let mut desk = endpoint.desk.lock().unwrap_or_else(PoisonError::into_inner);
    let oddity = desk.oddity(operation);
    if oddity == Some(Oddity::Fault) {
        return fault("java.lang.NullPointerException");
    }
    if oddity == Some(Oddity::PageForAnswer) {
        return ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], PAGE).into_response();
    }
    match answer(&mut desk, operation, &request, oddity) {
        Some(content) => message(operation, &content, oddity),
        None => fault("unknown operation"),
    }
}

/// The content of the response element; `None` for an operation that this desk does not know.
fn answer(
    desk: &mut Desk,
    operation: &str,
    request: &Element,
    oddity: Option<Oddity>,
) -> Option<String> {
    // Spaces around and inside an id collapse, as its schema type says.
    let id = request
        .text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    Some(match operation {
        "echo" => format!("[navette] m'a dit: \"{}\"!", quick_xml::escape::escape(&id)),
        "CreerDossier" => match creation(request).and_then(|sent| desk.create(sent)) {
            Ok((said, id)) => {
                let id = id.map(|id| element("DossierID", &id)).unwrap_or_default();
                report(&Ok(said)) + &id
            }
            Err(reason) => report(&Err(reason)),
        },
        "GetHistoDossier" => match desk.history(&id) {
            Ok(log) => log.iter().map(log_entry).collect::<String>() + &report(&Ok(String::new())),
            Err(reason) => report(&Err(reason)),
        },
        "GetDossier" => match desk.look(&id) {
            Ok(folder) => content(folder, oddity) + &report(&Ok(String::new())),
            Err(reason) => report(&Err(reason)),
        },
        // It has no report: what is unknown looks like what is empty.
        "RechercherDossiers" => desk
            .search(
                request.text_of("TypeTechnique"),
                request.text_of("SousType"),
                request.text_of("Status"),
            )
            .iter()
            .map(listed)
            .collect(),
        "ArchiverDossier" => {
            let id = request.text_of("DossierID");
            report(&desk.archive(id, request.text_of("ArchivageAction")))
        }
        "EffacerDossierRejete" => report(&desk.erase_rejected(&id)),
        "ExercerDroitRemordDossier" => report(&desk.take_back(&id)),
        _ => return None,
    })
}

fn creation(request: &Element) -> Result<Creation, String> {
    let decoded = |element: Option<&Element>| {
        let text = element.map_or("", |element| element.text.trim());
        BASE64_STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|_| "Document illisible.".to_owned())
    };
    let annexes = request.child("DocumentsAnnexes").into_iter();
    let annexes = annexes
        .flat_map(|annexes| annexes.all("DocAnnexe"))
        .map(|annexe| {
            Ok((
                annexe.text_of("nom").to_owned(),
                decoded(annexe.child("fichier"))?,
            ))
        })
        .collect::<Result<_, String>>()?;
    Ok(Creation {
        id: request.text_of("DossierID").to_owned(),
        desk_type: request.text_of("TypeTechnique").to_owned(),
        subtype: request.text_of("SousType").to_owned(),
        title: request.text_of("DossierTitre").to_owned(),
        file_name: request.text_of("NomDocPrincipal").to_owned(),
        annotation: request.text_of("AnnotationPublique").to_owned(),
        pdf: decoded(request.child("DocumentPrincipal"))?,
        annexes,
    })
}

fn report(said: &Said) -> String {
    let (code, severity, text) = match said {
        Ok(text) => ("OK", "INFO", text),
        Err(text) => ("KO", "ERROR", text),
    };
    let content = element("codeRetour", code) + &element("message", text);
    format!("<MessageRetour>{content}<severite>{severity}</severite></MessageRetour>")
}

fn log_entry(entry: &LogEntry) -> String {
    let at = entry.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    format!(
        "<LogDossier>{}{}{}{}</LogDossier>",
        element("timestamp", &at),
        element("nom", entry.name),
        element("status", entry.status),
        element("annotation", &entry.annotation),
    )
}

/// A line of a listing: the id stands where a history has a name.
fn listed((id, entry): &(String, LogEntry)) -> String {
    let at = entry.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    format!(
        "<LogDossier>{}{}{}<annotation/><accessible>OK</accessible></LogDossier>",
        element("timestamp", &at),
        element("nom", id),
        element("status", entry.status),
    )
}

/// The documents of a folder, and their names in quotes as some versions write them.
fn content(folder: &Folder, oddity: Option<Oddity>) -> String {
    let document = match oddity {
        Some(Oddity::Unsigned) => &folder.sent.pdf[..],
        Some(Oddity::TruncatedPdf) => &folder.document[..folder.document.len() / 2],
        Some(Oddity::PageForPdf) => PAGE.as_bytes(),
        _ => &folder.document[..],
    };
    let mut encoded = BASE64_STANDARD.encode(document);
    if oddity == Some(Oddity::TruncatedBase64) {
        encoded.truncate(encoded.len() / 8 * 4 - 1);
    }
    [
        element("TypeTechnique", &folder.sent.desk_type),
        element("SousType", &folder.sent.subtype),
        element("DossierID", &folder.sent.id),
        "<AnnotationPrivee/><Visibilite>CONFIDENTIEL</Visibilite><DateLimite i:nil=\"true\"/>"
            .to_owned(),
        format!("<DocPrincipal m:contentType=\"application/pdf\">{encoded}</DocPrincipal>"),
        element("NomDocPrincipal", &format!("\"{}\"", folder.sent.file_name)),
        "<SignatureDocPrincipal i:nil=\"true\"/>".to_owned(),
        annexes(folder),
    ]
    .concat()
}

/// The annexes that came with the folder, then its slip, once there is one.
fn annexes(folder: &Folder) -> String {
    let mut text = String::from("<DocumentsAnnexes>");
    let slip = ("\"bordereau.pdf\"".to_owned(), folder.slip.clone());
    let slip = Some(&slip).filter(|(_, bytes)| !bytes.is_empty());
    for (name, bytes) in folder.sent.annexes.iter().chain(slip) {
        text.push_str("<DocAnnexe>");
        text.push_str(&element("nom", name));
        text.push_str("<fichier m:contentType=\"application/pdf\">");
        text.push_str(&BASE64_STANDARD.encode(bytes));
        text.push_str("</fichier><mimetype>application/pdf</mimetype>");
        text.push_str("<encoding>UTF-8</encoding></DocAnnexe>");
    }
    text + "</DocumentsAnnexes>"
}

fn message(operation: &str, content: &str, oddity: Option<Oddity>) -> Response {
    let mut text = envelope(&format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\" xmlns:m=\"{MIME_NAMESPACE}\" \
         xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\">{content}</{operation}Response>"
    ));
    match oddity {
        Some(Oddity::EmptyCode) => {
            text = text.replace("<codeRetour>OK</codeRetour>", "<codeRetour/>");
        }
        Some(Oddity::DocumentType) => {
            text = text.replacen("?>", "?><!DOCTYPE S:Envelope [<!ENTITY x \"OK\">]>", 1);
        }
        _ => {}
    }
    ([(header::CONTENT_TYPE, "text/xml; charset=utf-8")], text).into_response()
}

fn fault(reason: &str) -> Response {
    let reason = element("faultstring", reason);
    let text = envelope(&format!(
        "<S:Fault><faultcode>S:Server</faultcode>{reason}</S:Fault>"
    ));
    let kind = [(header::CONTENT_TYPE, "text/xml; charset=utf-8")];
    (StatusCode::INTERNAL_SERVER_ERROR, kind, text).into_response()
}
