//! The hops that proxies list in a header, read from the right: first what the nearest proxy wrote, last what a client may
//! have made up.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use http::header::FORWARDED;
use keyward_core::address::canonical;
use keyward_core::fields::Fields;

use crate::names::X_FORWARDED_FOR;

/// How trusted proxies tell whom they serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAddress {
    /// `X-Forwarded-For`: addresses, separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// No header: the PROXY protocol, before the first byte of the connection.
    ProxyProtocol,
}

/// One hop: whom the proxy to its right was called by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop<'a> {
    pub(crate) address: IpAddr,
    /// How it was called, where the header says so.
    pub(crate) proto: Option<Cow<'a, str>>,
    /// As which host, where the header says so.
    pub(crate) host: Option<Cow<'a, str>>,
}

/// The hops from the right over all field lines, which count as one list (RFC 9110 §5.3); `None` is one that cannot be read.
///
/// What stands to the left of a comma changes nothing of what stands to its right, quotes included: a client cannot make a
/// proxy's words unreadable by what it sends before them.
pub(crate) fn from_the_right(header: ClientAddress, headers: Fields<'_>) -> impl Iterator<Item = Option<Hop<'_>>> {
    let (name, quotes) = match header {
        ClientAddress::XForwardedFor => (Some(X_FORWARDED_FOR), false),
        ClientAddress::Forwarded => (Some(FORWARDED), true),
        ClientAddress::ProxyProtocol => (None, false),
    };
    // Read from the last one on, they are gathered first; only trusted proxies' are read at all.
    let lines: Vec<&[u8]> = name.iter().flat_map(|name| headers.values(name.as_str())).collect();
    lines.into_iter().rev().flat_map(move |line| Elements { rest: Some(line), quotes }).map(move |element| {
        let element = std::str::from_utf8(element).ok()?.trim_matches(BLANKS);
        match header {
            ClientAddress::XForwardedFor | ClientAddress::ProxyProtocol => plain(element),
            ClientAddress::Forwarded => forwarded(element),
        }
    })
}

const BLANKS: [char; 2] = [' ', '\t'];

/// The elements of one line, the last one first.
struct Elements<'a> {
    rest: Option<&'a [u8]>,
    quotes: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest?;
        let (rest, element) = match last_comma(text, self.quotes) {
            Some(at) => (text.get(..at), text.get(at + 1..).unwrap_or_default()),
            None => (None, text),
        };
        self.rest = rest;
        Some(element)
    }
}

/// The last comma that no quoted string holds.
fn last_comma(text: &[u8], quotes: bool) -> Option<usize> {
    let mut inside = false;
    for (at, byte) in text.iter().enumerate().rev() {
        match byte {
            b'"' if quotes && !(inside && is_escaped(text, at)) => inside = !inside,
            b',' if !inside => return Some(at),
            _ => {}
        }
    }
    None
}

/// Whether the byte follows an odd number of backslashes (RFC 9110 §5.6.4: quoted-pair).
fn is_escaped(text: &[u8], at: usize) -> bool {
    let before = text.iter().take(at).rev();
    before.take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// A hop of `X-Forwarded-For`: an address, IPv6 with or without brackets, with or without a port.
fn plain(text: &str) -> Option<Hop<'_>> {
    let address = match text.parse::<Ipv6Addr>() {
        Ok(address) => canonical(IpAddr::V6(address)),
        Err(_) => node(text, is_port)?,
    };
    Some(Hop { address, proto: None, host: None })
}

