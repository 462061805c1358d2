//! Only the key that a token names counts, and only in its own way of signing.

use keyward_core::token::{Claims, Header, Unverified, assemble, message};

use super::*;
use crate::ports::Random;

/// Another number with each byte.
struct Counting(u8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().zip(self.0..).for_each(|(byte, count)| *byte = count);
    }
}

fn claims() -> Claims {
    let text = || "x".to_owned();
    Claims { iss: text(), aud: text(), sub: text(), sid: text(), jti: text(), scope: text(), exp: 9, iat: 1, nbf: 1 }
}

/// A key and what is kept of it, unsealed.
fn key(id: &str, algorithm: Algorithm) -> (SigningKey, SigningKeyRecord) {
    let secret = new_secret(algorithm, &Counting(id.len() as u8)).unwrap();
    let key = SigningKey::read(id, algorithm, &secret).unwrap();
    let record = SigningKeyRecord {
        id: id.into(),
        algorithm,
        public: key.public(),
        sealed: secret.as_slice().into(),
        created_at: Timestamp::from_millis(0),
        active_at: Timestamp::from_millis(0),
        retired_at: None,
    };
    (key, record)
}

fn verifying(kept: &[SigningKeyRecord]) -> VerifyingKeys {
    VerifyingKeys::of(kept, |record| Some(record.sealed.clone()))
}

fn verify(kept: &[SigningKeyRecord], token: &str) -> bool {
    verifying(kept).verify(&Unverified::read(token.as_bytes()).unwrap())
}

fn header(alg: &str, kid: &str) -> Header {
    Header { alg: alg.to_owned(), typ: "at+jwt".to_owned(), kid: kid.to_owned() }
}

#[test]
fn the_public_half_is_that_of_rfc_8032() {
    // RFC 8032 §7.1, test 1.
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    let key = SigningKey::read("k", Algorithm::EdDsa, &seed).unwrap();
    assert_eq!(key.public().unwrap()[..8], [0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7]);
}

#[test]
fn only_the_named_key_counts() {
    for algorithm in Algorithm::ALL {
        let ((one, record), (other, other_record)) = (key("one", algorithm), key("other", algorithm));
        let token = one.sign("at+jwt", &claims()).unwrap();
        let all = [record.clone(), other_record.clone()];
        assert!(verify(&all, &token), "{algorithm:?}");
        assert!(!verify(&[other_record], &token), "{algorithm:?}: an unknown key");
        let retired = SigningKeyRecord { retired_at: Some(Timestamp::from_millis(1)), ..record };
        assert!(!verify(&[retired], &token), "{algorithm:?}: a retired key");
        // The other key's signature under this one's name, and other claims under this signature.
        let text = message(&header(algorithm.name(), "one"), &claims());
        let impostor = assemble(&text, &other.signature(text.as_bytes()).unwrap());
        assert!(!verify(&all, &impostor), "{algorithm:?}: an impostor");
        let (_, signature) = token.rsplit_once('.').unwrap();
        let altered = Claims { sub: "y".to_owned(), ..claims() };
        let altered = format!("{}.{signature}", message(&header(algorithm.name(), "one"), &altered));
        assert!(!verify(&all, &altered), "{algorithm:?}: other claims");
        // Right, but for the name of the key: no other one is tried.
        for kid in ["", "ONE", "one ", "../one", "/dev/null", "' or 1=1 --", &"one".repeat(1000)] {
            let text = message(&header(algorithm.name(), kid), &claims());
            let token = assemble(&text, &one.signature(text.as_bytes()).unwrap());
            assert!(!verify(&all, &token) && !verify(&all[..1], &token), "{algorithm:?}: {kid:?}");
        }
    }
}

#[test]
fn the_algorithm_is_the_keys_and_never_the_tokens() {
    let keys = Algorithm::ALL.map(|algorithm| key(algorithm.name(), algorithm));
    let kept = keys.clone_records();
    for (signing, record) in &keys {
        let own = record.algorithm.name();
        for alg in ["none", "None", "eddsa", "ES384", "RS512", "HS512", "", "EdDSA", "ES256", "RS256", "HS256"] {
            let text = message(&header(alg, own), &claims());
            let signed = assemble(&text, &signing.signature(text.as_bytes()).unwrap());
            assert_eq!(verify(&kept, &signed), alg == own, "{alg:?} of a key of {own}");
            assert!(!verify(&kept, &assemble(&text, b"")), "{alg:?} without a signature");
        }
        // Everything public of a key, taken for the secret of HS256 (CVE-2016-10555 and its kin).
        let text = message(&header("HS256", own), &claims());
        for secret in publics(record) {
            let mac = aws_lc_rs::hmac::sign(
                &aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret),
                text.as_bytes(),
            );
            assert!(!verify(&kept, &assemble(&text, mac.as_ref())), "a public half of {own} as a secret");
        }
    }
}

trait Records {
    fn clone_records(&self) -> Vec<SigningKeyRecord>;
}

impl Records for [(SigningKey, SigningKeyRecord)] {
    fn clone_records(&self) -> Vec<SigningKeyRecord> {
        self.iter().map(|(_, record)| record.clone()).collect()
    }
}

