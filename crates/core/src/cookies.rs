//! The `Cookie` field (RFC 6265 §4.2.1): its pairs, and what is left of it without some of them.

use std::borrow::Cow;

use crate::fields::Fields;
use crate::scheme::CarrierFault;

/// The name of the field.
pub const COOKIE: &str = "cookie";

/// The names of Keyward's own cookies, of each plane two: over TLS, where no other site and no page in the clear can set it
/// (draft-ietf-httpbis-rfc6265bis §4.1.3.2), and for browsers on this machine without TLS. Cookies know no ports (RFC 6265
/// §8.5): where both planes are of one host, a browser shows each of them those of the other.
pub const NAMES: [[&str; 2]; 2] =
    [["__Host-keyward-session", "keyward-session"], ["__Host-keyward-console", "keyward-console"]];

/// The value of a cookie that must be there once. HTTP/2 may bring several fields (RFC 9113 §8.2.3).
///
/// # Errors
/// It is there more than once.
pub fn find<'a>(headers: Fields<'a>, name: &str) -> Result<Option<&'a [u8]>, CarrierFault> {
    let values = headers.values(COOKIE).flat_map(segments).filter_map(|segment| {
        let (one, value) = pair(segment);
        (one == name.as_bytes()).then_some(value)
    });
    let mut values = values;
    let first = values.next();
    if values.next().is_some() { Err(CarrierFault::Twice) } else { Ok(first) }
}

/// What is left of a field without Keyward's own cookie; everything else stays as it was, byte for byte. `None`: there is none
/// in it.
pub fn without_ours(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let is_ours = |segment: &[u8]| NAMES.as_flattened().iter().any(|name| pair(segment).0 == name.as_bytes());
    if !segments(value).any(is_ours) {
        return None;
    }
    let mut rest: Vec<u8> = Vec::with_capacity(value.len());
    for segment in segments(value).filter(|segment| !is_ours(segment)) {
        if rest.is_empty() {
            rest.extend_from_slice(segment.trim_ascii_start());
        } else {
            rest.push(b';');
            rest.extend_from_slice(segment);
        }
    }
    Some(Cow::Owned(rest))
}

fn segments(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b';')
}

/// A name and a value, without the blanks around them (RFC 6265bis §5.6). Without `=` it is a value of no name.
fn pair(segment: &[u8]) -> (&[u8], &[u8]) {
    match segment.iter().position(|byte| *byte == b'=') {
        Some(at) => {
            let (name, value) = segment.split_at(at);
            (name.trim_ascii(), value.get(1..).unwrap_or_default().trim_ascii())
        }
        None => (b"", segment.trim_ascii()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_table() {
        // fields | what is found
        for (fields, expected) in [
            (&[][..], "none"),
            (&["a=1"], "none"),
            (&["k=x"], "x"),
            (&["a=1; k=x; b=2"], "x"),
            (&["a=1;k=x;b=2"], "x"),
            (&["a=1;  k = x ;b=2"], "x"),
            (&["a=1", "k=x"], "x"),
            (&["k="], ""),
            (&["k"], "none"),
            (&["K=x"], "none"),
            (&["ak=x; a=k=x; k1=x"], "none"),
            (&["k=a=b"], "a=b"),
            (&["k=x; k=x"], "twice"),
            (&["k=x", "k=y"], "twice"),
            (&["k=x; a=1; k="], "twice"),
            (&["a=\"; k=x; \""], "x"),
        ] {
            let mut map = http::HeaderMap::new();
            for field in fields {
                map.append("cookie", field.parse().unwrap());
            }
            let found = match find((&map).into(), "k") {
                Ok(None) => "none".to_owned(),
                Ok(Some(value)) => String::from_utf8_lossy(value).into_owned(),
                Err(_) => "twice".to_owned(),
            };
            assert_eq!(found, expected, "{fields:?}");
        }
    }

    #[test]
    fn what_is_left_table() {
        for (field, expected) in [
            ("a=1; b=2", None),
            ("keyward-session=x", Some("")),
            ("__Host-keyward-session=x", Some("")),
            ("a=1; keyward-session=x", Some("a=1")),
            ("keyward-console=x; a=1; __Host-keyward-console=y", Some("a=1")),
            ("keyward-session=x; a=1", Some("a=1")),
            ("a=1; keyward-session=x; b=\"2,  3\";c", Some("a=1; b=\"2,  3\";c")),
            ("keyward-session=x; keyward-session=y", Some("")),
            (" keyward-session = x ;a=1", Some("a=1")),
            ("keyward-session=", Some("")),
            ("my-keyward-session=1; keyward-session2=1", None),
            ("a=keyward-session=x", None),
        ] {
            let left = without_ours(field.as_bytes());
            assert_eq!(left.as_deref(), expected.map(str::as_bytes), "{field}");
        }
    }
}
