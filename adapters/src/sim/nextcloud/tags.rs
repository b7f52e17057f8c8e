//! System tags and comments: what people leave on a file.

use super::{
    Account, Cloud, Inner, Part,
    dav::{error, set},
};
use axum::{
    body::Body,
    http::{Method, Response, StatusCode, request::Parts},
};
use chrono::{DateTime, Utc};
use quick_xml::escape::escape;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// What the server knows of tags and comments.
#[derive(Debug, Default)]
pub(super) struct Notes {
    tags: BTreeMap<u64, String>,
    /// Files and their tags, by their numbers.
    tagged: BTreeSet<(u64, u64)>,
    comments: Vec<Comment>,
}

#[derive(Debug)]
struct Comment {
    file: u64,
    author: Account,
    message: String,
    at: DateTime<Utc>,
}

impl Notes {
    /// The number of the tag named `name`, which is made if it is missing.
    pub(super) fn tag(&mut self, name: &str) -> u64 {
        if let Some(id) = self.known(name) {
            return id;
        }
        let id = self.tags.len() as u64 + 1;
        self.tags.insert(id, name.to_owned());
        id
    }

    fn known(&self, name: &str) -> Option<u64> {
        let mut tags = self.tags.iter();
        tags.find(|(_, known)| *known == name).map(|(id, _)| *id)
    }

    /// Puts a tag on a file; false when it was there.
    pub(super) fn put(&mut self, file: u64, tag: u64) -> bool {
        self.tagged.insert((file, tag))
    }

    /// Somebody writes beside a file.
    pub(super) fn comment(&mut self, file: u64, author: Account, message: &str) {
        self.comments.push(Comment {
            file,
            author,
            message: message.to_owned(),
            at: Utc::now(),
        });
    }
}

/// Serves what lies under `/remote.php/dav/`, beside files.
pub(super) fn serve(cloud: &Cloud, route: &str, parts: &Parts, body: &[u8]) -> Response<Body> {
    let words: Vec<&str> = route.split('/').filter(|word| !word.is_empty()).collect();
    let mut inner = cloud.inner();
    let number = |word: &str| word.parse::<u64>().unwrap_or_default();
    match (parts.method.as_str(), words.as_slice()) {
        (_, ["systemtags" | "systemtags-relations", ..]) if cloud.lacks(Part::Tags) => nothing(),
        (_, ["comments", ..]) if cloud.lacks(Part::Comments) => nothing(),
        ("PROPFIND", ["systemtags"]) => listed(inner.notes.tags.iter(), route),
        ("POST", ["systemtags"]) => create(cloud, &mut inner, body),
        ("PROPFIND", ["systemtags-relations", "files", file]) => {
            let file = number(file);
            if inner.tree.path_of(file).is_none() {
                return nothing();
            }
            let notes = &inner.notes;
            let tags = notes.tags.iter();
            let borne = tags.filter(|(tag, _)| notes.tagged.contains(&(file, **tag)));
            listed(borne, route)
        }
        ("PUT", ["systemtags-relations", "files", file, tag]) => {
            assign(cloud, &mut inner, number(file), number(tag))
        }
        ("REPORT", ["comments", "files", file]) => comments(&inner, number(file), route),
        _ => error(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "not here",
        ),
    }
}

fn nothing() -> Response<Body> {
    error(StatusCode::NOT_FOUND, "NotFound", "no such node")
}

fn create(cloud: &Cloud, inner: &mut Inner, body: &[u8]) -> Response<Body> {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(name) = asked["name"].as_str() else {
        return error(StatusCode::BAD_REQUEST, "BadRequest", "Missing name");
    };
    if cloud.lacks(Part::MakingTags) {
        let text = "You don't have permissions to create tags";
        return error(StatusCode::FORBIDDEN, "Forbidden", text);
    }
    if inner.notes.known(name).is_some() {
        let text = "Tag already exists";
        return error(StatusCode::CONFLICT, "Conflict", text);
    }
    let id = inner.notes.tag(name);
    cloud.note("tag created", name, None);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    let at = format!("/remote.php/dav/systemtags/{id}");
    set(&mut response, "content-location", &at);
    response
}

fn assign(cloud: &Cloud, inner: &mut Inner, file: u64, tag: u64) -> Response<Body> {
    if inner.tree.path_of(file).is_none() {
        return nothing();
    }
    let Some(name) = inner.notes.tags.get(&tag).cloned() else {
        let text = "the tag does not exist";
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", text);
    };
    if !inner.notes.put(file, tag) {
        let text = "PUT is only allowed on files";
        return error(StatusCode::CONFLICT, "Conflict", text);
    }
    cloud.note("tagged", &format!("{file} {name}"), None);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::CREATED;
    response
}

/// The collection itself comes first, without the properties of a tag.
fn listed<'a>(tags: impl Iterator<Item = (&'a u64, &'a String)>, route: &str) -> Response<Body> {
    let mut text = collection(
        route,
        "<d:propstat><d:prop><oc:id/><oc:display-name/></d:prop>\
         <d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>",
    );
    for (id, name) in tags {
        let name = escape(name.as_str());
        let _ = write!(
            text,
            "<d:response><d:href>/remote.php/dav/systemtags/{id}</d:href><d:propstat><d:prop>\
             <oc:id>{id}</oc:id><oc:display-name>{name}</oc:display-name></d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        );
    }
    multistatus(text)
}

/// The newest first, as the server lists them; it knows them by their numbers.
fn comments(inner: &Inner, file: u64, route: &str) -> Response<Body> {
    if inner.tree.path_of(file).is_none() {
        return nothing();
    }
    let mut text = collection(route, "");
    for (number, comment) in inner.notes.comments.iter().enumerate().rev() {
        if comment.file != file {
            continue;
        }
        let (author, message) = (&comment.author, escape(comment.message.as_str()));
        let (user, name) = (
            escape(author.user_id.as_str()),
            escape(author.name.as_str()),
        );
        let date = comment.at.format("%a, %d %b %Y %T GMT");
        let _ = write!(
            text,
            "<d:response><d:href>/remote.php/dav/comments/files/{file}/{number}</d:href>\
             <d:propstat><d:prop><oc:id>{number}</oc:id><oc:message>{message}</oc:message>\
             <oc:verb>comment</oc:verb><oc:actorType>users</oc:actorType>\
             <oc:actorId>{user}</oc:actorId><oc:actorDisplayName>{name}</oc:actorDisplayName>\
             <oc:creationDateTime>{date}</oc:creationDateTime></d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        );
    }
    multistatus(text)
}

fn collection(route: &str, propstat: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<d:multistatus xmlns:d=\"DAV:\" xmlns:s=\"http://sabredav.org/ns\" \
         xmlns:oc=\"http://owncloud.org/ns\"><d:response><d:href>/remote.php/dav/{route}/</d:href>\
         {propstat}</d:response>"
    )
}

fn multistatus(mut text: String) -> Response<Body> {
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

/// How a request under `/remote.php/dav/` that is not about files is called.
pub(super) fn operation(method: &Method, path: &str) -> Option<String> {
    let what = match path.strip_prefix("/remote.php/dav/")?.split('/').next()? {
        "systemtags" => "tags",
        "systemtags-relations" => "tag",
        "comments" => "comments",
        _ => return None,
    };
    Some(format!("{method} {what}"))
}
