//! A middlebox: what stands between a client and a server, and may forget a connection, cut it, or take no new one. Real
//! sockets on loopback that carry bytes as they are, so TLS goes through it as well.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::net::{ConnectOptions, Endpoint};

/// What happens to the links there are. New ones are of a later generation.
#[derive(Clone, Copy, Default)]
struct Rules {
    /// Links up to this generation carry nothing any more, and nobody is told.
    silent: u64,
    /// Links up to this generation are closed.
    cut: u64,
    /// The generation of new links.
    generation: u64,
    /// New links are closed at once.
    refuse: bool,
    /// New links are taken, and carry nothing.
    mute: bool,
}

/// A running middlebox. It ends, and every link with it, when it is dropped.
pub(crate) struct Middlebox {
    address: SocketAddr,
    rules: Arc<Mutex<watch::Sender<Rules>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
enum Target {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Middlebox {
    /// In front of the server that these options name; the second are the options that lead through it.
    pub(crate) async fn start(connect: &ConnectOptions) -> std::io::Result<(Self, ConnectOptions)> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rules = watch::Sender::new(Rules { generation: 1, ..Rules::default() });
        let target = match &connect.endpoint {
            Endpoint::Tcp { host, port } => Target::Tcp(host.clone(), *port),
            Endpoint::Unix(path) => Target::Unix(path.clone()),
        };
        let task = tokio::spawn(accept(listener, target, rules.subscribe()));
        let endpoint = Endpoint::Tcp { host: address.ip().to_string(), port: address.port() };
        let mut through = ConnectOptions { endpoint, ..connect.clone() };
        if let (Some(tls), Endpoint::Tcp { host, .. }) = (&mut through.tls, &connect.endpoint) {
            // The certificate is still that of the server.
            tls.sni.get_or_insert_with(|| host.clone());
        }
        Ok((Self { address, rules: Arc::new(Mutex::new(rules)), task }, through))
    }

    /// Forgets every link there is: nothing goes through any more, and neither end is told, as a firewall does. New ones
    /// work.
    pub(crate) fn forget(&self) {
        self.change(|rules| {
            rules.silent = rules.generation;
            rules.generation += 1;
        });
    }

    /// Closes every link there is. New ones work, unless it refuses them.
    pub(crate) fn cut(&self) {
        self.change(|rules| {
            rules.cut = rules.generation;
            rules.generation += 1;
        });
    }

    /// Takes no new links, or takes them again.
    pub(crate) fn refuse(&self, refuse: bool) {
        self.change(|rules| rules.refuse = refuse);
    }

    /// Takes new links and carries nothing on them, or carries on those that come from now on.
    pub(crate) fn mute(&self, mute: bool) {
        self.change(|rules| rules.mute = mute);
    }

    fn change(&self, change: impl FnOnce(&mut Rules)) {
        self.rules.lock().send_modify(change);
    }
}

impl Drop for Middlebox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl std::fmt::Debug for Middlebox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Middlebox").field(&self.address).finish()
    }
}

async fn accept(listener: TcpListener, target: Target, rules: watch::Receiver<Rules>) {
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                let now = *rules.borrow();
                if now.mute {
                    links.spawn(nothing(client, now.generation, rules.clone()));
                } else if !now.refuse {
                    links.spawn(link(client, target.clone(), now.generation, rules.clone()));
                }
            }
            Some(_) = links.join_next() => {}
        }
    }
}

/// A link that nobody answers on, until it is cut.
async fn nothing(mut client: TcpStream, generation: u64, mut rules: watch::Receiver<Rules>) {
    tokio::select! {
        () = swallow(&mut client) => {}
        _ = rules.wait_for(|rules| rules.cut >= generation) => {}
    }
}

/// Reads on, so that nobody learns from a full buffer that nothing gets through.
async fn swallow(client: &mut TcpStream) {
    let mut nowhere = [0; 4096];
    while client.read(&mut nowhere).await.is_ok_and(|read| read > 0) {}
}

async fn link(mut client: TcpStream, target: Target, generation: u64, rules: watch::Receiver<Rules>) {
    // An end that fails has closed the link: there is nobody to tell.
    let _ = client.set_nodelay(true);
    match target {
        Target::Tcp(host, port) => {
            let Ok(mut server) = TcpStream::connect((host, port)).await else { return };
            let _ = server.set_nodelay(true);
            carry(&mut client, &mut server, generation, rules).await;
        }
        Target::Unix(path) => {
            let Ok(mut server) = UnixStream::connect(path).await else { return };
            carry(&mut client, &mut server, generation, rules).await;
        }
    }
}

async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut TcpStream,
    server: &mut S,
    generation: u64,
    mut rules: watch::Receiver<Rules>,
) {
    let mut cut = rules.clone();
    let carried = async {
        tokio::select! {
            // Either end that is over ends the link.
            _ = copy_bidirectional(client, server) => return,
            _ = rules.wait_for(|rules| rules.silent >= generation) => {}
        }
        swallow(client).await;
        let _ = server.shutdown().await;
    };
    tokio::select! {
        () = carried => {}
        _ = cut.wait_for(|rules| rules.cut >= generation) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::demo;
    use crate::net::{ConnectErrorKind, Connection, IoErrorKind};

    async fn through(middlebox: &ConnectOptions) -> Connection {
        let mut connection = Connection::open(middlebox).await.expect("it takes links");
        connection.set_socket_timeout(Some(Duration::from_millis(50)));
        connection
    }

    #[tokio::test]
    async fn it_carries_forgets_cuts_refuses_and_says_nothing() {
        let server = demo::Server::start().await.expect("a server");
        let connect = ConnectOptions::from_url(&server.url()).expect("its address");
        let (middlebox, connect) = Middlebox::start(&connect).await.expect("a middlebox");
        let mut old = through(&connect).await;
        old.call(&["PING"]).await.expect("an answer");
        middlebox.forget();
        let silence = old.call(&["PING"]).await.expect_err("no answer");
        assert_eq!(*silence.kind(), IoErrorKind::Timeout);
        let mut new = through(&connect).await;
        new.call(&["PING"]).await.expect("new links work");
        middlebox.refuse(true);
        middlebox.cut();
        let error = new.call(&["PING"]).await.expect_err("it is cut");
        assert_ne!(*error.kind(), IoErrorKind::Timeout);
        assert!(Connection::open(&connect).await.is_err(), "and no new one is taken");
        middlebox.refuse(false);
        through(&connect).await.call(&["PING"]).await.expect("until it takes them again");
        middlebox.mute(true);
        let hurried = ConnectOptions { connect_timeout: Duration::from_millis(50), ..connect.clone() };
        let error = Connection::open(&hurried).await.expect_err("nobody greets it");
        assert_eq!(error.kind(), ConnectErrorKind::Timeout);
        let waits = tokio::spawn(async move { Connection::open(&connect).await });
        while !waits.is_finished() {
            middlebox.cut();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let error = waits.await.expect("no panic").expect_err("its link is cut");
        assert_ne!(error.kind(), ConnectErrorKind::Timeout, "long before its time is over");
    }
}
