//! Signs cryptographic messages (CMS) for real, with a certificate made for one run: for a desk that signs PDFs,
//! and an authority that stamps times.

use cms::{
    cert::{
        CertificateChoices, IssuerAndSerialNumber,
        x509::{
            Certificate,
            attr::Attribute,
            der::{
                self, Any, Decode as _, Encode as _, Tag,
                asn1::{ObjectIdentifier, OctetString, SetOfVec},
                oid::db::{
                    rfc5911::{
                        ID_AA_SIGNING_CERTIFICATE_V_2, ID_CONTENT_TYPE, ID_MESSAGE_DIGEST,
                        ID_SIGNED_DATA,
                    },
                    rfc5912::{ECDSA_WITH_SHA_256, ID_SHA_256},
                },
            },
            spki::AlgorithmIdentifierOwned,
        },
    },
    content_info::{CmsVersion, ContentInfo},
    signed_data::{EncapsulatedContentInfo, SignedData, SignerIdentifier, SignerInfo},
};
use navette_domain::digest::Digest;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, SigningKey as _};
use std::{fmt, io};

/// A key, and its certificate.
pub(super) struct CmsSigner {
    key: KeyPair,
    certificate: Certificate,
}

impl fmt::Debug for CmsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CmsSigner")
    }
}

impl CmsSigner {
    /// With a new key, and a certificate of its own making.
    pub(super) fn self_signed(params: &CertificateParams) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let made = params.self_signed(&key).map_err(io::Error::other)?;
        Self::with(key, made.der())
    }

    /// With a new key, and a certificate by this issuer.
    pub(super) fn issued_by(
        issuer: &CertifiedIssuer<'_, KeyPair>,
        params: &CertificateParams,
    ) -> io::Result<Self> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let made = params.signed_by(&key, issuer).map_err(io::Error::other)?;
        Self::with(key, made.der())
    }

    fn with(key: KeyPair, certificate: &[u8]) -> io::Result<Self> {
        let certificate = Certificate::from_der(certificate).map_err(io::Error::other)?;
        Ok(Self { key, certificate })
    }

    /// The number of its certificate.
    pub(super) fn serial(&self) -> &[u8] {
        self.certificate
            .tbs_certificate()
            .serial_number()
            .as_bytes()
    }

    /// The message over `content`, which is not in it.
    pub(super) fn detached(&self, kind: ObjectIdentifier, content: &[u8]) -> io::Result<Vec<u8>> {
        self.message(kind, content, None).map_err(io::Error::other)
    }

    /// The message with `content` in it.
    pub(super) fn around(&self, kind: ObjectIdentifier, content: &[u8]) -> io::Result<Vec<u8>> {
        let enclosed = OctetString::new(content).and_then(|content| Any::encode_from(&content));
        let message = enclosed.and_then(|enclosed| self.message(kind, content, Some(enclosed)));
        message.map_err(io::Error::other)
    }

    fn message(
        &self,
        kind: ObjectIdentifier,
        content: &[u8],
        enclosed: Option<Any>,
    ) -> der::Result<Vec<u8>> {
        let certificate = CertificateChoices::Certificate(self.certificate.clone());
        let data = SignedData {
            // What encloses something else than data is of version 3.
            version: if enclosed.is_some() {
                CmsVersion::V3
            } else {
                CmsVersion::V1
            },
            digest_algorithms: vec![algorithm(ID_SHA_256)].try_into()?,
            encap_content_info: EncapsulatedContentInfo {
                econtent_type: kind,
                econtent: enclosed,
            },
            certificates: Some(vec![certificate].try_into()?),
            crls: None,
            signer_infos: vec![self.signer_info(kind, content)?].try_into()?,
        };
        ContentInfo {
            content_type: ID_SIGNED_DATA,
            content: Any::encode_from(&data)?,
        }
        .to_der()
    }

    fn signer_info(&self, kind: ObjectIdentifier, content: &[u8]) -> der::Result<SignerInfo> {
        let digest = OctetString::new(Digest::of(content).as_bytes().to_vec())?;
        let attributes = SetOfVec::try_from(vec![
            attribute(ID_CONTENT_TYPE, Any::encode_from(&kind)?)?,
            attribute(ID_MESSAGE_DIGEST, Any::encode_from(&digest)?)?,
            attribute(ID_AA_SIGNING_CERTIFICATE_V_2, self.certificate_reference()?)?,
        ])?;
        let signature = self
            .key
            .sign(&attributes.to_der()?)
            .map_err(|_| Tag::OctetString.value_error())?;
        let facts = self.certificate.tbs_certificate();
        Ok(SignerInfo {
            version: CmsVersion::V1,
            sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
                issuer: facts.issuer().clone(),
                serial_number: facts.serial_number().clone(),
            }),
            digest_alg: algorithm(ID_SHA_256),
            signed_attrs: Some(attributes),
            signature_algorithm: algorithm(ECDSA_WITH_SHA_256),
            signature: OctetString::new(signature)?,
            unsigned_attrs: None,
        })
    }

    /// `SigningCertificateV2` (RFC 5035) with SHA-256, its default: three sequences around the digest.
    fn certificate_reference(&self) -> der::Result<Any> {
        let digest = Digest::of(&self.certificate.to_der()?);
        let mut reference = vec![0x30, 0x26, 0x30, 0x24, 0x30, 0x22, 0x04, 0x20];
        reference.extend_from_slice(digest.as_bytes());
        Any::from_der(&reference)
    }
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    }
}

fn attribute(oid: ObjectIdentifier, value: Any) -> der::Result<Attribute> {
    Ok(Attribute {
        oid,
        values: SetOfVec::try_from(vec![value])?,
    })
}
