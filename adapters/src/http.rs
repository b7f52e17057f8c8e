//! What every HTTP adapter shares: a careful client, answers read up to a limit, and failures classified.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where clients are made; a date to wait for is measured from now"
)]

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use navette_domain::ports::{Answer, FailureClass, Neighbour, PortFailure};
use reqwest::{
    Client, ClientBuilder, Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Who is called: a neighbour, under the name that people here know it by.
#[derive(Debug, Clone, Copy)]
pub struct Called {
    /// The role it plays.
    pub neighbour: Neighbour,
    /// Its name in a sentence.
    pub name: &'static str,
}

impl Called {
    /// A failure of this neighbour.
    pub fn failure(self, class: FailureClass, sentence: impl Into<String>) -> PortFailure {
        PortFailure::new(self.neighbour, class, sentence)
    }
}

impl From<Neighbour> for Called {
    fn from(neighbour: Neighbour) -> Self {
        let name = neighbour.name();
        Self { neighbour, name }
    }
}

/// The start of a client: TLS by rustls and ring, no redirect followed (a redirect would carry our
/// credentials to whoever is named), and every wait bounded by `timeout`.
pub fn client(timeout: Duration) -> ClientBuilder {
    // Fails only when a provider is already installed, which is what we want.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent("navette")
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .redirect(reqwest::redirect::Policy::none())
}

/// The failure of a call that got no answer, or half of one.
pub fn no_answer(called: impl Into<Called>, error: reqwest::Error) -> PortFailure {
    let called = called.into();
    let name = called.name;
    let (class, sentence) = if error.is_builder() {
        (
            FailureClass::Rejected,
            format!("L'adresse de {name} n'est pas valable : la configuration est à corriger."),
        )
    } else if error.is_timeout() {
        (
            FailureClass::Transient,
            format!("{name} n'a pas répondu à temps."),
        )
    } else {
        (
            FailureClass::Transient,
            format!("La connexion avec {name} n'a pas abouti."),
        )
    };
    // The URL may hold a token or a file name that names a person.
    called.failure(class, sentence).because(error.without_url())
}

/// The response, if its status is a success; otherwise the failure that its status means.
pub fn successful(called: impl Into<Called>, response: Response) -> Answer<Response> {
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(refusal(called, response.status(), response.headers()))
    }
}

/// The failure that a status other than a success means.
pub fn refusal(called: impl Into<Called>, status: StatusCode, headers: &HeaderMap) -> PortFailure {
    let called = called.into();
    let name = called.name;
    let code = status.as_u16();
    let (class, sentence) = match status {
        StatusCode::UNAUTHORIZED => (
            FailureClass::Credentials,
            format!("{name} refuse le compte de service de Navette."),
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            FailureClass::Throttled(patience(headers)),
            format!("{name} demande de patienter."),
        ),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => (
            FailureClass::Transient,
            format!("{name} n'a pas reçu la demande à temps (code {code})."),
        ),
        // Maintenance with a date is a request for patience like another.
        StatusCode::SERVICE_UNAVAILABLE if patience(headers).is_some() => (
            FailureClass::Throttled(patience(headers)),
            format!("{name} est momentanément indisponible."),
        ),
        status if status.is_server_error() => (
            FailureClass::Transient,
            format!("{name} est momentanément indisponible (code {code})."),
        ),
        _ => (
            FailureClass::Rejected,
            format!("{name} refuse la demande (code {code})."),
        ),
    };
    called.failure(class, sentence)
}

/// How long `Retry-After` asks to wait, in seconds or until a date.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    date.signed_duration_since(Utc::now()).to_std().ok()
}

/// The body, refused as soon as it is known to exceed `max` bytes.
pub async fn read_limited(
    called: impl Into<Called>,
    mut response: Response,
    max: usize,
) -> Answer<Bytes> {
    let called = called.into();
    let too_long = || {
        let sentence = format!("La réponse de {} dépasse la taille admise.", called.name);
        called.failure(FailureClass::Rejected, sentence)
    };
    let announced = response.content_length().unwrap_or(0);
    if announced > max as u64 {
        return Err(too_long());
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| no_answer(called, error))?
    {
        if body.len() + chunk.len() > max {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    /// A server that answers one call with `answer`, then hangs up; or never answers, when it is empty.
    async fn server(answer: String) -> (String, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/secret", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        (url, serving)
    }

    async fn get(url: &str, timeout: Duration) -> Answer<Bytes> {
        let neighbour = Neighbour::Nextcloud;
        let client = client(timeout).build().unwrap();
        let response = client.get(url).send().await;
        let response = response.map_err(|error| no_answer(neighbour, error))?;
        read_limited(neighbour, successful(neighbour, response)?, 10).await
    }

    const PATIENT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn an_answer_is_read_up_to_its_limit_announced_or_not() {
        let announced = |body: &str| {
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let (url, _serving) = server(announced("0123456789")).await;
        assert_eq!(get(&url, PATIENT).await.unwrap(), "0123456789");
        let endless = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n0123456789A".to_owned();
        for too_long in [announced("0123456789A"), endless] {
            let (url, _serving) = server(too_long).await;
            let failure = get(&url, PATIENT).await.unwrap_err();
            assert_eq!(failure.class, FailureClass::Rejected);
        }
    }

    #[tokio::test]
    async fn silence_a_hang_up_and_half_an_answer_may_pass() {
        let half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n0123".to_owned();
        for (answer, timeout) in [
            (String::new(), Duration::from_millis(50)),
            ("\0".to_owned(), PATIENT),
            (half, PATIENT),
        ] {
            let (url, serving) = server(answer).await;
            let failure = get(&url, timeout).await.unwrap_err();
            assert_eq!(failure.class, FailureClass::Transient);
            let cause = format!("{:?}", failure.cause);
            assert!(!cause.contains("/secret"), "{cause}");
            serving.abort();
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let redirect = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n\
                        Content-Length: 0\r\n\r\n";
        let (url, _serving) = server(redirect.to_owned()).await;
        let failure = get(&url, PATIENT).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Rejected);
        assert!(failure.sentence.contains("307"), "{failure}");
    }

    fn class(status: u16, retry_after: Option<&str>) -> FailureClass {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        refusal(Neighbour::MaarchCourrier, status, &headers).class
    }

    #[test]
    fn a_status_says_whether_trying_again_can_help() {
        for status in [408, 425, 500, 502, 503, 504] {
            assert_eq!(class(status, None), FailureClass::Transient, "{status}");
        }
        for status in [302, 400, 403, 404, 409, 413, 422] {
            assert_eq!(class(status, None), FailureClass::Rejected, "{status}");
        }
        assert_eq!(class(401, None), FailureClass::Credentials);
    }

    #[test]
    fn patience_is_asked_in_seconds_or_until_a_date() {
        let minute = Some(Duration::from_mins(1));
        assert_eq!(class(429, Some("60")), FailureClass::Throttled(minute));
        assert_eq!(class(503, Some("60")), FailureClass::Throttled(minute));
        assert_eq!(class(429, None), FailureClass::Throttled(None));
        let past = "Wed, 21 Oct 2015 07:28:00 GMT";
        assert_eq!(class(429, Some(past)), FailureClass::Throttled(None));
        let date = (Utc::now() + chrono::Duration::hours(1)).to_rfc2822();
        let FailureClass::Throttled(Some(wait)) = class(429, Some(&date)) else {
            unreachable!("a date is understood");
        };
        assert!(wait > Duration::from_secs(3500));
    }
}
