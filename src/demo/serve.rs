//! Connections: accepting them, reading requests, writing replies.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;

use super::client::{Client, ClientId, Closing};
use super::config::KEEPALIVE;
use super::dispatch;
use super::request::Limits;
use super::state::State;

/// The state, in the one thread that owns it.
type Shared = Rc<RefCell<State>>;

/// Replies waiting above which a connection's requests wait too: who does not read is not served.
const REPLIES: usize = 1024 * 1024;

/// Room made for a read: little for those that only ask now and then, more for those that fill it.
const LEAST_ROOM: usize = 2 * 1024;
const MOST_ROOM: usize = 64 * 1024;

/// A buffer larger than this is given back once it is empty.
const KEPT: usize = 64 * 1024;

/// Accepts connections for ever.
pub(super) async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => greet(stream, peer, &shared),
            // Out of descriptors, most likely: the next try may find one.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Does what has to be done from time to time.
pub(super) async fn tick(shared: Shared) {
    let mut interval = tokio::time::interval(Duration::from_millis(100));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        shared.borrow_mut().tick();
    }
}

fn greet(stream: TcpStream, peer: SocketAddr, shared: &Shared) {
    let Ok(local) = stream.local_addr() else { return };
    // Small replies leave at once; a system that cannot do so is only slower.
    let _ = stream.set_nodelay(true);
    // Nor is one wrong whose clients' machines are noticed later when they are gone.
    let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(u64::from(KEEPALIVE)));
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    let mut state = shared.borrow_mut();
    state.stats.connections += 1;
    if state.clients.len() >= state.config.maxclients as usize {
        state.stats.rejected += 1;
        drop(spawn_local(reject(stream)));
        return;
    }
    let id = state.fresh_id();
    let mut client = Client::new(id, peer, local, stream.as_raw_fd());
    client.authenticated = state.config.password().is_none();
    state.clients.insert(id, client);
    let place = Place { shared: Rc::clone(shared), id };
    drop(spawn_local(serve(place, stream)));
}

async fn reject(stream: TcpStream) {
    let (reader, mut writer) = stream.into_split();
    if writer.write_all(b"-ERR max number of clients reached\r\n").await.is_ok() {
        part(reader, writer).await;
    }
}

/// Ends a connection so that its last reply arrives: closing with requests unread would reset it.
async fn part(mut reader: tokio::net::tcp::OwnedReadHalf, mut writer: OwnedWriteHalf) {
    if writer.shutdown().await.is_err() {
        return;
    }
    let drain = async {
        let mut rest = [0; 4096];
        while reader.read(&mut rest).await.is_ok_and(|count| count > 0) {}
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
}

/// A connection's entry in the state, gone with the task that serves it however that ends.
struct Place {
    shared: Shared,
    id: ClientId,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Ok(mut state) = self.shared.try_borrow_mut() {
            state.forget(self.id);
        }
    }
}

/// What a connection waits for next.
struct Plan {
    read: bool,
    write: bool,
    /// When its blocking command gives up, or the pause it waits for ends.
    deadline: Option<Instant>,
    /// Requests are left that only wait for replies to go.
    more: bool,
    closing: Closing,
}

async fn serve(place: Place, stream: TcpStream) {
    let wake = match place.shared.borrow().clients.get(&place.id) {
        Some(client) => Rc::clone(&client.wake),
        None => return,
    };
    let (mut reader, writer) = stream.into_split();
    let mut query = BytesMut::new();
    let mut room = LEAST_ROOM;
    let closing = loop {
        let plan = advance(&mut place.shared.borrow_mut(), place.id, &mut query, &writer);
        if plan.closing == Closing::Now || plan.closing == Closing::AfterReply && !plan.write {
            break plan.closing;
        }
        if plan.more {
            tokio::task::yield_now().await;
            continue;
        }
        let free = make_room(&mut query, room);
        let deadline = plan.deadline.unwrap_or_else(Instant::now).into();
        tokio::select! {
            count = reader.read_buf(&mut query), if plan.read => match count {
                Ok(count) if count > 0 => {
                    room = if count >= free { (room * 2).min(MOST_ROOM) } else { room };
                    received(&place, count);
                }
                _ => break Closing::Now,
            },
            writable = writer.writable(), if plan.write => if writable.is_err() { break Closing::Now },
            () = wake.notified() => {}
            () = tokio::time::sleep_until(deadline), if plan.deadline.is_some() => {
                place.shared.borrow_mut().give_up(place.id, false);
            }
        }
    };
    drop(place);
    if closing == Closing::AfterReply {
        part(reader, writer).await;
    }
}

