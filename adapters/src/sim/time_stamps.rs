//! A simulated time stamp authority (RFC 3161) that really signs, and may misbehave.

use super::cms::CmsSigner;
use axum::{Router, extract::State, http::header::CONTENT_TYPE, routing::post};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use chrono::Utc;
use cms::cert::x509::{
    der::{
        self, Any, Decode as _, Encode as _, Tag, Tagged as _,
        asn1::{ObjectIdentifier, OctetString},
        oid::db::rfc3161::ID_CT_TST_INFO,
    },
    spki::AlgorithmIdentifierOwned,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
    CustomExtension, DnType, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// The policy it stamps under, unless it is asked for another.
const POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.99999.1");
/// Extended key usage, with time stamping alone.
const STAMPS_TIMES: [u8; 12] = [
    0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08,
];

/// What it does with a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Manner {
    /// Stamps what it is asked to.
    #[default]
    Honest,
    /// Stamps another digest.
    WrongImprint,
    /// Answers somebody else's request.
    WrongNonce,
    /// Refuses, with words.
    Refuses,
    /// Answers something else.
    Garbage,
    /// Answers more than anybody reads.
    Endless,
    /// Takes the request and never answers.
    Hangs,
    /// Signs, then changes the time.
    Backdates,
    /// Signs with a certificate that is not made for it.
    WrongCertificate,
}

/// What has become of the certificate that it stamps with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It holds.
    InForce,
    /// Its key was stolen.
    Stolen,
    /// Another took its place, long ago.
    LongReplaced,
    /// Another takes its place, in many years.
    ReplacedLater,
}

impl Fate {
    const ALL: [Self; 4] = [
        Self::InForce,
        Self::Stolen,
        Self::LongReplaced,
        Self::ReplacedLater,
    ];

    fn revocation(self, serial: &[u8]) -> Option<RevokedCertParams> {
        let (year, reason) = match self {
            Self::InForce => return None,
            Self::Stolen => (2100, RevocationReason::KeyCompromise),
            Self::LongReplaced => (2001, RevocationReason::Superseded),
            Self::ReplacedLater => (2100, RevocationReason::Superseded),
        };
        Some(RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: date_time_ymd(year, 1, 1),
            reason_code: Some(reason),
            invalidity_date: None,
        })
    }
}

/// A running authority; it stops when dropped.
#[derive(Debug)]
pub struct TimeStampSim {
    shared: Arc<Shared>,
    url: String,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    ca: Vec<u8>,
    lists: Vec<Vec<u8>>,
    signer: CmsSigner,
    other: CmsSigner,
    manner: Mutex<(Manner, u32)>,
}

