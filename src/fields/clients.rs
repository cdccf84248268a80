//! The fields of a watched server's clients, and of the groups they make.

use super::{Around, Field, Joined, Listed, Mark, Pick, Value, down, up};
use crate::event::{Client, Whose};
use crate::snapshot::{ClientRow, GroupRow, group_words};

impl Listed for ClientRow {
    const FIELDS: &'static [Field<Self>] = &[
        up("id", |row, _| Value::Number(row.client.id)),
        up("server", |row, around| words(around.marks.target(row.node))),
        up("process", owner),
        up("pid", |row, _| number(row.process().map(|process| u64::from(process.pid)))),
        up("name", |row, _| words(row.client.name.as_deref())),
        up("user", |row, _| words(row.client.user.as_deref())),
        up("lib", |row, _| library(&row.client)),
        up("addr", |row, _| words(Some(&row.client.addr))),
        up("laddr", |row, _| words(row.client.laddr.as_deref())),
        down("age", |row, around| Value::Time(row.age(around.as_of))),
        down("idle", |row, around| Value::Time(row.idle(around.as_of))),
        up("state", |row, _| words(Some(row.state.word()))),
        up("flags", |row, _| words(Some(&row.client.flags))),
        up("db", |row, _| number(row.client.db)),
        up("cmd", |row, _| words(row.client.command.as_deref())),
        down("sub", |row, _| Value::Number(row.client.subscriptions)),
        down("multi", |row, _| number(row.client.multi)),
        down("memory", |row, _| number(row.client.memory)),
        down("qbuf", |row, _| number(row.client.query_buffer)),
        down("omem", |row, _| number(row.client.output_memory)),
        down("in", |row, _| number(row.client.net_in)),
        down("out", |row, _| number(row.client.net_out)),
        down("cmds", |row, _| number(row.client.commands)),
        down("inrate", |row, _| real(row.in_rate)),
        down("outrate", |row, _| real(row.out_rate)),
        down("cmdrate", |row, _| real(row.command_rate)),
        up("resp", |row, _| number(row.client.resp)),
        up("container", |row, _| words(row.process().and_then(|process| process.container.as_deref()))),
        up("lint", |row, around| marked(around.marks.of_client(row.node, row.client.id))),
    ];
    const FIRST: &'static str = "age";

    fn pick(&self) -> Pick {
        Pick::Client(self.node, self.client.id)
    }

    fn is(&self, pick: &Pick) -> bool {
        *pick == self.pick()
    }

    fn tie(&self) -> (u32, u64) {
        (self.node.0, self.client.id)
    }
}

impl Listed for GroupRow {
    const FIELDS: &'static [Field<Self>] = &[
        up("group", |row, _| Value::Text(group_words(&row.label))),
        up("pid", |row, _| number(row.process.as_ref().map(|process| u64::from(process.pid)))),
        down("count", |row, _| Value::Number(row.count)),
        down("change", |row, _| real(row.change.map(|by| by as f64))),
        down("grown", |row, _| real(row.grown.map(|by| by as f64))),
        down("rate", |row, _| real(row.opening_rate)),
        down("cmdrate", |row, _| real(row.command_rate)),
        down("waiting", |row, _| Value::Number(row.waiting)),
        down("own", |row, _| Value::Number(row.own)),
        down("oldest", |row, _| Value::Time(row.oldest)),
        down("idle", |row, _| Value::Time(row.longest_idle)),
        down("memory", |row, _| number(row.memory)),
        up("container", |row, _| {
            words(row.process.as_ref().and_then(|process| process.container.as_deref()))
        }),
        up("lint", |row, around| marked(around.marks.of_group(row.by, &row.label))),
    ];
    const FIRST: &'static str = "count";

    fn pick(&self) -> Pick {
        Pick::Group(self.by, self.label.clone())
    }

    fn is(&self, pick: &Pick) -> bool {
        matches!(pick, Pick::Group(by, label) if *by == self.by && *label == self.label)
    }

    fn tie(&self) -> (u32, u64) {
        (0, 0)
    }
}

fn words(words: Option<&str>) -> Value<'_> {
    super::words(words.filter(|words| !words.is_empty()))
}

fn number<'a>(number: Option<u64>) -> Value<'a> {
    number.map_or(Value::None, Value::Number)
}

fn real<'a>(number: Option<f64>) -> Value<'a> {
    number.map_or(Value::None, Value::Real)
}

fn marked(mark: Option<&Mark>) -> Value<'_> {
    words(mark.map(|mark| mark.names.as_str()))
}

/// Name and version in one, as a person names a library.
fn library(client: &Client) -> Value<'_> {
    match (&client.lib_name, &client.lib_version) {
        (Some(name), Some(version)) => Value::Joined(Joined { number: None, texts: [name, version] }),
        (name, version) => words(name.as_deref().or(version.as_deref())),
    }
}

/// The process, so that a filter finds it by its name, its number and any word of its command line; or why it is not
/// known. Every filter stands in the command line of the program that it was given to, so this has none here.
fn owner<'a>(row: &'a ClientRow, around: &Around<'a>) -> Value<'a> {
    match (row.process(), &row.whose) {
        (Some(process), _) if around.marks.is_ours(process) => {
            Value::Joined(Joined { number: Some(u64::from(process.pid)), texts: [&process.name, ""] })
        }
        (Some(process), _) => {
            // A command line that begins with the name says it.
            let name = if process.command.starts_with(&*process.name) { "" } else { &*process.name };
            let number = Some(u64::from(process.pid));
            Value::Joined(Joined { number, texts: [name, &process.command] })
        }
        (None, Some(Whose::Unsupported) | None) => Value::None,
        (None, Some(other)) => words(Some(other.word())),
    }
}
