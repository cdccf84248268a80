//! What the server and the kernel say of a connection of an app's pool; and of such a server's client, whose it is.

use super::{Fact, NONE};
use crate::event::{Client, Socket, TcpState, Whose};
use crate::snapshot::{Beliefs, ClientRow, ClientState, ConnectionRow, RowState, Told};
use crate::text;
use crate::tui::app::App;
use crate::tui::view::age;

/// Nothing where neither was asked.
pub(super) fn of_connection(app: &App, row: &ConnectionRow) -> Option<Vec<Fact>> {
    let (node, id) = row.client?;
    let client = app.shown.client(node, id)?;
    let mut facts = says(app, client);
    facts.push(kernel(client, row.beliefs.as_deref()));
    Some(facts)
}

fn says(app: &App, row: &ClientRow) -> Vec<Fact> {
    let (client, as_of) = (&*row.client, app.shown.as_of);
    let did = client
        .command
        .as_deref()
        .map_or("nothing sent yet".to_owned(), |command| format!("last {}", text::escape_str(command)));
    let (idle, old) = (age(row.idle(as_of)), age(row.age(as_of)));
    let state = match row.state {
        ClientState::Idle => format!("idle for {idle}, {did}, {old} old"),
        state => format!("{}, {did}, idle {idle}, {old} old", state.word()),
    };
    let node = app.shown.nodes.iter().find(|node| node.id == row.node);
    let lost = node.is_some_and(|node| node.server.lost.is_some());
    let until = if lost { "; it does not answer now" } else { "" };
    vec![
        Fact::plain("server says", format!("{state}{until}")),
        Fact::plain("", who(client)),
        Fact::plain("", buffers(client)),
    ]
}

/// `flags N, db 0, name web, redis-py 5.0.1`.
fn who(client: &Client) -> String {
    let mut words = vec![format!("flags {}", text::escape_str(&client.flags))];
    words.extend(client.db.map(|db| format!("db {db}")));
    let name = client.name.as_deref().filter(|name| !name.is_empty());
    words.extend(name.map(|name| format!("name {}", text::escape_str(name))));
    let library = client.lib_name.as_deref().filter(|name| !name.is_empty());
    let version = client.lib_version.as_deref().unwrap_or_default();
    words.extend(library.map(|name| text::escape_str(format!("{name} {version}").trim_end()).into_owned()));
    words.join(", ")
}

/// `query buffer 20 B, to be read 1.2 MB in 7 replies, memory 22 kB`.
fn buffers(client: &Client) -> String {
    let bytes = |value: Option<u64>| value.map_or(NONE.to_owned(), text::bytes);
    let replies = client.output_list.filter(|replies| *replies > 0);
    let replies = replies.map(|replies| format!(" in {} replies", text::thousands(replies)));
    let (query, waits, memory) = (client.query_buffer, client.output_memory, client.memory);
    let (query, waits, memory) = (bytes(query), bytes(waits), bytes(memory));
    format!("query buffer {query}, to be read {waits}{}, memory {memory}", replies.unwrap_or_default())
}

/// `established, pid 4711, python3, its descriptor 7`.
fn kernel(row: &ClientRow, beliefs: Option<&Beliefs>) -> Fact {
    let closed = |socket: &Socket| socket.state == TcpState::CloseWait;
    let state = beliefs.and_then(|beliefs| match &beliefs.kernel {
        Told::Some(socket) => Some((socket.state.word(), closed(socket))),
        Told::None => Some(("there is no such socket", true)),
        Told::Unknown => None,
    });
    let owner = match &row.whose {
        Some(Whose::Process { process, fd }) => {
            Some(format!("pid {}, {}, its descriptor {fd}", process.pid, text::escape_str(&process.name)))
        }
        Some(Whose::Namespace) => Some("the socket is here, its process in another namespace".to_owned()),
        Some(Whose::Hidden { uid }) => Some(format!("of user {uid}: not ours to look at without rights")),
        Some(Whose::Remote | Whose::Gone | Whose::Unknown | Whose::Unsupported) | None => None,
    };
    let words: Vec<_> = state.map(|(word, _)| word.to_owned()).into_iter().chain(owner).collect();
    let odd = state.is_some_and(|(_, odd)| odd);
    let known = (!words.is_empty()).then(|| words.join(", "));
    match known {
        Some(words) if odd => Fact::new("kernel says", words, |theme| theme.bad),
        known => Fact::known("kernel says", known),
    }
}

/// Which connection of an app's pool a client is, and who has that.
pub(super) fn of_client(app: &App, row: &ClientRow) -> Vec<Fact> {
    let Some((pool, conn)) = row.conn else { return Vec::new() };
    let pools = &app.shown.pools;
    let pool_row = pools.iter().find(|row| row.id == pool);
    let name = pool_row.map_or(NONE.into(), |row| text::escape_str(&row.name));
    let mut facts = vec![Fact::plain("connection", format!("{conn} of pool {name}"))];
    let row = app.shown.connections.iter().find(|row| (row.pool, row.id) == (pool, conn));
    let holder = match row.map(|row| &row.state) {
        Some(RowState::InUse { since, holder, .. }) => {
            let words = [holder.label.as_deref(), holder.location.as_deref()];
            let words: Vec<_> = words.into_iter().flatten().map(text::escape_str).collect();
            let held = age(app.shown.as_of.since(*since));
            Some(format!("{}, for {held}", if words.is_empty() { NONE.to_owned() } else { words.join("  ") }))
        }
        Some(RowState::Available { .. }) => Some("nobody: it is available".to_owned()),
        None => None,
    };
    facts.push(Fact::known("held by", holder));
    facts
}
