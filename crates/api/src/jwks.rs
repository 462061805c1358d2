//! The public halves of signing keys as a JWK set (RFC 7517 §5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_engine::signing::{PublicHalf, VerifyingKeys};
use serde_json::{Value, json};

/// The set. Symmetric keys are not in it: whoever had one could make tokens.
pub fn set(keys: &VerifyingKeys) -> Value {
    let keys = keys.iter().filter_map(|key| {
        let mut members = members(key.public_half()?);
        let named = members.as_object_mut()?;
        named.insert("use".to_owned(), "sig".into());
        named.insert("alg".to_owned(), key.algorithm().name().into());
        named.insert("kid".to_owned(), key.id().into());
        Some(members)
    });
    json!({"keys": keys.collect::<Vec<_>>()})
}

fn members(half: &PublicHalf) -> Value {
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    match half {
        // RFC 8037 §2, RFC 7518 §6.2.1 and §6.3.1.
        PublicHalf::Ed25519(x) => json!({"kty": "OKP", "crv": "Ed25519", "x": text(x)}),
        PublicHalf::P256(x, y) => json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)}),
        PublicHalf::Rsa(n, e) => json!({"kty": "RSA", "n": text(n), "e": text(e)}),
    }
}
