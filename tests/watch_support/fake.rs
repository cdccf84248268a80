//! A server of the tests' own, for what no real one can be made to say.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

/// What it says to a command, all of whose words come as one line; nothing for what is usual.
type Answer = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// A server that knows the commands of a watch, and no HELLO.
pub struct Fake {
    address: SocketAddr,
}

impl Fake {
    /// Starts one that answers so. It ends with the test.
    pub fn start(answer: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let answer: Arc<Answer> = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let answer = answer.clone();
                std::thread::spawn(move || serve(&stream, &*answer));
            }
        });
        Self { address }
    }

    /// `redis://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

fn serve(stream: &TcpStream, answer: &Answer) -> Option<()> {
    let mut input = BufReader::new(stream);
    let mut output = stream;
    loop {
        let line = words(&mut input)?.join(" ");
        let said = answer(&line).unwrap_or_else(|| usual(&line));
        output.write_all(&said).ok()?;
    }
}

/// The words of the next command.
fn words(input: &mut impl BufRead) -> Option<Vec<String>> {
    let count = number(input, '*')?;
    let mut words = Vec::new();
    for _ in 0..count {
        let mut word = vec![0; number(input, '$')? + 2];
        input.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
    Some(words)
}

fn number(input: &mut impl BufRead, sign: char) -> Option<usize> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    line.trim_end().strip_prefix(sign)?.parse().ok()
}

fn usual(line: &str) -> Vec<u8> {
    match line {
        "INFO SERVER" => bulk(b"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n"),
        "INFO CLIENTS" => bulk(b"# Clients\r\nconnected_clients:1\r\nmaxclients:100000\r\n"),
        "INFO STATS" => bulk(b"# Stats\r\ntotal_connections_received:1\r\n"),
        "INFO COMMANDSTATS" => bulk(b"# Commandstats\r\n"),
        "CLIENT LIST" => bulk(client(1, "").as_bytes()),
        "CLIENT ID" => b":1\r\n".to_vec(),
        _ if line.starts_with("CLIENT SETNAME") => b"+OK\r\n".to_vec(),
        _ if line.starts_with("CONFIG GET") => b"*0\r\n".to_vec(),
        _ => b"-ERR unknown command\r\n".to_vec(),
    }
}

/// Bytes as the server sends them.
pub fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// A line of CLIENT LIST.
pub fn client(id: u64, name: &str) -> String {
    let port = 10_000 + id % 50_000;
    format!(
        "id={id} addr=10.1.2.3:{port} laddr=10.1.2.4:6379 fd=8 name={name} age=5 idle=5 flags=N db=0 sub=0 psub=0 \
         multi=-1 qbuf=0 qbuf-free=0 obl=0 oll=0 omem=0 tot-mem=1800 events=r cmd=get user=default\n"
    )
}
