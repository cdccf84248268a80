//! CLIENT: connections about themselves and each other.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client_kill::client_kill;
use crate::demo::client::{Client, ClientId, Replies};
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, SYNTAX};
use crate::demo::number::parse_i64;
use crate::demo::spec::*;
use crate::demo::state::Pause;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[Spec::parent(
    "client",
    -2,
    0,
    0,
    None,
    &[
        Spec::new("client|caching", 3, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_caching),
        Spec::new("client|getname", 2, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_getname),
        Spec::new("client|getredir", 2, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_getredir),
        Spec::new("client|help", 2, LOADING | STALE, NO_KEYS, C_CONNECTION, client_help),
        Spec::new("client|id", 2, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_id),
        Spec::new("client|info", 2, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_info),
        Spec::new("client|kill", -3, ADMIN | NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_kill),
        Spec::new("client|list", -2, ADMIN | NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_list),
        Spec::new(
            "client|no-evict",
            3,
            ADMIN | NOSCRIPT | LOADING | STALE,
            NO_KEYS,
            C_CONNECTION,
            client_no_evict,
        ),
        Spec::new(
            "client|no-touch",
            3,
            NOSCRIPT | LOADING | STALE | ALLOW_BUSY,
            NO_KEYS,
            C_CONNECTION,
            client_no_touch,
        ),
        Spec::new(
            "client|pause",
            -3,
            ADMIN | NOSCRIPT | LOADING | STALE,
            NO_KEYS,
            C_CONNECTION,
            client_pause,
        ),
        Spec::new("client|reply", 3, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_reply),
        Spec::new(
            "client|setinfo",
            4,
            NOSCRIPT | LOADING | STALE | ALLOW_BUSY,
            NO_KEYS,
            C_CONNECTION,
            client_setinfo,
        ),
        Spec::new("client|setname", 3, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_setname),
        Spec::new("client|tracking", -3, NOSCRIPT | LOADING | STALE, NO_KEYS, C_CONNECTION, client_tracking),
        Spec::new(
            "client|trackinginfo",
            2,
            NOSCRIPT | LOADING | STALE,
            NO_KEYS,
            C_CONNECTION,
            client_trackinginfo,
        ),
        Spec::new(
            "client|unblock",
            -3,
            ADMIN | NOSCRIPT | LOADING | STALE,
            NO_KEYS,
            C_CONNECTION,
            client_unblock,
        ),
        Spec::new(
            "client|unpause",
            2,
            ADMIN | NOSCRIPT | LOADING | STALE,
            NO_KEYS,
            C_CONNECTION,
            client_unpause,
        ),
    ],
)];

fn client_id(call: &mut Call<'_>) -> Done {
    call.reply.int(i64::try_from(call.client).unwrap_or(i64::MAX));
    Ok(())
}

fn client_getname(call: &mut Call<'_>) -> Done {
    let name = call.me().name.clone();
    call.reply.maybe((!name.is_empty()).then_some(name.as_ref()));
    Ok(())
}

/// Names are printed in CLIENT LIST, where a blank or a line end would break the line.
pub(super) fn checked_name(name: &Bytes) -> Result<Bytes, Fault> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        Ok(name.clone())
    } else {
        Err(Fault::of("ERR Client names cannot contain spaces, newlines or special characters."))
    }
}

fn client_setname(call: &mut Call<'_>) -> Done {
    call.me().name = checked_name(&call.args[2])?;
    call.reply.ok();
    Ok(())
}

fn client_setinfo(call: &mut Call<'_>) -> Done {
    let what = call.word(2).unwrap_or_default();
    let value = &call.args[3];
    if !matches!(what.as_str(), "LIB-NAME" | "LIB-VER") {
        let mut text = b"ERR Unrecognized option '".to_vec();
        text.extend_from_slice(&call.args[2]);
        text.push(b'\'');
        return Err(Fault::say(text));
    }
    if !value.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        let text = format!("ERR {what} cannot contain spaces, newlines or special characters.");
        return Err(Fault::say(text));
    }
    let me = call.me();
    *(if what == "LIB-NAME" { &mut me.library } else { &mut me.library_version }) = value.clone();
    call.reply.ok();
    Ok(())
}

fn client_info(call: &mut Call<'_>) -> Done {
    let line = call.me().line(Instant::now());
    verbatim(call, &line);
    Ok(())
}

/// A reply that is text, of bytes that clients chose some of.
fn verbatim(call: &mut Call<'_>, text: &[u8]) {
    call.reply.verbatim(&String::from_utf8_lossy(text));
}

/// The type of clients that a word means. There are no masters and replicas here, but the words are known.
pub(super) fn client_type(word: &Bytes) -> Result<&'static str, Fault> {
    for kind in ["normal", "pubsub", "master", "replica"] {
        if word.eq_ignore_ascii_case(kind.as_bytes()) {
            return Ok(kind);
        }
    }
    if word.eq_ignore_ascii_case(b"slave") {
        return Ok("replica");
    }
    let mut text = b"ERR Unknown client type '".to_vec();
    text.extend_from_slice(word);
    text.push(b'\'');
    Err(Fault::say(text))
}

fn client_list(call: &mut Call<'_>) -> Done {
    let wanted: Box<dyn Fn(&Client) -> bool> = match call.rest(2) {
        [] => Box::new(|_| true),
        [option, kind] if option.eq_ignore_ascii_case(b"type") => {
            let kind = client_type(kind)?;
            Box::new(move |client| client.kind() == kind)
        }
        [option, ids @ ..] if option.eq_ignore_ascii_case(b"id") && !ids.is_empty() => {
            let ids: Option<Vec<i64>> = ids.iter().map(|id| parse_i64(id)).collect();
            let ids = ids.ok_or(Fault::of("ERR Invalid client ID"))?;
            Box::new(move |client| ids.iter().any(|id| u64::try_from(*id) == Ok(client.id)))
        }
        _ => return Err(SYNTAX),
    };
    let now = Instant::now();
    let mut text = Vec::new();
    for client in call.state.clients.values().filter(|client| wanted(client)) {
        text.extend_from_slice(&client.line(now));
    }
    verbatim(call, &text);
    Ok(())
}

