//! Opening connections to real servers: greetings, refusals and what is said about them.

mod support;

use std::time::Duration;

use redis_pooltop::net::{
    ConnectError, ConnectErrorKind as Kind, ConnectOptions, Connection, Endpoint, IoErrorKind, Mode, Probe,
    Protocol, Secret,
};
use redis_pooltop::resp::Value;
use support::{RedisServer, wait_until};

fn options(server: &RedisServer) -> ConnectOptions {
    ConnectOptions::from_url(&server.url()).expect("a good URL")
}

async fn open(options: &ConnectOptions) -> Connection {
    Connection::open(options).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn fails(options: &ConnectOptions) -> ConnectError {
    match Connection::open(options).await {
        Ok(_) => panic!("{} takes us", options.target()),
        Err(error) => error,
    }
}

async fn text(connection: &mut Connection, line: &str) -> String {
    match connection.call(&line.split(' ').collect::<Vec<_>>()).await {
        Ok(Value::Bulk(text) | Value::Simple(text) | Value::Error(text)) => {
            String::from_utf8_lossy(&text).into_owned()
        }
        Ok(Value::Verbatim { text, .. }) => String::from_utf8_lossy(&text).into_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => panic!("{line}: {error}"),
    }
}

async fn greets(server: &RedisServer, name: &str) {
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        for endpoint in [options(server).endpoint, Endpoint::Unix(server.socket())] {
            let options = ConnectOptions {
                endpoint,
                protocol,
                database: 3,
                client_name: Some("worker-1".to_owned()),
                ..ConnectOptions::default()
            };
            let mut connection = open(&options).await;
            assert_eq!(connection.protocol(), protocol);
            assert_eq!(connection.greeting().server.as_deref(), Some(name));
            assert_eq!(connection.greeting().role.as_deref(), Some("master"));
            assert!(connection.greeting().version.is_some());
            assert_eq!(connection.session_state().database, 3);
            assert_eq!((connection.owed(), connection.unread(), connection.taint()), (0, 0, None));

            let info = text(&mut connection, "CLIENT INFO").await;
            let id = connection.server_id().expect("HELLO gives the id");
            assert!(info.starts_with(&format!("id={id} ")), "{info}");
            assert!(info.contains(" name=worker-1 ") && info.contains(" db=3 "), "{info}");
            if let Some(local) = connection.local_addr() {
                assert!(info.contains(&format!(" addr={local} ")), "{info}");
            }
            assert!(connection.steps().handshake > Duration::ZERO);
            assert!(connection.steps().tls.is_none());
        }
    }
}

#[tokio::test]
async fn redis_is_greeted_over_tcp_and_unix_in_both_protocols() {
    greets(&RedisServer::start(&[]), "redis").await;
}

#[tokio::test]
async fn valkey_is_greeted_and_told_which_library_this_is() {
    let server = RedisServer::start_valkey(&[]);
    greets(&server, "valkey").await;
    let mut connection = open(&options(&server)).await;
    let info = text(&mut connection, "CLIENT INFO").await;
    assert!(info.contains(" lib-name=redis-pooltop "), "{info}");
    assert!(info.contains(&format!(" lib-ver={}", env!("CARGO_PKG_VERSION"))), "{info}");
}

#[tokio::test]
async fn passwords_and_users_are_told_apart() {
    let server = RedisServer::start(&["--requirepass", "se cret"]);
    let plain = options(&server);
    let with = |user: Option<&str>, password: &str| ConnectOptions {
        user: user.map(str::to_owned),
        password: Some(Secret::new(password)),
        ..plain.clone()
    };
    assert_eq!(fails(&plain).await.kind(), Kind::NoAuth);
    let wrong = fails(&with(None, "tomato")).await;
    assert_eq!(wrong.kind(), Kind::WrongPass);
    assert!(wrong.to_string().contains("user `default`") && wrong.is_auth(), "{wrong}");
    assert!(!wrong.to_string().contains("tomato"), "{wrong}");

    let mut admin = open(&with(None, "se cret")).await;
    assert_eq!(text(&mut admin, "PING").await, "PONG");
    for line in [
        "ACL SETUSER ann on >pw ~* +@all -select",
        "ACL SETUSER min on >pw -@all",
        "ACL SETUSER off off >pw +@all",
    ] {
        assert_eq!(text(&mut admin, line).await, "OK");
    }
    let mut ann = open(&with(Some("ann"), "pw")).await;
    assert_eq!(text(&mut ann, "ACL WHOAMI").await, "ann");
    // A user who may do nothing can still connect: greeting asks for nothing more than AUTH.
    let mut min = open(&with(Some("min"), "pw")).await;
    assert!(text(&mut min, "GET a").await.starts_with("NOPERM"));
    let barred = fails(&ConnectOptions { database: 1, ..with(Some("ann"), "pw") }).await;
    assert_eq!(barred.kind(), Kind::NoPerm, "{barred}");
    assert_eq!(fails(&with(Some("off"), "pw")).await.kind(), Kind::WrongPass);
    assert_eq!(fails(&with(Some("nobody"), "pw")).await.kind(), Kind::WrongPass);

    let url = format!("redis://:se%20cret@{}", server.address());
    open(&ConnectOptions::from_url(&url).expect("a good URL")).await;
}

