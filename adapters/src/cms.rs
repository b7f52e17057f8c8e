//! Cryptographic messages (CMS, RFC 5652), in PDF signatures and time stamps: the digest one holds is that of
//! the signed bytes, and its signature is by the certificate it holds.

use ::cms::{
    cert::{
        CertificateChoices,
        x509::{
            Certificate,
            der::{
                Choice, Decode as _, DecodeValue, Encode as _, EncodingRules, Reader as _,
                SliceReader,
                asn1::{ObjectIdentifier, OctetString},
                oid::db::{
                    rfc5911::{ID_MESSAGE_DIGEST, ID_SIGNED_DATA},
                    rfc5912::{
                        ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ID_RSASSA_PSS, ID_SHA_256,
                        ID_SHA_384, ID_SHA_512, RSA_ENCRYPTION, SECP_256_R_1, SECP_384_R_1,
                        SHA_256_WITH_RSA_ENCRYPTION, SHA_384_WITH_RSA_ENCRYPTION,
                        SHA_512_WITH_RSA_ENCRYPTION,
                    },
                },
            },
            ext::pkix::SubjectKeyIdentifier,
        },
    },
    content_info::ContentInfo,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use ring::{digest, signature};

/// Why a message proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It is none, or lacks a part, or is signed in a way that is not in use.
    Unverifiable,
    /// What was signed is something else.
    Altered,
}

/// Several signing programs write BER, and all pad with zeros.
pub(crate) fn parse(message: &[u8]) -> Option<SignedData> {
    let mut reader = SliceReader::new_with_encoding_rules(message, EncodingRules::Ber).ok()?;
    let info = ContentInfo::decode(&mut reader).ok()?;
    let padding = &message[message.len() - usize::try_from(reader.remaining_len()).ok()?..];
    if info.content_type != ID_SIGNED_DATA || padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    info.content.decode_as_encoding(EncodingRules::Ber).ok()
}

/// Verifies that one signer signed `content`, in parts, with the certificate that is returned.
pub(crate) fn verify_signer<'a>(
    data: &'a SignedData,
    signer: &SignerInfo,
    content: &[&[u8]],
) -> Result<&'a Certificate, Broken> {
    let attributes = signer.signed_attrs.as_ref().ok_or(Broken::Unverifiable)?;
    let claimed: OctetString =
        signed_attribute(signer, ID_MESSAGE_DIGEST).ok_or(Broken::Unverifiable)?;
    let mut actual = digest::Context::new(hash(signer).ok_or(Broken::Unverifiable)?);
    for part in content {
        actual.update(part);
    }
    if actual.finish().as_ref() != claimed.as_bytes() {
        return Err(Broken::Altered);
    }
    let certificate = certificate_of(data, signer).ok_or(Broken::Unverifiable)?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    let algorithm = algorithm(signer, certificate).ok_or(Broken::Unverifiable)?;
    // The attributes are signed in DER, whatever they travelled in.
    let attributes = attributes.to_der().map_err(|_| Broken::Unverifiable)?;
    signature::UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(&attributes, signer.signature.as_bytes())
        .map_err(|_| Broken::Altered)?;
    Ok(certificate)
}

/// The value of an attribute that the signature covers.
pub(crate) fn signed_attribute<T>(signer: &SignerInfo, oid: ObjectIdentifier) -> Option<T>
where
    T: for<'a> Choice<'a> + for<'a> DecodeValue<'a>,
{
    let attributes = signer.signed_attrs.as_ref()?.iter();
    let mut attributes = attributes.filter(|attribute| attribute.oid == oid);
    attributes.next()?.values.get(0)?.decode_as().ok()
}

fn certificate_of<'a>(data: &'a SignedData, signer: &SignerInfo) -> Option<&'a Certificate> {
    let certificates = data.certificates.as_ref()?.0.iter();
    certificates
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
        .find(|certificate| {
            let facts = certificate.tbs_certificate();
            match &signer.sid {
                SignerIdentifier::IssuerAndSerialNumber(id) => {
                    &id.issuer == facts.issuer() && &id.serial_number == facts.serial_number()
                }
                SignerIdentifier::SubjectKeyIdentifier(id) => facts
                    .get_extension::<SubjectKeyIdentifier>()
                    .is_ok_and(|extension| extension.is_some_and(|(_, its)| &its == id)),
            }
        })
}

fn hash(signer: &SignerInfo) -> Option<&'static digest::Algorithm> {
    match signer.digest_alg.oid {
        ID_SHA_256 => Some(&digest::SHA256),
        ID_SHA_384 => Some(&digest::SHA384),
        ID_SHA_512 => Some(&digest::SHA512),
        _ => None,
    }
}

/// The algorithms in use on signature cards and server seals; SHA-1 and small keys are refused.
fn algorithm(
    signer: &SignerInfo,
    certificate: &Certificate,
) -> Option<&'static dyn signature::VerificationAlgorithm> {
    let key = &certificate
        .tbs_certificate()
        .subject_public_key_info()
        .algorithm;
    let curve = key
        .parameters
        .as_ref()
        .and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let algorithm: &dyn signature::VerificationAlgorithm =
        match (signer.signature_algorithm.oid, signer.digest_alg.oid, curve) {
            (RSA_ENCRYPTION, ID_SHA_256, _) | (SHA_256_WITH_RSA_ENCRYPTION, ..) => {
                &signature::RSA_PKCS1_2048_8192_SHA256
            }
            (RSA_ENCRYPTION, ID_SHA_384, _) | (SHA_384_WITH_RSA_ENCRYPTION, ..) => {
                &signature::RSA_PKCS1_2048_8192_SHA384
            }
            (RSA_ENCRYPTION, ID_SHA_512, _) | (SHA_512_WITH_RSA_ENCRYPTION, ..) => {
                &signature::RSA_PKCS1_2048_8192_SHA512
            }
            (ID_RSASSA_PSS, ID_SHA_256, _) => &signature::RSA_PSS_2048_8192_SHA256,
            (ID_RSASSA_PSS, ID_SHA_384, _) => &signature::RSA_PSS_2048_8192_SHA384,
            (ID_RSASSA_PSS, ID_SHA_512, _) => &signature::RSA_PSS_2048_8192_SHA512,
            (ECDSA_WITH_SHA_256, _, Some(SECP_256_R_1)) => &signature::ECDSA_P256_SHA256_ASN1,
            (ECDSA_WITH_SHA_384, _, Some(SECP_256_R_1)) => &signature::ECDSA_P256_SHA384_ASN1,
            (ECDSA_WITH_SHA_256, _, Some(SECP_384_R_1)) => &signature::ECDSA_P384_SHA256_ASN1,
            (ECDSA_WITH_SHA_384, _, Some(SECP_384_R_1)) => &signature::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        };
    Some(algorithm)
}
