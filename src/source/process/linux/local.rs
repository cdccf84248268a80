//! Where an address is, by the way packets to it would take: on this machine, in a container of it, or elsewhere.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::netlink::{DUMP, Netlink, attributes, u32_at};

/// `RTM_GETLINK` and `RTM_GETROUTE`.
const GET_LINKS: u16 = 18;
const GET_ROUTE: u16 = 26;

/// Bytes before a `struct rtmsg`'s attributes.
const ROUTE: usize = 12;

/// How long an answer is believed: interfaces come and go, with containers above all.
const FRESH: Duration = Duration::from_secs(5);

/// Answers that are remembered, at most.
const KNOWN: usize = 65_536;

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// It is one of this machine's.
    Here,
    /// Behind an interface that leads to containers of this machine only.
    Inside,
    /// Anywhere else.
    Elsewhere,
}

/// What was learnt of addresses.
#[derive(Debug, Default)]
pub(super) struct Local {
    routes: Option<Netlink>,
    known: HashMap<IpAddr, Where>,
    /// Interfaces that lead to containers; none where that was not asked yet.
    inside: Option<HashSet<u32>>,
    since: Option<Instant>,
}

impl Local {
    /// Where an address is. What cannot be told is elsewhere.
    pub(super) fn place(&mut self, ip: IpAddr) -> Where {
        let ip = ip.to_canonical();
        if ip.is_loopback() {
            return Where::Here;
        }
        if self.since.is_none_or(|since| since.elapsed() > FRESH) || self.known.len() >= KNOWN {
            *self = Self { since: Some(Instant::now()), routes: self.routes.take(), ..Self::default() };
        }
        if let Some(known) = self.known.get(&ip) {
            return *known;
        }
        let place = self.ask(ip).unwrap_or(Where::Elsewhere);
        self.known.insert(ip, place);
        place
    }

    /// The address is this machine's.
    pub(super) fn has(&mut self, ip: IpAddr) -> bool {
        self.place(ip) == Where::Here
    }

    fn ask(&mut self, ip: IpAddr) -> Result<Where, Errno> {
        let mut routes = self.routes.take().map_or_else(|| Netlink::open(None), Ok)?;
        let way = way(&mut routes, ip)?;
        let inside = match (&self.inside, way) {
            (None, Way { local: false, router: false, .. }) => Some(inside(&mut routes)?),
            _ => self.inside.take(),
        };
        self.routes = Some(routes);
        self.inside = inside;
        let leads = |link: u32| self.inside.as_ref().is_some_and(|inside| inside.contains(&link));
        Ok(match way {
            Way { local: true, .. } => Where::Here,
            Way { router: false, out: Some(link), .. } if leads(link) => Where::Inside,
            _ => Where::Elsewhere,
        })
    }
}

/// The way to an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// It ends here.
    pub(super) local: bool,
    /// It goes by a router.
    pub(super) router: bool,
    /// The interface it goes out of.
    pub(super) out: Option<u32>,
}

/// Asks for the way to an address.
fn way(routes: &mut Netlink, ip: IpAddr) -> Result<Way, Errno> {
    let mut found = None;
    routes.ask(GET_ROUTE, 0, &question(ip), |payload| found = parse_way(payload))?;
    found.ok_or(Errno::PROTO)
}

/// `struct rtmsg`, and one attribute: where to.
fn question(ip: IpAddr) -> Vec<u8> {
    const TO: u16 = 1;
    let (family, octets) = match ip {
        IpAddr::V4(ip) => (2, ip.octets().to_vec()),
        IpAddr::V6(ip) => (10, ip.octets().to_vec()),
    };
    let mut bytes = vec![family, (octets.len() * 8) as u8];
    bytes.resize(ROUTE, 0);
    bytes.extend_from_slice(&(octets.len() as u16 + 4).to_ne_bytes());
    bytes.extend_from_slice(&TO.to_ne_bytes());
    bytes.extend_from_slice(&octets);
    bytes
}

/// `struct rtmsg` and its attributes.
pub(super) fn parse_way(payload: &[u8]) -> Option<Way> {
    const LOCAL: u8 = 2;
    const OUT: u16 = 4;
    const GATEWAY: u16 = 5;
    const VIA: u16 = 18;
    let mut way = Way { local: *payload.get(7)? == LOCAL, ..Way::default() };
    for (name, value) in attributes(payload.get(ROUTE..)?) {
        match name {
            GATEWAY | VIA => way.router = true,
            OUT => way.out = u32_at(value, 0),
            _ => {}
        }
    }
    Some(way)
}

/// The interfaces that lead to containers of this machine and nowhere else: bridges that nothing but such is plugged
/// into, and ends of such cables. In a container, the one that leads out is such an end too: what everything goes
/// through by default does not count.
fn inside(routes: &mut Netlink) -> Result<HashSet<u32>, Errno> {
    let mut links = Vec::new();
    routes.ask(GET_LINKS, DUMP, &[0; 16], |payload| links.extend(parse_link(payload)))?;
    let mut inside = leading_inside(&links);
    // Addresses that nobody has, for examples in books: the way to them is the default one.
    let examples =
        [Ipv4Addr::new(192, 0, 2, 1).into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into()];
    for ip in examples {
        if let Ok(Way { out: Some(out), .. }) = way(routes, ip) {
            inside.remove(&out);
        }
    }
    Ok(inside)
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) index: u32,
    /// The bridge it is plugged into.
    pub(super) master: Option<u32>,
    pub(super) kind: Kind,
}

/// What an interface is, as far as that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An end of a cable to another namespace.
    Cable,
    Bridge,
    Other,
}

/// `struct ifinfomsg` and its attributes.
pub(super) fn parse_link(payload: &[u8]) -> Option<Link> {
    const HEADER: usize = 16;
    const MASTER: u16 = 10;
    const INFO: u16 = 18;
    const INFO_KIND: u16 = 1;
    let mut link = Link { index: u32_at(payload, 4)?, master: None, kind: Kind::Other };
    for (name, value) in attributes(payload.get(HEADER..)?) {
        match name {
            MASTER => link.master = u32_at(value, 0),
            INFO => {
                let kind = attributes(value).find(|(name, _)| *name == INFO_KIND);
                link.kind = match kind.map(|(_, kind)| kind.strip_suffix(&[0]).unwrap_or(kind)) {
                    Some(b"veth") => Kind::Cable,
                    Some(b"bridge") => Kind::Bridge,
                    _ => Kind::Other,
                };
            }
            _ => {}
        }
    }
    Some(link)
}

pub(super) fn leading_inside(links: &[Link]) -> HashSet<u32> {
    let plugged = |bridge: u32| links.iter().filter(move |link| link.master == Some(bridge));
    let leads = |link: &&Link| match link.kind {
        Kind::Cable => true,
        Kind::Bridge => {
            plugged(link.index).next().is_some() && plugged(link.index).all(|link| link.kind == Kind::Cable)
        }
        Kind::Other => false,
    };
    links.iter().filter(leads).map(|link| link.index).collect()
}
