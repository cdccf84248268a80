//! INFO: sections of fields, only such as are true of this server.

use std::fmt::Write as _;

use bytes::Bytes;

use super::spec::REGISTRY;
use super::state::State;

/// The version whose commands and replies this server follows. Clients decide by it what they may ask for; what it
/// really is, `server_name` says, as Valkey does.
pub(crate) const REDIS_VERSION: &str = "7.2.4";

/// Writes one section's fields.
type Section = fn(&State, &mut String);

/// Every section: its name, and whether INFO gives it unasked.
const SECTIONS: &[(&str, bool, Section)] = &[
    ("Server", true, server),
    ("Clients", true, clients),
    ("Memory", true, memory),
    ("Persistence", true, persistence),
    ("Stats", true, stats),
    ("Replication", true, replication),
    ("CPU", true, cpu),
    ("Commandstats", false, commandstats),
    ("Errorstats", true, errorstats),
    ("Cluster", true, cluster),
    ("Keyspace", true, keyspace),
];

/// The sections asked for, `\r\n` after each line and an empty line between two sections.
pub(crate) fn text(state: &State, asked: &[Bytes]) -> String {
    let is = |word: &Bytes, name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let any = |name: &str| asked.iter().any(|word| is(word, name));
    let everything = any("all") || any("everything");
    let default = asked.is_empty() || any("default");
    let mut text = String::new();
    for (name, unasked, section) in SECTIONS {
        if any(name) || everything || default && *unasked {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            let _ = write!(text, "# {name}\r\n");
            section(state, &mut text);
        }
    }
    text
}

/// One field.
fn field(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = write!(text, "{name}:{value}\r\n");
}

fn server(state: &State, text: &mut String) {
    let up = state.started.elapsed().as_secs();
    field(text, "redis_version", REDIS_VERSION);
    field(text, "server_name", "redis-pooltop-demo");
    field(text, "redis_pooltop_version", env!("CARGO_PKG_VERSION"));
    field(text, "redis_mode", "standalone");
    field(text, "os", std::env::consts::OS);
    field(text, "arch_bits", usize::BITS);
    field(text, "multiplexing_api", "tokio");
    field(text, "process_id", std::process::id());
    field(text, "run_id", &state.run_id);
    field(text, "tcp_port", state.port);
    field(text, "server_time_usec", state.tell_time().as_micros());
    field(text, "uptime_in_seconds", up);
    field(text, "uptime_in_days", up / 86_400);
    field(text, "hz", 10);
    field(text, "configured_hz", 10);
}

fn clients(state: &State, text: &mut String) {
    let (input, output) = state.largest_buffers();
    let (blocked, timed) = state.blocked();
    let subscribers = state.clients.values().filter(|client| client.subscriptions() > 0).count();
    let watching = state.clients.values().filter(|client| !client.watched.is_empty()).count();
    let keys: usize = state.dbs.iter().map(|db| db.waiting.len()).sum();
    field(text, "connected_clients", state.clients.len());
    field(text, "cluster_connections", 0);
    field(text, "maxclients", state.config.maxclients);
    field(text, "client_recent_max_input_buffer", input);
    field(text, "client_recent_max_output_buffer", output);
    field(text, "blocked_clients", blocked);
    field(text, "tracking_clients", 0);
    field(text, "pubsub_clients", subscribers);
    field(text, "watching_clients", watching);
    field(text, "clients_in_timeout_table", timed);
    field(text, "total_blocking_keys", keys);
}

fn memory(state: &State, text: &mut String) {
    let clients: usize = state.clients.values().map(super::client::Client::memory).sum();
    let data: usize = state
        .dbs
        .iter()
        .flat_map(super::store::Db::live)
        .map(|(key, entry)| key.len() + entry.data.size())
        .sum();
    field(text, "used_memory", clients + data);
    field(text, "used_memory_human", human(clients + data));
    field(text, "used_memory_dataset", data);
    field(text, "maxmemory", 0);
    field(text, "maxmemory_human", "0B");
    field(text, "maxmemory_policy", "noeviction");
    field(text, "mem_clients_slaves", 0);
    field(text, "mem_clients_normal", clients);
}

