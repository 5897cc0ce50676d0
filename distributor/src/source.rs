//! Where a request comes from: what limits are counted against besides keys, which cost nothing.
//!
//! The address is that of the connection. What a header says of it is believed only if the connection comes from a proxy that
//! the operator named, and then only the header that this proxy writes, read from the right: what stands to the left of
//! the first address that is no such proxy was written by whoever is there.

use axum::http::{HeaderMap, HeaderValue};
use ipnet::IpNet;
use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// Proxies of one's own that a request may have passed; more than anybody has, so that a long header costs little.
const MOST_HOPS: usize = 32;

/// A sender: an IPv4 address, or the first 64 bits of an IPv6 address, since whoever has one such network has all of its
/// addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Source(IpAddr);

impl Source {
    /// The source that an address belongs to.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

/// The other end of a request's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Addresses and networks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Networks(Vec<IpNet>);

/// What is no address and no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is neither an address nor a network such as 10.0.0.0/8", .0.escape_debug())]
pub struct NetworkError(String);

impl Networks {
    /// Whether the address is among them.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn network(text: &str) -> Result<IpNet, NetworkError> {
    let text = text.trim();
    let address = text.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
    address.or_else(|_| text.parse()).map_err(|_| NetworkError(text.to_owned()))
}

/// Addresses and networks with commas between them.
impl FromStr for Networks {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        text.split(',').filter(|part| !part.trim().is_empty()).map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = NetworkError;

    fn try_from(texts: Vec<String>) -> Result<Self, NetworkError> {
        texts.iter().map(|text| network(text)).collect::<Result<_, _>>().map(Self)
    }
}

/// The header in which a trusted proxy says who asks. Only one is ever read: a proxy that writes one of them passes on what
/// a client wrote into the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ProxyHeader {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

impl FromStr for ProxyHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::XForwardedFor, Self::Forwarded];
        let found = all.into_iter().find(|header| text.eq_ignore_ascii_case(header.name()));
        found.ok_or_else(|| "give `x-forwarded-for` or `forwarded`".to_owned())
    }
}

/// The client's address: the first one from the right that is no trusted proxy. If a proxy names nobody, it is the client.
pub fn client(peer: IpAddr, headers: &HeaderMap, trusted: &Networks, header: ProxyHeader) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines = headers.get_all(header.name());
    let lines: Vec<&HeaderValue> = if trusted.contain(client) { lines.iter().collect() } else { Vec::new() };
    let hops = lines.into_iter().rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    for hop in hops.take(MOST_HOPS) {
        if !trusted.contain(client) {
            break;
        }
        let address = match header {
            ProxyHeader::XForwardedFor => address(hop.trim()),
            ProxyHeader::Forwarded => forwarded_for(hop).and_then(address),
        };
        let Some(address) = address else { break };
        client = address;
    }
    client
}

/// The value of `for` in an element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    Some(value.trim().trim_matches('"'))
}

