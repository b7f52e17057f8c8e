//! Whether the certificate of a time stamp leads to one that is trusted, and was not revoked.

use super::token::{NotATimeStamp, since_epoch};
use ::cms::{
    cert::{
        CertificateChoices,
        x509::{Certificate, der::Encode as _},
    },
    signed_data::SignedData,
};
use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime, pem::PemObject};
use std::{fs, path::Path, sync::Arc};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage,
    OwnedCertRevocationList, RevocationCheckDepth, RevocationOptionsBuilder, RevocationReason,
    UnknownStatusPolicy, anchor_from_trusted_cert,
};

/// `id-kp-timeStamping`, without tag and length.
const TIME_STAMPING: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];

/// The certificates that those of time stamp authorities must lead to, and which were revoked.
#[derive(Debug, Clone)]
pub struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    revoked: Arc<[CertRevocationList<'static>]>,
}

/// What is in a file, PEM or DER.
fn read<T: PemObject + From<Vec<u8>>>(path: &Path) -> anyhow::Result<Vec<T>> {
    let bytes = fs::read(path)?;
    if bytes.starts_with(&[0x30]) {
        return Ok(vec![bytes.into()]);
    }
    let read: Result<_, _> = T::pem_slice_iter(&bytes).collect();
    Ok(read?)
}

impl Roots {
    /// The certificates in this file, PEM or DER.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading the certificates in {}", path.display());
        let certificates: Vec<CertificateDer<'_>> = read(path).with_context(reading)?;
        for certificate in &certificates {
            let anchor = anchor_from_trusted_cert(certificate);
            anchor.map(drop).with_context(reading)?;
        }
        ensure!(
            !certificates.is_empty(),
            "{} holds no certificate",
            path.display()
        );
        Ok(Self {
            certificates,
            revoked: [].into(),
        })
    }

    /// The same with the lists of revoked certificates in this file, PEM or DER.
    pub fn with_revoked(mut self, path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading the revocation list in {}", path.display());
        let lists: Vec<CertificateRevocationListDer<'_>> = read(path).with_context(reading)?;
        let lists = lists
            .iter()
            .map(|list| OwnedCertRevocationList::from_der(list).map(Into::into));
        self.revoked = lists.collect::<Result<_, _>>().with_context(reading)?;
        ensure!(
            !self.revoked.is_empty(),
            "{} holds no revocation list",
            path.display()
        );
        Ok(self)
    }

    /// Whether there is a path from the certificate to one of these, valid at that time, and whether it is known
    /// not to be revoked.
    pub(super) fn trust(
        &self,
        data: &SignedData,
        certificate: &Certificate,
        at: DateTime<Utc>,
    ) -> Result<bool, NotATimeStamp> {
        use NotATimeStamp::{OtherList, Revoked, Untrusted};
        let time = UnixTime::since_unix_epoch(since_epoch(at)?);
        let der = |certificate: &Certificate| certificate.to_der().ok().map(CertificateDer::from);
        let others = data.certificates.iter().flat_map(|all| all.0.iter());
        let others: Vec<_> = others
            .filter_map(|choice| match choice {
                CertificateChoices::Certificate(other) => der(other),
                CertificateChoices::Other(_) => None,
            })
            .collect();
        let anchors = self.certificates.iter().map(anchor_from_trusted_cert);
        let anchors: Vec<_> = anchors.filter_map(Result::ok).collect();
        let leaf = der(certificate).ok_or(Untrusted)?;
        let leaf = EndEntityCert::try_from(&leaf).map_err(|_| Untrusted)?;
        let lists: Vec<_> = self.revoked.iter().collect();
        let options = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::EndEntity)
                .with_status_policy(UnknownStatusPolicy::Deny)
                // One that was kept beside the tokens still says what was revoked when it was made.
                .with_expiration_policy(ExpirationPolicy::Ignore)
                .build()
        });
        let looked_up = options.is_some();
        let verified = leaf.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &anchors,
            &others,
            time,
            KeyUsage::required(TIME_STAMPING),
            options,
            None,
        );
        match verified {
            Ok(_) => Ok(looked_up),
            Err(Error::CertRevoked) if self.still_holds(certificate, time) => Ok(true),
            Err(Error::CertRevoked) => Err(Revoked),
            Err(
                Error::UnknownRevocationStatus
                | Error::InvalidCrlSignatureForPublicKey
                | Error::IssuerNotCrlSigner,
            ) => Err(OtherList),
            Err(_) => Err(Untrusted),
        }
    }

    /// What was stamped before a certificate went out of use still holds (RFC 3161, 4); a key that may have been
    /// stolen proves nothing, of no time.
    fn still_holds(&self, certificate: &Certificate, time: UnixTime) -> bool {
        use RevocationReason::{AffiliationChanged, CessationOfOperation, Superseded};
        let facts = certificate.tbs_certificate();
        let serial = facts.serial_number().as_bytes();
        let mut entries = self
            .revoked
            .iter()
            .filter_map(|list| list.find_serial(serial).ok().flatten());
        entries.all(|entry| {
            let out_of_use = matches!(
                entry.reason_code,
                Some(AffiliationChanged | CessationOfOperation | Superseded)
            );
            out_of_use && time < entry.invalidity_date.unwrap_or(entry.revocation_date)
        })
    }
}
