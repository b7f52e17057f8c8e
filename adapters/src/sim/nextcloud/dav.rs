//! WebDAV on the account's files: PUT, MKCOL, PROPFIND, GET and DELETE.

use super::{
    Account, Cloud, Inner, approval,
    tree::{self, File, Node},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use quick_xml::{events::Event, name::ResolveResult, reader::NsReader};
use std::fmt::Write as _;

const BASE: &str = "/remote.php/dav/files";
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'(')
    .remove(b')');

/// Serves `/remote.php/dav/files/{rest}`.
pub(super) fn serve(
    cloud: &Cloud,
    account: &Account,
    rest: &str,
    parts: &Parts,
    body: &Bytes,
) -> Response<Body> {
    let decoded = percent_decode_str(rest).decode_utf8_lossy();
    let (user, path) = decoded.split_once('/').unwrap_or((&decoded, ""));
    if user != account.user_id {
        return error(StatusCode::NOT_FOUND, "NotFound", "Principal not found");
    }
    let path = path.trim_end_matches('/');
    let mut inner = cloud.inner();
    let writes = matches!(parts.method.as_str(), "PUT" | "DELETE" | "MKCOL");
    if writes && inner.locked.contains(path) {
        return error(StatusCode::LOCKED, "Locked", "the file is locked");
    }
    match parts.method.as_str() {
        "PUT" => put(cloud, &mut inner, path, &parts.headers, body),
        "MKCOL" => mkcol(cloud, &mut inner, path, body),
        "PROPFIND" => propfind(cloud, &inner, account, path, &parts.headers, body),
        "GET" => get(&inner, path),
        "DELETE" if inner.tree.remove(path) => {
            cloud.note("deleted", path, None);
            answer(StatusCode::NO_CONTENT)
        }
        "DELETE" => not_found(path),
        _ => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "not here"),
    }
}

fn put(
    cloud: &Cloud,
    inner: &mut Inner,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Body> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let existing = inner
        .tree
        .get(path)
        .map(|node| format!("\"{}\"", node.etag));
    if inner.tree.is_folder(path) {
        return error(
            StatusCode::CONFLICT,
            "Conflict",
            "PUT is not allowed on a folder",
        );
    }
    let refused = match (value("If-None-Match"), value("If-Match")) {
        (Some("*"), _) => existing.is_some(),
        (_, Some(mark)) => existing.as_deref() != Some(mark),
        _ => false,
    };
    if refused {
        let text = "An If-None-Match or If-Match header was specified, and it did not hold";
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", text);
    }
    let missing = inner.tree.missing_parents(path);
    let asked = value("X-NC-WebDAV-AutoMkcol") == Some("1");
    if !missing.is_empty() && (cloud.options.old_release || !asked) {
        return no_parent(cloud);
    }
    let quota = cloud.options.quota.unwrap_or(usize::MAX);
    if inner.tree.used() + body.len() > quota {
        let text = "the quota is exceeded";
        return error(
            StatusCode::INSUFFICIENT_STORAGE,
            "InsufficientStorage",
            text,
        );
    }
    for folder in missing {
        cloud.note("folder created", &folder, None);
        inner.tree.make_folder(&folder);
    }
    let file = File {
        bytes: body.clone(),
        checksum: value("OC-Checksum").map(str::to_owned),
    };
    let (effect, status) = if existing.is_some() {
        ("overwritten", StatusCode::NO_CONTENT)
    } else {
        ("upload", StatusCode::CREATED)
    };
    cloud.note(effect, path, Some(body));
    let node = inner.tree.write(path, file);
    let mut response = answer(status);
    let quoted = format!("\"{}\"", node.etag);
    set(&mut response, "etag", &quoted);
    set(&mut response, "oc-etag", &quoted);
    set(
        &mut response,
        "oc-fileid",
        &format!("{:08}ocnavette", node.id),
    );
    response
}

fn mkcol(cloud: &Cloud, inner: &mut Inner, path: &str, body: &Bytes) -> Response<Body> {
    if !body.is_empty() {
        let text = "The request body must be empty or XML";
        return error(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            text,
        );
    }
    if inner.tree.get(path).is_some() {
        let text = "The resource you tried to create already exists";
        return error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", text);
    }
    if !inner.tree.missing_parents(path).is_empty() {
        return no_parent(cloud);
    }
    inner.tree.make_folder(path);
    cloud.note("folder created", path, None);
    answer(StatusCode::CREATED)
}

fn get(inner: &Inner, path: &str) -> Response<Body> {
    let Some(node) = inner.tree.get(path) else {
        return not_found(path);
    };
    let Some(file) = &node.file else {
        let text = "GET is not allowed on a folder";
        return error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", text);
    };
    let mut response = Response::new(Body::from(file.bytes.clone()));
    set(&mut response, "content-type", "application/pdf");
    set(&mut response, "etag", &format!("\"{}\"", node.etag));
    response
}

