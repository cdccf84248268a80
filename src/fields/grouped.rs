//! A filter of clients that stand in groups.
//!
//! It is about clients, whatever they are shown as: a group shows those of its clients that it leaves, and none without any
//! is shown. What only groups have, such as `count` and `grown`, is of the whole group, whose clients it leaves or not.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::filter::Filter;
use super::{Around, Listed, Marks, Value, names};
use crate::event::NodeId;
use crate::snapshot::{ClientRow, GroupBy, GroupRow, REST, Snapshot};

/// The fields that a filter of grouped clients may name: those of clients, and then those that only groups have, their
/// name first.
pub fn fields() -> Vec<&'static str> {
    let mut fields = names(ClientRow::FIELDS);
    fields.extend(of_groups());
    fields
}

/// Those that only groups have.
pub fn of_groups() -> impl Iterator<Item = &'static str> {
    let of_clients = |name: &str| ClientRow::FIELDS.iter().any(|field| field.name == name);
    GroupRow::FIELDS.iter().map(|field| field.name).filter(move |name| !of_clients(name))
}

/// The groups of a key, and which one a client is in.
pub struct Groups<'a> {
    by: GroupBy,
    rows: &'a [Arc<GroupRow>],
    places: HashMap<&'a str, usize>,
    /// Of processes by their number, so that no label is made for each of thousands of clients.
    pids: HashMap<u32, usize>,
    /// By the place of a field after those of clients.
    only: Vec<usize>,
    lint: [Option<usize>; 2],
    /// The place of what a group is called.
    name: usize,
}

impl<'a> Groups<'a> {
    /// The groups of a snapshot.
    pub fn of(snapshot: &'a Snapshot, by: GroupBy) -> Self {
        let rows = snapshot.groups.by(by);
        let place = |name: &str| GroupRow::FIELDS.iter().position(|field| field.name == name);
        Self {
            by,
            rows,
            places: rows.iter().enumerate().map(|(at, row)| (&*row.label, at)).collect(),
            pids: rows
                .iter()
                .enumerate()
                .filter_map(|(at, row)| Some((row.process.as_ref()?.pid, at)))
                .collect(),
            only: of_groups().filter_map(place).collect(),
            lint: [ClientRow::FIELDS.iter().position(|field| field.name == "lint"), place("lint")],
            name: place("group").unwrap_or_default(),
        }
    }

    /// The place of the group that a client is in; the rest's where its own has none.
    pub fn place(&self, client: &ClientRow, marks: &Marks) -> Option<usize> {
        let target = marks.target(client.node).unwrap_or_default();
        // A number may have been another process's before.
        if let Some(at) = client.process().and_then(|process| self.pids.get(&process.pid))
            && self.by.is_of(client, target, &self.rows[*at].label)
        {
            return Some(*at);
        }
        let label = self.by.label(client, target);
        self.places.get(&*label).or_else(|| self.places.get(REST)).copied()
    }

    /// Whether a client is in the group of this label.
    pub fn is_in(&self, client: &ClientRow, label: &str, marks: &Marks) -> bool {
        let target = marks.target(client.node).unwrap_or_default();
        if label == REST {
            !self.places.contains_key(&*self.by.label(client, target))
        } else {
            self.by.is_of(client, target, label)
        }
    }

    /// Whether a filter of [`fields`] leaves a client.
    pub fn holds(&self, filter: &Filter, client: &ClientRow, around: &Around<'_>) -> bool {
        self.holds_at(|| self.place(client, around.marks), filter, client, around)
    }

