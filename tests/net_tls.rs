//! TLS against a real server: whom we trust, who we are, and what is said when it does not fit.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use redis_pooltop::net::{
    ConnectError, ConnectErrorKind as Kind, ConnectOptions, Connection, Endpoint, Protocol, TlsOptions,
};
use redis_pooltop::resp::Value;
use support::RedisServer;

/// An authority of the test's own, and the files it made.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: tempfile::TempDir,
    cacert: PathBuf,
}

impl Authority {
    fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let cacert = directory.path().join("ca.pem");
        std::fs::write(&cacert, certificate.pem()).expect("written");
        Self { issuer: Issuer::new(params, key), directory, cacert }
    }

    /// A certificate for `names` and its key, as two files.
    fn signs(&self, file: &str, names: &[&str], expired: bool) -> (PathBuf, PathBuf) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("good names");
        if expired {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let paths = ["crt", "key"].map(|end| self.directory.path().join(format!("{file}.{end}")));
        std::fs::write(&paths[0], certificate.pem()).expect("written");
        std::fs::write(&paths[1], key.serialize_pem()).expect("written");
        let [certificate, key] = paths;
        (certificate, key)
    }

    /// A server that shows the certificate, and its TLS port.
    fn server(&self, (certificate, key): &(PathBuf, PathBuf), clients: &str) -> (RedisServer, u16) {
        let port = support::free_port();
        let show = |path: &Path| path.to_str().expect("a plain path").to_owned();
        let server = RedisServer::start(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &show(certificate),
            "--tls-key-file",
            &show(key),
            "--tls-ca-cert-file",
            &show(&self.cacert),
            "--tls-auth-clients",
            clients,
        ]);
        (server, port)
    }

    fn trusted(&self) -> TlsOptions {
        TlsOptions { cacert: Some(self.cacert.clone()), ..TlsOptions::default() }
    }
}

fn options(host: &str, port: u16, tls: TlsOptions) -> ConnectOptions {
    let endpoint = Endpoint::Tcp { host: host.to_owned(), port };
    ConnectOptions { endpoint, tls: Some(tls), ..ConnectOptions::default() }
}

async fn answers(options: &ConnectOptions) {
    let mut connection = Connection::open(options).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(connection.call(&["PING"]).await, Ok(Value::Simple("PONG".into())));
    assert!(connection.steps().tls.is_some_and(|took| took > Duration::ZERO));
    assert!(connection.server_id().is_some() && connection.local_addr().is_some());
    // Larger than any buffer on the way, both ways.
    let value = vec![b'x'; 4 << 20];
    assert_eq!(connection.call(&[b"SET", &b"big"[..], &value]).await, Ok(Value::Simple("OK".into())));
    assert_eq!(connection.call(&["GET", "big"]).await, Ok(Value::Bulk(value.into())));
}