#[tokio::test]
async fn a_server_with_no_room_says_so() {
    let server = RedisServer::start(&["--maxclients", "3"]);
    for endpoint in [options(&server).endpoint, Endpoint::Unix(server.socket())] {
        let options = ConnectOptions { endpoint, ..ConnectOptions::default() };
        let mut held = Vec::new();
        wait_until("three clients are in", async || {
            held.extend(Connection::open(&options).await.ok());
            held.len() == 3
        })
        .await;
        for _ in 0..20 {
            let error = fails(&options).await;
            assert_eq!(error.kind(), Kind::MaxClients, "{error}");
            assert!(error.is_retryable());
        }
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named() {
    let server = RedisServer::start(&["--databases", "2"]);
    let error = fails(&ConnectOptions { database: 2, ..options(&server) }).await;
    assert!(error.to_string().contains("has no database 2"), "{error}");
    open(&ConnectOptions { database: 1, ..options(&server) }).await;
}

#[tokio::test]
async fn nothing_there_is_refused_or_unreachable() {
    let port = support::free_port();
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".to_owned(), port };
    let error = fails(&ConnectOptions { endpoint, ..ConnectOptions::default() }).await;
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.to_string().contains(&format!("--port {port}")), "{error}");

    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("none.sock");
    let absent = ConnectOptions { endpoint: Endpoint::Unix(path.clone()), ..ConnectOptions::default() };
    assert_eq!(fails(&absent).await.kind(), Kind::Unreachable);
    drop(std::os::unix::net::UnixListener::bind(&path).expect("binds"));
    assert_eq!(fails(&absent).await.kind(), Kind::Refused);

    let endpoint = Endpoint::Tcp { host: "no-such-host.invalid".to_owned(), port };
    let error = fails(&ConnectOptions { endpoint, ..ConnectOptions::default() }).await;
    assert!(matches!(error.kind(), Kind::Unreachable | Kind::Timeout), "{error}");
}

#[tokio::test]
async fn names_that_servers_refuse_are_refused_here() {
    let server = RedisServer::start(&[]);
    let error = fails(&ConnectOptions { client_name: Some("a b".to_owned()), ..options(&server) }).await;
    assert_eq!(error.kind(), Kind::Options);
}

#[tokio::test]
async fn a_call_times_out_and_its_late_reply_reaches_nobody() {
    let server = RedisServer::start(&[]);
    let mut connection =
        open(&ConnectOptions { socket_timeout: Some(Duration::from_millis(50)), ..options(&server) }).await;
    let error = connection.call(&["BLPOP", "q", "0"]).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (&IoErrorKind::Timeout, true));
    assert_eq!(connection.owed(), 1);
    assert_eq!(server.cli(&["LPUSH", "q", "late"]), "1");
    let error = connection.call(&["GET", "a"]).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (&IoErrorKind::Busy, false));
    wait_until("the late reply is seen", async || matches!(connection.probe(), Probe::Unread(_))).await;
    assert!(connection.unread() > 0);
    // Whoever knows what was asked may still read it.
    let late = connection.receive().await.expect("the late reply");
    assert!(matches!(late, Value::Array(items) if items.len() == 2));
    assert_eq!((connection.owed(), connection.unread(), connection.probe()), (0, 0, Probe::Quiet));
    assert_eq!(text(&mut connection, "PING").await, "PONG");
}

#[tokio::test]
async fn a_call_dropped_in_the_middle_leaves_its_reply_owed() {
    let server = RedisServer::start(&[]);
    let mut connection = open(&options(&server)).await;
    let given_up =
        tokio::time::timeout(Duration::from_millis(20), connection.call(&["BLPOP", "q", "0"])).await;
    assert!(given_up.is_err());
    assert_eq!(connection.owed(), 1);
    assert_eq!(connection.call(&["PING"]).await.unwrap_err().kind(), &IoErrorKind::Busy);
}

#[tokio::test]
async fn many_commands_go_in_one_write_and_all_are_answered() {
    let server = RedisServer::start(&[]);
    let mut connection = open(&options(&server)).await;
    for number in 0..10_000 {
        connection.send(&["ECHO", &number.to_string()]);
    }
    assert_eq!(connection.owed(), 10_000);
    connection.flush().await.expect("written");
    for number in 0..10_000 {
        let reply = connection.receive().await.expect("a reply");
        assert_eq!(reply, Value::Bulk(number.to_string().into()));
    }
    assert_eq!(connection.owed(), 0);
    assert!(connection.bytes_in() > 90_000 && connection.bytes_out() > 200_000);
}

