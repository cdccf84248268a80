//! What the kernel believes of connections of this machine, whoever's they are: asked one by one, so many at a time, and
//! told where it is another than before.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Bound::{Excluded, Unbounded};

use super::process::Resolver;
use crate::event::{Socket, TcpState};

/// Connections that are asked about at once: each takes some microseconds.
const AT_ONCE: usize = 512;

/// A connection: the end that is asked about, and the other one.
pub type Ends = (SocketAddr, SocketAddr);

/// What was told of each.
#[derive(Debug, Default)]
pub struct Sockets {
    resolver: Resolver,
    told: BTreeMap<Ends, TcpState>,
    /// The last that was asked about: the next look goes on after it.
    last: Option<Ends>,
}

impl Sockets {
    /// What is new of these connections, by their places among them; what is none of them is forgotten. It blocks.
    ///
    /// What the kernel never knew is none of this machine's network, a container's as a rule, and nothing is said of it.
    pub fn look(&mut self, ends: &BTreeMap<Ends, u32>) -> Vec<(u32, Socket)> {
        self.told.retain(|known, _| ends.contains_key(known));
        let last = self.last.unwrap_or_else(|| *ends.keys().next_back().unwrap_or(&NOWHERE));
        let after = ends.range((Excluded(last), Unbounded)).chain(ends.range(..=last));
        let mut news = Vec::new();
        for (&(local, peer), &of) in after.take(AT_ONCE) {
            self.last = Some((local, peer));
            let Some(state) = self.resolver.state(local, peer) else { continue };
            let before = self.told.get(&(local, peer));
            if before == Some(&state) || (before.is_none() && state == TcpState::Gone) {
                continue;
            }
            self.told.insert((local, peer), state);
            news.push((of, Socket { local, state }));
        }
        news
    }
}

/// No connection's.
const NOWHERE: Ends = {
    use std::net::{IpAddr, Ipv4Addr};
    let none = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    (none, none)
};

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;

    fn open(listener: &TcpListener) -> (TcpStream, TcpStream, Ends) {
        let here = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let (there, _) = listener.accept().expect("a client");
        let ends = (here.local_addr().expect("an end"), here.peer_addr().expect("an end"));
        (here, there, ends)
    }

    #[test]
    fn what_changes_is_told_once() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (here, there, ends) = open(&listener);
        let all = BTreeMap::from([(ends, 7)]);
        let mut sockets = Sockets::default();
        let told = |state| vec![(7, Socket { local: ends.0, state })];
        assert_eq!(sockets.look(&all), told(TcpState::Established));
        assert_eq!(sockets.look(&all), []);
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut until = |state| {
            while sockets.look(&all) != told(state) {
                assert!(Instant::now() < deadline, "never {state:?}");
            }
        };
        drop(there);
        until(TcpState::CloseWait);
        drop(here);
        until(TcpState::Gone);
        assert_eq!(sockets.look(&all), []);
        // One that the kernel never knew.
        assert_eq!(Sockets::default().look(&all), []);
        assert_eq!(sockets.look(&BTreeMap::new()), []);
    }

    #[test]
    fn many_are_asked_about_in_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (_here, _there, real) = open(&listener);
        let nowhere = (1..=600).map(|port| ((SocketAddr::new(real.0.ip(), port), real.1), 0));
        let all: BTreeMap<_, _> = nowhere.chain([(real, 1)]).collect();
        let mut sockets = Sockets::default();
        let told: Vec<_> = (0..2).map(|_| sockets.look(&all).len()).collect();
        assert_eq!(told, [0, 1], "the last of them is asked about at the second look");
    }
}
