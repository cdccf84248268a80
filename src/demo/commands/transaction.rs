//! MULTI, EXEC, WATCH.

use crate::demo::client::{ClientId, Transaction};
use crate::demo::dispatch::{self, Call};
use crate::demo::fault::{Done, Fault};
use crate::demo::spec::*;
use crate::demo::state::State;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("discard", 1, NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY, NO_KEYS, C_TRANSACTION, discard),
    Spec::new("exec", 1, NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG, NO_KEYS, C_TRANSACTION, exec),
    Spec::new("multi", 1, NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY, NO_KEYS, C_TRANSACTION, multi),
    Spec::new("unwatch", 1, NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY, NO_KEYS, C_TRANSACTION, unwatch),
    Spec::new(
        "watch",
        -2,
        NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
        keys(1, -1, 1),
        C_TRANSACTION,
        watch,
    ),
];

fn multi(call: &mut Call<'_>) -> Done {
    let me = call.me();
    if me.transaction.is_some() {
        return Err(Fault::of("ERR MULTI calls can not be nested"));
    }
    me.transaction = Some(Transaction::default());
    call.reply.ok();
    Ok(())
}

fn discard(call: &mut Call<'_>) -> Done {
    if call.me().transaction.take().is_none() {
        return Err(Fault::of("ERR DISCARD without MULTI"));
    }
    call.state.unwatch(call.client);
    call.reply.ok();
    Ok(())
}

fn exec(call: &mut Call<'_>) -> Done {
    let Some(transaction) = call.me().transaction.take() else {
        return Err(Fault::of("ERR EXEC without MULTI"));
    };
    // What was done by others since the last look counts too, such as a deadline that has passed.
    let watched = call.me().watched.clone();
    for (db, key) in &watched {
        call.state.dbs[*db].exists(key);
    }
    let id = call.client;
    let gone = |state: &State| state.dbs.iter().any(|db| db.disturbed.contains(&id));
    let disturbed = call.me().disturbed || gone(call.state);
    call.state.unwatch(id);
    if transaction.aborted {
        return Err(Fault::of("EXECABORT Transaction discarded because of previous errors."));
    }
    if disturbed {
        call.reply.null_array();
        return Ok(());
    }
    call.reply.array(transaction.queue.len());
    for (found, args) in &transaction.queue {
        let db = call.me().db;
        let (state, reply) = (&mut *call.state, &mut *call.reply);
        dispatch::run(&mut Call {
            state,
            client: id,
            db,
            args,
            reply,
            found: *found,
            in_exec: true,
            served: None,
        });
    }
    Ok(())
}

fn watch(call: &mut Call<'_>) -> Done {
    if call.me().transaction.is_some() {
        return Err(Fault::of("ERR WATCH inside MULTI is not allowed"));
    }
    for key in call.rest(1) {
        // A key past its deadline is already gone for the watcher.
        call.data().exists(key);
        let (db, id) = (call.db, call.client);
        if call.me().watched.iter().any(|(other, watched)| *other == db && watched == key) {
            continue;
        }
        call.me().watched.push((db, key.clone()));
        call.data().watchers.entry(key.clone()).or_default().push(id);
    }
    call.reply.ok();
    Ok(())
}

fn unwatch(call: &mut Call<'_>) -> Done {
    call.state.unwatch(call.client);
    call.reply.ok();
    Ok(())
}

impl State {
    /// Ends every WATCH of a client.
    pub(crate) fn unwatch(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.disturbed = false;
        for (db, key) in std::mem::take(&mut client.watched) {
            let db = &mut self.dbs[db];
            db.disturbed.retain(|other| *other != id);
            if let Some(watchers) = db.watchers.get_mut(&key) {
                watchers.retain(|other| *other != id);
                if watchers.is_empty() {
                    db.watchers.remove(&key);
                }
            }
        }
    }
}
