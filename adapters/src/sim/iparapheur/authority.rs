//! An authority that issues certificates to those who sign, and takes them back.

use super::pdf_signature::{Signer, certificate};
use crate::sim::cms::CmsSigner;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use std::{fmt, io};

/// See the module.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

impl Authority {
    /// One with a new key: two of the same name are two authorities.
    pub fn new(name: &str) -> io::Result<Self> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let made = CertifiedIssuer::self_signed(params, key);
        Ok(Self(made.map_err(io::Error::other)?))
    }

    /// Its own certificate, in DER.
    pub fn certificate(&self) -> &[u8] {
        self.0.der()
    }

    /// Somebody with a certificate of this number.
    pub fn signer(&self, name: &str, serial: u64) -> io::Result<Signer> {
        self.issue(name, serial, |_| {})
    }

    /// The same, whose certificate ended long ago.
    pub fn expired_signer(&self, name: &str) -> io::Result<Signer> {
        self.issue(name, 2, |params| {
            params.not_after = date_time_ymd(2020, 1, 1);
        })
    }

    /// A web server of that name.
    pub fn server(&self, name: &str) -> io::Result<Signer> {
        self.issue(name, 3, |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        })
    }

    fn issue(
        &self,
        name: &str,
        serial: u64,
        change: impl FnOnce(&mut CertificateParams),
    ) -> io::Result<Signer> {
        let mut params = certificate(name);
        params.serial_number = Some(SerialNumber::from(serial));
        change(&mut params);
        Ok(Signer::with(CmsSigner::issued_by(&self.0, &params)?, name))
    }

    /// Its list of revoked certificates, in DER, to be renewed by the first day of that year.
    pub fn revocation_list(&self, revoked: &[u64], until: i32) -> io::Result<Vec<u8>> {
        let day = date_time_ymd(2020, 1, 1);
        let revoked = revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: day,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: day,
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.0).map_err(io::Error::other)?;
        Ok(list.der().to_vec())
    }
}
