//! The text of a generated API key: `<prefix><base62 of version, 24 random bytes, 8-byte keyed tag><CRC32 in base62>`.
//!
//! The checksum lets secret scanners recognise a leaked key without asking anybody; the keyed tag lets Keyward refuse a
//! guess without asking its store.

use zeroize::Zeroizing;

use crate::digest::{MacKey, same};

const RANDOM: usize = 24;
const TAG: usize = 8;
const BODY: usize = 1 + RANDOM + TAG;
/// ⌈33 · 8 / log2 62⌉
const BODY_TEXT: usize = 45;
/// ⌈32 / log2 62⌉
const CRC_TEXT: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The version byte of keys made today; it also names the tag key.
pub const VERSION: u8 = 1;

/// The longest text that is looked at as a key.
pub const MAX_BYTES: usize = 1024;

/// A presented or freshly made key. Zeroed when dropped, never printed.
pub struct ApiKeySecret(Zeroizing<String>);

impl ApiKeySecret {
    /// Makes a key from a prefix such as `kw_live_` and 24 random bytes.
    pub fn assemble(prefix: &str, random: &[u8; RANDOM], tag_key: &MacKey) -> Self {
        let mut body = Zeroizing::new([0_u8; BODY]);
        let tag = tag(prefix, VERSION, random, tag_key);
        for (slot, byte) in body.iter_mut().zip(std::iter::once(&VERSION).chain(random).chain(&tag)) {
            *slot = *byte;
        }
        // Full capacity at once: a growing buffer would leave copies of the secret behind.
        let mut text = Zeroizing::new(String::with_capacity(prefix.len() + BODY_TEXT + CRC_TEXT));
        text.push_str(prefix);
        push_base62(&mut text, body.as_slice(), BODY_TEXT);
        let crc = crc32fast::hash(text.as_bytes());
        push_base62(&mut text, &crc.to_be_bytes(), CRC_TEXT);
        Self(text)
    }

    /// The key's text: shown once to its owner, never kept.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeySecret(…)")
    }
}

/// Whether a text has the shape, checksum and keyed tag of a key that this server made. No I/O.
///
/// The prefix is free, so that keys outlive a change of the configured prefix; it is covered by tag and checksum.
pub fn is_genuine(text: &[u8], tag_key: &MacKey) -> bool {
    if text.len() > MAX_BYTES {
        return false;
    }
    let Some((rest, crc_text)) = split_tail(text, CRC_TEXT) else {
        return false;
    };
    let Some((prefix, body_text)) = split_tail(rest, BODY_TEXT) else {
        return false;
    };
    let (Ok(prefix), Some(crc)) = (std::str::from_utf8(prefix), parse_base62::<4>(crc_text)) else {
        return false;
    };
    if crc != crc32fast::hash(rest).to_be_bytes() {
        return false;
    }
    let Some(body) = parse_base62::<BODY>(body_text).map(Zeroizing::new) else {
        return false;
    };
    let [version, payload @ ..] = *body;
    let Some((random, found)) = payload.split_first_chunk::<RANDOM>() else {
        return false;
    };
    version == VERSION && same(found, &tag(prefix, version, random, tag_key))
}

fn tag(prefix: &str, version: u8, random: &[u8; RANDOM], tag_key: &MacKey) -> [u8; TAG] {
    let [a, b, c, d, e, f, g, h, ..] = tag_key.mac(&[b"keyward api key", prefix.as_bytes(), &[version], random]);
    [a, b, c, d, e, f, g, h]
}

fn split_tail(text: &[u8], tail: usize) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(text.len().checked_sub(tail)?)
}

/// Writes bytes as a big-endian number in base 62 with a fixed count of digits.
fn push_base62(text: &mut String, bytes: &[u8], digits: usize) {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut reversed = Zeroizing::new(Vec::with_capacity(digits));
    for _ in 0..digits {
        let mut remainder = 0_u16;
        for byte in number.iter_mut() {
            let value = remainder << 8 | u16::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default();
            remainder = value % 62;
        }
        reversed.push(ALPHABET.get(usize::from(remainder)).copied().unwrap_or(b'0'));
    }
    text.extend(reversed.iter().rev().copied().map(char::from));
}

/// Reads a big-endian number in base 62 into exactly `N` bytes; `None` for other characters or a number too large.
fn parse_base62<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for byte in text {
        let mut carry = u16::from(match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        });
        for place in number.iter_mut().rev() {
            let value = u16::from(*place) * 62 + carry;
            let [high, low] = value.to_be_bytes();
            *place = low;
            carry = u16::from(high);
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag_key() -> MacKey {
        MacKey::from_bytes([7; 32])
    }

    #[test]
    fn the_shape_is_stable() {
        let key = ApiKeySecret::assemble("kw_live_", &[0xab; RANDOM], &tag_key());
        // Frozen: a change here orphans every key in the field; make a new VERSION instead.
        assert_eq!(key.expose().len(), 8 + BODY_TEXT + CRC_TEXT);
        assert_eq!(key.expose(), FROZEN);
        assert!(is_genuine(FROZEN.as_bytes(), &tag_key()));
    }

    const FROZEN: &str = "kw_live_01dPeuSpGYNoWF4s5WZR5Xp6k26L5bemMOctUjhfph8Go4P0sHe";

    proptest! {
        #[test]
        fn a_made_key_is_genuine(prefix in "[a-z_]{0,12}", random in any::<[u8; RANDOM]>()) {
            let key = ApiKeySecret::assemble(&prefix, &random, &tag_key());
            prop_assert!(is_genuine(key.expose().as_bytes(), &tag_key()));
            prop_assert!(!is_genuine(key.expose().as_bytes(), &MacKey::from_bytes([8; 32])));
        }

        #[test]
        fn one_changed_character_is_noticed(random in any::<[u8; RANDOM]>(), at in 0..59_usize, with in "[0-9A-Za-z_]") {
            let key = ApiKeySecret::assemble("kw_live_", &random, &tag_key());
            let mut text = key.expose().to_owned();
            text.replace_range(at..=at, &with);
            prop_assert_eq!(is_genuine(text.as_bytes(), &tag_key()), text == key.expose());
        }

        /// The checksum is public; with it made right, only the keyed tag is left to refuse a guess.
        #[test]
        fn a_guess_with_a_right_checksum_is_refused(body in "[0-9A-Za-z]{45}") {
            let mut text = format!("kw_live_{body}");
            let crc = crc32fast::hash(text.as_bytes());
            push_base62(&mut text, &crc.to_be_bytes(), CRC_TEXT);
            prop_assert!(!is_genuine(text.as_bytes(), &tag_key()));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(!is_genuine(&bytes, &tag_key()));
        }

        #[test]
        fn base62_round_trips(bytes in any::<[u8; BODY]>()) {
            let mut text = String::new();
            push_base62(&mut text, &bytes, BODY_TEXT);
            prop_assert_eq!(parse_base62::<BODY>(text.as_bytes()), Some(bytes));
        }
    }
}
