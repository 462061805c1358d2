//! What a proxy says of a connection before its first byte: the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt).
//!
//! Read without a byte too many, because a TLS handshake may follow. Only headers of trusted proxies come here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use keyward_core::address::canonical;

/// What version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// What version 1 begins with.
const WORD: &[u8] = b"PROXY ";
/// The shortest header of version 1, `PROXY UNKNOWN` with its line end; version 2 has no shorter one.
const SHORTEST: usize = 15;
/// The longest line of version 1.
const LONGEST_LINE: usize = 107;
/// The fixed part of version 2.
const FIXED: usize = 16;
/// The most that is taken of version 2: addresses and what proxies add to them.
const LONGEST: usize = 4096;

/// Whom a header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// This is who calls.
    Caller(IpAddr),
    /// Nobody but the proxy itself, which looks whether we are there (`LOCAL`).
    Proxy,
}

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes at least still belong to it.
    Needs(usize),
    /// It is whole.
    Is(Named),
}

/// The bytes are no header that names a caller over TCP. Such a connection is closed: whoever was taken for the caller in its
/// place would be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderFault;

/// Reads what came so far, which may be nothing.
///
/// # Errors
/// It is no such header, or one that leaves open who calls.
pub fn read(bytes: &[u8]) -> Result<Step, HeaderFault> {
    let begins = |with: &[u8]| bytes.iter().zip(with).all(|(one, other)| one == other);
    match (begins(SIGNATURE), begins(WORD)) {
        (false, false) => Err(HeaderFault),
        _ if bytes.len() < SHORTEST => Ok(Step::Needs(SHORTEST - bytes.len())),
        (true, _) => binary(bytes),
        (false, true) => line(bytes),
    }
}

/// Version 1: one line.
fn line(bytes: &[u8]) -> Result<Step, HeaderFault> {
    let Some(line) = bytes.strip_suffix(b"\r\n") else {
        let missing = if bytes.ends_with(b"\r") { 1 } else { 2 };
        let goes_on = bytes.len() + missing <= LONGEST_LINE && !bytes.contains(&b'\n');
        return if goes_on { Ok(Step::Needs(missing)) } else { Err(HeaderFault) };
    };
    let line = std::str::from_utf8(line).map_err(|_| HeaderFault)?;
    let words: Vec<&str> = line.split(' ').collect();
    let ["PROXY", family, source, target, from, to] = words.as_slice() else { return Err(HeaderFault) };
    let address = |text: &str| match *family {
        "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| HeaderFault),
        "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| HeaderFault),
        _ => Err(HeaderFault),
    };
    let caller = address(source)?;
    address(target)?;
    if !is_port(from) || !is_port(to) {
        return Err(HeaderFault);
    }
    Ok(Step::Is(Named::Caller(canonical(caller))))
}

fn is_port(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain && text.parse::<u16>().is_ok()
}

