//! Who still uses a key that was replaced: what a door notes of it, in a form that is safe to keep and to show.

use std::net::IpAddr;

use keyward_core::time::Timestamp;

/// The longest user agent that is kept, in characters.
const AGENT: usize = 120;
/// How many different ones of one key are kept; the ones seen longest ago go first.
pub const KEPT: u32 = 50;

/// By whom a key was used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// From where.
    pub client: IpAddr,
    /// What it says that it is; `-` where it says nothing.
    pub agent: Box<str>,
    /// On which route.
    pub route: Box<str>,
}

/// By whom a key was used, and when last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// By whom. The address as it was written down.
    pub client: Box<str>,
    /// What it says that it is.
    pub agent: Box<str>,
    /// On which route.
    pub route: Box<str>,
    /// When it was last seen.
    pub last_at: Timestamp,
}

/// A user agent (RFC 9110 §10.1.5) as it is kept: bounded, and without a character that a terminal or a page could take for
/// more than text.
pub fn agent(value: Option<&[u8]>) -> Box<str> {
    let plain = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' };
    let text: String = value.unwrap_or_default().iter().take(AGENT).map(plain).collect();
    if text.is_empty() { "-".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_says_that_it_is_stays_plain_and_short() {
        for (value, kept) in [
            (None, "-"),
            (Some(&b""[..]), "-"),
            (Some(b"curl/8.5.0"), "curl/8.5.0"),
            (Some(b"a\x1b[31mb\x7f\xe2\x80\xae\t"), "a?[31mb?????"),
        ] {
            assert_eq!(&*agent(value), kept, "{value:?}");
        }
        assert_eq!(agent(Some(&[b'x'; 5000])).len(), 120);
    }
}
