//! From an address to an open socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::{Instant, sleep_until};

use super::{ConnectError, ConnectErrorKind, Endpoint};
use crate::text::escape_str;

/// How long one address may be silent before the next one is tried beside it: the delay RFC 8305 recommends.
const NEXT_ADDRESS: Duration = Duration::from_millis(250);

/// When an idle peer is probed, and how often, so that a half-open connection is noticed.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// Connects over TCP. Addresses of both families take turns, and a silent one does not hold up the next.
pub(super) async fn tcp(host: &str, port: u16) -> Result<TcpStream, ConnectError> {
    let connected = match host.parse::<IpAddr>() {
        // The usual case has nothing to look up and nothing to choose from.
        Ok(address) => connect(SocketAddr::new(address, port)).await,
        Err(_) => first_to_answer(&look_up(host, port).await?).await,
    };
    let stream =
        connected.map_err(|error| explain(&error, &Endpoint::Tcp { host: host.to_owned(), port }))?;
    // A connection without these is slower or noticed later when half open, not wrong.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    Ok(stream)
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    not_itself(TcpStream::connect(address).await?)
}

/// Where nothing listens on a port that the system also gives to clients, a socket may be given that very port and so
/// reach itself: it would answer our commands with our commands.
fn not_itself(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? != stream.peer_addr()? {
        return Ok(stream);
    }
    // Closed in the ordinary way the port would be taken for a minute, and no server could start on it.
    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    Err(io::ErrorKind::ConnectionRefused.into())
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
    match lookup_host((host, port)).await {
        Ok(found) => Ok(by_turns(found.collect())),
        Err(error) => {
            let why = format!("the name `{}` cannot be looked up: {error}", escape_str(host));
            Err(ConnectError::new(ConnectErrorKind::Unreachable, why))
        }
    }
}

/// Connects to a unix socket.
pub(super) async fn unix(path: &Path) -> Result<UnixStream, ConnectError> {
    UnixStream::connect(path).await.map_err(|error| explain(&error, &Endpoint::Unix(path.to_owned())))
}

/// The resolver's order, but with the families taking turns.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut first, mut second): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    first.reverse();
    second.reverse();
    let mut turns = Vec::with_capacity(first.len() + second.len());
    while let Some(address) = first.pop().or_else(|| second.pop()) {
        turns.push(address);
        turns.extend(second.pop());
    }
    turns
}

async fn first_to_answer(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    if let [only] = addresses {
        return connect(*only).await;
    }
    let mut under_way = FuturesUnordered::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        under_way.push(connect(*address));
        let next = sleep_until(Instant::now() + NEXT_ADDRESS);
        tokio::select! {
            Some(ended) = under_way.next() => match ended {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            },
            () = next => {}
        }
    }
    while let Some(ended) = under_way.next().await {
        match ended {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn explain(error: &io::Error, endpoint: &Endpoint) -> ConnectError {
    /// "Too many open files", in this process and in the system: POSIX numbers on Linux and macOS alike.
    const OUT_OF_FILES: [i32; 2] = [24, 23];
    use ConnectErrorKind as K;
    use io::ErrorKind as E;
    let out_of_files = error.raw_os_error().is_some_and(|code| OUT_OF_FILES.contains(&code));
    let (kind, message) = match (error.kind(), endpoint) {
        _ if out_of_files => (
            K::Exhausted,
            format!("no file descriptor left to connect to {endpoint}; raise `ulimit -n` or lower max"),
        ),
        (E::ConnectionRefused, Endpoint::Tcp { port, .. }) => (
            K::Refused,
            format!(
                "nothing listens at {endpoint}; start a server with `redis-server --port {port}`, or check -h and -p"
            ),
        ),
        (E::ConnectionRefused, Endpoint::Unix(_)) => (
            K::Refused,
            format!("no server listens on the socket {endpoint}; was it left behind by one that ended?"),
        ),
        (E::NotFound, Endpoint::Unix(_)) => (
            K::Unreachable,
            format!("there is no socket {endpoint}; check -s, and `unixsocket` in the server's config"),
        ),
        (E::PermissionDenied, Endpoint::Unix(_)) => (
            K::Unreachable,
            format!("no permission to use the socket {endpoint}; check `unixsocketperm` and your groups"),
        ),
        (E::AddrNotAvailable, _) => (
            K::Exhausted,
            format!(
                "no local port left to connect to {endpoint}: connections are opened and closed too fast"
            ),
        ),
        (E::TimedOut, _) => (K::Timeout, format!("{endpoint} does not answer")),
        (E::HostUnreachable | E::NetworkUnreachable | E::NetworkDown | E::NotFound, _) => {
            (K::Unreachable, format!("there is no way to {endpoint}: {error}"))
        }
        _ => (K::Other, format!("cannot connect to {endpoint}: {error}")),
    };
    ConnectError::new(kind, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse =
            |texts: &[&str]| -> Vec<SocketAddr> { texts.iter().map(|t| t.parse().unwrap()).collect() };
        let turns = |texts| by_turns(parse(texts));
        assert_eq!(
            turns(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]),
            parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(
            turns(&["1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"]),
            parse(&["1.1.1.1:1", "[::1]:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(turns(&[]), parse(&[]));
    }

    #[test]
    fn failures_of_the_system_are_told_apart() {
        use ConnectErrorKind as K;
        let tcp = Endpoint::Tcp { host: "cache".to_owned(), port: 7000 };
        let unix = Endpoint::Unix("/run/redis.sock".into());
        let table = [
            (io::Error::from_raw_os_error(24), &tcp, K::Exhausted, "ulimit -n"),
            (io::Error::from_raw_os_error(23), &unix, K::Exhausted, "ulimit -n"),
            (io::ErrorKind::AddrNotAvailable.into(), &tcp, K::Exhausted, "local port"),
            (io::ErrorKind::ConnectionRefused.into(), &tcp, K::Refused, "--port 7000"),
            (io::ErrorKind::ConnectionRefused.into(), &unix, K::Refused, "/run/redis.sock"),
            (io::ErrorKind::NotFound.into(), &unix, K::Unreachable, "unixsocket"),
            (io::ErrorKind::PermissionDenied.into(), &unix, K::Unreachable, "unixsocketperm"),
            (io::ErrorKind::HostUnreachable.into(), &tcp, K::Unreachable, "no way to cache:7000"),
            (io::ErrorKind::TimedOut.into(), &tcp, K::Timeout, "cache:7000"),
            (io::ErrorKind::InvalidInput.into(), &tcp, K::Other, "cannot connect to cache:7000"),
        ];
        for (error, endpoint, kind, part) in table {
            let said = explain(&error, endpoint);
            assert!(said.kind() == kind && said.to_string().contains(part), "{error}: {said}");
        }
    }

    #[tokio::test]
    async fn a_socket_that_reaches_itself_has_reached_nobody() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let own = socket.local_addr().unwrap();
        let stream = socket.connect(own).await.unwrap();
        assert_eq!(not_itself(stream).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        // And the port is free again.
        tokio::net::TcpListener::bind(own).await.unwrap();
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_stop_the_next() {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = gone.local_addr().unwrap();
        drop(gone);
        let there = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listening = there.local_addr().unwrap();
        let stream = first_to_answer(&[refusing, refusing, listening]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listening);
        let error = first_to_answer(&[refusing, refusing]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
