//! SUBSCRIBE, PUBLISH and PUBSUB.

use bytes::Bytes;

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault};
use crate::demo::pubsub::Topic;
use crate::demo::spec::*;
use crate::glob;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("psubscribe", -2, PUBSUB | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, psubscribe),
    Spec::new("publish", 3, PUBSUB | LOADING | STALE | FAST, NO_KEYS, 0, publish),
    Spec::parent(
        "pubsub",
        -2,
        0,
        0,
        None,
        &[
            Spec::new("pubsub|channels", -2, PUBSUB | LOADING | STALE, NO_KEYS, 0, pubsub_channels),
            Spec::new("pubsub|numpat", 2, PUBSUB | LOADING | STALE, NO_KEYS, 0, pubsub_numpat),
            Spec::new("pubsub|numsub", -2, PUBSUB | LOADING | STALE, NO_KEYS, 0, pubsub_numsub),
            Spec::new("pubsub|help", 2, LOADING | STALE, NO_KEYS, 0, pubsub_help),
            Spec::new("pubsub|shardchannels", -2, PUBSUB | LOADING | STALE, NO_KEYS, 0, pubsub_shardchannels),
            Spec::new("pubsub|shardnumsub", -2, PUBSUB | LOADING | STALE, NO_KEYS, 0, pubsub_shardnumsub),
        ],
    ),
    Spec::new("punsubscribe", -1, PUBSUB | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, punsubscribe),
    Spec::new("subscribe", -2, PUBSUB | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, subscribe),
    Spec::new("unsubscribe", -1, PUBSUB | NOSCRIPT | LOADING | STALE, NO_KEYS, 0, unsubscribe),
];

/// One line of a subscription's answer: what happened, to what, and how many subscriptions there are now.
fn confirm(call: &mut Call<'_>, word: &str, name: Option<&Bytes>, count: usize) {
    call.reply.push(3);
    call.reply.text(word);
    call.reply.maybe(name.map(AsRef::as_ref));
    call.reply.len(count);
}

fn add(call: &mut Call<'_>, topic: Topic, word: &str) -> Done {
    for name in call.rest(1) {
        let count = call.state.subscribe(call.client, topic, name);
        confirm(call, word, Some(name), count);
    }
    Ok(())
}

fn end(call: &mut Call<'_>, topic: Topic, word: &str) -> Done {
    let mut names = call.rest(1).to_vec();
    if names.is_empty() {
        let me = call.me();
        names = match topic {
            Topic::Channel => me.channels.iter().cloned().collect(),
            Topic::Pattern => me.patterns.iter().cloned().collect(),
        };
        if names.is_empty() {
            let count = me.subscriptions();
            confirm(call, word, None, count);
        }
    }
    for name in &names {
        let count = call.state.unsubscribe(call.client, topic, name);
        confirm(call, word, Some(name), count);
    }
    Ok(())
}

fn subscribe(call: &mut Call<'_>) -> Done {
    add(call, Topic::Channel, "subscribe")
}

fn psubscribe(call: &mut Call<'_>) -> Done {
    add(call, Topic::Pattern, "psubscribe")
}

fn unsubscribe(call: &mut Call<'_>) -> Done {
    end(call, Topic::Channel, "unsubscribe")
}

fn punsubscribe(call: &mut Call<'_>) -> Done {
    end(call, Topic::Pattern, "punsubscribe")
}

fn publish(call: &mut Call<'_>) -> Done {
    let copies = call.state.publish(call.client, call.reply, &call.args[1], &call.args[2]);
    call.reply.len(copies);
    Ok(())
}

fn pubsub_channels(call: &mut Call<'_>) -> Done {
    if call.args.len() > 3 {
        return Err(Fault::subcommand_or_arity("pubsub", &call.args[1]));
    }
    let pattern = call.args.get(2);
    let fits = |name: &&Bytes| pattern.is_none_or(|pattern| glob::matches(pattern, name));
    let names: Vec<&Bytes> = call.state.channels.keys().filter(fits).collect();
    call.reply.list(names.into_iter());
    Ok(())
}

fn pubsub_numsub(call: &mut Call<'_>) -> Done {
    let names = call.rest(2);
    call.reply.array(names.len() * 2);
    for name in names {
        call.reply.bulk(name);
        call.reply.len(call.state.channels.get(name).map_or(0, std::collections::BTreeSet::len));
    }
    Ok(())
}

fn pubsub_numpat(call: &mut Call<'_>) -> Done {
    call.reply.len(call.state.patterns.len());
    Ok(())
}

/// There are no shards here, so nobody has a channel in one.
fn pubsub_shardchannels(call: &mut Call<'_>) -> Done {
    call.reply.array(0);
    Ok(())
}

fn pubsub_shardnumsub(call: &mut Call<'_>) -> Done {
    let names = call.rest(2);
    call.reply.array(names.len() * 2);
    for name in names {
        call.reply.bulk(name);
        call.reply.int(0);
    }
    Ok(())
}

fn pubsub_help(call: &mut Call<'_>) -> Done {
    super::help(
        call,
        "PUBSUB",
        &[
            (
                "CHANNELS [<pattern>]",
                "Return the currently active channels matching a <pattern> (default: '*').",
            ),
            ("NUMPAT", "Return number of subscriptions to patterns."),
            ("NUMSUB [<channel> ...]", "Return the number of subscribers for the specified channels."),
        ],
    )
}
