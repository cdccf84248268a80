use proptest::prelude::*;

use super::*;

fn tcp(host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp { host: host.to_owned(), port }
}

#[test]
fn reads_where_a_server_is() {
    let table = [
        ("redis://", tcp("127.0.0.1", 6379), 0),
        ("redis://localhost", tcp("localhost", 6379), 0),
        ("REDIS://LocalHost/", tcp("localhost", 6379), 0),
        ("valkey://my_cache.internal:7000/3", tcp("my_cache.internal", 7000), 3),
        ("redis://10.0.0.1:6380/2?db=5", tcp("10.0.0.1", 6380), 5),
        ("redis://[::1]", tcp("::1", 6379), 0),
        ("redis://[2001:db8::7]:6390/15", tcp("2001:db8::7", 6390), 15),
        ("redis://[fe80::1%25eth0]:6379", tcp("fe80::1%eth0", 6379), 0),
        ("redis://h?db=4&", tcp("h", 6379), 4),
        ("unix:///run/redis.sock", Endpoint::Unix("/run/redis.sock".into()), 0),
        ("unix:///run/my%20redis.sock?db=2", Endpoint::Unix("/run/my redis.sock".into()), 2),
    ];
    for (url, endpoint, database) in table {
        let options = parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((options.endpoint, options.database), (endpoint, database), "{url}");
    }
}

#[test]
fn reads_who_we_are() {
    type Row = (&'static str, Option<&'static str>, Option<&'static [u8]>);
    let table: [Row; 9] = [
        ("redis://h", None, None),
        ("redis://ann:pw@h", Some("ann"), Some(b"pw")),
        ("redis://:pw@h", None, Some(b"pw")),
        ("redis://pw@h", None, Some(b"pw")),
        ("redis://a%3An:p%40s%2Fs%zz@h", Some("a:n"), Some(b"p@s/s%zz")),
        ("redis://ann:a@b:c@h", Some("ann"), Some(b"a@b:c")),
        ("redis://:%FF@h", None, Some(b"\xff")),
        ("unix://ann:pw@/s", Some("ann"), Some(b"pw")),
        ("unix:///s?username=ann&password=p%26w", Some("ann"), Some(b"p&w")),
    ];
    for (url, user, password) in table {
        let options = parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(options.user.as_deref(), user, "{url}");
        assert_eq!(options.password.as_ref().map(Secret::expose), password, "{url}");
    }
}

#[test]
fn reads_scheme_and_parameters() {
    assert!(parse("rediss://h").unwrap().tls.is_some());
    assert!(parse("valkeys://h").unwrap().tls.is_some());
    assert!(parse("redis://h").unwrap().tls.is_none());
    let options = parse("redis://h?protocol=3&client_name=worker-1").unwrap();
    assert_eq!(options.protocol, Protocol::Resp3);
    assert_eq!(options.client_name.as_deref(), Some("worker-1"));
}

#[test]
fn says_what_is_wrong() {
    let table = [
        ("", UrlError::NotAUrl),
        ("localhost:6379", UrlError::NotAUrl),
        ("://h", UrlError::NotAUrl),
        ("s p://h", UrlError::NotAUrl),
        ("http://h", UrlError::Scheme("http".to_owned())),
        ("redis+sentinel://h", UrlError::Scheme("redis+sentinel".to_owned())),
        ("redis://h:0", UrlError::Port),
        ("redis://h:65536", UrlError::Port),
        ("redis://h:+1", UrlError::Port),
        ("redis://h:1:2", UrlError::Port),
        ("redis://[::1", UrlError::Host),
        ("redis://[::1]6379", UrlError::Host),
        ("redis://[h]", UrlError::Host),
        ("redis://a b", UrlError::Host),
        ("redis://h/x", UrlError::Database),
        ("redis://h/-1", UrlError::Database),
        ("redis://h/2147483648", UrlError::Database),
        ("redis://:pa/ss@h", UrlError::Unencoded),
        ("redis://:pa?ss@h", UrlError::Unencoded),
        ("redis://:pa#ss@h", UrlError::Unencoded),
        ("redis://a:p@ss/word@h/0", UrlError::Unencoded),
        ("redis://%FF:pw@h", UrlError::NotText("user")),
        ("unix://run/redis.sock", UrlError::SocketPath),
        ("unix://", UrlError::SocketPath),
        ("unix:///", UrlError::SocketPath),
        ("unix:///a%00b", UrlError::SocketPath),
        ("redis://h?timeout=3", UrlError::UnknownParameter("timeout".to_owned())),
        ("redis://h?\u{1b}[2J=3", UrlError::UnknownParameter("\\u{1b}[2J".to_owned())),
    ];
    for (url, error) in table {
        assert_eq!(parse(url).unwrap_err(), error, "{url}");
    }
    for (url, name) in [("db=x", "db"), ("protocol=4", "protocol"), ("client_name=a%20b", "client_name")] {
        let error = parse(&format!("redis://h?{url}")).unwrap_err();
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn shows_targets_without_secrets() {
    for (url, target) in [
        ("redis://ann:pw@h:1/2", "h:1"),
        ("rediss://:pw@[::1]", "[::1]:6379"),
        ("unix://:pw@/run/redis.sock?db=3", "/run/redis.sock"),
    ] {
        assert_eq!(parse(url).unwrap().target(), target);
    }
}

proptest! {
    #[test]
    fn never_panics(url in "((redis|unix|valkeys)://)?\\PC{0,40}|(redis|unix)://[a:@/?#%=&\\[\\]0-9]{0,30}") {
        let _ = parse(&url);
    }

    #[test]
    fn never_shows_a_password(
        scheme in "redis|rediss|unix|nonsense",
        user in "[a-z%]{0,5}",
        before in "[!-~]{0,6}",
        after in "[!-~]{0,6}",
        host in "[a-z0-9.:\\[\\]]{0,8}",
        tail in "(/[a-z0-9]{0,3})?(\\?[a-z]{1,4}=[a-z]{0,3})?",
    ) {
        let url = format!("{scheme}://{user}:{before}SECRET{after}@{host}{tail}");
        let shown = match parse(&url) {
            Ok(options) => format!("{options:?} {} {:?}", options.target(), options.warnings()),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!shown.contains("SECRET"), "{url} shows as {shown}");
    }
}
