//! The table of built-ins.

use super::{Builtin, Entry, Param, PoolCall};

/// Every built-in, in the order help shows them.
pub static BUILTINS: &[Entry] = &[
    Entry {
        words: &["POOL", "STATS"],
        syntax: "",
        summary: "Shows the pool's numbers, one field a line, as INFO does.",
        examples: &[("POOL STATS", "in_use, available, created, waiting, max and the totals")],
        params: &[],
        build: |_| pool(PoolCall::Stats),
    },
    Entry {
        words: &["POOL", "LIST"],
        syntax: "",
        summary: "Lists the pool's connections, one a line: id, server id, state, held for, holder.",
        examples: &[("POOL LIST", "who holds which connection")],
        params: &[],
        build: |_| pool(PoolCall::List),
    },
    Entry {
        words: &["POOL", "HOLD"],
        syntax: "[n]",
        summary: "Takes n connections (1 unless told) and keeps them until POOL RELEASE.",
        examples: &[("POOL HOLD 3", "three connections in use"), ("#2 PING", "a command on one of them")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Hold { count: args.count_or(1)? }),
    },
    Entry {
        words: &["POOL", "RELEASE"],
        syntax: "id|ALL",
        summary: "Gives a held connection back to the pool, or all of them.",
        examples: &[
            ("POOL RELEASE 3", "connection #3 is available again"),
            ("POOL RELEASE ALL", "all of them are"),
        ],
        params: &[Param::IdOrAll],
        build: |args| pool(PoolCall::Release(args.id_or_all()?)),
    },
    Entry {
        words: &["POOL", "LEAK"],
        syntax: "[n]",
        summary: "Takes n connections (1 unless told) and forgets them, as a program with a leak does.",
        examples: &[("POOL LEAK", "watch the leak lint find it"), ("POOL RESET", "takes it back")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Leak { count: args.count_or(1)? }),
    },
    Entry {
        words: &["POOL", "LEAKS"],
        syntax: "",
        summary: "Lists the leases that look like leaks: who took each, when, and what it last did.",
        examples: &[("POOL LEAKS", "connections out longer than the leak threshold")],
        params: &[],
        build: |_| pool(PoolCall::Leaks),
    },
    Entry {
        words: &["POOL", "WARMUP"],
        syntax: "n",
        summary: "Opens connections side by side until there are n.",
        examples: &[("POOL WARMUP 10", "ten connections before the load comes")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Warmup { count: args.count("n")? }),
    },
    Entry {
        words: &["POOL", "RESIZE"],
        syntax: "n",
        summary: "Sets max: at once when it grows, as connections come back when it shrinks.",
        examples: &[("POOL RESIZE 20", "up to twenty connections")],
        params: &[Param::Count],
        build: |args| pool(PoolCall::Resize { max: args.count("n")? }),
    },
    Entry {
        words: &["POOL", "BURST"],
        syntax: "n command [arg ...]",
        summary: "Runs a Redis command n times at once and says what the waits and round trips were.",
        examples: &[("POOL BURST 1000 GET user:1", "a thousand callers on one pool")],
        params: &[Param::Count, Param::Command],
        build: |args| pool(PoolCall::Burst { count: args.count("n")?, args: args.command()? }),
    },
    Entry {
        words: &["POOL", "CLOSE"],
        syntax: "id",
        summary: "Closes one connection; if it is lent, when it comes back.",
        examples: &[("POOL CLOSE 3", "connection #3 goes")],
        params: &[Param::Id],
        build: |args| pool(PoolCall::Close(args.id()?)),
    },
    Entry {
        words: &["POOL", "HEALTH"],
        syntax: "",
        summary: "Checks every available connection with PING and replaces the dead.",
        examples: &[("POOL HEALTH", "how many were checked, how many failed")],
        params: &[],
        build: |_| pool(PoolCall::Health),
    },
    Entry {
        words: &["POOL", "RESET"],
        syntax: "",
        summary: "Drops every connection and takes back every lease: the pool begins anew.",
        examples: &[("POOL RESET", "leaks are gone as well")],
        params: &[],
        build: |_| pool(PoolCall::Reset),
    },
    Entry {
        words: &["POOL", "CONFIG", "GET"],
        syntax: "pattern",
        summary: "Shows the pool's settings whose names match a glob.",
        examples: &[("POOL CONFIG GET *", "all of them")],
        params: &[Param::Setting],
        build: |args| pool(PoolCall::ConfigGet { pattern: args.word("pattern")? }),
    },
    Entry {
        words: &["POOL", "CONFIG", "SET"],
        syntax: "name value",
        summary: "Changes a setting of the pool while it runs.",
        examples: &[("POOL CONFIG SET blocking-timeout 2", "callers wait two seconds at most")],
        params: &[Param::Setting, Param::Word],
        build: |args| pool(PoolCall::ConfigSet { name: args.word("name")?, value: args.word("value")? }),
    },
    Entry {
        words: &["HELP"],
        syntax: "[command|@group|POOL]",
        summary: "Explains a command, lists a group of commands, or shows where to begin.",
        examples: &[
            ("HELP SET", "one command"),
            ("HELP @list", "a group"),
            ("HELP POOL", "the pool's own words"),
        ],
        params: &[Param::Topic],
        build: |args| Ok(Builtin::Help(args.rest())),
    },
    Entry {
        words: &["CLEAR"],
        syntax: "",
        summary: "Clears the screen.",
        examples: &[],
        params: &[],
        build: |_| Ok(Builtin::Clear),
    },
    Entry {
        words: &["QUIT"],
        syntax: "",
        summary: "Closes the pool and ends the program.",
        examples: &[],
        params: &[],
        build: |_| Ok(Builtin::Quit),
    },
    Entry {
        words: &["EXIT"],
        syntax: "",
        summary: "Closes the pool and ends the program, as QUIT does.",
        examples: &[],
        params: &[],
        build: |_| Ok(Builtin::Quit),
    },
];

#[expect(clippy::unnecessary_wraps, reason = "every row of the table answers with this type")]
fn pool(call: PoolCall) -> Result<Builtin, String> {
    Ok(Builtin::Pool(call))
}