impl Drop for TimeStampSim {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl TimeStampSim {
    /// On a free loopback port, with keys of its own.
    pub async fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::new()?);
        let router = Router::new()
            .route("/", post(answer))
            .with_state(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let serving = tokio::spawn(async move {
            // It ends when the simulator is dropped.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self {
            shared,
            url,
            serving,
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on, it behaves so.
    pub fn becomes(&self, manner: Manner) {
        self.shared.lock().0 = manner;
    }

    /// How many requests it took.
    pub fn asked(&self) -> u32 {
        self.shared.lock().1
    }

    /// The certificate that its own leads to, in PEM.
    pub fn ca_pem(&self) -> String {
        pem("CERTIFICATE", &self.shared.ca)
    }

    /// The list of the certificates it revoked, in PEM, when this is what has become of its own.
    pub fn crl_pem(&self, fate: Fate) -> String {
        let list = Fate::ALL.iter().position(|known| *known == fate);
        let list = list.and_then(|at| self.shared.lists.get(at));
        pem("X509 CRL", list.map_or(&[], Vec::as_slice))
    }
}

fn pem(what: &str, der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n")
}

impl Shared {
    fn new() -> io::Result<Self> {
        let named = |name: &str| {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, name);
            params
        };
        let mut ca = named("Autorité racine (simulation)");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let ca = CertifiedIssuer::self_signed(ca, key).map_err(io::Error::other)?;
        let other = named("Autre service (simulation)");
        let mut stamps = named("Horodatage (simulation)");
        let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], STAMPS_TIMES.to_vec());
        usage.set_criticality(true);
        stamps.custom_extensions = vec![usage];
        stamps.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let signer = CmsSigner::issued_by(&ca, &stamps)?;
        let list = |fate: Fate| {
            let list = CertificateRevocationListParams {
                this_update: date_time_ymd(2026, 1, 1),
                next_update: date_time_ymd(2100, 1, 1),
                crl_number: 1.into(),
                issuing_distribution_point: None,
                revoked_certs: fate.revocation(signer.serial()).into_iter().collect(),
                key_identifier_method: KeyIdMethod::Sha256,
            };
            let signed = list.signed_by(&ca).map_err(io::Error::other)?;
            Ok(signed.der().to_vec())
        };
        let lists = Fate::ALL.into_iter().map(list).collect::<io::Result<_>>()?;
        Ok(Self {
            lists,
            signer,
            other: CmsSigner::issued_by(&ca, &other)?,
            ca: ca.der().to_vec(),
            manner: Mutex::default(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Manner, u32)> {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &[u8], manner: Manner) -> io::Result<Vec<u8>> {
        let info = info(request, manner).map_err(io::Error::other)?;
        let signer = if manner == Manner::WrongCertificate {
            &self.other
        } else {
            &self.signer
        };
        let mut token = signer.around(ID_CT_TST_INFO, &info)?;
        if manner == Manner::Backdates {
            let year = Utc::now().format("%Y").to_string();
            let at = token.windows(4).position(|four| four == year.as_bytes());
            let at = at.ok_or_else(|| io::Error::other("no year"))?;
            token[at..at + 4].copy_from_slice(b"2001");
        }
        granted(&token).map_err(io::Error::other)
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    request: Bytes,
) -> ([(axum::http::HeaderName, &'static str); 1], Vec<u8>) {
    let manner = {
        let mut state = shared.lock();
        state.1 += 1;
        state.0
    };
    let said = match manner {
        Manner::Hangs => std::future::pending().await,
        Manner::Garbage => b"<html>Bienvenue</html>".to_vec(),
        Manner::Endless => vec![0x30; 1 << 20],
        Manner::Refuses => refused().unwrap_or_default(),
        manner => shared.answer(&request, manner).unwrap_or_default(),
    };
    ([(CONTENT_TYPE, "application/timestamp-reply")], said)
}

/// The `TSTInfo` that answers a request.
fn info(request: &[u8], manner: Manner) -> der::Result<Vec<u8>> {
    let fields = Vec::<Any>::from_der(request)?;
    let [version, imprint, rest @ ..] = fields.as_slice() else {
        return Err(Tag::Sequence.value_error().into());
    };
    let mut imprint: Vec<Any> = imprint.decode_as()?;
    let algorithm: AlgorithmIdentifierOwned = match imprint.first() {
        Some(algorithm) => algorithm.decode_as()?,
        None => return Err(Tag::Sequence.value_error().into()),
    };
    if manner == Manner::WrongImprint {
        let other = OctetString::new(vec![7; 32])?;
        imprint = vec![Any::encode_from(&algorithm)?, Any::encode_from(&other)?];
    }
    let asked = |tag| rest.iter().find(|field| field.tag() == tag).cloned();
    let policy = asked(Tag::ObjectIdentifier).map_or_else(|| Any::encode_from(&POLICY), Ok)?;
    // With a fraction of a second, as authorities that measure it do.
    let at = Utc::now().format("%Y%m%d%H%M%S.5Z").to_string();
    let mut info = vec![
        version.clone(),
        policy,
        Any::encode_from(&imprint)?,
        Any::encode_from(&77_u8)?,
        Any::new(Tag::GeneralizedTime, at.into_bytes())?,
    ];
    match asked(Tag::Integer) {
        Some(_) if manner == Manner::WrongNonce => info.push(Any::encode_from(&7_u8)?),
        nonce => info.extend(nonce),
    }
    info.to_der()
}

fn granted(token: &[u8]) -> der::Result<Vec<u8>> {
    let status = vec![Any::encode_from(&0_u8)?];
    vec![Any::encode_from(&status)?, Any::from_der(token)?].to_der()
}

fn refused() -> der::Result<Vec<u8>> {
    let words = vec!["quota".to_owned(), "épuisé".to_owned()];
    let status = vec![Any::encode_from(&2_u8)?, Any::encode_from(&words)?];
    vec![Any::encode_from(&status)?].to_der()
}
