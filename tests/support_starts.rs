//! The servers the other tests rely on start, answer and end.

mod support;

use support::RedisServer;

#[test]
fn redis_and_valkey_start_on_ports_of_their_own() {
    let redis = RedisServer::start(&[]);
    let valkey = RedisServer::start_valkey(&[]);
    assert_ne!(redis.port(), valkey.port());
    assert!(redis.cli(&["INFO", "server"]).contains("redis_version:7."));
    assert!(valkey.cli(&["INFO", "server"]).contains("valkey_version:9."));
}

#[test]
fn a_killed_server_starts_again_on_its_port() {
    let mut redis = RedisServer::start(&[]);
    let port = redis.port();
    redis.kill();
    assert!(std::net::TcpStream::connect(redis.address()).is_err());
    redis.restart();
    assert_eq!(redis.cli(&["PING"]), "PONG");
    assert_eq!(redis.port(), port);
}

#[test]
fn python_has_redis_py() {
    let output = std::process::Command::new(support::python())
        .args(["-c", "import redis, hiredis; print(redis.__version__)"])
        .output()
        .expect("python runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "8.1.0");
}
