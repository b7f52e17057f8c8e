//! A token: what an authority signed (RFC 3161, 2.4.2), and whether it proves anything of a checkpoint.

use crate::{
    cms::{self, Broken, signed_attribute},
    trust::{self, Roots},
};
use ::cms::{
    cert::x509::{
        Certificate,
        der::{
            Any, Decode as _, Encode as _, Tag, Tagged as _,
            asn1::{ObjectIdentifier, OctetString},
            oid::db::{
                rfc3161::ID_CT_TST_INFO,
                rfc5280::ID_KP_TIME_STAMPING,
                rfc5911::{
                    ID_AA_SIGNING_CERTIFICATE, ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE,
                },
                rfc5912::{ID_SHA_256, ID_SHA_384, ID_SHA_512},
            },
        },
        ext::pkix::ExtendedKeyUsage,
        spki::AlgorithmIdentifierOwned,
    },
    signed_data::SignerInfo,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use navette_domain::digest::Digest;
use ring::digest;
use std::{fmt::Write as _, time::Duration};
use webpki::KeyUsage;

/// `id-kp-timeStamping`, without tag and length.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeStamp {
    /// When the checkpoint existed at the latest.
    pub at: DateTime<Utc>,
    /// Its number at the authority, in hexadecimal.
    pub serial: String,
    /// The authority, as its certificate names it.
    pub authority: String,
    /// Under which policy, an object identifier.
    pub policy: String,
    /// What the request said, if it is a number that we say.
    pub nonce: Option<u64>,
    /// Whether its certificate leads to one that was given.
    pub trusted: bool,
}

impl TimeStamp {
    /// What it says of the checkpoint of so many events, in a sentence.
    pub fn of(&self, size: u64) -> String {
        let Self {
            at,
            authority,
            serial,
            ..
        } = self;
        let at = at.format("%d/%m/%Y à %H:%M:%S");
        format!(
            "Le point de contrôle à {size} événements existait le {at} (UTC), dit {authority} (jeton {serial})."
        )
    }
}

/// Why a token proves nothing of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each sentence says it")]
pub enum NotATimeStamp {
    #[error("ce n'est pas un jeton d'horodatage")]
    Unreadable,
    #[error("il est signé d'une manière qui n'est pas admise")]
    Unverifiable,
    #[error("il a été modifié : sa signature est fausse")]
    Altered,
    #[error("il n'est pas signé par le certificat qu'il désigne")]
    OtherCertificate,
    #[error("son certificat n'est pas celui d'un service d'horodatage")]
    NotForTimeStamping,
    #[error("il horodate autre chose que ce point de contrôle")]
    OtherImprint,
    #[error("son certificat n'était pas valable à la date qu'il porte")]
    Expired,
    #[error("son certificat ne remonte pas à une autorité de confiance")]
    Untrusted,
}

/// What the token says of this note, once everything about it was checked.
pub fn check(token: &[u8], note: &str, roots: Option<&Roots>) -> Result<TimeStamp, NotATimeStamp> {
    use NotATimeStamp::{OtherImprint, Unreadable, Unverifiable};
    let data = cms::parse(token).ok_or(Unreadable)?;
    let content = &data.encap_content_info;
    let [signer] = data.signer_infos.0.as_slice() else {
        return Err(Unverifiable);
    };
    let info: OctetString = content
        .econtent
        .as_ref()
        .filter(|_| content.econtent_type == ID_CT_TST_INFO)
        .and_then(|info| info.decode_as().ok())
        .ok_or(Unreadable)?;
    let certificate = cms::verify_signer(&data, signer, &[info.as_bytes()]);
    let certificate = certificate.map_err(|broken| match broken {
        Broken::Unverifiable => Unverifiable,
        Broken::Altered => NotATimeStamp::Altered,
    })?;
    if signed_attribute(signer, ID_CONTENT_TYPE) != Some(ID_CT_TST_INFO) {
        return Err(Unverifiable);
    }
    if !names(signer, certificate) {
        return Err(NotATimeStamp::OtherCertificate);
    }
    stamps_times(certificate)?;
    let info = Info::read(info.as_bytes()).ok_or(Unreadable)?;
    if info.digest != Digest::of(note.as_bytes()).as_bytes() {
        return Err(OtherImprint);
    }
    valid(certificate, info.at)?;
    if let Some(roots) = roots {
        let usage = KeyUsage::required(TIME_STAMPING);
        trust::leads_to(roots, &data, certificate, info.at, usage, None)
            .map_err(|_| NotATimeStamp::Untrusted)?;
    }
    Ok(TimeStamp {
        at: info.at,
        serial: info.serial,
        authority: certificate.tbs_certificate().subject().to_string(),
        policy: info.policy,
        nonce: info.nonce,
        trusted: roots.is_some(),
    })
}

