//! From a request to its reply: what may run now, what is queued, what is refused, and what follows from a command.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client::{Client, ClientId, Closing, Replies};
use super::fault::{Fault, SYNTAX, c_string};
use super::number;
use super::reply::Reply;
use super::spec::{ADMIN, Found, Lookup, NO_AUTH, REGISTRY, WRITE};
use super::state::State;
use super::store::Db;

/// One command as its handler sees it.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    /// Whose command it is.
    pub(crate) client: ClientId,
    /// The database it works on.
    pub(crate) db: usize,
    /// The command's name and its arguments.
    pub(crate) args: &'a [Bytes],
    pub(crate) reply: &'a mut Reply,
    pub(crate) found: Found,
    /// Part of an EXEC: nothing blocks.
    pub(crate) in_exec: bool,
    /// Run again for a client that was blocked, because this one of its keys has something.
    pub(crate) served: Option<&'a Bytes>,
}

impl<'a> Call<'a> {
    /// The selected database and the reply, to be used side by side.
    pub(crate) fn parts(&mut self) -> (&mut Db, &mut Reply) {
        (&mut self.state.dbs[self.db], self.reply)
    }

    pub(crate) fn data(&mut self) -> &mut Db {
        &mut self.state.dbs[self.db]
    }

    /// The connection that sent the command. Its replies are in [`Call::reply`] meanwhile.
    pub(crate) fn me(&mut self) -> &mut Client {
        self.state.clients.get_mut(&self.client).expect("a command runs only while its connection is there")
    }

    pub(crate) fn int(&self, index: usize) -> Result<i64, Fault> {
        self.args.get(index).and_then(|text| number::parse_i64(text)).ok_or(super::fault::NOT_INTEGER)
    }

    pub(crate) fn float(&self, index: usize) -> Result<f64, Fault> {
        self.args.get(index).and_then(|text| number::parse_f64(text)).ok_or(super::fault::NOT_FLOAT)
    }

    /// Is argument `index` this word, in any case?
    pub(crate) fn is(&self, index: usize, word: &str) -> bool {
        self.args.get(index).is_some_and(|text| text.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// Argument `index` as an upper-case word; a syntax error where it is missing or no text.
    pub(crate) fn word(&self, index: usize) -> Result<String, Fault> {
        let text = self.args.get(index).and_then(|text| std::str::from_utf8(text).ok()).ok_or(SYNTAX)?;
        Ok(text.to_ascii_uppercase())
    }

    /// The arguments from `index` on, living as long as the request.
    pub(crate) fn rest(&self, index: usize) -> &'a [Bytes] {
        self.args.get(index..).unwrap_or_default()
    }
}

/// Runs one request of a connection, or queues, postpones or refuses it.
pub(crate) fn request(state: &mut State, id: ClientId, args: Vec<Bytes>) {
    state.tell_time();
    with_reply(state, id, |state, reply| admit(state, id, args, reply));
    settle(state);
}

/// Goes on with a command that waited for a pause to end.
pub(crate) fn resume(state: &mut State, id: ClientId, found: Found, args: Vec<Bytes>) {
    state.tell_time();
    with_reply(state, id, |state, reply| schedule(state, id, found, args, reply));
    settle(state);
}

/// Lends a connection's replies out, so that a command can write them while it changes the state; what others push to the
/// connection meanwhile comes after.
fn with_reply(state: &mut State, id: ClientId, run: impl FnOnce(&mut State, &mut Reply)) {
    let Some(client) = state.clients.get_mut(&id) else { return };
    let empty = Reply::new(client.reply.protocol);
    client.reply_room = client.reply.out.capacity();
    let mut reply = std::mem::replace(&mut client.reply, empty);
    let mark = reply.out.len();
    if client.replies == Replies::SkipNext {
        client.replies = Replies::Skip;
    }
    run(state, &mut reply);
    let Some(client) = state.clients.get_mut(&id) else { return };
    match client.replies {
        Replies::On => {}
        Replies::Skip => {
            reply.out.truncate(mark);
            client.replies = Replies::On;
        }
        Replies::Off | Replies::SkipNext => reply.out.truncate(mark),
    }
    let pushed = std::mem::replace(&mut client.reply, reply);
    client.reply.out.extend_from_slice(&pushed.out);
    client.reply_peak = client.reply_peak.max(client.reply.out.len());
    client.reply_room = 0;
    if !client.waits() {
        client.arguments_held = 0;
    }
}

fn admit(state: &mut State, id: ClientId, args: Vec<Bytes>, reply: &mut Reply) {
    let found = match REGISTRY.find(&args) {
        Lookup::Command(found) => found,
        Lookup::NoSubcommand(spec) => {
            let given = args.get(1).map(AsRef::as_ref).unwrap_or_default();
            return refuse(state, id, None, &Fault::subcommand(spec.name, given), reply);
        }
        Lookup::Unknown if speaks_http(&args) => {
            reply.out.clear();
            if let Some(client) = state.clients.get_mut(&id) {
                client.close(Closing::Now);
            }
            return;
        }
        Lookup::Unknown => return refuse(state, id, None, &unknown(&args), reply),
    };
    let spec = found.spec;
    let Some(client) = state.clients.get_mut(&id) else { return };
    client.last = Some(spec);
    client.arguments_held = args.iter().map(Bytes::len).sum();
    if spec.run.is_none() || !spec.accepts(args.len()) {
        return refuse(state, id, Some(found), &Fault::arity(spec.name), reply);
    }
    if !client.authenticated && !spec.has(NO_AUTH) {
        let fault = Fault::of("NOAUTH Authentication required.");
        return refuse(state, id, Some(found), &fault, reply);
    }
    let for_subscribers = ["ping", "subscribe", "psubscribe", "unsubscribe", "punsubscribe", "quit", "reset"];
    if client.only_subscribes() && !for_subscribers.contains(&spec.name) {
        let fault = Fault::say(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this \
             context",
            spec.name
        ));
        return refuse(state, id, Some(found), &fault, reply);
    }
    schedule(state, id, found, args, reply);
}

