//! The mail relay, by lettre. The texts come from the app; here they become one message that is the same,
//! byte for byte, each time it is sent.

use crate::http;
use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use navette_domain::{
    digest::Digest,
    ports::{Answer, Email, FailureClass, Named, Neighbour, PortFailure, Postman, Trial},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use std::time::Duration;

/// How the connection to the relay is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmtpTls {
    /// In the clear: only for a relay on the same machine or network, and without a password.
    None,
    /// In the clear, then upgraded before anything is said; refused when the relay cannot.
    Starttls,
    /// From the first byte.
    Tls,
}

/// How to reach the relay.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpConfig {
    /// Its name or address.
    pub host: String,
    /// Its port; 25, 587 or 465 after `tls` otherwise.
    pub port: Option<u16>,
    /// The protection.
    pub tls: SmtpTls,
    /// The account, when one is asked for.
    pub login: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// Who writes: `Département de … <ne-pas-repondre@…>`.
    pub from: String,
    /// How long one sending may last, in seconds.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u64,
}

fn default_timeout() -> u64 {
    60
}

/// The mail relay.
#[derive(Debug, Clone)]
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    timeout: Duration,
}

impl Smtp {
    /// Refuses a sender that is not an address, and a password that would travel in the clear.
    pub fn new(config: &SmtpConfig) -> anyhow::Result<Self> {
        let from = config.from.parse()?;
        let (tls, usual_port) = match config.tls {
            SmtpTls::None => (Tls::None, 25),
            SmtpTls::Starttls => (Tls::Required(TlsParameters::new(config.host.clone())?), 587),
            SmtpTls::Tls => (Tls::Wrapper(TlsParameters::new(config.host.clone())?), 465),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
            .port(config.port.unwrap_or(usual_port))
            .tls(tls)
            .timeout(Some(Duration::from_secs(config.timeout_seconds)));
        if let (Some(login), Some(password)) = (&config.login, &config.password) {
            let local = matches!(config.host.as_str(), "localhost" | "127.0.0.1" | "::1");
            anyhow::ensure!(
                config.tls != SmtpTls::None || local,
                "the password of the mail relay would travel in the clear: set tls to starttls or tls"
            );
            builder = builder.credentials(Credentials::new(
                login.clone(),
                password.expose_secret().to_owned(),
            ));
        }
        Ok(Self {
            transport: builder.build(),
            from,
            timeout: Duration::from_secs(config.timeout_seconds),
        })
    }

    fn message(&self, email: &Email) -> Answer<Message> {
        let to = email.to.reveal().trim().parse().map_err(|_| {
            // The cause would quote the address.
            failure(
                FailureClass::Rejected,
                "L'adresse électronique n'est pas valable.",
            )
        })?;
        let unsendable = |error: Box<dyn std::error::Error + Send + Sync>| {
            failure(
                FailureClass::Rejected,
                "Le message ne peut pas être composé.",
            )
            .because(error)
        };
        let mut message = Message::builder()
            .message_id(Some(format!("<{}>", email.message_id)))
            .date(email.date.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(email.subject.replace(['\r', '\n'], " "));
        for (name, value) in [
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
        ] {
            let name = HeaderName::new_from_ascii(name.into()).map_err(|e| unsendable(e.into()))?;
            message = message.raw_header(HeaderValue::new(name, value.into()));
        }
        let body = body(email).map_err(|e| unsendable(e.into()))?;
        message.multipart(body).map_err(|e| unsendable(e.into()))
    }
}

#[async_trait]
impl Postman for Smtp {
    async fn send(&self, email: &Email) -> Answer<()> {
        let message = self.message(email)?;
        let sending = tokio::time::timeout(self.timeout, self.transport.send(message));
        match sending.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(classified(&error, email.to.reveal())),
            Err(_) => Err(late()),
        }
    }
}

#[async_trait]
impl Trial for Smtp {
    async fn try_out(&self, _named: &Named) -> Vec<Answer<String>> {
        let trying = tokio::time::timeout(self.timeout, self.transport.test_connection());
        let tried = match trying.await {
            Ok(Ok(true)) => Ok("Le serveur de messagerie répond et accepte le compte.".to_owned()),
            Ok(Ok(false)) => Err(hung_up()),
            Ok(Err(error)) => Err(classified(&error, "")),
            Err(_) => Err(late()),
        };
        vec![tried]
    }
}

fn hung_up() -> PortFailure {
    let sentence = "La connexion avec le serveur de messagerie n'a pas abouti.";
    failure(FailureClass::Transient, sentence)
}

fn late() -> PortFailure {
    let sentence = "Le serveur de messagerie n'a pas répondu à temps.";
    failure(FailureClass::Transient, sentence)
}

/// The parts of the message. Their boundaries follow from its Message-ID, so that a repeated sending is the
/// same message byte for byte.
fn body(email: &Email) -> Result<MultiPart, lettre::message::header::ContentTypeErr> {
    let boundary = Digest::of(email.message_id.as_bytes()).to_string();
    let boundary = boundary.get(..40).unwrap_or_default();
    let texts = MultiPart::alternative()
        .boundary(format!("{boundary}-texts"))
        .singlepart(SinglePart::plain(email.text.clone()))
        .singlepart(SinglePart::html(email.html.clone()));
    if email.attachments.is_empty() {
        return Ok(texts);
    }
    let whole = MultiPart::mixed()
        .boundary(format!("{boundary}-parts"))
        .multipart(texts);
    email
        .attachments
        .iter()
        .try_fold(whole, |whole, (name, media_type, bytes)| {
            let attachment = Attachment::new(name.clone());
            let part = attachment.body(bytes.clone(), ContentType::parse(media_type)?);
            Ok(whole.singlepart(part))
        })
}

/// What the relay's answer means (RFC 5321, RFC 4954).
fn classified(error: &smtp::Error, recipient: &str) -> PortFailure {
    let code = error.status().map(u16::from);
    let (class, sentence) = match code {
        Some(530 | 534 | 535 | 538) => (
            FailureClass::Credentials,
            "Le serveur de messagerie refuse le compte de Navette.".into(),
        ),
        // How relays slow a sender down: too many connections, or a recipient that must wait (greylisting).
        Some(421 | 450) => (
            FailureClass::Throttled(None),
            "Le serveur de messagerie demande de patienter.".into(),
        ),
        Some(code @ (501 | 550 | 551 | 553 | 556)) => (
            FailureClass::Rejected,
            format!(
                "L'adresse électronique est refusée par le serveur de messagerie (code {code})."
            ),
        ),
        Some(552) => (
            FailureClass::Rejected,
            "Le message est trop volumineux, ou la boîte du destinataire est pleine (code 552)."
                .into(),
        ),
        Some(code @ 500..) => (
            FailureClass::Rejected,
            format!("Le serveur de messagerie refuse le message (code {code})."),
        ),
        Some(code) => (
            FailureClass::Transient,
            format!("Le serveur de messagerie est momentanément indisponible (code {code})."),
        ),
        // Before anything was sent: such as an address with accents at a relay that does not know them.
        None if error.is_client() => (
            FailureClass::Rejected,
            "Le serveur de messagerie ne peut pas transmettre ce message à cette adresse.".into(),
        ),
        None => {
            let why = http::reason(error).map_or_else(String::new, |why| format!(" : {why}"));
            (
                FailureClass::Transient,
                format!("La connexion avec le serveur de messagerie n'a pas abouti{why}."),
            )
        }
    };
    // Relays like to quote the address in their refusals.
    let said = match recipient.trim() {
        "" => error.to_string(),
        recipient => error.to_string().replace(recipient, "***"),
    };
    failure(class, sentence).because(said)
}

fn failure(class: FailureClass, sentence: impl Into<String>) -> PortFailure {
    PortFailure::new(Neighbour::Smtp, class, sentence)
}

#[cfg(all(test, feature = "sim"))]
mod tests;
