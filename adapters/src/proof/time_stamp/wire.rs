//! What is said to a time stamp authority, and what it answers (RFC 3161, 2.4).

use anyhow::{Context as _, bail};
use cms::cert::x509::{
    der::{
        self, Any, Decode as _, Encode as _,
        asn1::{ObjectIdentifier, OctetString},
        oid::db::rfc5912::ID_SHA_256,
    },
    spki::AlgorithmIdentifierOwned,
};
use navette_domain::digest::Digest;

/// A `TimeStampReq`: this digest, this nonce, the certificate with the answer.
pub(super) fn request(
    digest: &Digest,
    nonce: u64,
    policy: Option<ObjectIdentifier>,
) -> der::Result<Vec<u8>> {
    let algorithm = AlgorithmIdentifierOwned {
        oid: ID_SHA_256,
        parameters: Some(Any::null()),
    };
    let digest = OctetString::new(digest.as_bytes().to_vec())?;
    let imprint = vec![Any::encode_from(&algorithm)?, Any::encode_from(&digest)?];
    let mut fields = vec![Any::encode_from(&1_u8)?, Any::encode_from(&imprint)?];
    if let Some(policy) = policy {
        fields.push(Any::encode_from(&policy)?);
    }
    fields.push(Any::encode_from(&nonce)?);
    fields.push(Any::encode_from(&true)?);
    fields.to_der()
}

/// The token in a `TimeStampResp`, or why there is none.
pub(super) fn token(answer: &[u8]) -> anyhow::Result<Vec<u8>> {
    let fields = Vec::<Any>::from_der(answer).ok();
    let fields = fields.context("the authority's answer is no TimeStampResp in DER")?;
    let status: Option<Vec<Any>> = fields.first().and_then(|status| status.decode_as().ok());
    let code = status.as_ref().and_then(|status| status.first());
    let code: Option<u8> = code.and_then(|code| code.decode_as().ok());
    match (code, fields.get(1)) {
        // Granted, perhaps with changes, which are looked for in the token.
        (Some(0 | 1), Some(token)) => Ok(token.to_der()?),
        (Some(code), _) => {
            let said = status.iter().flatten().skip(1).find_map(free_text);
            let said = said.map(|said| format!(": {said}")).unwrap_or_default();
            bail!("the authority refused, with status {code}{said}")
        }
        (None, _) => bail!("the authority's answer has no status"),
    }
}

/// The words of a refusal, as far as they are text.
fn free_text(words: &Any) -> Option<String> {
    let words: Vec<String> = words.decode_as().ok()?;
    Some(words.join(" "))
}
