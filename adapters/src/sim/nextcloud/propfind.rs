//! PROPFIND: the properties that were asked for, the known in one propstat and the unknown in another.

use super::{
    Account, Cloud, Inner, approval,
    dav::{error, not_found, set},
    tree::Node,
};
use axum::{
    body::Body,
    http::{HeaderMap, Response, StatusCode},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::{events::Event, name::ResolveResult, reader::NsReader};
use std::fmt::Write as _;

const HEAD: &str = "<?xml version=\"1.0\"?>\n<d:multistatus xmlns:d=\"DAV:\" \
    xmlns:s=\"http://sabredav.org/ns\" xmlns:oc=\"http://owncloud.org/ns\" \
    xmlns:nc=\"http://nextcloud.org/ns\">";
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'(')
    .remove(b')');

/// Lists `path` and, at depth 1, what lies right beneath it.
pub(super) fn serve(
    cloud: &Cloud,
    inner: &Inner,
    account: &Account,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Body> {
    let depth = headers.get("Depth").and_then(|value| value.to_str().ok());
    if !matches!(depth, Some("0" | "1")) {
        return error(StatusCode::FORBIDDEN, "Forbidden", "Depth must be 0 or 1");
    }
    if inner.tree.get(path).is_none() {
        return not_found(path);
    }
    let Some(asked) = asked(body) else {
        let text = "the XML is not valid";
        return error(StatusCode::BAD_REQUEST, "BadRequest", text);
    };
    let mut text = HEAD.to_owned();
    for (path, node) in inner.tree.listing(path, depth == Some("1")) {
        let state = approval::state(cloud, inner, account, node.id)["state"].to_string();
        resource(&mut text, &account.user_id, path, node, &state, &asked);
    }
    text.push_str("</d:multistatus>");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = StatusCode::MULTI_STATUS;
    let kind = "application/xml; charset=utf-8";
    set(&mut response, "content-type", kind);
    response
}

fn resource(
    text: &mut String,
    user_id: &str,
    path: &str,
    node: &Node,
    approval_state: &str,
    asked: &[String],
) {
    let is_inner_folder = node.file.is_none() && !path.is_empty();
    let slash = if is_inner_folder { "/" } else { "" };
    let href = format!("/remote.php/dav/files/{user_id}/{path}{slash}");
    let (mut found, mut unknown) = (String::new(), String::new());
    for name in asked {
        let _ = match property(node, approval_state, name) {
            Some(value) => write!(found, "<{name}>{value}</{name}>"),
            None => write!(unknown, "<{name}/>"),
        };
    }
    let href = utf8_percent_encode(&href, KEPT);
    let _ = write!(text, "<d:response><d:href>{href}</d:href>");
    propstat(text, &found, "200 OK");
    propstat(text, &unknown, "404 Not Found");
    text.push_str("</d:response>");
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