/// Version 2: a fixed part, which says how long the rest is.
fn binary(bytes: &[u8]) -> Result<Step, HeaderFault> {
    let Some((fixed, rest)) = bytes.split_first_chunk::<FIXED>() else { return Ok(Step::Needs(FIXED - bytes.len())) };
    let [.., command, family, high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if FIXED + length > LONGEST {
        return Err(HeaderFault);
    }
    if rest.len() < length {
        return Ok(Step::Needs(length - rest.len()));
    }
    let source = |size: usize| rest.get(..size).filter(|_| length >= 2 * size + 4);
    match (command, family) {
        (0x20, _) => Ok(Step::Is(Named::Proxy)),
        (0x21, 0x11) => {
            let source: [u8; 4] = source(4).and_then(|bytes| bytes.try_into().ok()).ok_or(HeaderFault)?;
            Ok(Step::Is(Named::Caller(source.into())))
        }
        (0x21, 0x21) => {
            let source: [u8; 16] = source(16).and_then(|bytes| bytes.try_into().ok()).ok_or(HeaderFault)?;
            Ok(Step::Is(Named::Caller(canonical(source.into()))))
        }
        _ => Err(HeaderFault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads as a connection does: never more than is asked for. What was read, and what is left over.
    fn whole(bytes: &[u8]) -> Option<(Result<Named, HeaderFault>, usize)> {
        let mut at = 0;
        loop {
            match read(&bytes[..at]) {
                Ok(Step::Needs(more)) if at + more <= bytes.len() => at += more,
                Ok(Step::Needs(_)) => return None,
                Ok(Step::Is(named)) => return Some((Ok(named), bytes.len() - at)),
                Err(fault) => return Some((Err(fault), bytes.len() - at)),
            }
        }
    }

    #[test]
    fn lines_table() {
        // line | the caller; - is a fault, … is waited on
        for row in [
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n | 192.0.2.1",
            "PROXY TCP4 192.0.2.1 198.51.100.1 0 65535\r\n | 192.0.2.1",
            "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n | 2001:db8::1",
            "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 1 2\r\n | 192.0.2.1",
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\nGET | -",
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443 \r\n | -",
            "PROXY  TCP4 192.0.2.1 198.51.100.1 56324 443\r\n | -",
            "PROXY TCP4 192.0.2.01 198.51.100.1 56324 443\r\n | -",
            "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n | -",
            "PROXY TCP6 192.0.2.1 198.51.100.1 1 2\r\n | -",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n | -",
            "PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n | -",
            "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2\r\n | -",
            "PROXY TCP4 192.0.2.1\r\n | -",
            "PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n | -",
            "PROXY UNKNOWN\r\n | -",
            "PROXY UNKNOWN 192.0.2.1 198.51.100.1 1 2\r\n | -",
            "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n | -",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n | -",
            "PROXY TCP4 192.0.2.1 198.51.100.1 56324 44 | …",
        ] {
            let (text, expected) = row.split_once(" | ").unwrap();
            let got = match whole(text.as_bytes()) {
                None => "…".to_owned(),
                Some((Err(_), _)) => "-".to_owned(),
                Some((Ok(Named::Caller(address)), 0)) => address.to_string(),
                Some(other) => panic!("{other:?}"),
            };
            assert_eq!(got, expected, "{row}");
        }
        let endless = format!("PROXY TCP4 {}", "1".repeat(200));
        assert!(matches!(whole(endless.as_bytes()), Some((Err(_), left)) if left > 90));
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[command, family], &length, rest].concat()
    }

    #[test]
    fn bytes_table() {
        let four = [192, 0, 2, 1, 198, 51, 100, 1, 0, 1, 0, 2];
        let mut six = [0; 36];
        six[..16].copy_from_slice(&"::ffff:192.0.2.1".parse::<Ipv6Addr>().unwrap().octets());
        let caller = Named::Caller([192, 0, 2, 1].into());
        for (bytes, expected) in [
            (v2(0x21, 0x11, &four), Ok(caller)),
            (v2(0x21, 0x11, &[four.as_slice(), &[4, 0, 1, 0]].concat()), Ok(caller)),
            (v2(0x21, 0x21, &six), Ok(caller)),
            (v2(0x20, 0x00, &[]), Ok(Named::Proxy)),
            (v2(0x20, 0x11, &four), Ok(Named::Proxy)),
            (v2(0x21, 0x11, &four[..11]), Err(HeaderFault)),
            (v2(0x21, 0x21, &six[..35]), Err(HeaderFault)),
            (v2(0x21, 0x12, &four), Err(HeaderFault)),
            (v2(0x21, 0x00, &[]), Err(HeaderFault)),
            (v2(0x21, 0x31, &[0; 216]), Err(HeaderFault)),
            (v2(0x11, 0x11, &four), Err(HeaderFault)),
            (v2(0x22, 0x11, &four), Err(HeaderFault)),
            (v2(0x21, 0x11, &[0; 5000]), Err(HeaderFault)),
        ] {
            let behind = [bytes.as_slice(), b"GET / HTTP/1.1\r\n"].concat();
            let (got, left) = whole(&behind).unwrap();
            assert_eq!(got, expected, "{bytes:?}");
            assert!(got.is_err() || left == 16, "bytes behind the header were taken");
        }
    }
}
