//! Whose certificates upstreams are believed by, and what a handshake with one is made with.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::tls::{Protocol, VERSIONS, provider};

/// Roots by which upstreams over TLS are checked: chain, time and name, always.
#[derive(Clone)]
pub struct Trust {
    roots: Arc<Vec<CertificateDer<'static>>>,
    any: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
}

/// What a handshake offers to an upstream (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Whatever is spoken here, the better one first.
    Any,
    /// HTTP/1.1 alone, for what no stream of HTTP/2 can carry.
    Http1,
}

impl Offer {
    fn names(self) -> Vec<Vec<u8>> {
        let offered: &[Protocol] = match self {
            Self::Any => &[Protocol::Http2, Protocol::Http1],
            Self::Http1 => &[Protocol::Http1],
        };
        offered.iter().map(|protocol| protocol.name().to_vec()).collect()
    }
}

/// No root can be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "no certificate authority is known here that an https upstream could be checked by{}; install ca-certificates, or name a file \
     with SSL_CERT_FILE", .0.as_ref().map(|why| format!(" ({why})")).unwrap_or_default()
)]
pub struct TrustError(Option<String>);

impl Trust {
    /// The system's roots, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name instead. Reads files.
    ///
    /// # Errors
    /// There is none that can be used.
    pub fn of_system() -> Result<Self, TrustError> {
        let loaded = rustls_native_certs::load_native_certs();
        let why = loaded.errors.first().map(ToString::to_string);
        Self::of(loaded.certs).ok_or(TrustError(why))
    }

    /// These roots, and no others; `None` where none of them can be used.
    pub fn of(mut roots: Vec<CertificateDer<'static>>) -> Option<Self> {
        roots.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
        roots.dedup();
        let mut store = RootCertStore::empty();
        // Some systems keep roots that no library can read any more.
        let (usable, _) = store.add_parsable_certificates(roots.iter().cloned());
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS).ok()?;
        let config = builder.with_root_certificates(store).with_no_client_auth();
        // Copies of one: they differ in what they offer, and in nothing by which a certificate is checked.
        let offering = |offer: Offer| {
            let mut config = config.clone();
            config.alpn_protocols = offer.names();
            Arc::new(config)
        };
        let (any, http1) = (offering(Offer::Any), offering(Offer::Http1));
        (usable > 0).then(|| Self { roots: Arc::new(roots), any, http1 })
    }

    /// What a handshake is made with.
    pub(crate) fn config(&self, offer: Offer) -> &Arc<ClientConfig> {
        match offer {
            Offer::Any => &self.any,
            Offer::Http1 => &self.http1,
        }
    }
}

impl PartialEq for Trust {
    fn eq(&self, other: &Self) -> bool {
        self.roots == other.roots
    }
}

impl Eq for Trust {}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({} roots)", self.roots.len())
    }
}
