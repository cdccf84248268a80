//! The server as a whole: INFO, CONFIG, MONITOR, DEBUG SLEEP, FLUSHALL and the like.

use std::time::Duration;

use bytes::Bytes;

use super::connection::database;
use crate::demo::config::Config;
use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_INTEGER, SYNTAX};
use crate::demo::number::{parse_f64, parse_i64};
use crate::demo::spec::*;
use crate::demo::state::{CommandStat, Stats};
use crate::demo::{config, info};
use crate::glob;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::parent(
        "acl",
        -2,
        0,
        0,
        None,
        &[
            Spec::new("acl|whoami", 2, NOSCRIPT | LOADING | STALE, NO_KEYS, 0, acl_whoami),
            Spec::new("acl|help", 2, LOADING | STALE, NO_KEYS, 0, acl_help),
        ],
    ),
    Spec::parent(
        "config",
        -2,
        0,
        0,
        None,
        &[
            Spec::new("config|get", -3, ADMIN | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, config_get),
            Spec::new("config|set", -4, ADMIN | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, config_set),
            Spec::new(
                "config|resetstat",
                2,
                ADMIN | NOSCRIPT | LOADING | STALE,
                NO_KEYS,
                0,
                config_resetstat,
            ),
            Spec::new("config|help", 2, LOADING | STALE, NO_KEYS, 0, config_help),
        ],
    ),
    Spec::new("dbsize", 1, READONLY | FAST, NO_KEYS, C_KEYSPACE, dbsize),
    Spec::new("debug", -2, ADMIN | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, debug),
    Spec::new("flushall", -1, WRITE, NO_KEYS, C_KEYSPACE | C_DANGEROUS, flushall),
    Spec::new("flushdb", -1, WRITE, NO_KEYS, C_KEYSPACE | C_DANGEROUS, flushdb),
    Spec::new("info", -1, LOADING | STALE, NO_KEYS, C_DANGEROUS, info_command),
    Spec::parent(
        "memory",
        -2,
        0,
        0,
        None,
        &[
            Spec::new("memory|usage", -3, READONLY, keys(2, 2, 1), 0, memory_usage),
            Spec::new("memory|help", 2, LOADING | STALE, NO_KEYS, 0, memory_help),
        ],
    ),
    Spec::new("monitor", 1, ADMIN | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, monitor),
    Spec::new("role", 1, NOSCRIPT | LOADING | STALE | FAST, NO_KEYS, C_DANGEROUS, role),
    Spec::new("swapdb", 3, WRITE | FAST, NO_KEYS, C_KEYSPACE | C_DANGEROUS, swapdb),
    Spec::new("time", 1, LOADING | STALE | FAST, NO_KEYS, 0, time),
    Spec::new("wait", 3, NOSCRIPT, NO_KEYS, C_CONNECTION, wait),
];

fn info_command(call: &mut Call<'_>) -> Done {
    let text = info::text(call.state, call.rest(1));
    call.reply.verbatim(&text);
    Ok(())
}

fn config_get(call: &mut Call<'_>) -> Done {
    let all = call.state.config.list(call.state.port);
    // A name that is no pattern is answered as it was written.
    let fits = |pattern: &Bytes, name: &str| -> Option<Bytes> {
        if pattern.eq_ignore_ascii_case(name.as_bytes()) {
            return Some(pattern.clone());
        }
        let lower = pattern.to_ascii_lowercase();
        glob::matches(&lower, name.as_bytes()).then(|| Bytes::copy_from_slice(name.as_bytes()))
    };
    let wanted = |name: &str| call.rest(2).iter().find_map(|pattern| fits(pattern, name));
    let found: Vec<(Bytes, String)> =
        all.into_iter().filter_map(|(name, value)| Some((wanted(name)?, value))).collect();
    call.reply.map(found.len());
    for (name, value) in &found {
        call.reply.bulk(name);
        call.reply.text(value);
    }
    Ok(())
}

fn config_set(call: &mut Call<'_>) -> Done {
    let pairs = call.rest(2);
    if !pairs.len().is_multiple_of(2) {
        return Err(Fault::arity("config|set"));
    }
    let mut settings: Vec<(String, String)> = Vec::new();
    for pair in pairs.chunks_exact(2) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (name, value) = (text(&pair[0]).to_ascii_lowercase(), text(&pair[1]));
        Config::check(&name, &value)?;
        if settings.iter().any(|(other, _)| *other == name) {
            return Err(config::failed(&name, "duplicate parameter"));
        }
        settings.push((name, value));
    }
    for (name, value) in settings {
        call.state.config.set(&name, &value);
    }
    call.reply.ok();
    Ok(())
}

fn config_resetstat(call: &mut Call<'_>) -> Done {
    call.state.stats = Stats::default();
    call.state.command_stats.fill(CommandStat::default());
    call.state.error_stats.clear();
    for db in &mut call.state.dbs {
        (db.hits, db.misses, db.expired) = (0, 0, 0);
    }
    call.reply.ok();
    Ok(())
}