#[tokio::test]
async fn a_huge_value_goes_there_and_back() {
    let server = RedisServer::start(&[]);
    let mut connection = open(&options(&server)).await;
    let value = vec![b'x'; 20 << 20];
    assert_eq!(connection.call(&[b"SET", &b"big"[..], &value]).await, Ok(Value::Simple("OK".into())));
    assert_eq!(connection.call(&["GET", "big"]).await, Ok(Value::Bulk(value.into())));
}

#[tokio::test]
async fn subscriptions_and_pushes_are_no_unread_replies() {
    let server = RedisServer::start(&[]);
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut connection = open(&ConnectOptions { protocol, ..options(&server) }).await;
        connection.send(&["SUBSCRIBE", "a", "b"]);
        connection.send(&["PING"]);
        connection.flush().await.expect("written");
        assert_eq!(connection.owed(), 3);
        for _ in 0..3 {
            connection.receive().await.expect("confirmations and a pong");
        }
        assert_eq!((connection.owed(), connection.mode()), (0, Mode::Subscribed));
        assert_eq!(server.cli(&["PUBLISH", "b", "hello"]), "1");
        let (Value::Array(items) | Value::Push(items)) = connection.receive().await.expect("a message")
        else {
            panic!("no message");
        };
        assert_eq!(items[2], Value::Bulk("hello".into()));
        connection.send(&["UNSUBSCRIBE"]);
        connection.flush().await.expect("written");
        while connection.owed() > 0 {
            connection.receive().await.expect("a confirmation");
        }
        assert_eq!((connection.mode(), connection.taint()), (Mode::Normal, None));
        assert_eq!(text(&mut connection, "PING").await, "PONG");
    }

    let mut tracking = open(&ConnectOptions { protocol: Protocol::Resp3, ..options(&server) }).await;
    assert_eq!(text(&mut tracking, "CLIENT TRACKING ON").await, "OK");
    assert_eq!(tracking.taint(), Some("client tracking is on"));
    tracking.call(&["GET", "watched"]).await.expect("a reply");
    server.cli(&["SET", "watched", "1"]);
    let mut pushes = Vec::new();
    wait_until("the invalidation comes", async || {
        assert_eq!(tracking.probe(), Probe::Quiet);
        pushes.extend(tracking.take_pushes());
        !pushes.is_empty()
    })
    .await;
    assert!(matches!(&pushes[0], Value::Push(items) if items[0] == Value::Bulk("invalidate".into())));
    assert_eq!(text(&mut tracking, "GET watched").await, "1");
}

#[tokio::test]
async fn monitor_streams_and_a_transaction_taints() {
    let server = RedisServer::start(&[]);
    let mut connection = open(&options(&server)).await;
    assert_eq!(text(&mut connection, "MONITOR").await, "OK");
    assert_eq!(connection.mode(), Mode::Monitor);
    server.cli(&["GET", "seen"]);
    loop {
        let Value::Simple(line) = connection.receive().await.expect("a line") else { panic!("no line") };
        if String::from_utf8_lossy(&line).contains("\"seen\"") {
            break;
        }
    }
    assert_eq!(connection.owed(), 0);

    let mut connection = open(&options(&server)).await;
    assert_eq!(text(&mut connection, "MULTI").await, "OK");
    assert_eq!(connection.taint(), Some("MULTI is open"));
    assert_eq!(text(&mut connection, "SELECT 4").await, "QUEUED");
    connection.call(&["EXEC"]).await.expect("a reply");
    assert_eq!(connection.session_state().database, 4);
    assert_eq!(connection.taint(), Some("another database is selected"));
    assert_eq!(text(&mut connection, "SELECT 0").await, "OK");
    assert_eq!(connection.taint(), None);
    let error = connection.call(&["CLIENT", "REPLY", "OFF"]).await.unwrap_err();
    assert_eq!(error.kind(), &IoErrorKind::NoReply);
    assert_eq!(connection.call(&["SET", "quiet", "1"]).await.unwrap_err().kind(), &IoErrorKind::NoReply);
    assert_eq!(text(&mut connection, "CLIENT REPLY ON").await, "OK");
    assert_eq!(text(&mut connection, "GET quiet").await, "1");
}

#[tokio::test]
async fn a_server_that_goes_is_noticed() {
    let mut server = RedisServer::start(&[]);
    let mut idle = open(&options(&server)).await;
    let mut busy = open(&options(&server)).await;
    let killed = async {
        wait_until("BLPOP blocks", async || server.cli(&["INFO", "clients"]).contains("blocked_clients:1"))
            .await;
        server.kill();
    };
    let (reply, ()) = tokio::join!(busy.call(&["BLPOP", "q", "0"]), killed);
    let error = reply.unwrap_err();
    assert!(matches!(error.kind(), IoErrorKind::Closed | IoErrorKind::Reset), "{error}");
    assert!(error.sent(), "whether it ran is unknown");
    wait_until("the idle one is seen closed", async || idle.probe() == Probe::Closed).await;
    let error = idle.call(&["PING"]).await.unwrap_err();
    assert!(!error.sent(), "nothing was written to a connection known to be closed");
}
