//! The approval app, over OCS.

use super::{NEIGHBOUR, Nextcloud, failure, files::unreadable, refused, send, wire};
use crate::http;
use navette_domain::ports::{Answer, FailureClass};
use reqwest::{Method, StatusCode, header::ACCEPT};
use serde_json::{Value, json};

pub(super) const NOTHING: u8 = 0;
pub(super) const PENDING: u8 = 1;
pub(super) const APPROVED: u8 = 2;
pub(super) const REJECTED: u8 = 3;
/// Pending, and our own account may approve.
pub(super) const APPROVABLE: u8 = 4;

const LARGEST_ANSWER: usize = 4 << 20;

impl Nextcloud {
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

    /// The number of the rule named `circuit`, among those we may request.
    async fn rule(&self, circuit: &str) -> Answer<i64> {
        let answer = self
            .ocs_approval(Method::GET, &["user-requester-rules"], None)
            .await?;
        let rules: Vec<wire::Rule> = answer.data().map_err(unreadable)?;
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
            StatusCode::NOT_FOUND => return Err(no_such_app()),
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
            404 | 998 => Err(no_such_app()),
            code => Err(failure(
                FailureClass::Transient,
                format!("Nextcloud n'a pas pu répondre (code {code})."),
            )),
        }
    }
}

fn no_such_app() -> navette_domain::ports::PortFailure {
    failure(
        FailureClass::Rejected,
        "L'application d'approbation n'est pas installée dans Nextcloud.",
    )
}
