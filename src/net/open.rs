//! Opening a connection: dial, secure and greet within one deadline, each step timed.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::stream::Stream;
use super::{ConnectError, ConnectErrorKind, ConnectOptions, Connection, Endpoint, dial, handshake, tls};
use crate::event::CreateSteps;
use crate::text;

/// A deadline for those who set none: further off than any program runs.
const FOR_EVER: Duration = Duration::from_secs(86_400 * 365 * 30);

pub(super) async fn open(options: &ConnectOptions) -> Result<Connection, ConnectError> {
    let start = Instant::now();
    let deadline = start.checked_add(options.connect_timeout).unwrap_or_else(|| start + FOR_EVER);
    let target = options.target();
    let limit = text::duration(options.connect_timeout);

    let dialled = dial_endpoint(&options.endpoint);
    let stream = within(deadline, dialled, || {
        format!("{target} did not answer within {limit}; check the address, and that no firewall drops the packets")
    })
    .await?;
    let dialled_at = Instant::now();
    let mut steps = CreateSteps { dial: dialled_at - start, ..CreateSteps::default() };

    let stream = within(deadline, secure(stream, options), || {
        format!(
            "{target} took the connection but answered no TLS within {limit}; for a server without TLS use redis:// or \
             leave out --tls"
        )
    })
    .await?;
    let secured_at = Instant::now();
    steps.tls = options.tls.is_some().then(|| secured_at - dialled_at);

    let mut connection = Connection::over(stream);
    let greeting = within(deadline, handshake::greet(&mut connection, options), || {
        format!(
            "{target} took the connection but did not answer within {limit}; it hangs, or is no Redis server"
        )
    })
    .await?;
    steps.handshake = secured_at.elapsed();
    Ok(connection.greeted(options, greeting, steps))
}

async fn dial_endpoint(endpoint: &Endpoint) -> Result<Stream, ConnectError> {
    match endpoint {
        Endpoint::Tcp { host, port } => dial::tcp(host, *port).await.map(Stream::Tcp),
        Endpoint::Unix(path) => dial::unix(path).await.map(Stream::Unix),
    }
}

async fn secure(stream: Stream, options: &ConnectOptions) -> Result<Stream, ConnectError> {
    let Some(tls_options) = &options.tls else { return Ok(stream) };
    let (Stream::Tcp(stream), Endpoint::Tcp { host, .. }) = (stream, &options.endpoint) else {
        let message = "TLS goes over TCP: leave out --tls for a unix socket, or give a host";
        return Err(ConnectError::new(ConnectErrorKind::Options, message));
    };
    let config = tls::client_config(tls_options)?;
    let secured = tls::secure(stream, host, &options.target(), config, tls_options).await?;
    Ok(Stream::Tls(Box::new(secured)))
}

async fn within<T>(
    deadline: Instant,
    step: impl Future<Output = Result<T, ConnectError>>,
    late: impl FnOnce() -> String,
) -> Result<T, ConnectError> {
    match timeout_at(deadline, step).await {
        Ok(result) => result,
        Err(_) => Err(ConnectError::new(ConnectErrorKind::Timeout, late())),
    }
}
