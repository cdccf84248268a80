//! Which addresses are this machine's own, by `rtnetlink`.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::netlink::{DUMP, Netlink, attributes};

/// `RTM_GETADDR`.
const GET_ADDRESSES: u16 = 22;

/// Bytes before a `struct ifaddrmsg`'s attributes.
const HEADER: usize = 8;

const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;

/// How long the addresses are believed: interfaces come and go, with containers above all.
const FRESH: Duration = Duration::from_secs(5);

/// Addresses of this machine's interfaces.
#[derive(Debug, Default)]
pub(super) struct Local {
    addresses: HashSet<IpAddr>,
    read: Option<Instant>,
}

impl Local {
    /// The address is this machine's.
    pub(super) fn has(&mut self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        if ip.is_loopback() {
            return true;
        }
        if self.read.is_none_or(|read| read.elapsed() > FRESH) {
            // Where that is not told, no address is known to be here.
            self.addresses = read_addresses().unwrap_or_default();
            self.read = Some(Instant::now());
        }
        self.addresses.contains(&ip)
    }
}

fn read_addresses() -> Result<HashSet<IpAddr>, Errno> {
    let mut addresses = HashSet::new();
    let mut routes = Netlink::open(None)?;
    routes.ask(GET_ADDRESSES, DUMP, &[0; HEADER], |payload| addresses.extend(address(payload)))?;
    Ok(addresses)
}

/// The address in an answer: of an interface with a peer, this end's.
fn address(payload: &[u8]) -> Option<IpAddr> {
    let of = |wanted: u16| {
        let mut found = attributes(payload.get(HEADER..)?).filter(|(kind, _)| *kind == wanted);
        found.find_map(|(_, value)| match value.len() {
            4 => value.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
            16 => value.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
            _ => None,
        })
    };
    of(LOCAL).or_else(|| of(ADDRESS))
}