    /// The same of a client in the group of this place, which is asked for only where it matters.
    fn holds_at(
        &self,
        place: impl Fn() -> Option<usize>,
        filter: &Filter,
        client: &ClientRow,
        around: &Around<'_>,
    ) -> bool {
        let clients = ClientRow::FIELDS.len();
        let of_group = |at: usize| {
            let Some(row) = place().map(|place| &self.rows[place]) else { return Value::None };
            // The command line of this program has the filter's own words in it.
            match row.process.as_ref().filter(|process| at == self.name && around.marks.is_ours(process)) {
                Some(process) => Value::Text(Cow::Borrowed(&process.name)),
                None => (GroupRow::FIELDS[at].value)(row, around),
            }
        };
        let value = |at: usize| {
            if let Some(only) = at.checked_sub(clients) {
                return self.only.get(only).map_or(Value::None, |at| of_group(*at));
            }
            let own = (ClientRow::FIELDS[at].value)(client, around);
            // Most lints speak of groups, and so of each that is in one.
            match self.lint {
                [Some(lint), Some(other)] if lint == at => both(own, of_group(other)),
                _ => own,
            }
        };
        // A word may be of a group's name, as it is shown, and never a part of its numbers.
        filter.holds_of(clients + 1, value)
    }

    /// The groups in the order they have, each with those of its clients only that a filter leaves, and without those that
    /// have none. What a group was before stays the whole group's.
    pub fn narrowed(
        &self,
        filter: &Filter,
        clients: &[Arc<ClientRow>],
        around: &Around<'_>,
    ) -> Vec<Arc<GroupRow>> {
        let mut left: Vec<Option<GroupRow>> = self.rows.iter().map(|_| None).collect();
        for client in clients {
            let Some(at) = self.place(client, around.marks) else { continue };
            if !self.holds_at(|| Some(at), filter, client, around) {
                continue;
            }
            let row = left[at].get_or_insert_with(|| none_of(&self.rows[at]));
            add(row, client, around);
        }
        left.into_iter().flatten().map(Arc::new).collect()
    }

    /// Each group's clients by their server, in the order that groups and servers have.
    pub fn by_server(
        &self,
        filter: Option<&Filter>,
        clients: &[Arc<ClientRow>],
        around: &Around<'_>,
    ) -> Vec<(NodeId, GroupRow)> {
        let mut parts: BTreeMap<(usize, NodeId), GroupRow> = BTreeMap::new();
        for client in clients {
            let Some(at) = self.place(client, around.marks) else { continue };
            if filter.is_none_or(|filter| self.holds_at(|| Some(at), filter, client, around)) {
                let row = parts.entry((at, client.node)).or_insert_with(|| none_of(&self.rows[at]));
                add(row, client, around);
            }
        }
        parts.into_iter().map(|((_, node), row)| (node, row)).collect()
    }
}

/// A group without its clients.
fn none_of(row: &GroupRow) -> GroupRow {
    GroupRow {
        count: 0,
        of: Some(row.count),
        waiting: 0,
        own: 0,
        oldest: Duration::ZERO,
        longest_idle: Duration::ZERO,
        memory: None,
        ..row.clone()
    }
}

fn add(row: &mut GroupRow, client: &ClientRow, around: &Around<'_>) {
    row.count += 1;
    row.waiting += u64::from(client.state.is_waiting());
    row.own += u64::from(client.own);
    row.oldest = row.oldest.max(client.age(around.as_of));
    row.longest_idle = row.longest_idle.max(client.idle(around.as_of));
    if let Some(memory) = client.client.memory {
        row.memory = Some(row.memory.unwrap_or(0).saturating_add(memory));
    }
}

