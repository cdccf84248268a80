//! The kinds of socket behind one type: read and written by one owner, looked at and cut off by others too.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpStream, UnixStream, tcp, unix};
use tokio::task::coop::unconstrained;
use tokio_rustls::client::TlsStream;

/// An open socket, with or without TLS on it.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Stream {
    fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }

    /// Our end, where it has an address.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match &*self.socket().wire {
            Wire::Tcp(half) => half.local_addr().ok(),
            Wire::Unix(_) => None,
        }
    }

    /// What others than its owner may have of it.
    pub(super) fn wire(&self) -> &Arc<Wire> {
        &self.socket().wire
    }

    /// Reads what is there without waiting; `WouldBlock` costs no system call while the runtime knows of nothing.
    pub(super) fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => match &socket.read {
                ReadHalf::Tcp(half) => half.try_read(buffer),
                ReadHalf::Unix(half) => half.try_read(buffer),
            },
            Self::Tls(stream) => {
                let mut cx = Context::from_waker(Waker::noop());
                // Unconstrained: a task that has used up its turn would be told that nothing is there.
                match pin!(unconstrained(stream.read(buffer))).poll(&mut cx) {
                    Poll::Ready(read) => read,
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
        }
    }
}

/// A socket as its owner has it. The halves share it, so that the other one can be lent to who only looks.
#[derive(Debug)]
pub(super) struct Socket {
    read: ReadHalf,
    wire: Arc<Wire>,
}

#[derive(Debug)]
enum ReadHalf {
    Tcp(tcp::OwnedReadHalf),
    Unix(unix::OwnedReadHalf),
}

/// The end of a socket that does not need its owner: it can be looked at and cut off while somebody waits on it.
#[derive(Debug)]
pub enum Wire {
    /// A TCP socket.
    Tcp(tcp::OwnedWriteHalf),
    /// A unix socket.
    Unix(unix::OwnedWriteHalf),
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        let (read, write) = stream.into_split();
        Self { read: ReadHalf::Tcp(read), wire: Arc::new(Wire::Tcp(write)) }
    }
}

impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        let (read, write) = stream.into_split();
        Self { read: ReadHalf::Unix(read), wire: Arc::new(Wire::Unix(write)) }
    }
}

impl Wire {
    /// Ends the connection in both directions, now: the server sees it closed, and whoever waits for a reply its end.
    pub fn cut(&self) {
        // Fails only where the other end was faster.
        let _ = match self {
            Self::Tcp(half) => SockRef::from(half.as_ref()).shutdown(Shutdown::Both),
            Self::Unix(half) => SockRef::from(half.as_ref()).shutdown(Shutdown::Both),
        };
    }

    /// Whether the other end has closed it, as far as can be seen without reading: what came before the end hides it.
    /// Takes no byte, and costs no system call while the runtime has seen nothing arrive.
    pub fn is_closed(&self) -> bool {
        let seen = match self {
            Self::Tcp(half) => {
                let stream: &TcpStream = half.as_ref();
                stream.try_io(Interest::READABLE, || peeked(&SockRef::from(stream)))
            }
            Self::Unix(half) => {
                let stream: &UnixStream = half.as_ref();
                stream.try_io(Interest::READABLE, || peeked(&SockRef::from(stream)))
            }
        };
        is_end(&seen)
    }

    /// The same, asked of the system itself: the runtime may not have come to look yet.
    pub fn is_closed_by_now(&self) -> bool {
        is_end(&match self {
            Self::Tcp(half) => peeked(&SockRef::from(half.as_ref())),
            Self::Unix(half) => peeked(&SockRef::from(half.as_ref())),
        })
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => AsRef::<TcpStream>::as_ref(half).poll_write_ready(cx),
            Self::Unix(half) => AsRef::<UnixStream>::as_ref(half).poll_write_ready(cx),
        }
    }

    /// Writes when the socket takes something.
    fn poll_write_with(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&Self) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.poll_write_ready(cx))?;
            match write(self) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

fn peeked(socket: &SockRef<'_>) -> io::Result<usize> {
    socket.peek(&mut [MaybeUninit::uninit()])
}

/// Whether a look into a socket met its end.
fn is_end(seen: &io::Result<usize>) -> bool {
    match seen {
        Ok(bytes) => *bytes == 0,
        Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted),
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().read {
            ReadHalf::Tcp(half) => Pin::new(half).poll_read(cx, buffer),
            ReadHalf::Unix(half) => Pin::new(half).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wire.poll_write_with(cx, |wire| match wire {
            Wire::Tcp(half) => half.try_write(bytes),
            Wire::Unix(half) => half.try_write(bytes),
        })
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.wire.poll_write_with(cx, |wire| match wire {
            Wire::Tcp(half) => half.try_write_vectored(parts),
            Wire::Unix(half) => half.try_write_vectored(parts),
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match &*self.wire {
            Wire::Tcp(half) => SockRef::from(half.as_ref()).shutdown(Shutdown::Write),
            Wire::Unix(half) => SockRef::from(half.as_ref()).shutdown(Shutdown::Write),
        })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
