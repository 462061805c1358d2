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

#[cfg(test)]
mod tests {
    use keyward_core::algorithm::Algorithm;
    use keyward_core::time::Timestamp;
    use keyward_engine::ports::Random;
    use keyward_engine::signing::VerifyingSource as _;
    use zeroize::Zeroizing;

    use super::*;
    use crate::signing_keys::opener::Opener;
    use crate::signing_keys::sealing::MasterKey;

    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn the_set_says_what_is_public_and_nothing_else() {
        let opener = Opener::new(Some(MasterKey::from_bytes(Zeroizing::new([1; 32]))));
        let kept = Algorithm::ALL.map(|algorithm| {
            opener
                .make(
                    algorithm.name().into(),
                    algorithm,
                    &Sevens,
                    (Timestamp::from_millis(0), Timestamp::from_millis(0)),
                )
                .unwrap()
                .1
        });
        let set = set(&opener.verifying(&kept));
        let names = |key: &Value| key.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        let keys: Vec<String> = set["keys"].as_array().unwrap().iter().map(names).collect();
        assert_eq!(keys, ["kty crv x use alg kid", "kty crv x y use alg kid", "kty n e use alg kid"]);
        // RFC 7518 §6.2.1.2: as long as the curve's field; §6.3.1.2: 65537 without leading zeros.
        let lengths = ["x", "y"].map(|name| set["keys"][1][name].as_str().unwrap().len());
        assert_eq!((lengths, &set["keys"][2]["e"]), ([43, 43], &json!("AQAB")));
        assert_eq!(set["keys"][2]["n"].as_str().unwrap().len(), 342, "2048 bits");
    }
}
