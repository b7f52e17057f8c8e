//! The approval app, over OCS.

#![expect(
    clippy::disallowed_methods,
    reason = "an answer without a date is of now"
)]

use super::{NEIGHBOUR, NO_REASON, Nextcloud, failure, files::unreadable, refused, send, wire};
use crate::http;
use chrono::{DateTime, Utc};
use navette_domain::{
    personal::Personal,
    ports::{Answer, Circulation, FailureClass, PortFailure, VisaState},
};
use reqwest::{Method, StatusCode, header::ACCEPT};
use serde_json::{Value, json};

const NOTHING: u8 = 0;
const PENDING: u8 = 1;
const APPROVED: u8 = 2;
const REJECTED: u8 = 3;
/// Pending, and our own account may approve.
const APPROVABLE: u8 = 4;

const LARGEST_ANSWER: usize = 4 << 20;

impl Nextcloud {
    /// Where the app says that the visa stands.
    pub(super) async fn state_by_approval(&self, circulation: &Circulation) -> Answer<VisaState> {
        let seen = self.approval(&circulation.file_id).await?;
        let by = Personal(seen.user_name.or(seen.user_id).unwrap_or_default());
        // A tag set by hand leaves no date: then it was given, at the latest, now.
        let date = seen
            .timestamp
            .and_then(|at| DateTime::from_timestamp(at, 0));
        let at = date.unwrap_or_else(Utc::now);
        let message = seen.message.filter(|message| !message.trim().is_empty());
        Ok(match seen.state {
            NOTHING => {
                // The app sees nothing either when the storage is down: then this fails, and says so.
                self.locate(circulation).await?;
                VisaState::Lost
            }
            APPROVED => match self.content_of(circulation).await? {
                Some(pdf) => VisaState::Approved {
                    by,
                    at,
                    comment: message,
                    pdf,
                },
                None => VisaState::Lost,
            },
            REJECTED => VisaState::Rejected {
                by,
                at,
                reason: message.unwrap_or_else(|| NO_REASON.to_owned()),
            },
            PENDING | APPROVABLE => VisaState::Pending,
            unknown => {
                tracing::warn!(state = unknown, "unknown approval state, taken as pending");
                VisaState::Pending
            }
        })
    }

    /// Asks for approval by the rule named `circuit`, or finds it asked for.
    pub(super) async fn ask_for_approval(&self, file_id: &str, circuit: &str) -> Answer<()> {
        if self.approval(file_id).await?.state != NOTHING {
            return Ok(());
        }
        let rule = self.rule(circuit).await?.to_string();
        // The first request only shares the file with the approvers; the second places the request.
        for create_shares in [true, false] {
            let body = json!({ "createShares": create_shares });
            let route = ["request", file_id, &rule];
            let answer = self.ocs_approval(Method::POST, &route, Some(body)).await?;
            if let Some(error) = answer.remark("error") {
                // Somebody, or an earlier attempt of ours, may have been faster.
                if self.approval(file_id).await?.state != NOTHING {
                    return Ok(());
                }
                let sentence = format!("Nextcloud refuse la demande de visa « {circuit} ».");
                return Err(failure(FailureClass::Rejected, sentence).because(error.to_owned()));
            }
            if let Some(warning) = answer.remark("warning") {
                tracing::warn!(
                    file_id,
                    circuit,
                    warning,
                    "approval was requested with a reserve"
                );
            }
        }
        Ok(())
    }

    /// Where the approval stands; a file that is gone has nothing.
    pub(super) async fn approval(&self, file_id: &str) -> Answer<wire::Approval> {
        let answer = self
            .ocs_approval(Method::GET, &["state", file_id], None)
            .await?;
        answer.data().map_err(unreadable)
    }

    /// The rules that we may request.
    pub(super) async fn rules(&self) -> Answer<Vec<wire::Rule>> {
        let answer = self
            .ocs_approval(Method::GET, &["user-requester-rules"], None)
            .await?;
        answer.data().map_err(unreadable)
    }

    /// The number of the rule named `circuit`, among those we may request.
    pub(super) async fn rule(&self, circuit: &str) -> Answer<i64> {
        let rules = self.rules().await?;
        let mut named = rules
            .iter()
            .filter(|rule| rule.description.trim() == circuit.trim());
        let sentence = match (named.next(), named.next()) {
            (Some(rule), None) => return Ok(rule.id),
            (None, _) => format!(
                "La règle d'approbation « {circuit} » n'existe pas dans Nextcloud, \
                 ou le compte de Navette n'a pas le droit de la demander."
            ),
            (Some(_), Some(_)) => {
                format!("Plusieurs règles d'approbation de Nextcloud s'appellent « {circuit} ».")
            }
        };
        Err(failure(FailureClass::Rejected, sentence))
    }

    /// What the server says of itself, asked once.
    pub(super) async fn server(&self) -> Answer<&wire::Server> {
        let asked = self.server.get_or_try_init(async || {
            let route = ["ocs", "v2.php", "cloud", "capabilities"];
            let answer = self.ocs(Method::GET, &route, None).await?;
            answer.data().map_err(unreadable)
        });
        asked.await
    }

    /// The user's id behind the login, asked once.
    pub(super) async fn user_id(&self) -> Answer<&str> {
        let asked = self.user_id.get_or_try_init(async || {
            let route = ["ocs", "v1.php", "cloud", "user"];
            let answer = self.ocs(Method::GET, &route, None).await?;
            let user: wire::User = answer.data().map_err(unreadable)?;
            Answer::Ok(user.id)
        });
        asked.await.map(String::as_str)
    }

    async fn ocs_approval(
        &self,
        method: Method,
        route: &[&str],
        body: Option<Value>,
    ) -> Answer<wire::Envelope> {
        let mut segments = vec!["ocs", "v2.php", "apps", "approval", "api", "v1"];
        segments.extend(route);
        self.ocs(method, &segments, body).await
    }

    /// An OCS call. A 400 of the called app is an answer, to be read like the others.
    async fn ocs(
        &self,
        method: Method,
        segments: &[&str],
        body: Option<Value>,
    ) -> Answer<wire::Envelope> {
        let url = self.url(segments.iter().copied());
        let mut request = self.request(method, url).header(ACCEPT, "application/json");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = send(request).await?;
        match response.status() {
            StatusCode::NOT_FOUND => return Err(nobody(segments)),
            StatusCode::BAD_REQUEST => {}
            status if status.is_success() => {}
            _ => return Err(refused(&response)),
        }
        let body = http::read_limited(NEIGHBOUR, response, LARGEST_ANSWER).await?;
        let envelope: wire::Envelope = serde_json::from_slice(&body).map_err(unreadable)?;
        match envelope.code() {
            100 | 200 | 400 => Ok(envelope),
            // Version 1 hides these behind a 200.
            997 => Err(failure(
                FailureClass::Credentials,
                "Nextcloud refuse le compte de service de Navette.",
            )),
            404 | 998 => Err(nobody(segments)),
            code => Err(failure(
                FailureClass::Transient,
                format!("Nextcloud n'a pas pu répondre (code {code})."),
            )),
        }
    }
}

/// The failure of a route that the server does not have.
fn nobody(route: &[&str]) -> PortFailure {
    let sentence = if route.contains(&"approval") {
        "L'application d'approbation n'est pas installée dans Nextcloud."
    } else {
        "Un serveur répond à l'adresse de Nextcloud, sans en être un."
    };
    failure(FailureClass::Rejected, sentence)
}