/// Bytes as Redis shortens them.
fn human(bytes: usize) -> String {
    let bytes = bytes as f64;
    for (unit, name) in [(1024.0, "B"), (1024.0 * 1024.0, "K"), (1024.0 * 1024.0 * 1024.0, "M")] {
        if bytes < unit {
            let size = bytes * 1024.0 / unit;
            return if name == "B" { format!("{size:.0}B") } else { format!("{size:.2}{name}") };
        }
    }
    format!("{:.2}G", bytes / (1024.0 * 1024.0 * 1024.0))
}

/// Nothing is loaded and nothing is saved: clients wait for `loading:0`.
fn persistence(_: &State, text: &mut String) {
    field(text, "loading", 0);
    field(text, "rdb_bgsave_in_progress", 0);
    field(text, "aof_enabled", 0);
    field(text, "aof_rewrite_in_progress", 0);
}

fn stats(state: &State, text: &mut String) {
    let counted = &state.stats;
    let sum = |count: fn(&super::store::Db) -> u64| state.dbs.iter().map(count).sum::<u64>();
    field(text, "total_connections_received", counted.connections);
    field(text, "total_commands_processed", counted.commands);
    field(text, "instantaneous_ops_per_sec", state.operations.per_second().round());
    field(text, "total_net_input_bytes", counted.bytes_in);
    field(text, "total_net_output_bytes", counted.bytes_out);
    field(text, "instantaneous_input_kbps", format_args!("{:.2}", state.input.per_second() / 1024.0));
    field(text, "instantaneous_output_kbps", format_args!("{:.2}", state.output.per_second() / 1024.0));
    field(text, "rejected_connections", counted.rejected);
    field(text, "expired_keys", sum(|db| db.expired));
    field(text, "evicted_keys", 0);
    field(text, "evicted_clients", 0);
    field(text, "keyspace_hits", sum(|db| db.hits));
    field(text, "keyspace_misses", sum(|db| db.misses));
    field(text, "pubsub_channels", state.channels.len());
    field(text, "pubsub_patterns", state.patterns.len());
    field(text, "total_error_replies", counted.errors);
    field(text, "total_reads_processed", counted.reads);
    field(text, "total_writes_processed", counted.writes);
    field(text, "client_query_buffer_limit_disconnections", counted.query_limit);
    field(text, "client_output_buffer_limit_disconnections", counted.output_limit);
}

fn replication(state: &State, text: &mut String) {
    field(text, "role", "master");
    field(text, "connected_slaves", 0);
    field(text, "master_failover_state", "no-failover");
    field(text, "master_replid", &state.replication_id);
    field(text, "master_repl_offset", 0);
}

/// The whole process's, the program around the server included; left empty where the system does not tell.
fn cpu(_: &State, text: &mut String) {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return };
    // After the name, in parentheses, which may itself hold blanks.
    let Some((_, fields)) = stat.rsplit_once(") ") else { return };
    let fields: Vec<&str> = fields.split(' ').collect();
    // Fields 14 and 15 of proc(5), in ticks of 1/100 s on every Linux that Rust runs on.
    for (name, index) in [("used_cpu_sys", 12), ("used_cpu_user", 11)] {
        if let Some(ticks) = fields.get(index).and_then(|ticks| ticks.parse::<u64>().ok()) {
            field(text, name, format_args!("{:.2}", ticks as f64 / 100.0));
        }
    }
}

fn commandstats(state: &State, text: &mut String) {
    for (spec, stat) in REGISTRY.specs.iter().zip(&state.command_stats) {
        if stat.calls + stat.rejected + stat.failed > 0 {
            let mean = stat.micros as f64 / stat.calls.max(1) as f64;
            let _ = write!(
                text,
                "cmdstat_{}:calls={},usec={},usec_per_call={mean:.2},rejected_calls={},failed_calls={}\r\n",
                spec.name, stat.calls, stat.micros, stat.rejected, stat.failed
            );
        }
    }
}

fn errorstats(state: &State, text: &mut String) {
    for (word, count) in &state.error_stats {
        let _ = write!(text, "errorstat_{word}:count={count}\r\n");
    }
}

fn cluster(_: &State, text: &mut String) {
    field(text, "cluster_enabled", 0);
}

fn keyspace(state: &State, text: &mut String) {
    for (number, db) in state.dbs.iter().enumerate().filter(|(_, db)| db.len() > 0) {
        let (expires, mean) = db.deadlines();
        let _ = write!(text, "db{number}:keys={},expires={expires},avg_ttl={mean}\r\n", db.len());
    }
}
