//! Servers that are old, silent, broken or no Redis at all: every one is told apart, and none is waited for in vain.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use redis_pooltop::net::{
    ConnectError, ConnectErrorKind as Kind, ConnectOptions, Connection, Endpoint, IoErrorKind, Probe,
    Protocol, Secret,
};
use redis_pooltop::resp::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const HELLO: &str =
    "*6\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n+OK\r\n+OK\r\n";

/// A server for one connection, played by `script`.
async fn fake<F: Future<Output = ()> + Send + 'static>(
    script: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> ConnectOptions {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        script(stream).await;
    });
    at(address)
}

fn at(address: SocketAddr) -> ConnectOptions {
    let endpoint = Endpoint::Tcp { host: address.ip().to_string(), port: address.port() };
    ConnectOptions { endpoint, connect_timeout: support::PATIENCE, ..ConnectOptions::default() }
}

/// A server that answers the first bytes it gets with `answer`, and then closes or only sits there.
async fn says(answer: &'static [u8], closes: bool) -> ConnectOptions {
    fake(async move |mut stream| {
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(answer).await;
        if !closes {
            std::future::pending::<()>().await;
        }
    })
    .await
}

async fn fails(options: &ConnectOptions) -> ConnectError {
    match Connection::open(options).await {
        Ok(_) => panic!("{} takes us", options.target()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn what_is_no_redis_is_told_apart() {
    let table: [(&[u8], Kind, &str); 15] = [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Kind::NotRedis, "HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Kind::NotRedis, "SSH-2.0-OpenSSH_9.2"),
        (b"\x1b]0;owned\x07\x1b[2J", Kind::NotRedis, "\\x1b]0;owned"),
        (b"\x15\x03\x01\x00\x02\x02\x46", Kind::NotRedis, "--tls"),
        (b"+OK\r\n", Kind::NotRedis, "a status"),
        (b"*2000000000\r\n", Kind::NotRedis, "an element count of 2000000000 is beyond the cap of"),
        (b"$99999999999\r\n", Kind::NotRedis, "no Redis server"),
        (b"", Kind::Closed, "without an answer"),
        (b"*6\r\n$6\r\nserv", Kind::Closed, "broke off"),
        (b"-ERR max number of clients reached\r\n", Kind::MaxClients, "maxclients"),
        (b"-DENIED Redis is running in protected mode\r\n", Kind::Protected, "protected mode"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", Kind::Loading, "loading"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", Kind::MasterDown, "lost its master"),
        (b"-NOAUTH HELLO must be called\r\n", Kind::NoAuth, "--askpass"),
        (b"-ERR \x1b[31mweird\r\n", Kind::Other, "\\x1b[31mweird"),
    ];
    for (answer, kind, part) in table {
        let error = fails(&says(answer, true).await).await;
        assert_eq!(error.kind(), kind, "{}: {error}", answer.escape_ascii());
        let text = error.to_string();
        assert!(text.contains(part), "{text} says nothing of {part}");
        assert!(!text.contains('\u{1b}') && !text.contains('\n'), "{text:?}");
    }
}

#[tokio::test]
async fn endless_nesting_ends() {
    let options = fake(async |mut stream| while stream.write_all(b"*1\r\n").await.is_ok() {}).await;
    assert_eq!(fails(&options).await.kind(), Kind::NotRedis);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let mut options = says(b"", false).await;
    options.connect_timeout = Duration::from_millis(100);
    let error = fails(&options).await;
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.to_string().contains("100 ms"), "{error}");
}

#[tokio::test]
async fn a_password_that_a_server_repeats_is_masked() {
    let mut options = says(b"-ERR unknown auth 'tomato'\r\n", true).await;
    options.password = Some(Secret::new("tomato"));
    let error = fails(&options).await;
    assert!(error.to_string().contains("'***'"), "{error}");
}

/// Plays an old server: each command line gets the answer that `answer` gives for it.
async fn plays(answer: fn(&str) -> &'static str) -> ConnectOptions {
    fake(async move |mut stream| {
        let mut asked = String::new();
        let mut chunk = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            asked.push_str(&String::from_utf8_lossy(&chunk[..read]));
            while let Some((command, rest)) = command(&asked) {
                let rest = rest.to_owned();
                if stream.write_all(answer(&command).as_bytes()).await.is_err() {
                    return;
                }
                asked = rest;
            }
        }
    })
    .await
}

/// The first whole command in `asked`, its arguments joined by spaces, and what follows it.
fn command(asked: &str) -> Option<(String, &str)> {
    let (count, mut rest) = asked.strip_prefix('*')?.split_once("\r\n")?;
    let mut words = Vec::new();
    for _ in 0..count.parse::<usize>().ok()? {
        let (length, after) = rest.strip_prefix('$')?.split_once("\r\n")?;
        let length = length.parse::<usize>().ok()?;
        words.push(after.get(..length)?);
        rest = after.get(length + 2..)?;
    }
    Some((words.join(" "), rest))
}

#[tokio::test]
async fn a_server_without_hello_gets_the_commands_of_old() {
    let mut options = plays(|command| match command {
        "AUTH pw" | "CLIENT SETNAME me" | "SELECT 2" => "+OK\r\n",
        "CLIENT ID" => ":42\r\n",
        "PING" => "+PONG\r\n",
        command if command.starts_with("HELLO") => {
            "-ERR unknown command `HELLO`, with args beginning with: `2`\r\n"
        }
        _ => "-NOAUTH Authentication required.\r\n",
    })
    .await;
    options.password = Some(Secret::new("pw"));
    options.client_name = Some("me".to_owned());
    options.database = 2;
    options.protocol = Protocol::Resp3;
    let mut connection = Connection::open(&options).await.expect("it is greeted");
    assert_eq!((connection.server_id(), connection.protocol()), (Some(42), Protocol::Resp2));
    assert_eq!((connection.owed(), connection.unread()), (0, 0));
    assert_eq!(connection.call(&["PING"]).await, Ok(Value::Simple("PONG".into())));
}

#[tokio::test]
async fn an_old_server_refuses_in_its_own_words() {
    let wrong: fn(&str) -> &'static str = |command| match command {
        "AUTH pw" => "-ERR invalid password\r\n",
        "AUTH ann pw" => "-ERR wrong number of arguments for 'auth' command\r\n",
        command if command.starts_with("HELLO") => "-ERR unknown command 'HELLO'\r\n",
        _ => "-NOAUTH Authentication required.\r\n",
    };
    let mut options = plays(wrong).await;
    options.password = Some(Secret::new("pw"));
    assert_eq!(fails(&options).await.kind(), Kind::WrongPass);

    let mut options = plays(wrong).await;
    options.password = Some(Secret::new("pw"));
    options.user = Some("ann".to_owned());
    let error = fails(&options).await;
    assert!(error.kind() == Kind::WrongPass && error.to_string().contains("too old"), "{error}");

    assert_eq!(fails(&plays(wrong).await).await.kind(), Kind::NoAuth);

    // A password for a server that has none is no obstacle, and one so old that it gives no id is served without.
    let mut options = plays(|command| match command {
        "AUTH pw" => "-ERR Client sent AUTH, but no password is set\r\n",
        _ => "-ERR unknown command\r\n",
    })
    .await;
    options.password = Some(Secret::new("pw"));
    assert_eq!(Connection::open(&options).await.expect("it is greeted").server_id(), None);
}