/// What a stranger knows of a key, in the forms that it comes in.
fn publics(record: &SigningKeyRecord) -> Vec<Vec<u8>> {
    let mut all = vec![record.id.as_bytes().to_vec(), Vec::new()];
    all.extend(record.public.iter().map(|public| public.to_vec()));
    for key in verifying(std::slice::from_ref(record)).iter() {
        match key.public_half() {
            None => {}
            Some(PublicHalf::Ed25519(x)) => all.push(x.to_vec()),
            Some(PublicHalf::P256(x, y)) => all.extend([x.to_vec(), [*x, *y].concat()]),
            Some(PublicHalf::Rsa(n, e)) => all.extend([n.to_vec(), e.to_vec()]),
        }
    }
    all
}

#[test]
fn signatures_have_one_length() {
    for (algorithm, length) in Algorithm::ALL.into_iter().zip([64, 64, 256, 32]) {
        let (one, record) = key("one", algorithm);
        let keys = verifying(&[record]);
        let check = |signature: &[u8]| keys.iter().next().unwrap().has_signed(b"message", signature);
        let signature = one.signature(b"message").unwrap();
        assert!(signature.len() == length && check(&signature), "{algorithm:?}");
        for cut in 0..length {
            assert!(!check(&signature[..cut]), "{algorithm:?} cut at {cut}");
            assert!(!check(&signature[cut..]) || cut == 0, "{algorithm:?} from {cut}");
        }
        for longer in [[&signature[..], &[0]].concat(), [&[0], &signature[..]].concat(), signature.repeat(2)] {
            assert!(!check(&longer), "{algorithm:?}: {} bytes", longer.len());
        }
    }
}

#[test]
fn numbers_of_ecdsa_out_of_range_are_refused() {
    // The order of P-256 (SEC 2 §2.4.2).
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
        0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let above = {
        let mut above: [u8; 32] = order;
        above[31] += 1;
        above
    };
    let (one, record) = key("one", Algorithm::Es256);
    let keys = verifying(&[record]);
    let check = |signature: &[u8]| keys.iter().next().unwrap().has_signed(b"message", signature);
    let good = one.signature(b"message").unwrap();
    let (r, s) = good.split_first_chunk::<32>().unwrap();
    let s: &[u8; 32] = s.try_into().unwrap();
    for bad in [[0; 32], order, above, [0xff; 32]] {
        for pair in [[bad, *s], [*r, bad], [bad, bad]] {
            assert!(!check(&pair.concat()), "{pair:?}");
        }
    }
    assert!(check(&good));
}

#[test]
fn a_secret_is_at_least_as_long_as_its_hash() {
    for length in 0..=40 {
        let secret = vec![7; length];
        let long_enough = length >= 32;
        assert_eq!(SigningKey::read("k", Algorithm::Hs256, &secret).is_some(), long_enough, "{length}");
        assert_eq!(VerifyingKey::secret("k", &secret).is_some(), long_enough, "{length}");
    }
}

#[test]
fn no_public_half_comes_to_be_a_secret_and_no_secret_is_shown() {
    for algorithm in Algorithm::ALL {
        let (one, record) = key("one", algorithm);
        assert_eq!(record.public.is_none(), algorithm == Algorithm::Hs256);
        assert!(VerifyingKey::public("k", Algorithm::Hs256, &record.sealed).is_none());
        // A record that says both is believed in neither.
        let both = SigningKeyRecord { algorithm: Algorithm::Hs256, public: Some([4; 65].into()), ..record.clone() };
        assert_eq!(verifying(&[both]).iter().count(), 0);
        let keys = verifying(&[record]);
        let shown = keys.iter().filter(|key| key.public_half().is_some()).count();
        assert_eq!(shown, usize::from(algorithm != Algorithm::Hs256));
        assert_eq!(format!("{one:?}"), format!("SigningKey(one, {}, …)", algorithm.name()));
    }
}

#[test]
fn what_is_no_public_half_of_its_algorithm_is_none() {
    for algorithm in Algorithm::ALL.into_iter().filter(|one| *one != Algorithm::Hs256) {
        let public = key("one", algorithm).0.public().unwrap();
        assert!(VerifyingKey::public("k", algorithm, &public).is_some(), "{algorithm:?}");
        for cut in 0..public.len() {
            assert!(VerifyingKey::public("k", algorithm, &public[..cut]).is_none(), "{algorithm:?} cut at {cut}");
        }
        assert!(VerifyingKey::public("k", algorithm, &[&public[..], &[0]].concat()).is_none(), "{algorithm:?}");
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            assert!(VerifyingKey::public("k", other, &public).is_none(), "{algorithm:?} as {other:?}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        public in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        secret in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        signature in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
    ) {
        for algorithm in Algorithm::ALL {
            let _ = SigningKey::read("k", algorithm, &secret);
            for key in VerifyingKey::public("k", algorithm, &public).iter().chain(&VerifyingKey::secret("k", &secret)) {
                assert!(!key.has_signed(b"message", &signature));
            }
        }
    }

    #[test]
    fn no_altered_signature_passes(position in 0_usize..256, flip in 1_u8..) {
        thread_local! {
            static KEYS: Vec<(SigningKey, SigningKeyRecord)> =
                Algorithm::ALL.map(|algorithm| key("one", algorithm)).into();
        }
        KEYS.with(|keys| for (one, record) in keys {
            let mut signature = one.signature(b"message").unwrap();
            let position = position % signature.len();
            signature[position] ^= flip;
            let keys = verifying(std::slice::from_ref(record));
            assert!(!keys.iter().next().unwrap().has_signed(b"message", &signature));
        });
    }
}
