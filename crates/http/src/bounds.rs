//! What may wait for Keyward's own endpoints, and how much of it, all in one place. Whatever goes beyond is turned away at
//! once: no bound is a queue that only grows.
//!
//! | what waits | how many | beyond it |
//! |---|---|---|
//! | between the cores and the control side | [`DOOR`] | 503 |
//! | health, readiness, the public keys, who calls | nothing of it waits | – |
//! | passwords to be hashed or checked | [`PASSWORDS`], of them [`PASSWORDS_PER_ADDRESS`] from one place | 503, 429 |
//! | refresh tokens to be spent | [`REFRESHES`] | 503 |
//! | what clients with a key + secret pair ask for | [`CLIENTS`] | 503 |
//! | what callers with a credential ask of the store | [`CALLERS`] | 503 |
//! | bytes of a body, from anybody | [`STRANGERS_BODY`] for each connection | 413 |
//! | bytes of a body, from callers with a credential | [`CALLERS_BODY`] for each connection | 413 |

use keyward_core::route::Endpoint;

/// Requests on their way to the control side. It takes each out at once, so that this is full only where it stands still.
pub const DOOR: usize = 1024;

/// How many of a kind are worked on at once, and how many wait for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// At once.
    pub at_once: usize,
    /// Waiting.
    pub waiting: usize,
}

/// What callers with a credential ask of the store.
pub const CALLERS: Lane = Lane { at_once: 64, waiting: 256 };

/// Refresh tokens, which a stranger may show: they take no turn of a caller's.
pub const REFRESHES: Lane = Lane { at_once: 16, waiting: 256 };

/// Clients that show a pair, which a stranger may do as well: they take no turn of those.
pub const CLIENTS: Lane = Lane { at_once: 16, waiting: 256 };

/// Passwords that wait, beside the ones that are being hashed.
pub const PASSWORDS: usize = 64;

/// Of these, from one address (an IPv6 one counts by its /64).
pub const PASSWORDS_PER_ADDRESS: usize = 8;

/// The longest body where no credential is asked for: a name and a password with every character escaped fit.
pub const STRANGERS_BODY: usize = 8 * 1024;

/// The longest body where one is.
pub const CALLERS_BODY: usize = 64 * 1024;

/// The longest body that an endpoint reads.
pub const fn body(endpoint: Endpoint) -> usize {
    match endpoint {
        Endpoint::Login
        | Endpoint::Refresh
        | Endpoint::Token
        | Endpoint::Exchange
        | Endpoint::Jwks
        | Endpoint::Metadata
        | Endpoint::Portal
        | Endpoint::Health
        | Endpoint::Ready => STRANGERS_BODY,
        // A token may be as long as it is, and its form escapes nothing of it.
        Endpoint::Revoke | Endpoint::Introspect => 2 * STRANGERS_BODY,
        Endpoint::ApiKeys
        | Endpoint::ApiKey
        | Endpoint::ApiKeyRotate
        | Endpoint::Logout
        | Endpoint::Me
        | Endpoint::Usage => CALLERS_BODY,
    }
}
