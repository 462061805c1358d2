//! RSA moduli whose factors can be computed: those of a library that took all its primes from one small family
//! (ROCA, CVE-2017-15361). Such keys still stand in the sets of issuers.

/// What the family's base runs over: the odd primes that it takes in for keys of every length.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// What each member of the family is a power of, by every one of them.
const GENERATOR: u32 = 65_537;

/// Whether a modulus, big-endian, is of that family. One in some hundred millions of others looks like it.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|prime| is_a_power(rest(modulus, *prime), *prime))
}

fn rest(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime)
}

fn is_a_power(rest: u32, prime: u32) -> bool {
    let (step, mut power) = (GENERATOR % prime, 1);
    loop {
        if power == rest {
            return true;
        }
        power = power * step % prime;
        if power == 1 {
            return false;
        }
    }
}
