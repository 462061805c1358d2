//! A set of texts in few bits that never denies one that is in it, and seldom takes one for it that is not. Its bits are on disk:
//! nothing here may change but with another table.

/// Bits for each text: of a hundred that are not in it about one is taken for one that is.
const BITS_EACH: usize = 10;
/// How many bits a text sets.
const SET: u64 = 7;

/// A text with what kind of text it is, as a number.
pub(super) fn hash(kind: u8, text: &str) -> u64 {
    // FNV-1a (draft-eastlake-fnv), and the last step of MurmurHash3, by which every bit depends on every byte.
    let fnv = std::iter::once(kind)
        .chain(text.bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

/// The set of these.
pub(super) fn of(hashes: &[u64]) -> Vec<u8> {
    let mut bytes = vec![0; (hashes.len() * BITS_EACH).div_ceil(8).max(1)];
    for hash in hashes {
        for bit in bits(*hash, bytes.len()) {
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
    bytes
}

/// Whether all of these may be in it.
pub(super) fn may_hold(bytes: &[u8], hashes: &[u64]) -> bool {
    let is_set = |bit: usize| bytes.get(bit / 8).is_none_or(|byte| byte & (1 << (bit % 8)) != 0);
    hashes.iter().all(|hash| bits(*hash, bytes.len()).all(is_set))
}

fn bits(hash: u64, bytes: usize) -> impl Iterator<Item = usize> {
    let (first, step) = (hash >> 32, (hash & 0xffff_ffff) | 1);
    let all = u64::try_from(bytes.max(1)).unwrap_or(1) * 8;
    (0..SET).filter_map(move |number| usize::try_from(first.wrapping_add(step.wrapping_mul(number)) % all).ok())
}

#[cfg(test)]
mod tests {
    use super::{hash, may_hold, of};

    #[test]
    fn what_is_in_it_is_never_denied_and_little_else_is_found() {
        for count in [0_u32, 1, 10, 3000] {
            let inside: Vec<u64> = (0..count).map(|n| hash(b'c', &format!("key_{n}"))).collect();
            let set = of(&inside);
            assert!(inside.iter().all(|one| may_hold(&set, &[*one])), "of {count}");
            let outside = (0..10_000).map(|n| hash(b'c', &format!("other_{n}")));
            let wrong = outside.filter(|one| may_hold(&set, &[*one])).count();
            assert!(wrong < 300, "{wrong} of 10000 beside {count}");
            assert!(set.len() <= usize::try_from(count).unwrap() * 2 + 1);
        }
        let set = of(&[hash(b'c', "x")]);
        assert!(!may_hold(&set, &[hash(b'c', "x"), hash(b'p', "x")]), "another kind, and all of them");
        assert!(may_hold(&set, &[]));
        assert!(!may_hold(&of(&[]), &[1]), "nothing is in none");
    }
}