fn propfind(
    cloud: &Cloud,
    inner: &Inner,
    account: &Account,
    path: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Body> {
    let depth = headers.get("Depth").and_then(|value| value.to_str().ok());
    if !matches!(depth, Some("0" | "1")) {
        return error(StatusCode::FORBIDDEN, "Forbidden", "Depth must be 0 or 1");
    }
    if inner.tree.get(path).is_none() {
        return not_found(path);
    }
    let Some(asked) = asked(body) else {
        return error(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "the XML is not valid",
        );
    };
    let mut text = String::from(
        "<?xml version=\"1.0\"?>\n<d:multistatus xmlns:d=\"DAV:\" \
         xmlns:s=\"http://sabredav.org/ns\" xmlns:oc=\"http://owncloud.org/ns\" \
         xmlns:nc=\"http://nextcloud.org/ns\">",
    );
    for (path, node) in inner.tree.listing(path, depth == Some("1")) {
        let state = approval::state(cloud, inner, account, node.id)["state"].to_string();
        let slash = if node.file.is_none() && !path.is_empty() {
            "/"
        } else {
            ""
        };
        let href = format!("{BASE}/{}/{path}{slash}", account.user_id);
        let (mut found, mut unknown) = (String::new(), String::new());
        for name in &asked {
            match property(node, &state, name) {
                Some(value) => write!(found, "<{name}>{value}</{name}>"),
                None => write!(unknown, "<{name}/>"),
            }
            .unwrap_or_default();
        }
        let href = utf8_percent_encode(&href, KEPT);
        let _ = write!(text, "<d:response><d:href>{href}</d:href>");
        propstat(&mut text, &found, "200 OK");
        propstat(&mut text, &unknown, "404 Not Found");
        text.push_str("</d:response>");
    }
    text.push_str("</d:multistatus>");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::MULTI_STATUS;
    set(
        &mut response,
        "content-type",
        "application/xml; charset=utf-8",
    );
    response
}

fn propstat(text: &mut String, properties: &str, status: &str) {
    if !properties.is_empty() {
        let _ = write!(
            text,
            "<d:propstat><d:prop>{properties}</d:prop><d:status>HTTP/1.1 {status}</d:status></d:propstat>"
        );
    }
}

/// The value of one property, or `None` when the node has none.
fn property(node: &Node, approval_state: &str, name: &str) -> Option<String> {
    let file = node.file.as_ref();
    let text = match name {
        "d:getetag" => format!("&quot;{}&quot;", node.etag),
        "d:getlastmodified" => node.modified.format("%a, %d %b %Y %T GMT").to_string(),
        "d:getcontentlength" => file?.bytes.len().to_string(),
        "d:resourcetype" if file.is_some() => String::new(),
        "d:resourcetype" => "<d:collection/>".into(),
        "oc:fileid" => node.id.to_string(),
        "oc:size" => file.map_or(0, |file| file.bytes.len()).to_string(),
        "oc:checksums" => {
            let checksum = file?.checksum.as_ref()?;
            format!(
                "<oc:checksum>{}</oc:checksum>",
                quick_xml::escape::escape(checksum)
            )
        }
        "nc:approval-state" => approval_state.to_owned(),
        _ => return None,
    };
    Some(text)
}

/// The properties asked for, with our prefixes; `None` when the body is not XML.
fn asked(body: &[u8]) -> Option<Vec<String>> {
    let mut reader = NsReader::from_reader(body);
    let (mut names, mut buffer, mut in_prop) = (Vec::new(), Vec::new(), false);
    loop {
        let (namespace, event) = reader.read_resolved_event_into(&mut buffer).ok()?;
        let element = match &event {
            Event::Eof => return Some(names),
            Event::DocType(_) => return None,
            Event::Start(element) | Event::Empty(element) => element,
            _ => continue,
        };
        let local = element.local_name().as_ref().to_owned();
        if in_prop {
            let ResolveResult::Bound(namespace) = namespace else {
                continue;
            };
            let prefix = match namespace.as_ref() {
                "DAV:" => "d",
                "http://owncloud.org/ns" => "oc",
                "http://nextcloud.org/ns" => "nc",
                _ => continue,
            };
            names.push(format!("{prefix}:{local}"));
        }
        in_prop |= local == "prop";
        buffer.clear();
    }
}

fn no_parent(cloud: &Cloud) -> Response<Body> {
    let status = if cloud.options.old_release {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::CONFLICT
    };
    error(
        status,
        "Conflict",
        "Files cannot be created in non-existent collections",
    )
}

fn not_found(path: &str) -> Response<Body> {
    let name = path.strip_prefix(tree::parent(path).unwrap_or_default());
    let text = format!(
        "File with name {} could not be located",
        name.unwrap_or(path)
    );
    error(StatusCode::NOT_FOUND, "NotFound", &text)
}

fn answer(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// A refusal with sabre's body.
pub(super) fn error(status: StatusCode, exception: &str, message: &str) -> Response<Body> {
    let message = quick_xml::escape::escape(message);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:error xmlns:d=\"DAV:\" \
         xmlns:s=\"http://sabredav.org/ns\"><s:exception>Sabre\\DAV\\Exception\\{exception}\
         </s:exception><s:message>{message}</s:message></d:error>"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
