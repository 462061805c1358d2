//! Recovery codes: what a user keeps on paper for the day its second factor is lost. Each is good once.

use keyward_core::digest::{ApiKeyDigest, MacKey};
use keyward_engine::ports::Random;

/// How many there are of a user.
pub(crate) const COUNT: usize = 10;
/// How many characters each has, of five bits: 80 bits that nobody guesses, even with the digests in hand.
const CHARACTERS: usize = 16;
/// Small letters and digits, without those that are taken for another: i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// New ones, in groups of four.
pub(crate) fn make(random: &dyn Random) -> Vec<String> {
    (0..COUNT).map(|_| one(random)).collect()
}

fn one(random: &dyn Random) -> String {
    let mut bytes = [0; CHARACTERS];
    random.fill(&mut bytes);
    // 256 is a multiple of 32, so that no character is favoured.
    let characters = bytes.map(|byte| ALPHABET.get(usize::from(byte % 32)).copied().map_or('0', char::from));
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// What is kept of one, by whoever has the store's own key: it is of one user. Blanks, hyphens and capitals are no difference, nor
/// are the letters that are taken for others.
pub(crate) fn digest(typed: &str, user: &str, tag_key: &MacKey) -> ApiKeyDigest {
    let plain: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .take(CHARACTERS + 1)
        .collect();
    ApiKeyDigest::from_bytes(tag_key.mac(&[b"keyward recovery code", user.as_bytes(), plain.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting(std::sync::atomic::AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    #[test]
    fn codes_are_read_as_people_write_them_down() {
        let key = MacKey::from_bytes([4; 32]);
        let of = |typed: &str| digest(typed, "user_1", &key);
        let codes = make(&Counting(0.into()));
        assert_eq!(codes.len(), COUNT);
        assert_eq!(codes[0], "0123-4567-89ab-cdef");
        for typed in ["0123456789abcdef", " 0123 4567-89AB-CDEF ", "OI23-4567-89ab-cdef", "ol23-4567-89ab-cdef"] {
            assert_eq!(of(typed), of(&codes[0]), "{typed}");
        }
        for typed in ["0123-4567-89ab-cdeg", "0123-4567-89ab-cde", "0123-4567-89ab-cdef0", ""] {
            assert_ne!(of(typed), of(&codes[0]), "{typed}");
        }
        assert_ne!(digest(&codes[0], "user_2", &key), of(&codes[0]), "of another user");
        assert_ne!(digest(&codes[0], "user_1", &MacKey::from_bytes([5; 32])), of(&codes[0]));
    }
}
