//! WebDAV on the account's files: PUT, MKCOL, PROPFIND, GET and DELETE.

use super::{
    Account, Cloud, Inner, propfind,
    tree::{self, File},
};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header, request::Parts},
};
use bytes::Bytes;
use percent_encoding::percent_decode_str;

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
    let writes = matches!(parts.method.as_str(), "PUT" | "DELETE" | "MKCOL" | "MOVE");
    if writes && inner.locked.contains(path) {
        return error(StatusCode::LOCKED, "Locked", "the file is locked");
    }
    match parts.method.as_str() {
        "PUT" => put(cloud, &mut inner, path, &parts.headers, body),
        "MKCOL" => mkcol(cloud, &mut inner, path, body),
        "PROPFIND" => propfind::serve(cloud, &inner, account, path, &parts.headers, body),
        "GET" => get(&inner, path),
        "MOVE" => relocate(cloud, &mut inner, (&account.user_id, path), &parts.headers),
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
    if let Some(refusal) = refusal_of_put(cloud, inner, path, headers, body.len()) {
        return refusal;
    }
    for folder in inner.tree.missing_parents(path) {
        cloud.note("folder created", &folder, None);
        inner.tree.make_folder(&folder);
    }
    let (effect, status) = if inner.tree.get(path).is_some() {
        ("overwritten", StatusCode::NO_CONTENT)
    } else {
        ("upload", StatusCode::CREATED)
    };
    cloud.note(effect, path, Some(body));
    let file = File {
        bytes: body.clone(),
        checksum: text_of(headers, "OC-Checksum").map(str::to_owned),
    };
    let node = inner.tree.write(path, file);
    let mut response = answer(status);
    let quoted = format!("\"{}\"", node.etag);
    set(&mut response, "etag", &quoted);
    set(&mut response, "oc-etag", &quoted);
    let padded = format!("{:08}ocnavette", node.id);
    set(&mut response, "oc-fileid", &padded);
    response
}

/// Conditions come first, then the parent, then the quota.
fn refusal_of_put(
    cloud: &Cloud,
    inner: &Inner,
    path: &str,
    headers: &HeaderMap,
    length: usize,
) -> Option<Response<Body>> {
    if inner.tree.is_folder(path) {
        let text = "PUT is not allowed on a folder";
        return Some(error(StatusCode::CONFLICT, "Conflict", text));
    }
    let existing = inner.tree.get(path);
    let existing = existing.map(|node| format!("\"{}\"", node.etag));
    let conditions = (
        text_of(headers, "If-None-Match"),
        text_of(headers, "If-Match"),
    );
    let unmet = match conditions {
        (Some("*"), _) => existing.is_some(),
        (_, Some(mark)) => existing.as_deref() != Some(mark),
        _ => false,
    };
    if unmet {
        let (status, text) = (StatusCode::PRECONDITION_FAILED, "a condition did not hold");
        return Some(error(status, "PreconditionFailed", text));
    }
    let makes_parents = text_of(headers, "X-NC-WebDAV-AutoMkcol") == Some("1");
    let has_parent = inner.tree.missing_parents(path).is_empty();
    if !has_parent && (cloud.options.old_release || !makes_parents) {
        return Some(no_parent(cloud));
    }
    let quota = cloud.options.quota.unwrap_or(usize::MAX);
    let full = inner.tree.used() + length > quota;
    let status = StatusCode::INSUFFICIENT_STORAGE;
    full.then(|| error(status, "InsufficientStorage", "the quota is exceeded"))
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
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

/// The destination is an absolute address; a file there is replaced unless `Overwrite` forbids it.
fn relocate(
    cloud: &Cloud,
    inner: &mut Inner,
    (user, path): (&str, &str),
    headers: &HeaderMap,
) -> Response<Body> {
    let destination = text_of(headers, "Destination").unwrap_or_default();
    let prefix = format!("/remote.php/dav/files/{user}/");
    let target = destination.split_once(&prefix).map(|(_, target)| target);
    let Some(target) = target.map(|target| percent_decode_str(target).decode_utf8_lossy()) else {
        return error(StatusCode::BAD_REQUEST, "BadRequest", "no destination");
    };
    if inner.tree.get(path).is_none() {
        return not_found(path);
    }
    if !inner.tree.missing_parents(&target).is_empty() {
        return no_parent(cloud);
    }
    let replaces = inner.tree.get(&target).is_some();
    if replaces && text_of(headers, "Overwrite") == Some("F") {
        let text = "The destination node already exists, and the overwrite header is set to false";
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", text);
    }
    if replaces {
        inner.tree.remove(&target);
    }
    inner.tree.rename(path, &target);
    cloud.note("moved", &target, None);
    answer(if replaces {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::CREATED
    })
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

/// The answer for a path that leads nowhere.
pub(super) fn not_found(path: &str) -> Response<Body> {
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

/// Sets one header.
pub(super) fn set(response: &mut Response<Body>, name: &'static str, value: &str) {
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
