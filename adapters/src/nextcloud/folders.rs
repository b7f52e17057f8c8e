//! Visas by folders: the file is put in one, and whoever answers moves it to another beside it.

use super::{Nextcloud, answers::Verdict, place, wire::Resource};
use navette_domain::ports::{Answer, Attempt, Circulation, VisaRequest, VisaState};
use reqwest::Url;

impl Nextcloud {
    pub(super) async fn circulate_by_folders(
        &self,
        request: &VisaRequest,
        attempt: Attempt,
    ) -> Answer<Circulation> {
        if attempt == Attempt::Again
            && let Some(found) = self.find_in_folders(request).await?
        {
            return Ok(found);
        }
        let path = self.path_to_answer(request);
        // Before the file, so that it can be answered as soon as it is seen.
        for mark in self.answers() {
            self.make_folder(&beside(&path, mark)).await?;
        }
        let file = self.upload(&path, &request.pdf, attempt).await?;
        Ok(Circulation {
            file_id: file.file_id,
            path,
            etag: file.etag,
        })
    }

    /// Where the file is, as a circulation that bears the path at which it was put.
    pub(super) async fn find_in_folders(
        &self,
        request: &VisaRequest,
    ) -> Answer<Option<Circulation>> {
        let path = self.path_to_answer(request);
        for mark in self.marks() {
            let found = self.files_in(&beside(&path, mark)).await?;
            let ours = found.into_iter().find(|file| bears_id_of(file, &path));
            if let Some(file) = ours {
                return Ok(Some(Circulation {
                    file_id: file.file_id,
                    path,
                    etag: file.etag,
                }));
            }
        }
        Ok(None)
    }

    /// Where the visa stands: one request as long as the file is where it was put. A file that lies in both
    /// folders of answers was refused: nothing leaves on a doubt.
    pub(super) async fn state_by_folders(&self, circulation: &Circulation) -> Answer<VisaState> {
        let waiting = self.resource(&circulation.path).await?;
        if waiting.is_some_and(|file| file.file_id == circulation.file_id) {
            return Ok(VisaState::Pending);
        }
        let marks = &self.config.marks;
        for (mark, verdict) in [
            (&marks.refused, Verdict::Refused),
            (&marks.approved, Verdict::Approved),
        ] {
            if let Some((file, url)) = self.moved_to(circulation, mark).await? {
                return self.answered(&file.file_id, url, verdict).await;
            }
        }
        // Renamed where it was, perhaps.
        let renamed = self.moved_to(circulation, &marks.asked).await?;
        Ok(renamed.map_or(VisaState::Lost, |_| VisaState::Pending))
    }

    pub(super) async fn withdraw_from_folders(&self, circulation: &Circulation) -> Answer<()> {
        for mark in self.marks() {
            if let Some((_, url)) = self.moved_to(circulation, mark).await? {
                self.delete(url).await?;
            }
        }
        Ok(())
    }

    /// The file in the folder named `mark`: by its number, which a move keeps, or by the id in its name, which
    /// a copy keeps.
    async fn moved_to(
        &self,
        circulation: &Circulation,
        mark: &str,
    ) -> Answer<Option<(Resource, Url)>> {
        let folder = beside(&circulation.path, mark);
        let files = self.files_in(&folder).await?;
        let is_it = |file: &Resource| {
            file.file_id == circulation.file_id || bears_id_of(file, &circulation.path)
        };
        Ok(files.into_iter().find(is_it).map(|file| {
            let url = self.beside_us(&file.href);
            (file, url)
        }))
    }

    /// What lies in a folder, without the folder itself.
    async fn files_in(&self, folder: &str) -> Answer<Vec<Resource>> {
        let mut files = self.propfind(&self.file_url(folder).await?, "1").await?;
        files.retain(|file| !file.href.ends_with('/'));
        Ok(files)
    }

    async fn make_folder(&self, folder: &str) -> Answer<()> {
        match self.resource(folder).await? {
            Some(_) => Ok(()),
            None => self.make_parents(&format!("{folder}/")).await,
        }
    }

    fn path_to_answer(&self, request: &VisaRequest) -> String {
        let asked = Some(self.config.marks.asked.as_str());
        place::path_in_circuit(&self.config.root_folder, request, asked)
    }
}

/// Whether the file bears the document's id, which ends the names of our files.
fn bears_id_of(file: &Resource, path: &str) -> bool {
    let id = path.rsplit_once("--").map(|(_, id)| id);
    id.is_some_and(|id| file.href.ends_with(id))
}

/// The folder named `mark`, beside that in which `path` lies.
fn beside(path: &str, mark: &str) -> String {
    let mut above = path.rsplitn(3, '/').skip(2);
    above
        .next()
        .map_or_else(|| mark.to_owned(), |circuit| format!("{circuit}/{mark}"))
}
