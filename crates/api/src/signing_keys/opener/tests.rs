//! What is made is opened again, by the same master key only, and for the same algorithm only.

use super::*;

struct Counting;

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().zip(1..).for_each(|(byte, count)| *byte = count);
    }
}

fn opener(byte: u8) -> Opener {
    Opener::new(Some(MasterKey::from_bytes(Zeroizing::new([byte; 32]))))
}

fn made(algorithm: Algorithm) -> (SigningKey, SigningKeyRecord) {
    opener(1)
        .make("sig_1".into(), algorithm, &Counting, (Timestamp::from_millis(0), Timestamp::from_millis(0)))
        .unwrap()
}

#[test]
fn what_is_made_is_opened_by_the_same_master_key_alone() {
    for algorithm in Algorithm::ALL {
        let (key, record) = made(algorithm);
        assert_eq!((key.algorithm(), &key.public(), record.algorithm), (algorithm, &record.public, algorithm));
        assert_eq!(record.public.is_none(), algorithm == Algorithm::Hs256);
        assert!(opener(1).open(&record).is_some(), "{algorithm:?}");
        assert!(opener(2).open(&record).is_none() && Opener::default().open(&record).is_none(), "{algorithm:?}");
        // Whoever can write to the store cannot have a secret used in another way.
        for other in Algorithm::ALL.into_iter().filter(|other| *other != algorithm) {
            let changed = SigningKeyRecord { algorithm: other, public: None, ..record.clone() };
            assert!(opener(1).open(&changed).is_none(), "{algorithm:?} as {other:?}");
            assert_eq!(opener(1).verifying(&[changed]).iter().count(), 0, "{algorithm:?} as {other:?}");
        }
        // A symmetric key checks nothing where it cannot be opened; the others need no secret for that.
        let checks = Opener::default().verifying(&[record]).iter().count();
        assert_eq!(checks, usize::from(algorithm != Algorithm::Hs256), "{algorithm:?}");
    }
}

#[test]
fn a_configured_secret_has_a_name_that_tells_nothing_of_it() {
    let secret = "a secret of thirty-two bytes....";
    let name = |tag: u8| {
        let opener = Opener::default().with_secret(secret, &MacKey::from_bytes([tag; 32]));
        assert!(!format!("{opener:?}").contains("thirty"));
        assert_eq!(opener.verifying(&[]).iter().count(), 1);
        assert!(opener.configured(Algorithm::EdDsa).is_none());
        opener.configured(Algorithm::Hs256).unwrap().id().to_owned()
    };
    assert_eq!(name(1), name(1));
    assert_ne!(name(1), name(2), "the name is a plain digest, on which secrets can be tried");
    let short = Opener::default().with_secret(&secret[..31], &MacKey::from_bytes([1; 32]));
    assert!(short.configured(Algorithm::Hs256).is_none());
    assert_eq!(short.verifying(&[]).iter().count(), 0);
}
