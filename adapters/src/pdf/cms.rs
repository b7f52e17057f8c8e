//! The cryptographic message (CMS, RFC 5652) inside a PDF signature: the digest it holds is that of the
//! signed bytes, and its signature is by the certificate it holds.

use super::Refusal;
use ::cms::{
    cert::{
        CertificateChoices,
        x509::{
            Certificate,
            der::{
                Decode as _, Encode as _, EncodingRules, Reader as _, SliceReader,
                asn1::{ObjectIdentifier, OctetString},
            },
            ext::pkix::SubjectKeyIdentifier,
        },
    },
    content_info::ContentInfo,
    signed_data::{SignedData, SignerIdentifier, SignerInfo},
};
use ring::{digest, signature};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

const SIGNED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.2");
const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
const SHA_256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
const SHA_384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
const RSA: ObjectIdentifier = oid("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const RSA_SHA_256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const RSA_SHA_384: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
const RSA_SHA_512: ObjectIdentifier = oid("1.2.840.113549.1.1.13");
const ECDSA_SHA_256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
const ECDSA_SHA_384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");
const P_256: ObjectIdentifier = oid("1.2.840.10045.3.1.7");
const P_384: ObjectIdentifier = oid("1.3.132.0.34");

/// Verifies the padded `message` over the two parts of the file around it.
pub(super) fn verify(message: &[u8], signed: [&[u8]; 2]) -> Result<(), Refusal> {
    let data = parse(message).ok_or(Refusal::Unverifiable)?;
    if data.encap_content_info.econtent.is_some() || data.signer_infos.0.is_empty() {
        return Err(Refusal::Unverifiable);
    }
    data.signer_infos
        .0
        .iter()
        .try_for_each(|signer| verify_signer(&data, signer, signed))
}

/// Several signing programs write BER, and all pad with zeros.
fn parse(message: &[u8]) -> Option<SignedData> {
    let mut reader = SliceReader::new_with_encoding_rules(message, EncodingRules::Ber).ok()?;
    let info = ContentInfo::decode(&mut reader).ok()?;
    let padding = &message[message.len() - usize::try_from(reader.remaining_len()).ok()?..];
    if info.content_type != SIGNED_DATA || padding.iter().any(|byte| *byte != 0) {
        return None;
    }
    info.content.decode_as_encoding(EncodingRules::Ber).ok()
}

fn verify_signer(
    data: &SignedData,
    signer: &SignerInfo,
    signed: [&[u8]; 2],
) -> Result<(), Refusal> {
    let attributes = signer.signed_attrs.as_ref().ok_or(Refusal::Unverifiable)?;
    let claimed = attributes
        .iter()
        .find(|attribute| attribute.oid == MESSAGE_DIGEST)
        .and_then(|attribute| attribute.values.get(0))
        .and_then(|value| value.decode_as::<OctetString>().ok())
        .ok_or(Refusal::Unverifiable)?;
    let mut actual = digest::Context::new(hash(signer).ok_or(Refusal::Unverifiable)?);
    signed.iter().for_each(|part| actual.update(part));
    if actual.finish().as_ref() != claimed.as_bytes() {
        return Err(Refusal::Altered);
    }
    let certificate = certificate_of(data, signer).ok_or(Refusal::Unverifiable)?;
    let key = certificate.tbs_certificate().subject_public_key_info();
    let algorithm = algorithm(signer, certificate).ok_or(Refusal::Unverifiable)?;
    // The attributes are signed in DER, whatever they travelled in.
    let attributes = attributes.to_der().map_err(|_| Refusal::Unverifiable)?;
    signature::UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(&attributes, signer.signature.as_bytes())
        .map_err(|_| Refusal::Altered)
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
        SHA_256 => Some(&digest::SHA256),
        SHA_384 => Some(&digest::SHA384),
        SHA_512 => Some(&digest::SHA512),
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
            (RSA, SHA_256, _) | (RSA_SHA_256, ..) => &signature::RSA_PKCS1_2048_8192_SHA256,
            (RSA, SHA_384, _) | (RSA_SHA_384, ..) => &signature::RSA_PKCS1_2048_8192_SHA384,
            (RSA, SHA_512, _) | (RSA_SHA_512, ..) => &signature::RSA_PKCS1_2048_8192_SHA512,
            (RSA_PSS, SHA_256, _) => &signature::RSA_PSS_2048_8192_SHA256,
            (RSA_PSS, SHA_384, _) => &signature::RSA_PSS_2048_8192_SHA384,
            (RSA_PSS, SHA_512, _) => &signature::RSA_PSS_2048_8192_SHA512,
            (ECDSA_SHA_256, _, Some(P_256)) => &signature::ECDSA_P256_SHA256_ASN1,
            (ECDSA_SHA_384, _, Some(P_256)) => &signature::ECDSA_P256_SHA384_ASN1,
            (ECDSA_SHA_256, _, Some(P_384)) => &signature::ECDSA_P384_SHA256_ASN1,
            (ECDSA_SHA_384, _, Some(P_384)) => &signature::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        };
    Some(algorithm)
}
