//! Who calls: the peer of the connection or, where that is a trusted proxy, whom it and the proxies before it name.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue};
use keyward_core::address::{IpNet, canonical};
use keyward_core::fields::Fields;

pub use crate::hops::ClientAddress;
use crate::hops::{self, Hop};
use crate::names::{X_FORWARDED_HOST, X_FORWARDED_PROTO, is_host};

/// More hops than this before the client are no chain of proxies that anybody runs.
const MAX_HOPS: usize = 32;

/// Whose word on a caller is believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ClientAddress,
}

/// Who calls, and what trusted proxies say of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address that all rules see.
    pub address: IpAddr,
    /// Only where the peer is a trusted proxy; boxed, because mostly it is not.
    pub(crate) proxied: Option<Box<Proxied>>,
}

/// What trusted proxies say of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxied {
    /// The proxies between the caller and us, ours last; empty where none named a caller.
    pub(crate) via: Vec<IpAddr>,
    /// How the caller spoke.
    pub(crate) proto: Option<&'static str>,
    /// To which host.
    pub(crate) host: Option<HeaderValue>,
}

/// Why it is not known who calls. Such a request is refused: whatever address was taken in its place would be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerFault {
    /// A hop before the caller is no address.
    NoAddress,
    /// There is no end of trusted hops.
    TooMany,
}

impl CallerFault {
    /// What is wrong, as a sentence.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoAddress => {
                "It is not known who calls: the header of the proxies before Keyward names a hop that is no address."
            }
            Self::TooMany => "It is not known who calls: the header of the proxies before Keyward names too many hops.",
        }
    }
}

impl Caller {
    /// Somebody who calls without a proxy.
    pub const fn direct(address: IpAddr) -> Self {
        Self { address, proxied: None }
    }
}

impl TrustedProxies {
    /// Those in the networks, who tell by a header, or before the connection's first byte. No other header is ever read.
    pub fn new(networks: Vec<IpNet>, header: ClientAddress) -> Self {
        Self { networks, header }
    }

    /// How they tell.
    pub fn header(&self) -> ClientAddress {
        self.header
    }

    /// Who calls, given the peer and the head as it came. The first hop from the right that is not trusted is the caller:
    /// what stands to the left of it is that caller's own word. Where all are trusted, the leftmost is.
    ///
    /// # Errors
    /// A hop that cannot be read stands to the right of the caller.
    pub fn caller(&self, peer: IpAddr, headers: Fields<'_>) -> Result<Caller, CallerFault> {
        let peer = canonical(peer);
        // By the PROXY protocol they have told already: the peer is the caller, and no header says otherwise.
        let by_header = self.header != ClientAddress::ProxyProtocol && self.trust(peer);
        if by_header { self.named(peer, headers) } else { Ok(Caller::direct(peer)) }
    }

    /// Whether a connection from there begins with a header of the PROXY protocol.
    pub fn tell_first(&self, peer: IpAddr) -> bool {
        self.header == ClientAddress::ProxyProtocol && self.trust(canonical(peer))
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn named(&self, peer: IpAddr, headers: Fields<'_>) -> Result<Caller, CallerFault> {
        let (mut address, mut via, mut last) = (peer, Vec::new(), None);
        for hop in hops::from_the_right(self.header, headers) {
            let hop = hop.ok_or(CallerFault::NoAddress)?;
            if via.len() == MAX_HOPS {
                return Err(CallerFault::TooMany);
            }
            via.push(std::mem::replace(&mut address, hop.address));
            last = Some(hop);
            if !self.trust(address) {
                break;
            }
        }
        via.reverse();
        let (proto, host) = match self.header {
            ClientAddress::XForwardedFor => (only(headers, X_FORWARDED_PROTO), only(headers, X_FORWARDED_HOST)),
            // Never the other family: a proxy that writes `Forwarded` may pass on what a client wrote there.
            ClientAddress::Forwarded | ClientAddress::ProxyProtocol => {
                return Ok(Caller { address, proxied: Some(Box::new(Proxied::of(via, last))) });
            }
        };
        let proto = proto.and_then(|proto| std::str::from_utf8(proto).ok()).and_then(scheme);
        let host = host.filter(|host| is_host(host)).and_then(|host| HeaderValue::from_bytes(host).ok());
        Ok(Caller { address, proxied: Some(Box::new(Proxied { via, proto, host })) })
    }
}

impl Proxied {
    /// By what the proxy that the caller spoke to wrote of the call.
    fn of(via: Vec<IpAddr>, hop: Option<Hop<'_>>) -> Self {
        let (proto, host) = hop.map_or((None, None), |hop| (hop.proto, hop.host));
        let host = host.filter(|host| is_host(host.as_bytes())).and_then(|host| HeaderValue::from_str(&host).ok());
        Self { via, proto: proto.as_deref().and_then(scheme), host }
    }
}

/// A field that came once.
fn only(headers: Fields<'_>, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.values(name.as_str());
    values.next().filter(|_| values.next().is_none())
}

/// The schemes that there are; anything else, a list of two too, is nobody's word.
fn scheme(text: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|scheme| scheme.eq_ignore_ascii_case(text))
}
