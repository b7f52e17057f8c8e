//! Nextcloud's own words: OCS envelopes, the approval app's answers, and WebDAV's multistatus.

use quick_xml::{events::Event, name::ResolveResult, reader::NsReader};
use serde::{Deserialize, de::DeserializeOwned};

/// What a PROPFIND asks: enough to recognise a file and compare its content.
pub(super) const PROPFIND: &str = "<?xml version=\"1.0\"?>\
    <d:propfind xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\"><d:prop>\
    <oc:fileid/><d:getetag/><d:getcontentlength/></d:prop></d:propfind>";

/// What a PROPFIND asks of a folder in which files circulate: what each is, and where its approval stands.
pub(super) const PROPFIND_APPROVALS: &str = "<?xml version=\"1.0\"?>\
    <d:propfind xmlns:d=\"DAV:\" xmlns:oc=\"http://owncloud.org/ns\" xmlns:nc=\"http://nextcloud.org/ns\">\
    <d:prop><oc:fileid/><nc:approval-state/></d:prop></d:propfind>";

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
    /// `nc:approval-state`, for who asks; none when it was not asked for, or when the app is not there.
    pub(super) approval: Option<u8>,
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
pub(super) fn multistatus(text: &str) -> Result<Vec<Resource>, BadMultistatus> {
    let mut reader = NsReader::from_str(text);
    let (mut resources, mut current, mut value) = (Vec::new(), Resource::default(), String::new());
    loop {
        let (namespace, event) = reader.read_resolved_event()?;
        match event {
            Event::Eof => return Ok(resources),
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
                    ("DAV:", "response") => resources.push(std::mem::take(&mut current)),
                    ("DAV:", "href") => current.href = value,
                    ("DAV:", "getetag") => current.etag = bare(&value).to_owned(),
                    ("DAV:", "getcontentlength") => current.length = value.trim().parse().ok(),
                    ("http://nextcloud.org/ns", "approval-state") => {
                        current.approval = value.trim().parse().ok();
                    }
                    ("http://owncloud.org/ns", "fileid") => {
                        value.trim().clone_into(&mut current.file_id);
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
        let expected = Resource {
            href: "/remote.php/dav/files/u/%C3%A9t%C3%A9.pdf".into(),
            file_id: "77".into(),
            etag: "ab12".into(),
            length: None,
            approval: None,
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
