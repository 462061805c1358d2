//! Another issuer's set of keys (RFC 7517), as far as its keys can check signatures here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyward_core::algorithm::Algorithm;
use serde_json::Value;

use crate::signing::{PublicHalf, VerifyingKey};

/// The most keys of one issuer.
const KEYS: usize = 64;

/// The keys of a set that can check signatures; `None`: it is no set. Others are looked past (RFC 7517 §5), symmetric ones above
/// all. Of two keys of one name and algorithm neither counts: which of them is meant nobody can say.
pub fn read(text: &[u8]) -> Option<Vec<VerifyingKey>> {
    let set: Value = serde_json::from_slice(text).ok()?;
    let mut keys: Vec<VerifyingKey> = set.get("keys")?.as_array()?.iter().take(KEYS).filter_map(key).collect();
    let place = |key: &VerifyingKey| (key.id().to_owned(), key.algorithm().name());
    let places: Vec<_> = keys.iter().map(place).collect();
    keys.retain(|key| places.iter().filter(|one| **one == place(key)).count() == 1);
    Some(keys)
}

/// The algorithm is the key's: what its type says, which `alg` may only repeat.
fn key(jwk: &Value) -> Option<VerifyingKey> {
    let text = |name: &str| jwk.get(name)?.as_str();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let (algorithm, half) = match text("kty")? {
        "OKP" if text("crv")? == "Ed25519" => (Algorithm::EdDsa, PublicHalf::Ed25519(number("x")?.try_into().ok()?)),
        "EC" if text("crv")? == "P-256" => {
            (Algorithm::Es256, PublicHalf::P256(number("x")?.try_into().ok()?, number("y")?.try_into().ok()?))
        }
        "RSA" => (Algorithm::Rs256, PublicHalf::Rsa(number("n")?.into(), number("e")?.into())),
        _ => return None,
    };
    let says = |name: &str, word: &str| jwk.get(name).is_none_or(|value| value.as_str() == Some(word));
    let verifies = jwk
        .get("key_ops")
        .is_none_or(|ops| ops.as_array().is_some_and(|ops| ops.iter().any(|op| op.as_str() == Some("verify"))));
    let kid = text("kid").filter(|kid| !kid.is_empty())?;
    // A private key that somebody published checks nothing: whoever reads it can sign.
    let fits = says("use", "sig") && says("alg", algorithm.name()) && verifies && jwk.get("d").is_none();
    if fits { VerifyingKey::public(kid, algorithm, &half.bytes()) } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// RFC 8037 §A.2, RFC 7515 §A.3.1 and §A.2.1.
    fn examples() -> [Value; 3] {
        [
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
            json!({"kty": "EC", "crv": "P-256", "kid": "ec",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}),
            json!({"kty": "RSA", "kid": "rsa", "e": "AQAB",
                "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}),
        ]
    }

    fn kept(keys: &[Value]) -> Vec<String> {
        let text = json!({ "keys": keys }).to_string();
        read(text.as_bytes()).unwrap().iter().map(|key| format!("{} {}", key.id(), key.algorithm().name())).collect()
    }

    #[test]
    fn the_algorithm_is_that_of_the_key() {
        assert_eq!(kept(&examples()), ["ed EdDSA", "ec ES256", "rsa RS256"]);
    }

    #[test]
    fn what_cannot_check_a_signature_is_looked_past() {
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!(1)),
            ("alg", json!("HS256")),
            ("alg", json!("PS256")),
            ("alg", json!("none")),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!("verify")),
            ("kty", json!("oct")),
            ("kty", json!("AKP")),
            ("kid", json!("")),
            ("kid", json!(7)),
            ("d", json!("AQAB")),
        ] {
            for mut key in examples() {
                key[name] = value.clone();
                assert_eq!(kept(&[key]), Vec::<String>::new(), "{name}: {value}");
            }
        }
        let [ed, ec, _] = examples();
        for (mut key, name) in [(ed, "x"), (ec, "y")] {
            key[name] = json!("AQAB");
            assert_eq!(kept(&[key]), Vec::<String>::new(), "{name} is too short, or no point");
        }
        for (name, value) in [("use", json!("sig")), ("key_ops", json!(["verify"])), ("x5t", json!("a"))] {
            for mut key in examples() {
                key[name] = value.clone();
                assert_eq!(kept(&[key]).len(), 1, "{name}: {value}");
            }
        }
    }

    #[test]
    fn of_two_keys_of_one_name_neither_counts() {
        let [ed, ec, mut rsa] = examples();
        rsa["kid"] = json!("ec");
        assert_eq!(kept(&[ed.clone(), ed, ec, rsa]), ["ec ES256", "ec RS256"]);
        for text in ["", "[]", "{}", r#"{"keys":{}}"#] {
            assert!(read(text.as_bytes()).is_none(), "{text}");
        }
    }
}