/// RFC 7239 §4: `forwarded-element = [ forwarded-pair ] *( ";" [ forwarded-pair ] )`, each name at most once. Blanks around
/// `;` are let pass, as proxies write them.
fn forwarded(text: &str) -> Option<Hop<'_>> {
    let (mut client, mut proto, mut host) = (None, None, None);
    let mut rest = text;
    while !rest.is_empty() {
        let after = match rest.starts_with(';') {
            true => rest,
            false => {
                let (name, value, after) = pair(rest)?;
                let slot = match name {
                    _ if name.eq_ignore_ascii_case("for") => Some(&mut client),
                    _ if name.eq_ignore_ascii_case("proto") => Some(&mut proto),
                    _ if name.eq_ignore_ascii_case("host") => Some(&mut host),
                    _ => None,
                };
                if slot.is_some_and(|slot| slot.replace(value).is_some()) {
                    return None;
                }
                after.trim_start_matches(BLANKS)
            }
        };
        rest = match after.strip_prefix(';') {
            Some(next) => next.trim_start_matches(BLANKS),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    // `unknown` and obfuscated nodes (RFC 7239 §6.2, §6.3) name nobody.
    Some(Hop { address: node(&client?, |port| is_port(port) || is_obfuscated(port))?, proto, host })
}

/// `token "=" ( token / quoted-string )`, and what follows.
fn pair(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (name, rest) = token(text)?;
    let rest = rest.strip_prefix('=')?;
    let (value, rest) = match rest.strip_prefix('"') {
        Some(inner) => quoted(inner)?,
        None => token(rest).map(|(value, rest)| (Cow::Borrowed(value), rest))?,
    };
    Some((name, value, rest))
}

/// RFC 9110 §5.6.2, and what follows.
fn token(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.find(|c: char| !is_token(c)).unwrap_or(text.len()))
        .filter(|(token, _)| !token.is_empty())
}

/// Whether a token may hold a character (RFC 9110 §5.6.2).
pub(crate) fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// The rest of a quoted string behind its first quote (RFC 9110 §5.6.4), and what follows.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let (whole, rest) = text.split_at_checked(at)?;
                let value = if value.len() == whole.len() { Cow::Borrowed(whole) } else { Cow::Owned(value) };
                return Some((value, rest.strip_prefix('"')?));
            }
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

/// RFC 7239 §6: an IPv4 address, or an IPv6 address in brackets; a port may follow. Zone ids are of one machine and refused.
fn node(text: &str, is_port: impl Fn(&str) -> bool) -> Option<IpAddr> {
    let (address, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (address, port) = inner.split_once(']')?;
            (IpAddr::V6(address.parse().ok()?), port)
        }
        None => {
            let (address, port) = text.split_at_checked(text.find(':').unwrap_or(text.len()))?;
            (IpAddr::V4(address.parse().ok()?), port)
        }
    };
    let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    fits.then(|| canonical(address))
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// RFC 7239 §6.3: `obfport = "_" 1*(ALPHA / DIGIT / "." / "_" / "-")`.
fn is_obfuscated(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.strip_prefix('_').is_some_and(|name| !name.is_empty() && name.bytes().all(allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hop_table() {
        // header | value | hops from the right
        for row in include_str!("../tests/tables/hops.txt").lines() {
            if row.starts_with('#') || row.trim().is_empty() {
                continue;
            }
            let [header, value, expected] = row.split(" | ").map(str::trim).collect::<Vec<_>>()[..] else {
                unreachable!("three columns: {row}")
            };
            let (header, name) = match header {
                "xff" => (ClientAddress::XForwardedFor, X_FORWARDED_FOR),
                _ => (ClientAddress::Forwarded, FORWARDED),
            };
            let mut headers = http::HeaderMap::new();
            for line in value.split("<LINE>").filter(|line| *line != "-") {
                headers.append(&name, http::HeaderValue::from_bytes(line.replace("<TAB>", "\t").as_bytes()).unwrap());
            }
            let shown = |hop: Option<Hop<'_>>| {
                hop.map_or("?".to_owned(), |hop| {
                    let more = [hop.proto, hop.host].into_iter().flatten().map(|text| format!(" {text}"));
                    hop.address.to_string() + &more.collect::<String>()
                })
            };
            let got: Vec<String> = from_the_right(header, (&headers).into()).map(shown).collect();
            let got = if got.is_empty() { "-".to_owned() } else { got.join(", ") };
            assert_eq!(got, expected, "{row}");
        }
    }
}