#[tokio::test]
async fn a_server_that_knows_only_resp2_is_spoken_to_in_resp2() {
    let mut options = plays(|command| match command {
        "HELLO 3" => "-NOPROTO unsupported protocol version\r\n",
        "HELLO 2" => "*4\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n",
        _ => "-ERR unknown subcommand\r\n",
    })
    .await;
    options.protocol = Protocol::Resp3;
    let connection = Connection::open(&options).await.expect("it is greeted");
    assert_eq!((connection.server_id(), connection.protocol()), (Some(7), Protocol::Resp2));
}

/// An open connection whose server then says `rest` and closes.
async fn greeted_then(rest: &'static [u8]) -> Connection {
    let options = fake(async move |mut stream| {
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(HELLO.as_bytes()).await;
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(rest).await;
    })
    .await;
    Connection::open(&options).await.expect("it is greeted")
}

#[tokio::test]
async fn a_reply_that_breaks_off_or_is_no_reply_ends_the_connection() {
    for (rest, protocol) in
        [(&b"$10\r\nhalf"[..], false), (b"", false), (b"*2000000000\r\n", true), (b"nonsense", true)]
    {
        let mut connection = greeted_then(rest).await;
        let error = connection.call(&["GET", "a"]).await.unwrap_err();
        assert!(error.sent(), "whether it ran is unknown");
        assert_eq!(matches!(error.kind(), IoErrorKind::Protocol(_)), protocol, "{error}");
        assert_eq!(matches!(error.kind(), IoErrorKind::Closed | IoErrorKind::Reset), !protocol, "{error}");
        let again = connection.call(&["GET", "a"]).await.unwrap_err();
        assert!(again.kind() == error.kind() && !again.sent());
    }
}

