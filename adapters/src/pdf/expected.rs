//! Whose signatures are accepted: those whose certificates lead to the authorities that the site trusts, and
//! bear the names that it expects.

use super::Refusal;
use crate::trust::{self, RevocationLists, Roots};
use chrono::{DateTime, Utc};
use cms::{
    cert::x509::{Certificate, der::oid::db::rfc4519::COMMON_NAME},
    signed_data::SignedData,
};
use navette_domain::signature::Examination;
use serde::Deserialize;
use std::path::PathBuf;
use webpki::{Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};

/// Server, program, time stamp, revocation answers: what holds such a certificate is no person who signs.
const MACHINES: [&[usize]; 4] = [
    &[1, 3, 6, 1, 5, 5, 7, 3, 1],
    &[1, 3, 6, 1, 5, 5, 7, 3, 3],
    &[1, 3, 6, 1, 5, 5, 7, 3, 8],
    &[1, 3, 6, 1, 5, 5, 7, 3, 9],
];
/// What a certificate of a person most often has, if it has any: protection of e-mail.
const PERSON: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x04];

/// Who may sign.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignatoriesConfig {
    /// The certificates that those of signatories must lead to, in PEM or DER. Without them, a signature proves
    /// that nothing changed, not who signed.
    pub authorities: Option<PathBuf>,
    /// Lists of revoked certificates, in PEM or DER, read anew at each check: whoever renews them writes over.
    pub revocation_lists: Vec<PathBuf>,
    /// The names of those who may sign, as their certificates say (CN); anybody of these authorities if empty.
    pub names: Vec<String>,
}

/// Those who may sign, with their authorities' certificates.
#[derive(Debug, Clone, Default)]
pub struct Signatories {
    roots: Option<Roots>,
    revocation_lists: Vec<PathBuf>,
    names: Vec<String>,
}

impl Signatories {
    /// Reads what the configuration names, and says what makes no sense of it.
    pub fn new(config: &SignatoriesConfig) -> anyhow::Result<Self> {
        let told_apart = config.names.is_empty() && config.revocation_lists.is_empty();
        anyhow::ensure!(
            config.authorities.is_some() || told_apart,
            "signatories: `authorities` is missing: without it, anybody could make a certificate of any name"
        );
        RevocationLists::read(&config.revocation_lists)?;
        Ok(Self {
            roots: config.authorities.as_deref().map(Roots::read).transpose()?,
            revocation_lists: config.revocation_lists.clone(),
            names: config.names.iter().map(|name| plain(name)).collect(),
        })
    }

    /// Whether it is asked who signed.
    pub fn are_known(&self) -> bool {
        self.roots.is_some()
    }

    /// What is asked of the signatures of one PDF, at that time, with the revocation lists as they are now.
    pub fn at(&self, at: DateTime<Utc>) -> anyhow::Result<Expected<'_>> {
        Ok(Expected {
            who: self,
            lists: RevocationLists::read(&self.revocation_lists)?,
            at,
        })
    }
}

/// See [`Signatories::at`].
#[derive(Debug)]
pub struct Expected<'a> {
    who: &'a Signatories,
    lists: Option<RevocationLists>,
    at: DateTime<Utc>,
}

impl Expected<'_> {
    /// What was checked of `signatures` that are all accepted.
    pub(super) fn examination(&self, signatures: u32) -> Examination {
        Examination {
            signatures,
            authorities: self.who.roots.as_ref().map(Roots::digest),
            revocation_lists: self.lists.as_ref().map(RevocationLists::digest),
            named: !self.who.names.is_empty(),
            by: concat!("navette ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Whether the holder of the certificate may sign.
    pub(super) fn accept(
        &self,
        data: &SignedData,
        certificate: &Certificate,
    ) -> Result<(), Refusal> {
        let Some(roots) = &self.who.roots else {
            return self.in_force(certificate);
        };
        let lists = self.lists.as_ref();
        trust::leads_to(roots, data, certificate, self.at, OfAPerson, lists).map_err(|error| {
            match error {
                Error::CertExpired { .. } | Error::CertNotValidYet { .. } => Refusal::Expired,
                Error::CertRevoked => Refusal::Revoked,
                Error::CrlExpired { .. } | Error::UnknownRevocationStatus => {
                    Refusal::StaleRevocationList
                }
                Error::RequiredEkuNotFoundContext(_) => Refusal::NotForSigning,
                _ => Refusal::Untrusted,
            }
        })?;
        if self.who.names.is_empty() || self.who.names.contains(&name(certificate)) {
            Ok(())
        } else {
            Err(Refusal::OtherSigner)
        }
    }

    fn in_force(&self, certificate: &Certificate) -> Result<(), Refusal> {
        let validity = certificate.tbs_certificate().validity();
        let span = validity.not_before.to_unix_duration()..=validity.not_after.to_unix_duration();
        let since = (self.at - DateTime::UNIX_EPOCH).to_std();
        match since {
            Ok(since) if span.contains(&since) => Ok(()),
            _ => Err(Refusal::Expired),
        }
    }
}

/// Names are compared without their spaces and capitals: certificates write family names as they like.
fn plain(name: &str) -> String {
    let words: Vec<_> = name.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn name(certificate: &Certificate) -> String {
    let subject = certificate.tbs_certificate().subject();
    let found = subject.iter().find(|part| part.oid == COMMON_NAME);
    found.map_or_else(String::new, |name| {
        plain(&String::from_utf8_lossy(name.value.value()))
    })
}

/// A certificate that says what it is for must not be for machines alone.
struct OfAPerson;

impl ExtendedKeyUsageValidator for OfAPerson {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let mut present = vec![];
        for purpose in purposes {
            present.push(purpose?.to_decoded_oid());
        }
        let machine = |purpose: &Vec<usize>| MACHINES.contains(&purpose.as_slice());
        if present.is_empty() || !present.iter().all(machine) {
            return Ok(());
        }
        let required = KeyUsage::required_if_present(PERSON);
        Err(Error::RequiredEkuNotFoundContext(
            webpki::RequiredEkuNotFoundContext { required, present },
        ))
    }
}
