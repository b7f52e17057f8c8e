//! Nextcloud's own words: OCS envelopes, the approval app's answers, and WebDAV's multistatus.

use chrono::{DateTime, Utc};
use quick_xml::{events::Event, name::ResolveResult, reader::NsReader};
use serde::{Deserialize, de::DeserializeOwned};
use std::collections::HashMap;

/// What a PROPFIND asks: enough to recognise a file and compare its content.
pub(super) const PROPFIND: &str = "<?xml version=\"1.0\"?>\
    <d:propfind xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\"><d:prop>\
    <oc:fileid/><d:getetag/><d:getcontentlength/></d:prop></d:propfind>";

/// What a PROPFIND asks of tags.
pub(super) const PROPFIND_TAGS: &str = "<?xml version=\"1.0\"?>\
    <d:propfind xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\"><d:prop>\
    <oc:id/><oc:display-name/></d:prop></d:propfind>";

/// The last comments of a file.
pub(super) const REPORT_COMMENTS: &str = "<?xml version=\"1.0\"?>\
    <oc:filter-comments xmlns:oc=\"http://owncloud.org/ns\">\
    <oc:limit>50</oc:limit><oc:offset>0</oc:offset></oc:filter-comments>";

const DAV: &str = "DAV:";
const OC: &str = "http://owncloud.org/ns";

/// One response of a multistatus: a path, and the values that the server knows.
#[derive(Debug, Default)]
pub(super) struct Node {
    href: String,
    /// By namespace and name.
    values: HashMap<(String, String), String>,
}

impl Node {
    fn value(&self, namespace: &str, name: &str) -> &str {
        let key = (namespace.to_owned(), name.to_owned());
        self.values.get(&key).map_or("", |value| value.trim())
    }
}

/// One file of a multistatus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// A percent-encoded path without host.
    pub(super) href: String,
    /// `oc:fileid`: the integer that every other part of Nextcloud goes by.
    pub(super) file_id: String,
    /// Without the quotes that WebDAV puts around it: the approval app compares it bare.
    pub(super) etag: String,
    /// Its size; a folder has none.
    pub(super) length: Option<u64>,
}

impl From<Node> for Resource {
    fn from(node: Node) -> Self {
        Self {
            file_id: node.value(OC, "fileid").to_owned(),
            etag: bare(node.value(DAV, "getetag")).to_owned(),
            length: node.value(DAV, "getcontentlength").parse().ok(),
            href: node.href,
        }
    }
}

/// A tag that people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) id: String,
    pub(super) name: String,
}

impl Tag {
    /// The collection that holds the tags is listed with them, and is none.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let (id, name) = (node.value(OC, "id"), node.value(OC, "display-name"));
        let (id, name) = (id.to_owned(), name.to_owned());
        (!id.is_empty() && !name.is_empty()).then_some(Self { id, name })
    }
}

/// What somebody wrote beside a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    /// They grow with time.
    pub(super) id: u64,
    pub(super) user_id: String,
    pub(super) user_name: String,
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) message: String,
}

impl Comment {
    /// The file's own entry, and what the system notes there, are no comments.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let user_id = node.value(OC, "actorId").to_owned();
        let name = node.value(OC, "actorDisplayName");
        let date = node.value(OC, "creationDateTime");
        let at = DateTime::parse_from_rfc2822(date).or_else(|_| DateTime::parse_from_rfc3339(date));
        let written = node.value(OC, "actorType") == "users" && node.value(OC, "verb") == "comment";
        let comment = Self {
            id: node.value(OC, "id").parse().ok()?,
            user_name: if name.is_empty() {
                user_id.clone()
            } else {
                name.to_owned()
            },
            user_id,
            at: at.ok().map(Into::into),
            message: node.value(OC, "message").to_owned(),
        };
        (written && !comment.message.is_empty()).then_some(comment)
    }
}

/// Why a multistatus could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadMultistatus {
    #[error("the multistatus is not well-formed XML")]
    Xml(#[from] quick_xml::Error),
    #[error("the multistatus has a document type, which we never read")]
    DocumentType,
}