/// The parts of `TSTInfo` that are used.
struct Info {
    policy: String,
    digest: Vec<u8>,
    serial: String,
    at: DateTime<Utc>,
    nonce: Option<u64>,
}

impl Info {
    fn read(info: &[u8]) -> Option<Self> {
        let fields = Vec::<Any>::from_der(info).ok()?;
        let [version, policy, imprint, serial, at, rest @ ..] = fields.as_slice() else {
            return None;
        };
        let imprint: Vec<Any> = imprint.decode_as().ok()?;
        let [algorithm, digest] = imprint.as_slice() else {
            return None;
        };
        let algorithm: AlgorithmIdentifierOwned = algorithm.decode_as().ok()?;
        let digest: OctetString = digest.decode_as().ok()?;
        let known = version.decode_as() == Ok(1_u8) && algorithm.oid == ID_SHA_256;
        let at = (at.tag() == Tag::GeneralizedTime).then(|| at.value())?;
        let at = std::str::from_utf8(at).ok()?;
        // Fractions of a second are allowed, and no other zone.
        let at = NaiveDateTime::parse_from_str(at, "%Y%m%d%H%M%S%.fZ").ok()?;
        let mut hexadecimal = String::new();
        for byte in serial.value() {
            let _ = write!(hexadecimal, "{byte:02x}");
        }
        let nonce = rest.iter().find(|field| field.tag() == Tag::Integer);
        known.then_some(Self {
            policy: policy.decode_as::<ObjectIdentifier>().ok()?.to_string(),
            digest: digest.as_bytes().to_vec(),
            serial: hexadecimal,
            at: at.and_utc(),
            nonce: nonce.and_then(|nonce| nonce.decode_as().ok()),
        })
    }
}

/// Whether what was signed names the certificate (RFC 2634, RFC 5035): another one with the same key and
/// name could say something else.
fn names(signer: &SignerInfo, certificate: &Certificate) -> bool {
    let first = |oid| {
        let attribute: Vec<Any> = signed_attribute(signer, oid)?;
        let certificates: Vec<Any> = attribute.first()?.decode_as().ok()?;
        certificates.first()?.decode_as::<Vec<Any>>().ok()
    };
    let named = || {
        let (algorithm, digest) = match first(ID_AA_SIGNING_CERTIFICATE_V_2) {
            None => (
                &digest::SHA1_FOR_LEGACY_USE_ONLY,
                first(ID_AA_SIGNING_CERTIFICATE)?.into_iter().next()?,
            ),
            Some(named) => {
                let mut fields = named.into_iter();
                let field = fields.next()?;
                match field.decode_as::<AlgorithmIdentifierOwned>() {
                    Err(_) => (&digest::SHA256, field),
                    Ok(algorithm) => (hash(algorithm.oid)?, fields.next()?),
                }
            }
        };
        let digest: OctetString = digest.decode_as().ok()?;
        let actual = digest::digest(algorithm, &certificate.to_der().ok()?);
        Some(actual.as_ref() == digest.as_bytes())
    };
    named().unwrap_or_default()
}

fn hash(oid: ObjectIdentifier) -> Option<&'static digest::Algorithm> {
    match oid {
        ID_SHA_256 => Some(&digest::SHA256),
        ID_SHA_384 => Some(&digest::SHA384),
        ID_SHA_512 => Some(&digest::SHA512),
        _ => None,
    }
}

/// The certificate may stamp times and do nothing else, and whoever reads it must know (RFC 3161, 2.3).
fn stamps_times(certificate: &Certificate) -> Result<(), NotATimeStamp> {
    let facts = certificate.tbs_certificate();
    let usage = facts.get_extension::<ExtendedKeyUsage>().ok().flatten();
    match usage {
        Some((true, ExtendedKeyUsage(usages))) if usages == [ID_KP_TIME_STAMPING] => Ok(()),
        _ => Err(NotATimeStamp::NotForTimeStamping),
    }
}

fn valid(certificate: &Certificate, at: DateTime<Utc>) -> Result<(), NotATimeStamp> {
    let validity = certificate.tbs_certificate().validity();
    let at = since_epoch(at)?;
    let span = validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration();
    span.contains(&at)
        .then_some(())
        .ok_or(NotATimeStamp::Expired)
}

fn since_epoch(at: DateTime<Utc>) -> Result<Duration, NotATimeStamp> {
    let seconds = u64::try_from(at.timestamp()).map_err(|_| NotATimeStamp::Expired)?;
    Ok(Duration::from_secs(seconds))
}