/// Runs an admitted command, unless a pause or a transaction keeps it.
fn schedule(state: &mut State, id: ClientId, found: Found, args: Vec<Bytes>, reply: &mut Reply) {
    let Some(client) = state.clients.get_mut(&id) else { return };
    let may_write = |found: &Found| found.spec.has(WRITE) || found.spec.name == "publish";
    if let Some(pause) = state.pause
        && pause.until > Instant::now()
    {
        let queued = client.transaction.as_ref();
        let writes = may_write(&found)
            || found.spec.name == "exec"
                && queued
                    .is_some_and(|transaction| transaction.queue.iter().any(|(found, _)| may_write(found)));
        if pause.all || writes {
            client.postponed = Some((found, args));
            return;
        }
    }
    let immediate = ["exec", "discard", "multi", "watch", "quit", "reset"];
    if let Some(transaction) = &mut client.transaction
        && !immediate.contains(&found.spec.name)
    {
        transaction.held += args.iter().map(|arg| arg.len() + size_of::<Bytes>()).sum::<usize>();
        transaction.queue.push((found, args));
        reply.simple("QUEUED");
        return;
    }
    let db = client.db;
    run(&mut Call { state, client: id, db, args: &args, reply, found, in_exec: false, served: None });
}

/// Runs a command now, counts it and tells the monitors.
pub(crate) fn run(call: &mut Call<'_>) {
    let started = Instant::now();
    let mark = call.reply.out.len();
    let found = call.found;
    // TOUCH is there to touch.
    let no_touch = call.me().no_touch && found.spec.name != "touch";
    call.data().no_touch = no_touch;
    let outcome = found.spec.run.map_or(Ok(()), |handler| handler(call));
    let micros = started.elapsed().as_micros();
    let stat = &mut call.state.command_stats[found.index];
    stat.calls += 1;
    stat.micros += u64::try_from(micros).unwrap_or(u64::MAX);
    call.state.stats.commands += 1;
    if let Err(fault) = outcome {
        stat.failed += 1;
        call.reply.out.truncate(mark);
        call.reply.fault(&fault);
        count_error(call.state, &fault);
    }
    if !call.state.monitors.is_empty() && !found.spec.has(ADMIN) {
        super::monitor::feed(call.state, call.client, call.args);
    }
}

fn refuse(state: &mut State, id: ClientId, found: Option<Found>, fault: &Fault, reply: &mut Reply) {
    if let Some(found) = found {
        state.command_stats[found.index].rejected += 1;
    }
    count_error(state, fault);
    if let Some(transaction) = state.clients.get_mut(&id).and_then(|client| client.transaction.as_mut()) {
        transaction.aborted = true;
    }
    reply.fault(fault);
}

/// Counts an error reply under its first word. The words are ours, so there are few.
pub(crate) fn count_error(state: &mut State, fault: &Fault) {
    state.stats.errors += 1;
    let word = fault.0.split(|byte| *byte == b' ').next().unwrap_or_default();
    *state.error_stats.entry(String::from_utf8_lossy(word).into_owned()).or_default() += 1;
}