fn both<'a>(one: Value<'a>, other: Value<'a>) -> Value<'a> {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => Value::Text(format!("{one} {other}").into()),
        (Value::None, other) => other,
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Client, NodeId, Stamp};
    use crate::snapshot::{About, ClientState, Groups as Grouped, Level, LintRow, Severity};

    const NOW: Stamp = Stamp(100_000_000_000);

    /// Forty clients called web, of which every tenth is blocked; three called cron; and one of the rest.
    fn watched() -> Snapshot {
        let client = |id: u64, name: &str, blocked: bool| {
            let told = Client { id, name: Some(name.into()), age: id, memory: Some(10), ..Client::default() };
            let state = if blocked { ClientState::Blocked } else { ClientState::Idle };
            Arc::new(ClientRow {
                node: NodeId(1),
                client: Arc::new(told),
                at: NOW,
                state,
                ..ClientRow::default()
            })
        };
        let web = (1..=40).map(|id| client(id, "web", id % 10 == 0));
        let rows = web.chain((41..=43).map(|id| client(id, "cron", false)));
        let clients: Vec<_> = rows.chain([client(50, "odd", false)]).collect();
        let group = |label: &str, count: u64| {
            Arc::new(GroupRow {
                by: GroupBy::Name,
                label: label.into(),
                count,
                grown: Some(7),
                ..GroupRow::default()
            })
        };
        let names: Arc<[_]> = [group("web", 40), group("cron", 3), group(REST, 1)].into();
        let groups = GroupBy::KEYS.map(|by| if by == GroupBy::Name { names.clone() } else { Arc::default() });
        let growth = LintRow {
            id: "growth",
            level: Level::Warn,
            severity: Severity::Warn,
            about: About::Group(GroupBy::Name, "cron".into()),
            evidence: String::new(),
            advice: "",
            since: NOW,
        };
        Snapshot {
            as_of: NOW,
            clients: clients.into(),
            groups: Arc::new(Grouped::new(groups)),
            lints: vec![Arc::new(growth)],
            ..Snapshot::default()
        }
    }

    fn left(line: &str) -> Vec<(String, u64, Option<u64>)> {
        let snapshot = watched();
        let marks = Marks::of_snapshot(&snapshot);
        let around = Around { as_of: NOW, marks: &marks };
        let filter = Filter::parse(line, &fields()).expect(line).expect("a filter");
        let rows = Groups::of(&snapshot, GroupBy::Name).narrowed(&filter, &snapshot.clients, &around);
        rows.iter().map(|row| (row.label.to_string(), row.count, row.of)).collect()
    }

    #[test]
    fn a_group_shows_those_of_its_clients_that_match() {
        let group = |label: &str, count, of| (label.to_owned(), count, Some(of));
        for (line, want) in [
            ("state:blocked", vec![group("web", 4, 40)]),
            ("age>38", vec![group("web", 2, 40), group("cron", 3, 3), group("", 1, 1)]),
            ("id=50", vec![group("", 1, 1)]),
            // What only groups have is of the whole group.
            ("count>30 age>38", vec![group("web", 2, 40)]),
            ("!count>30", vec![group("cron", 3, 3), group("", 1, 1)]),
            ("group:^cron$", vec![group("cron", 3, 3)]),
            ("cron", vec![group("cron", 3, 3)]),
            // A lint of its group is one of the client.
            ("lint:growth", vec![group("cron", 3, 3)]),
            ("growth id<43", vec![group("cron", 2, 3)]),
            ("!growth age<2", vec![group("web", 1, 40)]),
            // A word is no part of a group's numbers.
            ("7 !id:7", vec![]),
        ] {
            assert_eq!(left(line), want, "{line}");
        }
    }

    #[test]
    fn what_can_be_told_of_them_alone_is_of_those_that_match() {
        let snapshot = watched();
        let marks = Marks::of_snapshot(&snapshot);
        let around = Around { as_of: NOW, marks: &marks };
        let filter = Filter::parse("state:blocked", &fields()).expect("a line").expect("a filter");
        let rows = Groups::of(&snapshot, GroupBy::Name).narrowed(&filter, &snapshot.clients, &around);
        let row = &rows[0];
        assert_eq!((row.waiting, row.memory, row.oldest), (4, Some(40), Duration::from_secs(40)));
        assert_eq!(row.grown, Some(7), "what it was before is not known of four of them");
    }

    #[test]
    fn a_field_of_both_is_the_clients() {
        let fields = fields();
        assert_eq!(fields.iter().filter(|name| **name == "idle").count(), 1);
        assert_eq!(fields.get(ClientRow::FIELDS.len()), Some(&"group"), "a word looks no further");
        let only: Vec<_> = of_groups().collect();
        assert_eq!(only, ["group", "count", "change", "grown", "rate", "waiting", "own", "oldest"]);
    }
}
