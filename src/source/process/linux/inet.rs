//! TCP sockets of this machine, by `inet_diag`: the one of a pair of addresses, or all that go to a port.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rustix::io::Errno;
use rustix::net::netlink::SOCK_DIAG;

use super::netlink::{DUMP, Netlink, u32_at};
use crate::source::process::TcpState;

/// `SOCK_DIAG_BY_FAMILY`.
pub(super) const BY_FAMILY: u16 = 20;

const INET: u8 = 2;
const INET6: u8 = 10;
const TCP: u8 = 6;

/// Every state but LISTEN, TIME-WAIT and a connection that is not complete: what has no process is of no use.
const WITH_PROCESS: u32 = 0xfff & !(1 << 6) & !(1 << LISTEN);
const LISTEN: u8 = 10;
const ESTABLISHED: u8 = 1;

/// A TCP socket, as the kernel has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Socket {
    /// Its own address; one of IPv4 is never written as one of IPv6.
    pub(super) local: SocketAddr,
    /// Where it is connected to.
    pub(super) peer: SocketAddr,
    /// The kernel's number for its state.
    state: u8,
    /// Whose it is.
    pub(super) uid: u32,
    /// What `/proc/PID/fd` calls it; 0 when no process has it open any more.
    pub(super) inode: u32,
}

impl Socket {
    /// Both ends keep the connection.
    pub(super) fn is_established(&self) -> bool {
        self.state == ESTABLISHED
    }

    /// In words.
    pub(super) fn state(&self) -> TcpState {
        match self.state {
            ESTABLISHED => TcpState::Established,
            2 | 3 | 12 => TcpState::Opening,
            8 => TcpState::CloseWait,
            // LAST-ACK is the closing of what the other end has closed before.
            4 | 5 | 9 | 11 => TcpState::Closing,
            // TIME-WAIT and CLOSE: nobody has it.
            _ => TcpState::Gone,
        }
    }
}

/// The socket with these two ends, if there is one.
pub(super) fn exact(
    diag: &mut Netlink,
    local: SocketAddr,
    peer: SocketAddr,
) -> Result<Option<Socket>, Errno> {
    let mut found = None;
    let family = if local.is_ipv4() && peer.is_ipv4() { INET } else { INET6 };
    let asked = diag.ask(BY_FAMILY, 0, &question(family, u32::MAX, local, peer), |payload| {
        // Where there is no such socket the kernel gives the one that listens at the address.
        found = parse(payload).filter(|socket| socket.local == local && socket.peer == peer);
    });
    match asked {
        Ok(()) => Ok(found),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Every socket that is connected to a port, wherever that is.
pub(super) fn going_to(diag: &mut Netlink, port: u16, mut hear: impl FnMut(Socket)) -> Result<(), Errno> {
    for (family, any) in [(INET, IpAddr::from([0; 4])), (INET6, IpAddr::from([0; 16]))] {
        let question = question(family, WITH_PROCESS, (any, 0).into(), (any, port).into());
        diag.ask(BY_FAMILY, DUMP, &question, |payload| {
            // Kernels before 3.3 do not know the port in a dump.
            if let Some(socket) = parse(payload).filter(|socket| socket.peer.port() == port) {
                hear(socket);
            }
        })?;
    }
    Ok(())
}

/// A socket for such questions, of a kernel that answers them: one that does not says of every socket that there is none.
pub(super) fn open() -> Result<Netlink, Errno> {
    let mut diag = Netlink::open(Some(SOCK_DIAG))?;
    let nowhere = (IpAddr::from([0; 4]), 0).into();
    // Those in no state at all.
    diag.ask(BY_FAMILY, DUMP, &question(INET, 0, nowhere, nowhere), |_| ())?;
    Ok(diag)
}

/// `struct inet_diag_req_v2`.
fn question(family: u8, states: u32, local: SocketAddr, peer: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(56);
    bytes.extend_from_slice(&[family, TCP, 0, 0]);
    bytes.extend_from_slice(&states.to_ne_bytes());
    bytes.extend_from_slice(&local.port().to_be_bytes());
    bytes.extend_from_slice(&peer.port().to_be_bytes());
    bytes.extend_from_slice(&octets(family, local.ip()));
    bytes.extend_from_slice(&octets(family, peer.ip()));
    bytes.extend_from_slice(&[0; 4]);
    // No cookie: whichever socket has the addresses.
    bytes.extend_from_slice(&[0xff; 8]);
    bytes
}

fn octets(family: u8, ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) if family == INET => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&ip.octets());
            bytes
        }
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// `struct inet_diag_msg`.
pub(super) fn parse(bytes: &[u8]) -> Option<Socket> {
    let family = *bytes.first()?;
    let address = |port: usize, ip: usize| {
        let port = bytes.get(port..)?.first_chunk().map(|port| u16::from_be_bytes(*port))?;
        let ip = bytes.get(ip..)?.first_chunk::<16>()?;
        let ip = match family {
            INET => IpAddr::from([ip[0], ip[1], ip[2], ip[3]]),
            INET6 => Ipv6Addr::from(*ip).to_canonical(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    };
    Some(Socket {
        local: address(4, 8)?,
        peer: address(6, 24)?,
        state: *bytes.get(1)?,
        uid: u32_at(bytes, 64)?,
        inode: u32_at(bytes, 68)?,
    })
}