/// A browser that was talked into sending a request here: a page of the web must not reach the data, as in Redis.
fn speaks_http(args: &[Bytes]) -> bool {
    args.first().is_some_and(|name| name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:"))
}

/// Redis's own words for a command it does not know.
fn unknown(args: &[Bytes]) -> Fault {
    const QUOTED: usize = 128;
    let mut text = b"ERR unknown command '".to_vec();
    let name = args.first().map(|name| c_string(name)).unwrap_or_default();
    text.extend_from_slice(&name[..name.len().min(QUOTED)]);
    text.extend_from_slice(b"', with args beginning with: ");
    let mut quoted = Vec::new();
    for arg in args.iter().skip(1) {
        if quoted.len() >= QUOTED {
            break;
        }
        let room = QUOTED - quoted.len();
        let arg = c_string(arg);
        quoted.push(b'\'');
        quoted.extend_from_slice(&arg[..arg.len().min(room)]);
        quoted.extend_from_slice(b"' ");
    }
    text.extend_from_slice(&quoted);
    Fault::say(text)
}

/// What follows from commands: transactions whose watched keys changed are marked, and who waited for a key is served.
pub(crate) fn settle(state: &mut State) {
    for db in 0..state.dbs.len() {
        for id in std::mem::take(&mut state.dbs[db].disturbed) {
            if let Some(client) = state.clients.get_mut(&id) {
                client.disturbed = true;
            }
        }
        while let Some(key) = state.dbs[db].ready.pop_front() {
            serve_key(state, db, &key);
        }
    }
}

/// Runs the commands blocked on a key again, in the order they came, while it has something for them.
fn serve_key(state: &mut State, db: usize, key: &Bytes) {
    let waiting: Vec<ClientId> = state.dbs[db].waiting.get(key).into_iter().flatten().copied().collect();
    for id in waiting {
        if !state.dbs[db].exists(key) {
            return;
        }
        let Some(client) = state.clients.get_mut(&id) else { continue };
        let Some(blocked) = &client.blocked else { continue };
        let (found, args) = (blocked.found, blocked.args.clone());
        with_reply(state, id, |state, reply| {
            let mark = reply.out.len();
            let mut call =
                Call { state, client: id, db, args: &args, reply, found, in_exec: false, served: Some(key) };
            let outcome = found.spec.run.map_or(Ok(()), |handler| handler(&mut call));
            if let Err(fault) = outcome {
                call.reply.out.truncate(mark);
                call.reply.fault(&fault);
                count_error(call.state, &fault);
            }
            if call.reply.out.len() > mark {
                call.state.unblock(id);
            }
        });
    }
    // Serving may have changed a key that others watch or wait for, in this database or, never, in another.
    for id in std::mem::take(&mut state.dbs[db].disturbed) {
        if let Some(client) = state.clients.get_mut(&id) {
            client.disturbed = true;
        }
    }
}

/// How long a command may wait for what it wants.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not at all: the answer is null.
    None,
    For(Duration),
    Forever,
}

/// Parses a blocking command's timeout in seconds, where 0 waits for ever.
pub(crate) fn timeout(text: &Bytes) -> Result<Patience, Fault> {
    let seconds = number::parse_f64(text).ok_or(Fault::of("ERR timeout is not a float or out of range"))?;
    if seconds < 0.0 {
        return Err(Fault::of("ERR timeout is negative"));
    }
    // Redis counts in 64-bit milliseconds of wall time.
    if seconds > 9.2e15 {
        return Err(Fault::of("ERR timeout is out of range"));
    }
    // A timeout too far away for the clock is none.
    Ok(match Duration::try_from_secs_f64(seconds) {
        Ok(time) if seconds > 0.0 => Patience::For(time),
        _ => Patience::Forever,
    })
}

impl State {
    /// Writes to a connection from outside its own commands, and ends one that does not read.
    pub(crate) fn push_to(&mut self, id: ClientId, write: impl FnOnce(&mut Reply)) {
        /// Redis's hard limit for subscribers.
        const LIMIT: usize = 32 * 1024 * 1024;
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.closing != Closing::No {
            return;
        }
        write(&mut client.reply);
        client.reply_peak = client.reply_peak.max(client.reply.out.len());
        if client.reply.out.len() > LIMIT {
            self.stats.output_limit += 1;
            client.close(Closing::Now);
        }
        client.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