#[tokio::test]
async fn a_second_reply_to_one_command_reaches_no_other() {
    let mut connection = greeted_then(b"$1\r\n1\r\n$1\r\n2\r\n").await;
    assert_eq!(connection.call(&["GET", "a"]).await, Ok(Value::Bulk("1".into())));
    let error = connection.call(&["GET", "b"]).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (&IoErrorKind::Unexpected, false));
    assert_eq!(connection.bytes_in(), HELLO.len() as u64 + 14);
}

#[tokio::test]
async fn pushes_beside_a_reply_are_no_unread_reply() {
    let options = fake(async |mut stream| {
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(HELLO.as_bytes()).await;
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(b">1\r\n+one\r\n$1\r\n1\r\n>1\r\n+two\r\n>1\r\n+th").await;
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(b"ree\r\n$1\r\n2\r\n$1\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut connection = Connection::open(&options).await.expect("it is greeted");
    assert_eq!(connection.call(&["GET", "a"]).await, Ok(Value::Bulk("1".into())));
    assert_eq!((connection.owed(), connection.probe()), (0, Probe::Quiet));
    assert_eq!(connection.call(&["GET", "b"]).await, Ok(Value::Bulk("2".into())));
    let pushes: Vec<_> =
        ["one", "two", "three"].map(|text| Value::Push(vec![Value::Simple(text.into())])).into();
    assert_eq!(connection.take_pushes(), pushes);
    // The beginning of a reply that nobody asked for is one, and stays one.
    support::wait_until("it is seen", async || connection.probe() == Probe::Unread(4)).await;
    assert_eq!(connection.probe(), Probe::Unread(4));
    assert_eq!(connection.call(&["GET", "c"]).await.unwrap_err().kind(), &IoErrorKind::Unexpected);
}

/// On a thread of its own it always has more than the reader takes: on the reader's the two would take turns.
#[tokio::test]
async fn a_server_that_pushes_for_ever_does_not_put_off_the_time_of_a_reply() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked);
        let _ = stream.write_all(HELLO.as_bytes());
        let _ = stream.read(&mut asked);
        let push = format!(">2\r\n+a\r\n+{}\r\n", "b".repeat(60_000));
        let pushes = push.repeat(16);
        while stream.write_all(pushes.as_bytes()).is_ok() {}
    });
    let mut options = ConnectOptions::from_url(&format!("redis://{address}")).unwrap();
    options.socket_timeout = Some(Duration::from_millis(200));
    let mut connection = Connection::open(&options).await.expect("it is greeted");
    let call = tokio::spawn(async move { connection.call(&["GET", "a"]).await });
    let answer = tokio::time::timeout(support::PATIENCE, call).await.expect("it ends").unwrap();
    assert_eq!(answer.unwrap_err().kind(), &IoErrorKind::Timeout);
}