fn config_help(call: &mut Call<'_>) -> Done {
    super::help(
        call,
        "CONFIG",
        &[
            ("GET <pattern>", "Return parameters matching the glob-like <pattern> and their values."),
            ("SET <directive> <value>", "Set the configuration <directive> to <value>."),
            ("RESETSTAT", "Reset statistics reported by the INFO command."),
        ],
    )
}

fn acl_whoami(call: &mut Call<'_>) -> Done {
    call.reply.text("default");
    Ok(())
}

fn acl_help(call: &mut Call<'_>) -> Done {
    super::help(call, "ACL", &[("WHOAMI", "Return the current connection username.")])
}

fn dbsize(call: &mut Call<'_>) -> Done {
    let (db, reply) = call.parts();
    reply.len(db.len());
    Ok(())
}

/// SYNC and ASYNC are accepted and mean the same here.
fn check_flush(call: &Call<'_>) -> Done {
    match call.rest(1) {
        [] => Ok(()),
        [how] if how.eq_ignore_ascii_case(b"sync") || how.eq_ignore_ascii_case(b"async") => Ok(()),
        _ => Err(SYNTAX),
    }
}

fn flushdb(call: &mut Call<'_>) -> Done {
    check_flush(call)?;
    call.data().clear();
    call.reply.ok();
    Ok(())
}

fn flushall(call: &mut Call<'_>) -> Done {
    check_flush(call)?;
    call.state.dbs.iter_mut().for_each(crate::demo::store::Db::clear);
    call.reply.ok();
    Ok(())
}

fn swapdb(call: &mut Call<'_>) -> Done {
    let number = |index: usize, which: &str| {
        let text = &call.args[index];
        if parse_i64(text).is_none_or(|number| i32::try_from(number).is_err()) {
            return Err(Fault::say(format!("ERR invalid {which} DB index")));
        }
        database(text)
    };
    let (first, second) = (number(1, "first")?, number(2, "second")?);
    let (low, high) = (first.min(second), first.max(second));
    if low != high {
        let (left, right) = call.state.dbs.split_at_mut(high);
        left[low].swap_data(&mut right[0]);
    }
    call.reply.ok();
    Ok(())
}

fn debug(call: &mut Call<'_>) -> Done {
    if call.is(1, "sleep") && call.args.len() == 3 {
        // Redis reads what is no number as 0.
        let seconds = parse_f64(&call.args[2]).unwrap_or(0.0);
        let time = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        // A server that ended in its sleep has not slept, and does not say that it has.
        if call.state.stop.sleep(time) {
            call.reply.ok();
        }
        return Ok(());
    }
    if call.is(1, "help") {
        let what = "Stop the server for <seconds>. Decimals allowed.";
        return super::help(call, "DEBUG", &[("SLEEP <seconds>", what)]);
    }
    Err(Fault::subcommand_or_arity("debug", &call.args[1]))
}

fn monitor(call: &mut Call<'_>) -> Done {
    if call.in_exec {
        return Err(Fault::of("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    let id = call.client;
    call.me().monitor = true;
    call.state.monitors.insert(id);
    call.reply.ok();
    Ok(())
}

fn role(call: &mut Call<'_>) -> Done {
    call.reply.array(3);
    call.reply.text("master");
    call.reply.int(0);
    call.reply.array(0);
    Ok(())
}

fn time(call: &mut Call<'_>) -> Done {
    let now = call.state.tell_time();
    call.reply.array(2);
    call.reply.text(&now.as_secs().to_string());
    call.reply.text(&now.subsec_micros().to_string());
    Ok(())
}

/// There are no replicas, so nothing ever acknowledges: the answer is the same before and after waiting.
fn wait(call: &mut Call<'_>) -> Done {
    call.int(1)?;
    let time = parse_i64(&call.args[2]).ok_or(Fault::of("ERR timeout is not an integer or out of range"))?;
    if time < 0 {
        return Err(Fault::of("ERR timeout is negative"));
    }
    call.reply.int(0);
    Ok(())
}

fn memory_usage(call: &mut Call<'_>) -> Done {
    match call.rest(3) {
        [] => {}
        [option, count] if option.eq_ignore_ascii_case(b"samples") => {
            if parse_i64(count).ok_or(NOT_INTEGER)? < 0 {
                return Err(SYNTAX);
            }
        }
        _ => return Err(SYNTAX),
    }
    let key = &call.args[2];
    let (db, reply) = call.parts();
    match db.entry(key) {
        Some(entry) => reply.len(entry.data.size() + key.len() + size_of_val(entry)),
        None => reply.null(),
    }
    Ok(())
}

fn memory_help(call: &mut Call<'_>) -> Done {
    let what = "Return memory in bytes used by <key> and its value.";
    super::help(call, "MEMORY", &[("USAGE <key> [SAMPLES <count>]", what)])
}
