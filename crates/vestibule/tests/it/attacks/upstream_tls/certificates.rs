//! Certificates, good ones and others.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::CertificateDer;

/// A certificate authority of some company.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, as a file of trust anchors has it.
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// What a server shows: its chain and its key.
    pub(super) fn issue(&self, params: &CertificateParams) -> Shown {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Shown { chain: vec![certificate.der().clone()], key }
    }
}

/// What a server shows to prove who it is.
pub(super) struct Shown {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: KeyPair,
}

impl Shown {
    pub(super) fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = leaf("localhost").self_signed(&key).unwrap();
        Self { chain: vec![certificate.der().clone()], key }
    }

    /// A certificate that somebody made with the key of another one that is no authority.
    pub(super) fn by_a_server_of(authority: &Authority) -> Self {
        let key = KeyPair::generate().unwrap();
        let between = leaf("localhost").signed_by(&key, &authority.0).unwrap();
        let (own, own_key) = (leaf("localhost"), KeyPair::generate().unwrap());
        let certificate = own.signed_by(&own_key, &rcgen::Issuer::from_params(&own, key)).unwrap();
        Self { chain: vec![certificate.der().clone(), between.der().clone()], key: own_key }
    }
}

pub(super) fn leaf(host: &str) -> CertificateParams {
    CertificateParams::new([host.to_owned()]).unwrap()
}

/// The years in which a certificate is valid.
pub(super) fn valid(from: i32, until: i32) -> CertificateParams {
    let mut params = leaf("localhost");
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    params
}