/// An address, with or without brackets and port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok();
    address
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::http::HeaderName;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn found(peer: &str, header: ProxyHeader, lines: &[(&'static str, &str)]) -> String {
        let trusted: Networks = "10.0.0.0/8, 127.0.0.1,fd00::/8".parse().unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        client(ip(peer), &headers, &trusted, header).to_string()
    }

    #[test]
    fn one_sender_has_one_source() {
        let source = |text: &str| Source::of(ip(text)).to_string();
        assert_eq!(source("203.0.113.7"), "203.0.113.7");
        assert_eq!(source("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(source("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(source("2001:db8:1:2:ffff::"), "2001:db8:1:2::/64");
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    }

    #[test]
    fn a_stranger_is_not_believed() {
        use ProxyHeader::{Forwarded, XForwardedFor};
        let lies = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=198.51.100.1")];
        for header in [XForwardedFor, Forwarded] {
            assert_eq!(found("203.0.113.7", header, &lies), "203.0.113.7");
        }
        let nobody = client(ip("127.0.0.1"), &HeaderMap::new(), &Networks::default(), XForwardedFor);
        assert_eq!(nobody, ip("127.0.0.1"));
    }

    #[test]
    fn what_a_client_put_before_a_proxys_word_is_not_read() {
        let of = |lines: &[(&'static str, &str)]| found("127.0.0.1", ProxyHeader::XForwardedFor, lines);
        assert_eq!(of(&[("x-forwarded-for", "198.51.100.1, 203.0.113.7")]), "203.0.113.7");
        assert_eq!(of(&[("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7")]), "203.0.113.7");
        assert_eq!(of(&[("x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.1.2.3")]), "203.0.113.7", "two proxies");
        assert_eq!(of(&[("x-forwarded-for", "10.9.9.9, 203.0.113.7")]), "203.0.113.7");
        assert_eq!(of(&[("x-forwarded-for", "10.9.9.9, 10.1.2.3")]), "10.9.9.9", "from within");
        assert_eq!(of(&[("forwarded", "for=198.51.100.1")]), "127.0.0.1", "a header that this proxy does not write");
    }

    #[test]
    fn a_proxy_that_names_nobody_is_the_client() {
        let of = |text: &str| found("127.0.0.1", ProxyHeader::XForwardedFor, &[("x-forwarded-for", text)]);
        for nobody in ["", "unknown", "198.51.100.1, unknown", "198.51.100.1,", "1.2.3", "999.1.1.1", "a b", "[::1"] {
            assert_eq!(of(nobody), "127.0.0.1", "{nobody:?}");
        }
        assert_eq!(of("198.51.100.1, unknown, 10.1.2.3"), "10.1.2.3");
        let long = "10.0.0.1,".repeat(100_000);
        assert_eq!(of(&format!("198.51.100.1,{}10.0.0.2", long)), "10.0.0.1", "it ends somewhere");
    }

    #[test]
    fn addresses_come_in_many_forms() {
        let plain = |text: &str| found("::ffff:10.0.0.1", ProxyHeader::XForwardedFor, &[("x-forwarded-for", text)]);
        assert_eq!(plain("203.0.113.7:4711"), "203.0.113.7");
        assert_eq!(plain("2001:db8::7"), "2001:db8::7");
        assert_eq!(plain("[2001:db8::7]"), "2001:db8::7");
        assert_eq!(plain("[2001:db8::7]:4711"), "2001:db8::7");
        assert_eq!(plain("::ffff:203.0.113.7"), "203.0.113.7");
        let rfc = |text: &str| found("fd00::1", ProxyHeader::Forwarded, &[("forwarded", text)]);
        assert_eq!(rfc("for=192.0.2.60;proto=http;by=203.0.113.43"), "192.0.2.60");
        assert_eq!(rfc("for=198.51.100.1, FOR=\"[2001:db8::7]:4711\""), "2001:db8::7");
        assert_eq!(rfc("for=198.51.100.1, proto=https; for=192.0.2.60"), "192.0.2.60");
        assert_eq!(rfc("for=198.51.100.1, for=_hidden"), "fd00::1");
        assert_eq!(rfc("for=198.51.100.1, proto=https"), "fd00::1");
    }

    #[test]
    fn settings_are_read_and_mistakes_named() {
        #[derive(Debug, Deserialize)]
        struct File {
            trusted: Networks,
            header: ProxyHeader,
        }
        let file: File = toml::from_str("trusted = [\"::1\", \"192.168.0.0/16\"]\nheader = \"forwarded\"").unwrap();
        assert_eq!(file.trusted, "::1,192.168.0.0/16".parse().unwrap());
        assert_eq!((file.header, "Forwarded".parse()), (ProxyHeader::Forwarded, Ok(ProxyHeader::Forwarded)));
        assert!(file.trusted.contain(ip("192.168.77.1")) && !file.trusted.contain(ip("192.169.0.1")));
        let error = "10.0.0.0/8,example.org".parse::<Networks>().unwrap_err().to_string();
        assert_eq!(error, "`example.org` is neither an address nor a network such as 10.0.0.0/8");
        assert!("10.0.0.0/33".parse::<Networks>().is_err());
    }
}
