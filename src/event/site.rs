//! Where a pool's connections go, as its target says it.

/// Where a server listens, as far as a pool's or a server's target tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// A name or an address, and a port.
    Tcp {
        /// Without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// The path of a unix socket.
    Unix(String),
}

impl Site {
    /// Where a pool's connections go: its target ends in a database. Nothing of a target that names no single server, as
    /// a sentinel's.
    pub fn of_pool(target: &str) -> Option<Self> {
        Self::of_server(target.rsplit_once('/').map_or(target, |(server, _)| server))
    }

    /// Where a server is.
    pub fn of_server(target: &str) -> Option<Self> {
        if target.starts_with('/') {
            return Some(Self::Unix(target.to_owned()));
        }
        let (host, port) = target.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let named = !host.is_empty() && !host.starts_with("sentinel:");
        let port = port.parse().ok().filter(|_| named)?;
        Some(Self::Tcp { host: host.to_owned(), port })
    }

    /// Whether it is on this machine whatever this machine's names mean: a unix socket, or the loopback's own names.
    pub fn is_here(&self) -> bool {
        match self {
            Self::Tcp { host, .. } => is_loopback(host),
            Self::Unix(_) => true,
        }
    }

    /// Whether both are one server, as far as can be told without asking: the loopback has three names.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp { host, port }, Self::Tcp { host: theirs, port: their_port }) => {
                let same = host.eq_ignore_ascii_case(theirs) || (is_usual(host) && is_usual(theirs));
                same && port == their_port
            }
            (Self::Unix(path), Self::Unix(theirs)) => path == theirs,
            _ => false,
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The names that one server on the loopback has as a rule.
fn is_usual(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || matches!(host, "127.0.0.1" | "::1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Site {
        Site::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn a_pools_target_says_where_its_server_is() {
        assert_eq!(Site::of_pool("127.0.0.1:6379/0"), Some(tcp("127.0.0.1", 6379)));
        assert_eq!(Site::of_pool("::1:6380/2"), Some(tcp("::1", 6380)));
        assert_eq!(Site::of_pool("/run/redis.sock/0"), Some(Site::Unix("/run/redis.sock".to_owned())));
        assert_eq!(Site::of_server("[::1]:6380"), Some(tcp("::1", 6380)));
        assert_eq!(Site::of_server("/run/redis.sock"), Some(Site::Unix("/run/redis.sock".to_owned())));
        for nowhere in
            ["sentinel:mymaster/0", "sentinel:a:6379/0", "", ":1/0", "redis.sock/0", "a:70000/0", "a/0"]
        {
            assert_eq!(Site::of_pool(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn only_the_loopback_and_unix_sockets_are_here() {
        let is_here = |target| Site::of_pool(target).expect("a site").is_here();
        for here in
            ["localhost:1/0", "LOCALHOST:1/0", "127.9.9.9:1/0", "::1:1/0", "/s/0", "::ffff:127.0.0.1:1/0"]
        {
            assert!(is_here(here), "{here}");
        }
        for away in
            ["10.0.0.1:1/0", "redis:1/0", "localhost.evil.example:1/0", "0.0.0.0:1/0", "127.0.0.1.nip.io:1/0"]
        {
            assert!(!is_here(away), "{away}");
        }
    }

    #[test]
    fn the_loopbacks_names_are_one_server_and_its_other_addresses_are_not() {
        let same = |a, b| Site::of_pool(a).zip(Site::of_pool(b)).is_some_and(|(a, b)| a.is_same(&b));
        assert!(same("localhost:1/0", "127.0.0.1:1/3") && same("::1:1/0", "127.0.0.1:1/0"));
        assert!(same("/a/0", "/a/1") && same("Redis:1/0", "redis:1/0"));
        assert!(!same("127.0.0.1:1/0", "127.0.0.1:2/0") && !same("127.0.0.1:1/0", "127.0.0.2:1/0"));
        assert!(!same("/a/0", "/b/0") && !same("redis:1/0", "localhost:1/0"));
    }
}
