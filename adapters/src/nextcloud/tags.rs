//! Visas by system tags: one is put on the file to ask, another is put by whoever answers.

use super::{
    NEIGHBOUR, Nextcloud,
    answers::Verdict,
    failure, place, refused, send,
    wire::{self, Tag},
};
use navette_domain::ports::{Answer, Attempt, Circulation, FailureClass, VisaRequest, VisaState};
use reqwest::{Method, StatusCode, Url};
use serde_json::json;

impl Nextcloud {
    pub(super) async fn circulate_by_tags(
        &self,
        request: &VisaRequest,
        attempt: Attempt,
    ) -> Answer<Circulation> {
        let path = place::path_in_circuit(&self.config.root_folder, request, None);
        let file = self.upload(&path, &request.pdf, attempt).await?;
        let there = self.tags_of(&file.file_id).await?.unwrap_or_default();
        if !there
            .iter()
            .any(|tag| self.marks().contains(&tag.name.as_str()))
        {
            let tag = self.tag(&self.config.marks.asked).await?;
            self.put_tag(&file.file_id, &tag).await?;
        }
        Ok(Circulation {
            file_id: file.file_id,
            path,
            etag: file.etag,
        })
    }

    /// Where the visa stands. A file that bears both answers was refused: nothing leaves on a doubt.
    pub(super) async fn state_by_tags(&self, circulation: &Circulation) -> Answer<VisaState> {
        let file = &circulation.file_id;
        let Some(tags) = self.tags_of(file).await? else {
            // The tags cannot be seen either when the storage is down: then this fails, and says so.
            let found = self.locate(circulation).await?;
            return Ok(found.map_or(VisaState::Lost, |_| VisaState::Pending));
        };
        let marks = &self.config.marks;
        let bears = |name: &str| tags.iter().any(|tag| tag.name == name);
        let verdict = if bears(&marks.refused) {
            Verdict::Refused
        } else if bears(&marks.approved) {
            Verdict::Approved
        } else {
            return Ok(VisaState::Pending);
        };
        match self.locate(circulation).await? {
            Some(url) => self.answered(file, url, verdict).await,
            None => Ok(VisaState::Lost),
        }
    }

    /// The tags of the server that we can see.
    pub(super) async fn tags(&self) -> Answer<Vec<Tag>> {
        let nodes = self
            .listing(&self.tags_url(), "1", wire::PROPFIND_TAGS)
            .await?;
        let nodes = nodes.ok_or_else(|| {
            let sentence = "Les étiquettes collaboratives ne sont pas activées dans Nextcloud.";
            failure(FailureClass::Rejected, sentence)
        })?;
        Ok(nodes.iter().filter_map(Tag::of).collect())
    }

    /// The tag named `name`, made if it is missing.
    async fn tag(&self, name: &str) -> Answer<Tag> {
        if let Some(tag) = self.existing(name).await? {
            return Ok(tag);
        }
        let body = json!({"name": name, "userVisible": true, "userAssignable": true});
        let request = self.request(Method::POST, self.tags_url()).json(&body);
        let response = send(request).await?;
        match response.status() {
            // 409: somebody was faster.
            status if status.is_success() || status == StatusCode::CONFLICT => {}
            StatusCode::FORBIDDEN => return Err(missing(name)),
            _ => return Err(refused(&response)),
        }
        self.existing(name).await?.ok_or_else(|| missing(name))
    }

    async fn existing(&self, name: &str) -> Answer<Option<Tag>> {
        let tags = self.tags().await?;
        Ok(tags.into_iter().find(|tag| tag.name == name))
    }

    async fn put_tag(&self, file_id: &str, tag: &Tag) -> Answer<()> {
        let mut url = self.relations(file_id);
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(&tag.id);
        }
        let response = send(self.request(Method::PUT, url)).await?;
        match response.status() {
            // 409: it bears it already.
            status if status.is_success() || status == StatusCode::CONFLICT => Ok(()),
            StatusCode::FORBIDDEN => {
                let name = &tag.name;
                let sentence = format!(
                    "Le compte de Navette n'a pas le droit de poser l'étiquette « {name} » dans Nextcloud."
                );
                Err(failure(FailureClass::Rejected, sentence))
            }
            _ => Err(refused(&response)),
        }
    }

    /// The tags of a file; `None` when there is no such file.
    async fn tags_of(&self, file_id: &str) -> Answer<Option<Vec<Tag>>> {
        let nodes = self
            .listing(&self.relations(file_id), "1", wire::PROPFIND_TAGS)
            .await?;
        Ok(nodes.map(|nodes| nodes.iter().filter_map(Tag::of).collect()))
    }

    fn relations(&self, file_id: &str) -> Url {
        self.url([
            "remote.php",
            "dav",
            "systemtags-relations",
            "files",
            file_id,
        ])
    }

    fn tags_url(&self) -> Url {
        self.url(["remote.php", "dav", "systemtags"])
    }
}

/// The failure of a tag that is neither there nor ours to make.
pub(super) fn missing(name: &str) -> navette_domain::ports::PortFailure {
    let sentence = format!(
        "L'étiquette « {name} » n'existe pas dans {NEIGHBOUR}, et le compte de Navette ne peut pas la créer."
    );
    failure(FailureClass::Rejected, sentence)
}