/// Makes room for a read; gives how much there is.
fn make_room(query: &mut BytesMut, room: usize) -> usize {
    if query.is_empty() && query.capacity() > KEPT {
        *query = BytesMut::new();
    }
    if query.capacity() - query.len() < room / 2 {
        query.reserve(room);
    }
    query.capacity() - query.len()
}

fn received(place: &Place, count: usize) {
    let mut state = place.shared.borrow_mut();
    state.stats.bytes_in += count as u64;
    state.stats.reads += 1;
    if let Some(client) = state.clients.get_mut(&place.id) {
        client.active = Instant::now();
    }
}

/// Runs the requests that can run now and writes what the socket takes.
fn advance(state: &mut State, id: ClientId, query: &mut BytesMut, writer: &OwnedWriteHalf) -> Plan {
    let full = run_requests(state, id, query);
    let failed = write(state, id, writer).is_err();
    let Some(client) = state.clients.get_mut(&id) else {
        return Plan { read: false, write: false, deadline: None, more: false, closing: Closing::Now };
    };
    client.query = query.len() + client.parser.held();
    client.query_room = query.capacity() - query.len();
    let queued = client.transaction.as_ref().map_or(0, |transaction| transaction.held);
    if client.query + queued > state.config.query_limit {
        state.stats.query_limit += 1;
        client.closing = Closing::Now;
    }
    if failed {
        client.closing = Closing::Now;
    }
    let waiting = client.reply.out.len();
    Plan {
        read: waiting < REPLIES && client.closing == Closing::No,
        write: waiting > 0,
        deadline: match &client.blocked {
            Some(blocked) => blocked.deadline,
            None => state.pause.filter(|_| client.postponed.is_some()).map(|pause| pause.until),
        },
        more: full && waiting < REPLIES && client.closing == Closing::No,
        closing: client.closing,
    }
}

/// Runs requests until there is none, or the connection waits, ends, or has too many replies unread (`true` then).
fn run_requests(state: &mut State, id: ClientId, query: &mut BytesMut) -> bool {
    loop {
        let bulk = state.config.proto_max_bulk_len;
        let Some(client) = state.clients.get_mut(&id) else { return false };
        if client.closing != Closing::No || client.blocked.is_some() {
            return false;
        }
        if client.reply.out.len() >= REPLIES {
            return true;
        }
        if let Some((found, args)) = client.postponed.take() {
            dispatch::resume(state, id, found, args);
            if state.clients.get(&id).is_some_and(|client| client.postponed.is_some()) {
                return false;
            }
            continue;
        }
        let limits = Limits { bulk, authenticated: client.authenticated };
        // Told to CLIENT LIST while the command runs.
        client.query = query.len();
        match client.parser.next(query, limits) {
            Ok(None) => return false,
            Ok(Some(args)) => dispatch::request(state, id, args),
            Err(fault) => {
                client.reply.fault(&fault);
                client.close(Closing::AfterReply);
                dispatch::count_error(state, &fault);
            }
        }
    }
}

/// Writes what the socket takes without waiting.
fn write(state: &mut State, id: ClientId, writer: &OwnedWriteHalf) -> std::io::Result<()> {
    let Some(client) = state.clients.get_mut(&id) else { return Ok(()) };
    let out = &mut client.reply.out;
    while !out.is_empty() {
        match writer.try_write(out) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                out.advance(count);
                state.stats.bytes_out += count as u64;
                state.stats.writes += 1;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    if out.capacity() > KEPT {
        *out = BytesMut::new();
    }
    Ok(())
}