async fn fails(options: &ConnectOptions) -> ConnectError {
    match Connection::open(options).await {
        Ok(_) => panic!("{} takes us", options.target()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_file_by_directory_or_not_at_all() {
    let authority = Authority::new("ours");
    let (_server, port) =
        authority.server(&authority.signs("server", &["127.0.0.1", "localhost"], false), "no");
    answers(&options("127.0.0.1", port, authority.trusted())).await;
    answers(&ConnectOptions { protocol: Protocol::Resp3, ..options("localhost", port, authority.trusted()) })
        .await;

    let directory = tempfile::tempdir().expect("a directory");
    std::fs::copy(&authority.cacert, directory.path().join("ours.pem")).expect("copied");
    let cacertdir = Some(directory.path().to_owned());
    answers(&options("127.0.0.1", port, TlsOptions { cacertdir, ..TlsOptions::default() })).await;

    let other = Authority::new("another");
    let error = fails(&options("127.0.0.1", port, other.trusted())).await;
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("--cacert"), "{error}");

    let insecure = options("127.0.0.1", port, TlsOptions { insecure: true, ..other.trusted() });
    assert_eq!(insecure.warnings().len(), 1);
    answers(&insecure).await;
}

#[tokio::test]
async fn names_and_dates_are_checked() {
    let authority = Authority::new("ours");
    let (_server, port) = authority.server(&authority.signs("server", &["cache.example"], false), "no");
    let error = fails(&options("127.0.0.1", port, authority.trusted())).await;
    assert_eq!(error.kind(), Kind::Tls);
    assert!(error.to_string().contains("--sni"), "{error}");
    let sni = TlsOptions { sni: Some("cache.example".to_owned()), ..authority.trusted() };
    answers(&options("127.0.0.1", port, sni)).await;
    let unusable = TlsOptions { sni: Some("not a name".to_owned()), ..authority.trusted() };
    assert_eq!(fails(&options("127.0.0.1", port, unusable)).await.kind(), Kind::Options);

    let (_server, port) = authority.server(&authority.signs("old", &["127.0.0.1"], true), "no");
    let error = fails(&options("127.0.0.1", port, authority.trusted())).await;
    assert!(error.kind() == Kind::Tls && error.to_string().contains("expired"), "{error}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_wanted() {
    let authority = Authority::new("ours");
    let (_server, port) = authority.server(&authority.signs("server", &["127.0.0.1"], false), "yes");
    let error = fails(&options("127.0.0.1", port, authority.trusted())).await;
    assert_eq!(error.kind(), Kind::Tls, "{error}");
    assert!(error.to_string().contains("--cert"), "{error}");

    let (cert, key) = authority.signs("client", &["client"], false);
    let ours = TlsOptions { cert: Some(cert.clone()), key: Some(key.clone()), ..authority.trusted() };
    answers(&options("127.0.0.1", port, ours)).await;

    let other = Authority::new("another");
    let (cert_of_other, key_of_other) = other.signs("client", &["client"], false);
    let stranger =
        TlsOptions { cert: Some(cert_of_other), key: Some(key_of_other.clone()), ..authority.trusted() };
    let error = fails(&options("127.0.0.1", port, stranger)).await;
    assert_eq!(error.kind(), Kind::Tls, "{error}");

    for (cert, key, says) in [
        (Some(cert.clone()), None, "--key"),
        (None, Some(key.clone()), "--cert"),
        (Some(cert.clone()), Some(key_of_other), "fit together"),
        (Some(authority.directory.path().join("none")), Some(key.clone()), "cannot be read"),
        (Some(key.clone()), Some(key.clone()), "no PEM certificate"),
        (Some(cert.clone()), Some(cert.clone()), "no PEM private key"),
    ] {
        let error = fails(&options("127.0.0.1", port, TlsOptions { cert, key, ..authority.trusted() })).await;
        assert!(error.kind() == Kind::Options && error.to_string().contains(says), "{says}: {error}");
    }
}

#[tokio::test]
async fn tls_and_plain_servers_are_not_taken_for_each_other() {
    let authority = Authority::new("ours");
    let (server, port) = authority.server(&authority.signs("server", &["127.0.0.1"], false), "no");

    let behind_plain = ConnectOptions { tls: None, ..options("127.0.0.1", port, TlsOptions::default()) };
    let error = fails(&behind_plain).await;
    assert!(matches!(error.kind(), Kind::NotRedis | Kind::Closed), "{error}");
    assert!(error.to_string().contains("--tls"), "{error}");

    let mut behind_tls = options("127.0.0.1", server.port(), authority.trusted());
    behind_tls.connect_timeout = Duration::from_millis(500);
    let error = fails(&behind_tls).await;
    assert!(matches!(error.kind(), Kind::Tls | Kind::Timeout), "{error}");
    assert!(error.to_string().contains("--tls"), "{error}");

    let over_unix = ConnectOptions { endpoint: Endpoint::Unix(server.socket()), ..behind_tls };
    assert_eq!(fails(&over_unix).await.kind(), Kind::Options);

    let nothing =
        TlsOptions { cacert: Some(authority.directory.path().join("none")), ..TlsOptions::default() };
    let error = fails(&options("127.0.0.1", port, nothing)).await;
    assert!(error.kind() == Kind::Options && error.to_string().contains("none"), "{error}");
}
