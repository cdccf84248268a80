//! CLIENT KILL, in its old form and its new one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client::client_type;
use crate::demo::client::{Client, ClientId, Closing};
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, SYNTAX};
use crate::demo::number::parse_i64;

/// Which connections are meant: those that fit everything that is given.
#[derive(Default)]
struct Filter {
    id: Option<ClientId>,
    address: Option<Bytes>,
    local: Option<Bytes>,
    kind: Option<&'static str>,
    older_than: Option<Duration>,
    skip_me: bool,
}

pub(super) fn client_kill(call: &mut Call<'_>) -> Done {
    if let [address] = call.rest(2) {
        let filter = Filter { address: Some(address.clone()), ..Filter::default() };
        return if kill(call, &filter) > 0 {
            call.reply.ok();
            Ok(())
        } else {
            Err(Fault::of("ERR No such client"))
        };
    }
    let mut filter = Filter { skip_me: true, ..Filter::default() };
    let options = call.rest(2);
    if !options.len().is_multiple_of(2) {
        return Err(SYNTAX);
    }
    for pair in options.chunks_exact(2) {
        filter.add(&pair[0], &pair[1])?;
    }
    let killed = kill(call, &filter);
    call.reply.len(killed);
    Ok(())
}

impl Filter {
    fn add(&mut self, option: &Bytes, value: &Bytes) -> Done {
        let is = |word: &str| option.eq_ignore_ascii_case(word.as_bytes());
        if is("id") {
            let id = parse_i64(value).and_then(|id| ClientId::try_from(id).ok()).filter(|id| *id > 0);
            self.id = Some(id.ok_or(Fault::of("ERR client-id should be greater than 0"))?);
        } else if is("type") {
            self.kind = Some(client_type(value)?);
        } else if is("addr") {
            self.address = Some(value.clone());
        } else if is("laddr") {
            self.local = Some(value.clone());
        } else if is("user") {
            if value != "default" {
                let mut text = b"ERR No such user '".to_vec();
                text.extend_from_slice(value);
                text.push(b'\'');
                return Err(Fault::say(text));
            }
        } else if is("maxage") {
            let age = parse_i64(value).ok_or(Fault::of("ERR maxage is not an integer or out of range"))?;
            let age = u64::try_from(age).ok().filter(|age| *age > 0);
            let age = age.ok_or(Fault::of("ERR maxage should be greater than 0"))?;
            self.older_than = Some(Duration::from_secs(age));
        } else if is("skipme") {
            self.skip_me = match value.to_ascii_lowercase().as_slice() {
                b"yes" => true,
                b"no" => false,
                _ => return Err(SYNTAX),
            };
        } else {
            return Err(SYNTAX);
        }
        Ok(())
    }

    fn fits(&self, client: &Client, now: Instant) -> bool {
        let at = |wanted: &Option<Bytes>, address: SocketAddr| {
            wanted.as_ref().is_none_or(|wanted| wanted == &address.to_string())
        };
        self.id.is_none_or(|id| id == client.id)
            && at(&self.address, client.peer)
            && at(&self.local, client.local)
            && self.kind.is_none_or(|kind| kind == client.kind())
            && self.older_than.is_none_or(|age| now.saturating_duration_since(client.created) >= age)
    }
}

/// Ends the connections that fit; one that kills itself still gets the reply.
fn kill(call: &mut Call<'_>, filter: &Filter) -> usize {
    let now = Instant::now();
    let mut killed = 0;
    for client in call.state.clients.values_mut().filter(|client| filter.fits(client, now)) {
        if client.id == call.client {
            if filter.skip_me {
                continue;
            }
            client.close(Closing::AfterReply);
        } else {
            client.close(Closing::Now);
        }
        killed += 1;
    }
    killed
}
