//! The lists in which the nodes of a cluster and the members of a Sentinel set name each other.

use crate::net::Endpoint;
use crate::resp::Value;

/// A server in such a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) endpoint: Endpoint,
    /// The server that was asked.
    pub(super) is_self: bool,
}

/// The longest name of a host there is.
const HOST: usize = 253;

/// CLUSTER NODES: `id ip:port@bus,hostname flags …`, a node a line. With TLS a name is preferred to an address, because
/// certificates are for names.
pub(super) fn cluster_nodes(text: &str, tls: bool) -> Vec<Listed> {
    text.lines().filter_map(|line| cluster_node(line, tls)).collect()
}

fn cluster_node(line: &str, tls: bool) -> Option<Listed> {
    let mut words = line.split(' ');
    let (_, place, flags) = (words.next()?, words.next()?, words.next()?);
    let mut flags = flags.split(',');
    let is_self = flags.clone().any(|flag| flag == "myself");
    if flags.any(|flag| flag == "noaddr" || flag == "handshake") {
        return None;
    }
    let (place, names) = place.split_once(',').unwrap_or((place, ""));
    let name = names.split(',').next().filter(|name| !name.is_empty() && !name.contains('='));
    let place = place.split_once('@').map_or(place, |(place, _)| place);
    let (ip, port) = place.rsplit_once(':')?;
    let host = name.filter(|_| tls || ip.is_empty()).unwrap_or(ip);
    endpoint(host, port).map(|endpoint| Listed { endpoint, is_self })
}

/// CLUSTER SLOTS, for users who may not ask for the nodes: those that serve slots, and their replicas.
pub(super) fn cluster_slots(answer: &Value) -> Vec<Listed> {
    let nodes = answer.items().iter().flat_map(|range| range.items().iter().skip(2));
    let mut listed: Vec<Listed> = Vec::new();
    for node in nodes {
        let [host, port, ..] = node.items() else { continue };
        let (Some(host), Some(port)) = (host.text().and_then(utf8), port.integer()) else { continue };
        let Some(endpoint) = endpoint(host, &port.to_string()) else { continue };
        if listed.iter().all(|known| known.endpoint != endpoint) {
            listed.push(Listed { endpoint, is_self: false });
        }
    }
    listed
}

/// A server of SENTINEL MASTERS, REPLICAS or SENTINELS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// A master's name is that of its set.
    pub(super) name: String,
    pub(super) endpoint: Endpoint,
}

pub(super) fn members(answer: &Value) -> Vec<Member> {
    answer.items().iter().filter_map(member).collect()
}

fn member(answer: &Value) -> Option<Member> {
    let field = |name: &[u8]| {
        answer.pairs().find(|(key, _)| key.text() == Some(name)).and_then(|(_, value)| utf8(value.text()?))
    };
    Some(Member { name: field(b"name")?.to_owned(), endpoint: endpoint(field(b"ip")?, field(b"port")?)? })
}

fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// An address as a server gives it. What is none, or `?`, names nobody.
fn endpoint(host: &str, port: &str) -> Option<Endpoint> {
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:%".contains(&byte);
    if host.is_empty() || host.len() > HOST || !host.bytes().all(is_host) {
        return None;
    }
    Some(Endpoint::Tcp { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp { host: host.to_owned(), port }
    }

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.to_owned().into())
    }

    fn map(pairs: &[(&str, &str)]) -> Value {
        Value::Array(pairs.iter().flat_map(|(key, value)| [bulk(key), bulk(value)]).collect())
    }

    #[test]
    fn the_nodes_of_a_cluster_in_every_form() {
        let text = "\
07c3 127.0.0.1:30004@31004,hostname4 slave e7d1 0 1426238317239 4 connected
67ed 127.0.0.1:30002@31002,,shard-id=69bc master - 0 1426238316232 2 connected 5461-10922
292f ::1:30003@31003,cache-3 master,fail - 0 1426238318243 3 disconnected 10923-16383
6ec2 :0@0 master,noaddr - 1426238316232 1426238316232 5 disconnected
e7d1 10.0.0.9:30005@31005 handshake - 0 0 0 connected
824f :30006@31006,cache-6 slave,fail? 292f 0 1426238317741 6 connected
aaaa 127.0.0.1:30001 myself,master - 0 0 1 connected 0-5460

what is this
bbbb evil\u{1b}[2J:6379@1 master - 0 0 1 connected
";
        let nodes = |tls| cluster_nodes(text, tls).into_iter().map(|node| node.endpoint).collect::<Vec<_>>();
        let plain = [
            at("127.0.0.1", 30004),
            at("127.0.0.1", 30002),
            at("::1", 30003),
            at("cache-6", 30006),
            at("127.0.0.1", 30001),
        ];
        assert_eq!(nodes(false), plain);
        assert_eq!(nodes(true)[0], at("hostname4", 30004));
        assert_eq!(nodes(true)[1], at("127.0.0.1", 30002));
        let own: Vec<bool> = cluster_nodes(text, false).into_iter().map(|node| node.is_self).collect();
        assert_eq!(own, [false, false, false, false, true]);
    }

    #[test]
    fn the_slots_name_each_node_once() {
        let node = |port| Value::Array(vec![bulk("10.0.0.1"), Value::Integer(port), bulk("id")]);
        let range = |nodes: &[i64]| {
            let mut items = vec![Value::Integer(0), Value::Integer(1)];
            items.extend(nodes.iter().map(|port| node(*port)));
            Value::Array(items)
        };
        let unknown =
            Value::Array(vec![Value::Integer(0), Value::Integer(1), Value::Array(vec![Value::Nil])]);
        let answer = Value::Array(vec![range(&[7000, 7003]), range(&[7001]), range(&[7000]), unknown]);
        let ports: Vec<Endpoint> = cluster_slots(&answer).into_iter().map(|node| node.endpoint).collect();
        assert_eq!(ports, [at("10.0.0.1", 7000), at("10.0.0.1", 7003), at("10.0.0.1", 7001)]);
        assert_eq!(cluster_slots(&bulk("OK")), []);
    }

    #[test]
    fn the_members_of_a_set_as_a_map_or_its_pairs() {
        let one = map(&[("name", "mymaster"), ("ip", "10.0.0.1"), ("port", "6379"), ("flags", "master")]);
        let two = Value::Map(vec![
            (bulk("ip"), bulk("::1")),
            (bulk("name"), bulk("[::1]:1")),
            (bulk("port"), bulk("1")),
        ]);
        let answer = Value::Array(vec![one, two, map(&[("name", "x")]), map(&[]), Value::Nil]);
        let mymaster = Member { name: "mymaster".to_owned(), endpoint: at("10.0.0.1", 6379) };
        let other = Member { name: "[::1]:1".to_owned(), endpoint: at("::1", 1) };
        assert_eq!(members(&answer), [mymaster, other]);
    }

    #[test]
    fn what_is_no_address_names_nobody() {
        for (host, port) in [("?", "1"), ("", "1"), ("a b", "1"), ("h", "0"), ("h", "70000"), ("h", "x")] {
            assert_eq!(endpoint(host, port), None, "{host}:{port}");
        }
        assert_eq!(endpoint(&"h".repeat(254), "1"), None);
    }
}