/// Reads a multistatus. Properties that the server does not know come empty, in a second propstat, and
/// never hide those of the first.
pub(super) fn multistatus(text: &str) -> Result<Vec<Node>, BadMultistatus> {
    let mut reader = NsReader::from_str(text);
    let (mut nodes, mut current, mut value) = (Vec::new(), Node::default(), String::new());
    loop {
        let (namespace, event) = reader.read_resolved_event()?;
        match event {
            Event::Eof => return Ok(nodes),
            Event::DocType(_) => return Err(BadMultistatus::DocumentType),
            Event::Start(_) => value.clear(),
            Event::Text(text) => value.push_str(&text.xml10_content()),
            Event::GeneralRef(name) => value.push_str(entity(&name)),
            Event::End(element) => {
                let space = match namespace {
                    ResolveResult::Bound(space) => space.as_ref().to_owned(),
                    _ => String::new(),
                };
                let value = std::mem::take(&mut value);
                match (space.as_str(), element.local_name().as_ref()) {
                    (DAV, "response") => nodes.push(std::mem::take(&mut current)),
                    (DAV, "href") => current.href = value,
                    (_, name) if !value.trim().is_empty() => {
                        let key = (space.clone(), name.to_owned());
                        current.values.insert(key, value);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// The only references there are without a document type; numeric ones have no use in what we read.
fn entity(name: &str) -> &'static str {
    match name {
        "quot" | "#34" => "\"",
        "amp" => "&",
        "apos" => "'",
        "lt" => "<",
        "gt" => ">",
        _ => "",
    }
}

fn bare(etag: &str) -> &str {
    let etag = etag.trim();
    etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"')
}

/// An OCS answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    ocs: Ocs,
}

#[derive(Debug, Deserialize)]
struct Ocs {
    meta: Meta,
    #[serde(default)]
    data: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct Meta {
    statuscode: u16,
}

impl Envelope {
    /// The code that counts, whatever the HTTP status: 100 or 200 is success.
    pub(super) fn code(&self) -> u16 {
        self.ocs.meta.statuscode
    }

    /// The data, as `T`.
    pub(super) fn data<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_value(self.ocs.data)
    }

    /// The text of the approval app's refusal (`error`) or of its reserve (`warning`).
    pub(super) fn remark(&self, key: &str) -> Option<&str> {
        self.ocs.data.get(key)?.as_str()
    }
}

/// `cloud/user`.
#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
}

/// `cloud/capabilities`: which release it is, and which of the parts that we may use are open.
#[derive(Debug, Deserialize)]
pub(super) struct Server {
    pub(super) version: Release,
    #[serde(default)]
    capabilities: Capabilities,
}

#[derive(Debug, Deserialize)]
pub(super) struct Release {
    pub(super) string: String,
}

#[derive(Debug, Default, Deserialize)]
struct Capabilities {
    #[serde(default)]
    files: FileCapabilities,
    systemtags: Option<Switch>,
}

#[derive(Debug, Default, Deserialize)]
struct FileCapabilities {
    comments: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Switch {
    enabled: bool,
}

impl Server {
    /// Old releases do not say, and have them.
    pub(super) fn has_comments(&self) -> bool {
        self.capabilities.files.comments != Some(false)
    }

    /// See `has_comments`.
    pub(super) fn has_tags(&self) -> bool {
        let tags = self.capabilities.systemtags.as_ref();
        tags.is_none_or(|tags| tags.enabled)
    }
}

/// One of `user-requester-rules`; its name is called a description.
#[derive(Debug, Deserialize)]
pub(super) struct Rule {
    pub(super) id: i64,
    pub(super) description: String,
}

/// `state/{fileId}`: 0 nothing, 1 pending, 2 approved, 3 rejected, 4 pending and ours to approve.
#[derive(Debug, Deserialize)]
pub(super) struct Approval {
    pub(super) state: u8,
    #[serde(rename = "userId")]
    pub(super) user_id: Option<String>,
    #[serde(rename = "userName")]
    pub(super) user_name: Option<String>,
    pub(super) timestamp: Option<i64>,
    /// Absent before version 2.5 of the app.
    pub(super) message: Option<String>,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    const SEEN: &str = r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">
        <d:response><d:href>/remote.php/dav/files/u/%C3%A9t%C3%A9.pdf</d:href>
        <d:propstat><d:prop><oc:fileid>77</oc:fileid><d:getetag>&quot;ab12&quot;</d:getetag></d:prop>
        <d:status>HTTP/1.1 200 OK</d:status></d:propstat>
        <d:propstat><d:prop><d:getcontentlength/></d:prop>
        <d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response></d:multistatus>"#;

    #[test]
    fn a_property_that_the_server_does_not_know_hides_no_other() {
        let seen = multistatus(SEEN).unwrap();
        let seen: Vec<_> = seen.into_iter().map(Resource::from).collect();
        let expected = Resource {
            href: "/remote.php/dav/files/u/%C3%A9t%C3%A9.pdf".into(),
            file_id: "77".into(),
            etag: "ab12".into(),
            length: None,
        };
        assert_eq!(seen, [expected]);
    }

    #[test]
    fn a_document_type_is_refused() {
        let bomb = "<!DOCTYPE d [<!ENTITY a \"b\">]><d:multistatus xmlns:d=\"DAV:\"/>";
        assert!(matches!(
            multistatus(bomb),
            Err(BadMultistatus::DocumentType)
        ));
    }

    #[test]
    fn an_ocs_answer_says_what_counts_in_its_envelope() {
        let text = r#"{"ocs":{"meta":{"status":"failure","statuscode":400,"message":""},
            "data":{"error":"Rule does not exist"}}}"#;
        let envelope: Envelope = serde_json::from_str(text).unwrap();
        assert_eq!(envelope.code(), 400);
        assert_eq!(envelope.remark("error"), Some("Rule does not exist"));
    }
}
