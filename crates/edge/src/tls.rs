//! TLS towards clients: texts of certificates and keys to what a handshake is made with, and its replacement while it runs.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use x509_cert::der::Decode as _;

/// Versions that are spoken, towards clients and upstreams: RFC 8446 and RFC 5246, nothing older (RFC 8996).
pub(crate) const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];
/// What is offered to clients (RFC 7301), the better one first.
const OFFERED: &[Protocol] = &[Protocol::Http2, Protocol::Http1];

/// What a handshake found that both sides speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1; also where the other side says nothing of it.
    Http1,
    /// HTTP/2.
    Http2,
}

impl Protocol {
    /// Its name in a handshake.
    pub(crate) const fn name(self) -> &'static [u8] {
        match self {
            Self::Http1 => b"http/1.1",
            Self::Http2 => b"h2",
        }
    }

    /// The one that was agreed on.
    pub(crate) fn agreed(name: Option<&[u8]>) -> Self {
        if name == Some(Self::Http2.name()) { Self::Http2 } else { Self::Http1 }
    }
}

/// The cryptography of everything here: the library that signs tokens, too.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A certificate with its chain, and its private key, both as PEM.
pub struct Identity<'a> {
    /// The server's own certificate, then those between it and a root.
    pub chain: &'a [u8],
    /// PKCS #8, SEC 1 or PKCS #1.
    pub key: &'a [u8],
}

/// Which of the texts a fault is in; numbers count identities from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// A chain.
    Chain(usize),
    /// A private key.
    Key(usize),
    /// The roots of clients.
    ClientCa,
}

/// What is wrong with a text, as the end of a sentence that its name begins. Never repeats any of it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct IdentityError {
    /// Which text.
    pub part: Part,
    what: String,
}

impl IdentityError {
    fn new(part: Part, what: impl Into<String>) -> Self {
        Self { part, what: what.into() }
    }
}

/// Texts that fit together, ready for handshakes.
pub struct Prepared {
    config: Arc<ServerConfig>,
    /// When each server certificate ends, in seconds since 1970.
    pub ends: Vec<u64>,
}

impl Prepared {
    /// Checks the texts. With roots of clients, a client without a certificate from one of them has no handshake.
    ///
    /// # Errors
    /// The first text that cannot be used, and why.
    pub fn new(identities: &[Identity<'_>], client_ca: Option<&[u8]>) -> Result<Self, IdentityError> {
        let provider = provider();
        let mut by_name = ByName(Vec::with_capacity(identities.len()));
        let mut ends = Vec::with_capacity(identities.len());
        for (place, identity) in identities.iter().enumerate() {
            let chain = certificates(Part::Chain(place), identity.chain)?;
            ends.push(end(Part::Chain(place), &chain)?);
            by_name.0.push(Arc::new(certified(place, chain, identity.key, &provider)?));
        }
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(VERSIONS)
            .map_err(|error| IdentityError::new(Part::Chain(0), error.to_string()))?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(text) => {
                let unusable = |error: &dyn fmt::Display| IdentityError::new(Part::ClientCa, error.to_string());
                let mut roots = RootCertStore::empty();
                for certificate in certificates(Part::ClientCa, text)? {
                    roots.add(certificate).map_err(|error| unusable(&error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().map_err(|error| unusable(&error))?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(by_name));
        config.alpn_protocols = OFFERED.iter().map(|protocol| protocol.name().to_vec()).collect();
        Ok(Self { config: Arc::new(config), ends })
    }
}

fn certificates(part: Part, text: &[u8]) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let all = all.map_err(|_| IdentityError::new(part, "is not PEM"))?;
    if all.is_empty() { Err(IdentityError::new(part, "holds no certificate")) } else { Ok(all) }
}

fn certified(
    place: usize,
    chain: Vec<CertificateDer<'static>>,
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, IdentityError> {
    let part = Part::Key(place);
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| IdentityError::new(part, "holds no private key that can be read (PEM, without a password)"))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => IdentityError::new(part, "is not the key of the certificate"),
        rustls::Error::InvalidCertificate(_) => {
            IdentityError::new(Part::Chain(place), "begins with a certificate that cannot be read")
        }
        _ => IdentityError::new(part, "holds a private key of a kind that TLS has no use for"),
    })
}

/// When the first certificate of a chain ends.
fn end(part: Part, chain: &[CertificateDer<'static>]) -> Result<u64, IdentityError> {
    let read = chain.first().and_then(|first| x509_cert::Certificate::from_der(first).ok());
    let certificate = read.ok_or_else(|| IdentityError::new(part, "begins with a certificate that cannot be read"))?;
    Ok(certificate.tbs_certificate().validity().not_after.to_unix_duration().as_secs())
}

/// The certificate for the name that a client asks for (RFC 6066 §3): the first one that is valid for it and that the client
/// can check, else the first of all.
#[derive(Debug)]
struct ByName(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let fits = |one: &&Arc<CertifiedKey>| {
            name.as_ref().is_some_and(|name| is_for(one, name))
                && one.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        self.0.iter().find(fits).or(self.0.first()).map(Arc::clone)
    }
}

fn is_for(one: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = one.cert.first().and_then(|first| ParsedCertificate::try_from(first).ok());
    parsed.is_some_and(|parsed| verify_server_name(&parsed, name).is_ok())
}

/// The door for TLS, shared by all cores: handshakes that begin after a replacement go by the newer texts, connections that
/// stand stay.
pub struct TlsDoor {
    current: RwLock<Arc<ServerConfig>>,
    /// Whether what comes in the clear is refused.
    pub(crate) require: bool,
}

impl TlsDoor {
    /// A door; with `require`, HTTP in the clear is answered 403 and goes no further.
    pub fn new(first: Prepared, require: bool) -> Self {
        Self { current: RwLock::new(first.config), require }
    }

    /// Goes by other texts from the next handshake on.
    pub fn replace(&self, next: Prepared) {
        // A panic elsewhere leaves it whole: each change is one assignment.
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next.config;
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}
