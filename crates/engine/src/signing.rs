//! Signing keys: one half makes tokens, the other half checks them. The algorithm is the key's, never the token's.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use keyward_core::time::Timestamp;
use keyward_core::token::{Claims, Header, Unverified, assemble, message};
use zeroize::Zeroizing;

/// The one algorithm of this version: Ed25519 (RFC 8032), called `EdDSA` in headers (RFC 8037 §3.1).
pub const ALGORITHM: &str = "EdDSA";

/// A signing key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// `sig_…`, random; `kid` of tokens.
    pub id: Box<str>,
    /// The public half: 32 bytes (RFC 8032 §5.1.5).
    pub public: [u8; 32],
    /// The private half, sealed with the master key.
    pub sealed: Box<[u8]>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nothing signed by it counts any more.
    pub retired_at: Option<Timestamp>,
}

/// The private half. Zeroed when dropped by the library that holds it.
pub struct SigningKey {
    id: Box<str>,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// From 32 secret bytes (RFC 8032 §5.1.5).
    pub fn from_seed(id: &str, seed: &Zeroizing<[u8; 32]>) -> Option<Self> {
        Some(Self { id: id.into(), pair: Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).ok()? })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.pair.public_key().as_ref().try_into().unwrap_or_default()
    }

    /// A token of a type with these claims.
    pub fn sign(&self, typ: &str, claims: &Claims) -> String {
        let header = Header { alg: ALGORITHM.to_owned(), typ: typ.to_owned(), kid: self.id.to_string() };
        let message = message(&header, claims);
        let signature = self.pair.sign(message.as_bytes());
        assemble(&message, signature.as_ref())
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({}, …)", self.id)
    }
}

/// The public halves of all keys whose signatures count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyingKeys(Vec<(Box<str>, [u8; 32])>);

impl VerifyingKeys {
    /// Of the keys that are not retired.
    pub fn of(keys: &[SigningKeyRecord]) -> Self {
        let active = keys.iter().filter(|key| key.retired_at.is_none());
        Self(active.map(|key| (key.id.clone(), key.public)).collect())
    }

    /// Whether what a key signs counts.
    pub fn has(&self, id: &str) -> bool {
        self.iter().any(|(known, _)| known == id)
    }

    /// Ids and public halves, for a JWK set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8; 32])> {
        self.0.iter().map(|(id, public)| (&**id, public))
    }

    /// Whether a token was signed by the key that it names. One lookup by name, no second try with another key.
    pub fn verify(&self, token: &Unverified<'_>) -> bool {
        let Some((_, public)) = self.iter().find(|(id, _)| *id == token.header.kid) else {
            return false;
        };
        token.header.alg == ALGORITHM
            && UnparsedPublicKey::new(&ED25519, public).verify(token.message, &token.signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        let text = || "x".to_owned();
        Claims {
            iss: text(),
            aud: text(),
            sub: text(),
            sid: text(),
            jti: text(),
            scope: text(),
            exp: 9,
            iat: 1,
            nbf: 1,
        }
    }

    fn key(id: &str, byte: u8) -> (SigningKey, SigningKeyRecord) {
        let key = SigningKey::from_seed(id, &Zeroizing::new([byte; 32])).unwrap();
        let record = SigningKeyRecord {
            id: id.into(),
            public: key.public(),
            sealed: Box::default(),
            created_at: Timestamp::from_millis(0),
            retired_at: None,
        };
        (key, record)
    }

    #[test]
    fn the_public_half_is_that_of_rfc_8032() {
        // RFC 8032 §7.1, test 1.
        let seed = [
            0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
            0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
        ];
        let key = SigningKey::from_seed("k", &Zeroizing::new(seed)).unwrap();
        assert_eq!(key.public()[..8], [0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7]);
    }

    #[test]
    fn only_the_named_key_and_its_own_algorithm_count() {
        let ((one, record), (other, other_record)) = (key("one", 1), key("other", 2));
        let token = one.sign("at+jwt", &claims());
        let verify = |keys: &[SigningKeyRecord], token: &str| {
            VerifyingKeys::of(keys).verify(&Unverified::read(token.as_bytes()).unwrap())
        };
        let all = [record.clone(), other_record.clone()];
        assert!(verify(&all, &token));
        assert!(!verify(&[other_record], &token), "an unknown key");
        let retired = SigningKeyRecord { retired_at: Some(Timestamp::from_millis(1)), ..record };
        assert!(!verify(&[retired], &token), "a retired key");
        // The other key's signature under this one's name, and other claims under this signature.
        let impostor = SigningKey { id: "one".into(), pair: other.pair };
        assert!(!verify(&all, &impostor.sign("at+jwt", &claims())));
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let altered = keyward_core::token::message(
            &Header { alg: ALGORITHM.into(), typ: "at+jwt".into(), kid: "one".into() },
            &Claims { sub: "y".to_owned(), ..claims() },
        );
        let (_, body) = altered.split_once('.').unwrap();
        assert!(!verify(&all, &format!("{header}.{body}.{signature}")));
        for alg in ["none", "HS256", "ES256", "eddsa", ""] {
            let header = Header { alg: alg.to_owned(), typ: "at+jwt".into(), kid: "one".into() };
            let message = keyward_core::token::message(&header, &claims());
            let signed = assemble(&message, one.pair.sign(message.as_bytes()).as_ref());
            assert!(!verify(&all, &signed), "{alg:?}");
            assert!(!verify(&all, &assemble(&message, b"")), "{alg:?}");
        }
    }
}
