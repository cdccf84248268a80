//! A connection about itself: HELLO, AUTH, SELECT, PING, RESET, QUIT.

use bytes::Bytes;

use crate::demo::client::{Closing, Replies};
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_INTEGER, SYNTAX};
use crate::demo::info;
use crate::demo::number::parse_i64;
use crate::demo::reply::RESP2;
use crate::demo::spec::*;
use crate::demo::state::DATABASES;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new(
        "auth",
        -2,
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        NO_KEYS,
        C_CONNECTION,
        auth,
    ),
    Spec::new("echo", 2, LOADING | STALE | FAST, NO_KEYS, C_CONNECTION, echo),
    Spec::new(
        "hello",
        -1,
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        NO_KEYS,
        C_CONNECTION,
        hello,
    ),
    Spec::new("ping", -1, FAST, NO_KEYS, C_CONNECTION, ping),
    Spec::new(
        "quit",
        -1,
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        NO_KEYS,
        C_CONNECTION,
        quit,
    ),
    Spec::new(
        "reset",
        1,
        NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
        NO_KEYS,
        C_CONNECTION,
        reset,
    ),
    Spec::new("select", 2, LOADING | STALE | FAST, NO_KEYS, C_CONNECTION, select),
];

fn auth(call: &mut Call<'_>) -> Done {
    match call.rest(1) {
        [password] => {
            if call.state.config.password().is_none() {
                return Err(Fault::of(
                    "ERR AUTH <password> called without any password configured for the default user. Are you sure \
                     your configuration is correct?",
                ));
            }
            log_in(call, b"default", password)?;
        }
        [user, password] => log_in(call, user, password)?,
        _ => return Err(SYNTAX),
    }
    call.reply.ok();
    Ok(())
}

/// The one user is `default`; without a password set, any is right, as in Redis.
fn log_in(call: &mut Call<'_>, user: &[u8], password: &[u8]) -> Done {
    let right = call.state.config.password().is_none_or(|wanted| same(wanted, password));
    if user != b"default" || !right {
        return Err(Fault::of("WRONGPASS invalid username-password pair or user is disabled."));
    }
    call.me().authenticated = true;
    Ok(())
}

/// Compares in a time that does not tell how much was right.
fn same(wanted: &[u8], given: &[u8]) -> bool {
    let differs = wanted.iter().zip(given).fold(0, |differs, (a, b)| differs | (a ^ b));
    wanted.len() == given.len() && differs == 0
}

fn echo(call: &mut Call<'_>) -> Done {
    call.reply.bulk(&call.args[1]);
    Ok(())
}

fn hello(call: &mut Call<'_>) -> Done {
    let mut protocol = call.reply.protocol;
    if let Some(version) = call.args.get(1) {
        let number =
            parse_i64(version).ok_or(Fault::of("ERR Protocol version is not an integer or out of range"))?;
        protocol = u8::try_from(number)
            .ok()
            .filter(|number| matches!(number, 2 | 3))
            .ok_or(Fault::of("NOPROTO unsupported protocol version"))?;
    }
    let mut name = None;
    let mut at = 2;
    while at < call.args.len() {
        if call.is(at, "auth") && at + 2 < call.args.len() {
            log_in(call, &call.args[at + 1], &call.args[at + 2])?;
            at += 3;
        } else if call.is(at, "setname") && at + 1 < call.args.len() {
            name = Some(super::client::checked_name(&call.args[at + 1])?);
            at += 2;
        } else {
            let mut text = b"ERR Syntax error in HELLO option '".to_vec();
            text.extend_from_slice(&call.args[at]);
            text.push(b'\'');
            return Err(Fault::say(text));
        }
    }
    if !call.me().authenticated {
        return Err(Fault::of(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> \
             <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        call.me().name = name;
    }
    call.reply.protocol = protocol;
    let id = i64::try_from(call.client).unwrap_or(i64::MAX);
    call.reply.map(7);
    for (field, value) in [("server", "redis"), ("version", info::REDIS_VERSION)] {
        call.reply.text(field);
        call.reply.text(value);
    }
    call.reply.text("proto");
    call.reply.int(i64::from(protocol));
    call.reply.text("id");
    call.reply.int(id);
    for (field, value) in [("mode", "standalone"), ("role", "master")] {
        call.reply.text(field);
        call.reply.text(value);
    }
    call.reply.text("modules");
    call.reply.array(0);
    Ok(())
}

fn ping(call: &mut Call<'_>) -> Done {
    if call.args.len() > 2 {
        return Err(Fault::arity("ping"));
    }
    let said = call.args.get(1).map(AsRef::as_ref);
    if call.me().only_subscribes() {
        call.reply.array(2);
        call.reply.bulk(b"pong");
        call.reply.bulk(said.unwrap_or_default());
        return Ok(());
    }
    match said {
        Some(said) => call.reply.bulk(said),
        None => call.reply.simple("PONG"),
    }
    Ok(())
}

fn quit(call: &mut Call<'_>) -> Done {
    call.me().close(Closing::AfterReply);
    call.reply.ok();
    Ok(())
}

fn reset(call: &mut Call<'_>) -> Done {
    let id = call.client;
    call.state.unwatch(id);
    call.state.unsubscribe_all(id);
    call.state.monitors.remove(&id);
    let authenticated = call.state.config.password().is_none();
    let me = call.me();
    me.transaction = None;
    me.monitor = false;
    me.db = 0;
    me.name = Bytes::new();
    me.no_evict = false;
    me.no_touch = false;
    me.replies = Replies::On;
    me.authenticated = authenticated;
    call.reply.protocol = RESP2;
    call.reply.simple("RESET");
    Ok(())
}

fn select(call: &mut Call<'_>) -> Done {
    call.me().db = database(&call.args[1])?;
    call.reply.ok();
    Ok(())
}

/// A database's number.
pub(super) fn database(text: &[u8]) -> Result<usize, Fault> {
    let number = parse_i64(text).filter(|number| i32::try_from(*number).is_ok()).ok_or(NOT_INTEGER)?;
    usize::try_from(number)
        .ok()
        .filter(|number| *number < DATABASES)
        .ok_or(Fault::of("ERR DB index is out of range"))
}
