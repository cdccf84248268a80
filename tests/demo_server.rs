//! The embedded server as a process sees it: started, spoken to by redis-cli, gone when dropped.

mod support;

use redis_pooltop::demo::Server;

/// Runs redis-cli against a server and gives what it printed.
fn cli(server: &Server, arguments: &[&str]) -> String {
    let port = server.addr().port().to_string();
    let output = support::redis_cli().args(["-p", &port]).args(arguments).output().expect("redis-cli runs");
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[tokio::test]
async fn redis_cli_is_answered() {
    let server = Server::start().await.expect("a server");
    assert_eq!(cli(&server, &["PING"]), "PONG");
    assert_eq!(cli(&server, &["SET", "a", "1"]), "OK");
    assert_eq!(cli(&server, &["-3", "GET", "a"]), "1");
    assert_eq!(
        cli(&server, &["FOO", "a", "b"]),
        "ERR unknown command 'FOO', with args beginning with: 'a' 'b'"
    );
}

#[tokio::test]
async fn nobody_listens_after_the_server_is_dropped() {
    let server = Server::start().await.expect("a server");
    let address = server.addr();
    let mut idle = support::idle_client(address);
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert_eq!(std::io::Read::read(&mut idle, &mut [0; 1]).unwrap_or(0), 0, "the connection is closed");
}
