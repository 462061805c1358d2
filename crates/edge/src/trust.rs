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
    pub(crate) config: Arc<ClientConfig>,
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

    fn of(mut roots: Vec<CertificateDer<'static>>) -> Option<Self> {
        roots.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
        roots.dedup();
        let mut store = RootCertStore::empty();
        // Some systems keep roots that no library can read any more.
        let (usable, _) = store.add_parsable_certificates(roots.iter().cloned());
        let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(VERSIONS).ok()?;
        let mut config = builder.with_root_certificates(store).with_no_client_auth();
        config.alpn_protocols = vec![Protocol::Http1.name().to_vec()];
        (usable > 0).then(|| Self { roots: Arc::new(roots), config: Arc::new(config) })
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
