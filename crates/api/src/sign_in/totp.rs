//! Codes by time (TOTP, RFC 6238), as the authenticator programs of phones make them: SHA-1, six digits, steps of 30 seconds.
//!
//! Pure arithmetic; that a code counts once is the store's to hold, which keeps the last step that was taken.

use aws_lc_rs::hmac;
use keyward_core::digest::same;
use keyward_core::time::Timestamp;
use zeroize::Zeroizing;

/// How many bytes a secret has (RFC 4226 §4, R6: 160 bits are recommended).
pub(crate) const SECRET_BYTES: usize = 20;
/// How many digits a code has.
pub(crate) const DIGITS: usize = 6;
/// How long a step is, in milliseconds (RFC 6238 §5.2).
const STEP_MILLIS: i64 = 30_000;
/// The steps before and after that a clock may be off by (RFC 6238 §5.2: at most one).
const SKEW: u64 = 1;

/// The step that a time lies in.
fn step_of(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis().div_euclid(STEP_MILLIS)).unwrap_or(0)
}

/// The step whose code a text is, among those near a time; `None`: it is none of theirs. All of them are compared, in constant
/// time.
pub(crate) fn step(secret: &[u8], typed: &str, now: Timestamp) -> Option<u64> {
    let middle = step_of(now);
    let mut found = None;
    for step in middle.saturating_sub(SKEW)..=middle.saturating_add(SKEW) {
        if same(typed.as_bytes(), code::<DIGITS>(secret, step).as_bytes()) {
            found = Some(step);
        }
    }
    found
}

/// The code of a step (RFC 4226 §5.3).
fn code<const DIGITS: usize>(secret: &[u8], step: u64) -> Zeroizing<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = tag.as_ref().last().map_or(0, |last| usize::from(last & 0x0f));
    let chosen = tag.as_ref().get(offset..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
    let number = u32::from_be_bytes(chosen) & 0x7fff_ffff;
    let digits = u32::try_from(DIGITS).unwrap_or(0);
    Zeroizing::new(format!("{:0DIGITS$}", number % 10_u32.saturating_pow(digits)))
}

/// A secret as people type it into an authenticator (RFC 4648 §6, without padding).
pub(crate) fn base32(secret: &[u8]) -> Zeroizing<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = Zeroizing::new(String::with_capacity(secret.len().div_ceil(5) * 8));
    for group in secret.chunks(5) {
        let number = group.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)) << (8 * (5 - group.len()));
        for place in 0..(group.len() * 8).div_ceil(5) {
            let digit = usize::try_from(number >> (35 - 5 * place) & 31).unwrap_or(0);
            text.push(ALPHABET.get(digit).copied().map_or('A', char::from));
        }
    }
    text
}

/// What a QR code of the secret holds, for an authenticator to read: the "Key URI Format" that all of them know. SHA-1, six digits
/// and 30 seconds are what it means where it says nothing.
pub(crate) fn uri(secret: &[u8], issuer: &str, username: &str) -> Zeroizing<String> {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let (issuer, username) = (encoded(issuer), encoded(username));
    Zeroizing::new(format!("otpauth://totp/{issuer}:{username}?secret={}&issuer={issuer}", *base32(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_6238_appendix_b() {
        // seconds | code of eight digits, by SHA-1
        for (seconds, expected) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = step_of(Timestamp::from_millis(seconds * 1000));
            assert_eq!(*code::<8>(b"12345678901234567890", step), expected, "{seconds}");
            assert_eq!(*code::<6>(b"12345678901234567890", step), expected[2..], "{seconds}");
        }
    }

    #[test]
    fn vectors_of_rfc_4226_appendix_d() {
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (count, expected) in expected.into_iter().enumerate() {
            assert_eq!(*code::<6>(b"12345678901234567890", count as u64), expected, "{count}");
        }
    }

    #[test]
    fn a_code_counts_one_step_before_and_after() {
        let secret = [7; SECRET_BYTES];
        let at = |steps: i64| Timestamp::from_millis(1_700_000_010_000 + steps * STEP_MILLIS);
        let typed = code::<DIGITS>(&secret, step_of(at(0)));
        for (steps, counts) in [(-2, false), (-1, true), (0, true), (1, true), (2, false), (1000, false)] {
            assert_eq!(step(&secret, &typed, at(steps)), counts.then(|| step_of(at(0))), "{steps} steps later");
        }
        for (text, what) in [("", "nothing"), ("000000", "a guess"), (&typed[1..], "five digits")] {
            assert_eq!(step(&secret, text, at(0)), None, "{what}");
        }
        assert_eq!(step(&[8; SECRET_BYTES], &typed, at(0)), None, "another secret");
        // A clock of before the epoch is a step like any other, and no panic.
        assert_eq!(step(&secret, &typed, Timestamp::from_millis(-5)), None);
    }

    #[test]
    fn vectors_of_rfc_4648_section_10() {
        for (bytes, expected) in [
            (&b""[..], ""),
            (b"f", "MY"),
            (b"fo", "MZXQ"),
            (b"foo", "MZXW6"),
            (b"foob", "MZXW6YQ"),
            (b"fooba", "MZXW6YTB"),
            (b"foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(*base32(bytes), expected);
        }
    }

    #[test]
    fn an_authenticator_is_told_whose_secret_it_is() {
        let told = uri(b"fooba", "Acme & Co", "ada@example.com");
        assert_eq!(*told, "otpauth://totp/Acme%20%26%20Co:ada%40example%2Ecom?secret=MZXW6YTB&issuer=Acme%20%26%20Co");
    }
}