fn client_pause(call: &mut Call<'_>) -> Done {
    if call.args.len() > 4 {
        return Err(Fault::arity("client|pause"));
    }
    let all = match call.args.get(3) {
        None => true,
        Some(mode) if mode.eq_ignore_ascii_case(b"all") => true,
        Some(mode) if mode.eq_ignore_ascii_case(b"write") => false,
        Some(_) => return Err(Fault::of("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let time = call.int(2).map_err(|_| Fault::of("ERR timeout is not an integer or out of range"))?;
    let time = u64::try_from(time).map_err(|_| Fault::of("ERR timeout is negative"))?;
    let until = Instant::now().checked_add(Duration::from_millis(time));
    let until = until.ok_or(Fault::of("ERR timeout is out of range"))?;
    // A pause in force is never shortened or weakened by another.
    let old = call.state.pause;
    call.state.pause = Some(Pause {
        until: old.map_or(until, |old| old.until.max(until)),
        all: all || old.is_some_and(|old| old.all && old.until > Instant::now()),
    });
    call.reply.ok();
    Ok(())
}

fn client_unpause(call: &mut Call<'_>) -> Done {
    call.state.unpause();
    call.reply.ok();
    Ok(())
}

/// ON or OFF.
fn switch(call: &Call<'_>, index: usize) -> Result<bool, Fault> {
    match call.word(index)?.as_str() {
        "ON" => Ok(true),
        "OFF" => Ok(false),
        _ => Err(SYNTAX),
    }
}

fn client_no_evict(call: &mut Call<'_>) -> Done {
    call.me().no_evict = switch(call, 2)?;
    call.reply.ok();
    Ok(())
}

fn client_no_touch(call: &mut Call<'_>) -> Done {
    call.me().no_touch = switch(call, 2)?;
    call.reply.ok();
    Ok(())
}

fn client_reply(call: &mut Call<'_>) -> Done {
    match call.word(2)?.as_str() {
        "ON" => {
            call.me().replies = Replies::On;
            call.reply.ok();
        }
        "OFF" => call.me().replies = Replies::Off,
        "SKIP" => {
            let me = call.me();
            if me.replies != Replies::Off {
                me.replies = Replies::SkipNext;
            }
        }
        _ => return Err(SYNTAX),
    }
    Ok(())
}

fn client_tracking(call: &mut Call<'_>) -> Done {
    if switch(call, 2)? {
        // Accepting it would promise invalidation messages that never come.
        return Err(Fault::of("ERR Client tracking is not supported by the embedded server"));
    }
    call.reply.ok();
    Ok(())
}

fn client_trackinginfo(call: &mut Call<'_>) -> Done {
    call.reply.map(3);
    call.reply.text("flags");
    call.reply.set(1);
    call.reply.text("off");
    call.reply.text("redirect");
    call.reply.int(-1);
    call.reply.text("prefixes");
    call.reply.array(0);
    Ok(())
}

fn client_getredir(call: &mut Call<'_>) -> Done {
    call.reply.int(-1);
    Ok(())
}

fn client_caching(call: &mut Call<'_>) -> Done {
    let _ = call;
    Err(Fault::of(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    ))
}

fn client_unblock(call: &mut Call<'_>) -> Done {
    let error = match call.rest(3) {
        [] => false,
        [how] if how.eq_ignore_ascii_case(b"timeout") => false,
        [how] if how.eq_ignore_ascii_case(b"error") => true,
        _ => return Err(Fault::of("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
    };
    let id = ClientId::try_from(call.int(2)?).unwrap_or(0);
    let done = call.state.give_up(id, error);
    call.reply.flag(done);
    Ok(())
}

fn client_help(call: &mut Call<'_>) -> Done {
    super::help(
        call,
        "CLIENT",
        &[
            ("GETNAME", "Return the name of the current connection."),
            ("ID", "Return the ID of the current connection."),
            ("INFO", "Return information about the current client connection."),
            ("KILL <ip:port>", "Kill connection made from <ip:port>."),
            (
                "KILL <option> <value> [<option> <value> [...]]",
                "Kill connections by ID, ADDR, LADDR, TYPE, USER or MAXAGE; SKIPME (YES|NO), yes by default.",
            ),
            (
                "LIST [TYPE (NORMAL|PUBSUB) | ID <id> [<id> ...]]",
                "Return information about client connections.",
            ),
            ("NO-EVICT (ON|OFF)", "Protect current client connection from eviction."),
            ("NO-TOUCH (ON|OFF)", "Keep what this client reads from counting as used."),
            (
                "PAUSE <timeout> [WRITE|ALL]",
                "Suspend all, or just write, clients for <timeout> milliseconds.",
            ),
            ("REPLY (ON|OFF|SKIP)", "Control the replies sent to the current connection."),
            ("SETINFO (LIB-NAME|LIB-VER) <value>", "Tell which library this connection is of."),
            ("SETNAME <name>", "Assign the name <name> to the current connection."),
            ("UNBLOCK <clientid> [TIMEOUT|ERROR]", "Unblock the specified blocked client."),
            ("UNPAUSE", "Stop the current client pause, resuming traffic."),
        ],
    )
}
