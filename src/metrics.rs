//! `--metrics`: the newest snapshot as `OpenMetrics`, for whoever scrapes `GET /metrics`.
//!
//! It speaks as much HTTP/1.1 as a scraper does: one request a connection, no body, and every connection has its
//! deadline, so that neither a slow reader nor one that talks nonsense keeps anything from the next one. Where all places
//! are taken, who has been silent the longest makes room for who comes.

mod request;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep, timeout};

use request::{Asked, head};

/// Connections served at one time; a scraper has one.
const CONNECTIONS: usize = 32;

/// How long one connection may take, from its first byte to its last.
const DEADLINE: Duration = Duration::from_secs(10);

/// The pause after a connection could not be accepted: with no descriptor left the next try fails as well.
const PAUSE: Duration = Duration::from_millis(100);

/// `OpenMetrics` 1.0.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A server of metrics. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

/// Makes the page, anew for each request.
type Page = Arc<dyn Fn() -> String + Send + Sync>;

impl Server {
    /// Listens there and serves the pages that `page` makes.
    ///
    /// # Errors
    /// Whatever the system says against listening there.
    pub async fn start(
        address: SocketAddr,
        page: impl Fn() -> String + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, task: tokio::spawn(serve(listener, Arc::new(page))) })
    }

    /// Where it listens: with the port it has, where any was wanted.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// When a connection was last heard.
#[derive(Clone)]
struct Heard(Arc<Mutex<Instant>>);

impl Heard {
    fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn again(&self) {
        *self.0.lock() = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock()
    }
}

async fn serve(listener: TcpListener, page: Page) {
    let mut taken: Vec<(AbortHandle, Heard)> = Vec::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        taken.retain(|(task, _)| !task.is_finished());
        // Whoever takes places and says nothing must not keep a scraper out.
        if taken.len() >= CONNECTIONS
            && let Some(longest) = (0..taken.len()).min_by_key(|place| taken[*place].1.last())
        {
            taken.swap_remove(longest).0.abort();
        }
        let (heard, page) = (Heard::now(), page.clone());
        let heard_here = heard.clone();
        let task = tokio::spawn(async move {
            // What became of one connection is no other's business.
            let _ = timeout(DEADLINE, answer(stream, &page, &heard_here)).await;
        });
        taken.push((task.abort_handle(), heard));
    }
}

async fn answer(mut stream: TcpStream, page: &Page, heard: &Heard) -> io::Result<()> {
    let mut taken = Vec::new();
    let asked = loop {
        if let Some(asked) = head(&taken) {
            break asked;
        }
        if stream.read_buf(&mut taken).await? == 0 {
            return Ok(());
        }
        heard.again();
    };
    stream.write_all(&response(asked, page)).await?;
    stream.shutdown().await?;
    // What comes still is read, or closing would take back what the other has not read yet.
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await? > 0 {}
    Ok(())
}

fn response(asked: Asked, page: &Page) -> Vec<u8> {
    let (status, more, body) = match asked {
        Asked::Metrics { .. } => ("200 OK", "", page()),
        Asked::Elsewhere => ("404 Not Found", "", "metrics are at /metrics\n".to_owned()),
        Asked::OtherMethod => ("405 Method Not Allowed", "Allow: GET, HEAD\r\n", String::new()),
        Asked::TooLong => ("431 Request Header Fields Too Large", "", String::new()),
        Asked::Nonsense => ("400 Bad Request", "", String::new()),
    };
    let kind =
        if matches!(asked, Asked::Metrics { .. }) { CONTENT_TYPE } else { "text/plain; charset=utf-8" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{more}Connection: close\r\n\r\n",
        body.len()
    );
    let mut response = head.into_bytes();
    if !matches!(asked, Asked::Metrics { head: true }) {
        response.extend_from_slice(body.as_bytes());
    }
    response
}
