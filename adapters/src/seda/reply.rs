//! What an archive answers: an acknowledgement, then a reply that keeps or refuses.

use crate::soap::{Element, Unreadable};
use chrono::{DateTime, Utc};
use navette_domain::ports::ArchiveAnswer;

/// What the message says of the transfer `identifier`; nothing when it is about another.
pub(super) fn read(bytes: &[u8], identifier: &str) -> Result<Option<ArchiveAnswer>, Unreadable> {
    let message = Element::parse(bytes)?;
    let of_seda = message
        .namespace
        .starts_with("fr:gouv:culture:archivesdefrance:seda:v2.");
    Ok(match message.name.as_str() {
        "Acknowledgement" if of_seda && is(&message, "MessageReceivedIdentifier", identifier) => {
            Some(ArchiveAnswer::Received)
        }
        "ArchiveTransferReply"
            if of_seda && is(&message, "MessageRequestIdentifier", identifier) =>
        {
            Some(judged(&message))
        }
        _ => None,
    })
}

fn is(message: &Element, name: &str, identifier: &str) -> bool {
    message.text_of(name).trim() == identifier
}

/// `000` keeps; everything else refuses, in the archive's own words where it has some.
fn judged(message: &Element) -> ArchiveAnswer {
    let code = message.text_of("ReplyCode").trim();
    if code == "000" {
        let date = message.text_of("GrantDate").trim();
        let date = DateTime::parse_from_rfc3339(date).ok();
        return ArchiveAnswer::Accepted(date.map(|date| date.with_timezone(&Utc)));
    }
    let events = message.child("Operation").into_iter();
    let events = events.flat_map(|operation| operation.all("Event"));
    let said: Vec<_> = events
        .map(|event| event.text_of("OutcomeDetailMessage").trim())
        .chain([message.text_of("Comment").trim()])
        .filter(|said| !said.is_empty())
        .collect();
    ArchiveAnswer::Refused(match said.as_slice() {
        [] => format!("code {code}"),
        said => format!("code {code} : {}", said.join(" ; ")),
    })
}
