//! Opening a connection: dial, secure and greet within one deadline, each step timed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::stream::Stream;
use super::{
    ConnectError, ConnectErrorKind, ConnectOptions, Connection, Endpoint, TlsOptions, dial, handshake, tls,
};
use crate::event::CreateSteps;
use crate::text;

/// A deadline for those who set none: further off than any program runs.
const FOR_EVER: Duration = Duration::from_secs(86_400 * 365 * 30);

/// How many connections are opened to one server at the same time, the smallest backlog that servers usually listen
/// with. More are not faster: what overflows the backlog is dropped by the server's kernel and tried again a whole
/// second later, which made a thousand opens at once ten times slower than in this order.
const AT_ONCE: usize = 128;

/// One gate for each of the few servers a program talks to; two that share one only wait for each other.
static GATES: [Semaphore; 16] = [const { Semaphore::const_new(AT_ONCE) }; 16];

fn gate(endpoint: &Endpoint) -> &'static Semaphore {
    let mut hasher = DefaultHasher::new();
    endpoint.hash(&mut hasher);
    &GATES[hasher.finish() as usize % GATES.len()]
}

/// How far an attempt has come, to say what was waited for in vain.
#[derive(Default)]
struct Stage(AtomicU8);

impl Stage {
    const DIALLED: u8 = 1;
    const SECURED: u8 = 2;

    fn reach(&self, stage: u8) {
        self.0.store(stage, Ordering::Relaxed);
    }

    /// The sentence for a deadline that passed at this stage.
    fn late(&self, options: &ConnectOptions) -> ConnectError {
        let (target, limit) = (options.target(), text::duration(options.connect_timeout));
        let message = match self.0.load(Ordering::Relaxed) {
            Self::SECURED => format!(
                "{target} took the connection but did not answer within {limit}; it hangs, or is no Redis server"
            ),
            Self::DIALLED => format!(
                "{target} took the connection but answered no TLS within {limit}; for a server without TLS use \
                 redis:// or leave out --tls"
            ),
            _ => format!(
                "{target} did not answer within {limit}; check the address, and that no firewall drops the packets"
            ),
        };
        ConnectError::new(ConnectErrorKind::Timeout, message)
    }
}

/// Opens a connection. One timer bounds all steps: a cold pool opens hundreds at once, and each timer is a lock taken.
pub(super) async fn open(options: &ConnectOptions) -> Result<Connection, ConnectError> {
    let options = &*options.current();
    let now = Instant::now();
    let deadline = now.checked_add(options.connect_timeout).unwrap_or_else(|| now + FOR_EVER);
    let stage = Stage::default();
    match timeout_at(deadline, attempt(options, &stage)).await {
        Ok(result) => result,
        Err(_) => Err(stage.late(options)),
    }
}

async fn attempt(options: &ConnectOptions, stage: &Stage) -> Result<Connection, ConnectError> {
    // A gate is never closed; the turn is kept until the greeting is answered, which proves the server took us in.
    let _turn = gate(&options.endpoint).acquire().await;
    let start = Instant::now();
    let stream = dial_endpoint(&options.endpoint).await?;
    let dialled = Instant::now();
    let mut steps = CreateSteps { dial: dialled - start, ..CreateSteps::default() };
    stage.reach(Stage::DIALLED);
    let (stream, secured) = match &options.tls {
        None => (stream, dialled),
        Some(tls) => {
            let stream = secure(stream, tls, options).await?;
            let secured = Instant::now();
            steps.tls = Some(secured - dialled);
            (stream, secured)
        }
    };
    stage.reach(Stage::SECURED);
    let mut connection = Connection::over(stream);
    let greeting = handshake::greet(&mut connection, options).await?;
    steps.handshake = secured.elapsed();
    Ok(connection.greeted(options, greeting, steps))
}

async fn dial_endpoint(endpoint: &Endpoint) -> Result<Stream, ConnectError> {
    match endpoint {
        Endpoint::Tcp { host, port } => {
            dial::tcp(host, *port).await.map(|stream| Stream::Plain(stream.into()))
        }
        Endpoint::Unix(path) => dial::unix(path).await.map(|stream| Stream::Plain(stream.into())),
    }
}

async fn secure(
    stream: Stream,
    tls_options: &TlsOptions,
    options: &ConnectOptions,
) -> Result<Stream, ConnectError> {
    let (Stream::Plain(stream), Endpoint::Tcp { host, .. }) = (stream, &options.endpoint) else {
        let message = "TLS goes over TCP: leave out --tls for a unix socket, or give a host";
        return Err(ConnectError::new(ConnectErrorKind::Options, message));
    };
    let config = tls::client_config(tls_options)?;
    let secured = tls::secure(stream, host, &options.target(), config, tls_options).await?;
    Ok(Stream::Tls(Box::new(secured)))
}
