//! Without the approval app: what people answered, by a tag or by moving the file, and what they wrote beside
//! it. Neither a tag nor a move says who did it; a comment does.

#![expect(
    clippy::disallowed_methods,
    reason = "an answer without a date is of now"
)]

use super::{NO_REASON, Nextcloud, files::method, wire};
use chrono::Utc;
use navette_domain::{
    personal::Personal,
    ports::{Answer, VisaState},
};
use reqwest::Url;

/// Who answered, when no comment says so.
const NOBODY_KNOWN: &str = "non précisé";

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    Refused,
}

impl Nextcloud {
    /// The visa that `verdict` means for the file numbered `file_id`, which is at `url` now.
    pub(super) async fn answered(
        &self,
        file_id: &str,
        url: Url,
        verdict: Verdict,
    ) -> Answer<VisaState> {
        let said = self.last_comment(file_id).await?;
        let name = said.as_ref().map(|said| said.user_name.clone());
        let by = Personal(name.unwrap_or_else(|| NOBODY_KNOWN.to_owned()));
        // Without a comment it was answered, at the latest, now.
        let at = said.as_ref().and_then(|said| said.at);
        let at = at.unwrap_or_else(Utc::now);
        let message = said.map(|said| said.message);
        Ok(match verdict {
            Verdict::Approved => VisaState::Approved {
                by,
                at,
                comment: message,
                pdf: self.content(url).await?.to_vec(),
            },
            Verdict::Refused => VisaState::Rejected {
                by,
                at,
                reason: message.unwrap_or_else(|| NO_REASON.to_owned()),
            },
        })
    }

    /// The last comment that somebody else wrote beside the file.
    async fn last_comment(&self, file_id: &str) -> Answer<Option<wire::Comment>> {
        if !self.server().await?.has_comments() {
            return Ok(None);
        }
        let ours = self.user_id().await?;
        let url = self.url(["remote.php", "dav", "comments", "files", file_id]);
        let request = self.request(method(b"REPORT"), url);
        let nodes = self.multistatus(request, wire::REPORT_COMMENTS).await?;
        let nodes = nodes.unwrap_or_default();
        let comments = nodes.iter().filter_map(wire::Comment::of);
        let theirs = comments.filter(|comment| comment.user_id != ours);
        Ok(theirs.max_by_key(|comment| comment.id))
    }
}
