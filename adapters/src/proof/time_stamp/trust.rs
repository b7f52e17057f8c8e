//! Whether the certificate of a time stamp leads to one that is trusted, and was not revoked.

use super::token::NotATimeStamp;
use crate::trust::{RevocationLists, Roots, leads_to};
use ::cms::{cert::x509::Certificate, signed_data::SignedData};
use chrono::{DateTime, Utc};
use std::{path::Path, sync::Arc};
use webpki::{Error, KeyUsage};

/// `id-kp-timeStamping`, without tag and length.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// Whom time stamps are believed from.
#[derive(Debug, Clone)]
pub struct Authorities {
    roots: Roots,
    revoked: Option<Arc<RevocationLists>>,
}

impl Authorities {
    /// Those whose certificates lead to one of the file `ca`, and are not on the list of the file `crl`.
    pub fn read(ca: &Path, crl: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self {
            roots: Roots::read(ca)?,
            revoked: RevocationLists::read(crl.as_slice())?.map(Arc::new),
        })
    }

    /// Whether there is a path from the certificate to one of theirs, valid at that time; and whether it is known
    /// not to be revoked.
    pub(super) fn trust(
        &self,
        data: &SignedData,
        certificate: &Certificate,
        at: DateTime<Utc>,
    ) -> Result<bool, NotATimeStamp> {
        let lists = self.revoked.as_deref();
        let usage = KeyUsage::required(TIME_STAMPING);
        match leads_to(&self.roots, data, certificate, at, usage, lists) {
            Ok(()) => Ok(lists.is_some()),
            // What was stamped before a certificate went out of use still holds (RFC 3161, 4).
            Err(Error::CertRevoked) if lists.is_some_and(|lists| lists.spare(certificate, at)) => {
                Ok(true)
            }
            Err(Error::CertRevoked) => Err(NotATimeStamp::Revoked),
            Err(Error::CrlExpired { .. }) => Err(NotATimeStamp::OldList),
            Err(
                Error::UnknownRevocationStatus
                | Error::InvalidCrlSignatureForPublicKey
                | Error::IssuerNotCrlSigner,
            ) => Err(NotATimeStamp::OtherList),
            Err(_) => Err(NotATimeStamp::Untrusted),
        }
    }
}
