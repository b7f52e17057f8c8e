//! Certificates: the authorities that are trusted, and whether a certificate leads to one of them.

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Utc};
use cms::{
    cert::{
        CertificateChoices,
        x509::{Certificate, der::Encode as _},
    },
    signed_data::SignedData,
};
use navette_domain::digest::Digest;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, UnixTime, pem::PemObject as _,
};
use std::{fs, path::Path, time::Duration};
use webpki::{
    ALL_VERIFICATION_ALGS, CertRevocationList, EndEntityCert, Error, ExtendedKeyUsageValidator,
    OwnedCertRevocationList, RevocationCheckDepth, RevocationOptions, RevocationOptionsBuilder,
    UnknownStatusPolicy, anchor_from_trusted_cert,
};

/// The first byte of what is in DER rather than in PEM.
const DER: u8 = 0x30;

/// The certificates that others must lead to.
#[derive(Debug, Clone)]
pub struct Roots {
    certificates: Vec<CertificateDer<'static>>,
    digest: Digest,
}

impl Roots {
    /// The certificates in this file, PEM or DER.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let reading = || format!("reading the certificates in {}", path.display());
        let bytes = fs::read(path).with_context(reading)?;
        let digest = Digest::of(&bytes);
        let certificates: Vec<_> = if bytes.first() == Some(&DER) {
            vec![bytes.into()]
        } else {
            let read: Result<_, _> = CertificateDer::pem_slice_iter(&bytes).collect();
            read.with_context(reading)?
        };
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
            digest,
        })
    }

    /// The SHA-256 of their file.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// What authorities took back before its time.
#[derive(Debug)]
pub struct RevocationLists {
    lists: Vec<CertRevocationList<'static>>,
    digest: Digest,
}

impl RevocationLists {
    /// The lists in these files, PEM or DER; none when there are no files.
    pub fn read<P: AsRef<Path>>(paths: &[P]) -> anyhow::Result<Option<Self>> {
        let (mut lists, mut files) = (vec![], vec![]);
        for path in paths {
            let path = path.as_ref();
            let reading = || format!("reading the revocation list {}", path.display());
            let bytes = fs::read(path).with_context(reading)?;
            let found: Vec<CertificateRevocationListDer<'_>> = if bytes.first() == Some(&DER) {
                vec![bytes.as_slice().into()]
            } else {
                let read: Result<_, _> =
                    CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
                read.with_context(reading)?
            };
            ensure!(!found.is_empty(), "{} holds no list", path.display());
            for list in found {
                let list = OwnedCertRevocationList::from_der(&list).with_context(reading)?;
                lists.push(list.into());
            }
            files.push(bytes);
        }
        let digest = Digest::of_parts(files.iter().map(Vec::as_slice));
        Ok((!lists.is_empty()).then_some(Self { lists, digest }))
    }

    /// The SHA-256 of their files, one after the other.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Whether there is a path from the certificate, through those that came with it, to one of the roots, valid
/// at that time; and, when there are lists, that the certificate is not on one.
pub(crate) fn leads_to(
    roots: &Roots,
    data: &SignedData,
    certificate: &Certificate,
    at: DateTime<Utc>,
    usage: impl ExtendedKeyUsageValidator,
    lists: Option<&RevocationLists>,
) -> Result<(), Error> {
    let der = |certificate: &Certificate| certificate.to_der().ok().map(CertificateDer::from);
    let others = data.certificates.iter().flat_map(|all| all.0.iter());
    let others: Vec<_> = others
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(other) => der(other),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    let anchors = roots.certificates.iter().map(anchor_from_trusted_cert);
    let anchors: Vec<_> = anchors.filter_map(Result::ok).collect();
    let leaf = der(certificate).ok_or(Error::BadDer)?;
    let leaf = EndEntityCert::try_from(&leaf)?;
    let seconds = u64::try_from(at.timestamp()).map_err(|_| Error::BadDerTime)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let lists: Vec<_> = lists.iter().flat_map(|all| &all.lists).collect();
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        &others,
        time,
        usage,
        revocation(&lists),
        None,
    )
    .map(drop)
}

/// The signer's own certificate is looked up, on a list that is not out of date.
fn revocation<'a>(lists: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let options = RevocationOptionsBuilder::new(lists).ok()?;
    Some(
        options
            .with_depth(RevocationCheckDepth::EndEntity)
            .with_status_policy(UnknownStatusPolicy::Deny)
            .with_expiration_policy(webpki::ExpirationPolicy::Enforce)
            .build(),
    )
}