#[tokio::test]
async fn a_server_that_never_reads_is_given_up() {
    let options = fake(async |mut stream| {
        let mut asked = [0; 4096];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(HELLO.as_bytes()).await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut connection = Connection::open(&options).await.expect("it is greeted");
    connection.set_socket_timeout(Some(Duration::from_millis(100)));
    let error = connection.call(&[b"SET", &b"a"[..], &vec![0; 64 << 20]]).await.unwrap_err();
    assert_eq!((error.kind(), error.sent()), (&IoErrorKind::Timeout, true));
}

#[tokio::test]
async fn a_server_that_waits_for_its_replies_to_be_read_is_not_waited_for() {
    // It writes 16 MB before it reads on, more than the sockets' buffers hold.
    let options = fake(async |mut stream| {
        let mut asked = vec![0; 1 << 16];
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(HELLO.as_bytes()).await;
        let _ = stream.read(&mut asked).await;
        let _ = stream.write_all(b"$16777216\r\n").await;
        let _ = stream.write_all(&vec![b'x'; 16 << 20]).await;
        let _ = stream.write_all(b"\r\n").await;
        while let Ok(1..) = stream.read(&mut asked).await {}
    })
    .await;
    let mut connection = Connection::open(&options).await.expect("it is greeted");
    connection.set_socket_timeout(Some(support::PATIENCE));
    let reply = connection.call(&[b"SET", &b"a"[..], &vec![0; 64 << 20]]).await;
    assert!(matches!(reply, Ok(Value::Bulk(text)) if text.len() == 16 << 20));
}

#[tokio::test]
async fn a_crowd_does_not_overrun_a_servers_backlog() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let options = at(listener.local_addr().expect("its address"));
    // How many wait to be greeted, and the most that ever did.
    let (crowd, _) = watch::channel((0, 0));
    let crowd = Arc::new(crowd);
    let seen = crowd.subscribe();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            crowd.send_modify(|(now, most)| (*now, *most) = (*now + 1, (*now + 1).max(*most)));
            let (crowd, mut grown) = (Arc::clone(&crowd), crowd.subscribe());
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let _ = stream.read(&mut asked).await;
                // The first to come are answered once there are many, so that a crowd does form.
                let _ = grown.wait_for(|(_, most)| *most >= 100).await;
                crowd.send_modify(|(now, _)| *now -= 1);
                let _ = stream.write_all(HELLO.as_bytes()).await;
                let _ = stream.read(&mut asked).await;
            });
        }
    });
    let opens = (0..400).map(|_| Connection::open(&options));
    let opened = futures_util::future::join_all(opens).await;
    assert!(opened.iter().all(Result::is_ok));
    let (_, most) = *seen.borrow();
    assert!((100..=128).contains(&most), "{most} at once");
}

#[tokio::test]
async fn a_greeting_may_not_claim_what_only_a_reply_may() {
    for claim in ["*100\r\n$536870912\r\n", "*60000000\r\n"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let server = tokio::spawn(async move {
            use tokio::io::AsyncWriteExt;
            let (mut stream, _) = listener.accept().await.expect("it connects");
            let _ = stream.write_all(claim.as_bytes()).await;
            // Until it hangs up: the claim alone must end it.
            let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
        });
        let options = redis_pooltop::net::ConnectOptions::from_url(&format!("redis://127.0.0.1:{port}"))
            .expect("a URL");
        let error = redis_pooltop::net::Connection::open(&options).await.expect_err("no greeting");
        assert_ne!(error.kind(), redis_pooltop::net::ConnectErrorKind::Timeout, "{error}");
        server.await.expect("the fake server ends");
    }
}
