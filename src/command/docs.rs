//! The server's own description of its commands: replies to `COMMAND DOCS` and `COMMAND`, in RESP2 or RESP3.
//!
//! A server can say anything, so what is taken is bounded in number, depth and length, and control and direction
//! characters never get further than here.

use std::collections::HashMap;

use crate::resp::Value;
use crate::text::obeyed;

use super::spec::{Arg, ArgKind, Flags, Spec, Table};

/// Commands taken from one reply; servers with many modules have about 700.
const MAX_COMMANDS: usize = 4096;
/// Subcommands of one container.
const MAX_SUBCOMMANDS: usize = 256;
/// Arguments, the parts of arguments included, of all commands together.
const MAX_ARGS: usize = 65_536;
/// How deep arguments may be made of parts; the deepest known has 4.
const MAX_DEPTH: usize = 12;
/// Characters of one text.
const MAX_TEXT: usize = 512;

/// The commands in a reply to `COMMAND DOCS`, with arity and flags from a reply to `COMMAND` or `COMMAND INFO`. What
/// the server leaves out of a command it shares with `known` (its arguments, say) is taken from there. Empty where
/// the reply describes nothing.
pub fn from_reply(docs: &Value, commands: Option<&Value>, known: &Table) -> Vec<Spec> {
    let mut infos = HashMap::new();
    for info in commands.map(Value::items).unwrap_or_default().iter().take(MAX_COMMANDS) {
        collect_info(info, true, &mut infos);
    }
    let mut reader = Reader { infos, known, args_left: MAX_ARGS };
    let specs = docs.pairs().take(MAX_COMMANDS).filter_map(|(name, doc)| reader.spec(name, doc, true));
    specs.collect()
}

/// Arity and flags by lower-case full name, `client|kill`.
type Infos = HashMap<String, (i64, Flags)>;

fn collect_info(info: &Value, container: bool, infos: &mut Infos) {
    let fields = info.items();
    let (Some(name), Some(arity), Some(flags)) =
        (fields.first().and_then(text), fields.get(1).and_then(Value::integer), fields.get(2))
    else {
        return;
    };
    let words: Vec<String> = flags.items().iter().take(64).filter_map(text).collect();
    infos.insert(name.to_lowercase(), (arity, Flags::from_words(words.iter().map(String::as_str))));
    if container {
        for sub in fields.get(9).map(Value::items).unwrap_or_default().iter().take(MAX_SUBCOMMANDS) {
            collect_info(sub, false, infos);
        }
    }
}

struct Reader<'a> {
    infos: Infos,
    known: &'a Table,
    args_left: usize,
}

impl Reader<'_> {
    fn spec(&mut self, name: &Value, doc: &Value, container: bool) -> Option<Spec> {
        let key = text(name).filter(|name| is_name(name))?.to_lowercase();
        let name = key.replace('|', " ").to_uppercase();
        let known = self.known.find(&name.split(' ').collect::<Vec<_>>()).filter(|spec| *spec.name == *name);
        let mut spec = known.cloned().unwrap_or_default();
        spec.name = name.into();
        spec.replaced_by = None;
        if let Some((arity, flags)) = self.infos.get(&key) {
            (spec.arity, spec.flags) = (*arity, *flags);
        }
        let mut subcommands = Vec::new();
        for (field, value) in doc.pairs().take(64) {
            match text(field).as_deref() {
                Some("summary") => set(&mut spec.summary, value),
                Some("since") => set(&mut spec.since, value),
                Some("group") => set(&mut spec.group, value),
                Some("complexity") => set(&mut spec.complexity, value),
                Some("replaced_by") => spec.replaced_by = text(value).map(Into::into),
                Some("arguments") => spec.arguments = self.args(value, 0),
                Some("subcommands") if container => {
                    let subs = value.pairs().take(MAX_SUBCOMMANDS);
                    subcommands = subs.filter_map(|(name, doc)| self.spec(name, doc, false)).collect();
                }
                _ => {}
            }
        }
        if container {
            spec.subcommands = subcommands;
        }
        Some(spec)
    }

    fn args(&mut self, value: &Value, depth: usize) -> Vec<Arg> {
        if depth == MAX_DEPTH {
            return Vec::new();
        }
        let mut args = Vec::new();
        for value in value.items() {
            let Some(left) = self.args_left.checked_sub(1) else { break };
            self.args_left = left;
            args.push(self.arg(value, depth));
        }
        args
    }

    fn arg(&mut self, value: &Value, depth: usize) -> Arg {
        let mut arg = Arg::default();
        let mut shown = None;
        for (field, value) in value.pairs().take(64) {
            match text(field).as_deref() {
                Some("name") => set(&mut arg.name, value),
                Some("display_text") => shown = text(value),
                Some("type") => arg.kind = ArgKind::from_word(&text(value).unwrap_or_default()),
                Some("token") => arg.token = text(value).map(Into::into),
                Some("arguments") => arg.parts = self.args(value, depth + 1),
                Some("flags") => {
                    for flag in value.items().iter().take(16).filter_map(text) {
                        arg.optional |= flag == "optional";
                        arg.multiple |= flag == "multiple";
                        arg.token_repeats |= flag == "multiple_token";
                    }
                }
                _ => {}
            }
        }
        if let Some(shown) = shown {
            arg.name = shown.into();
        }
        arg
    }
}

/// A name that a person could type: `get`, `client|kill`, `json.set`.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\''))
}

fn set(field: &mut Box<str>, value: &Value) {
    if let Some(text) = text(value) {
        *field = text.into();
    }
}

/// A text in one line, cut and cleaned.
fn text(value: &Value) -> Option<String> {
    let bytes = value.text()?;
    // No character has more than four bytes, so that this many are enough and a huge text costs nothing.
    let head = &bytes[..bytes.len().min(MAX_TEXT * 4)];
    Some(
        String::from_utf8_lossy(head)
            .chars()
            .take(MAX_TEXT)
            .map(|c| if obeyed(c) { '?' } else { c })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// A map in either protocol.
    fn map(resp3: bool, pairs: Vec<(&str, Value)>) -> Value {
        let pairs = pairs.into_iter().map(|(key, value)| (bulk(key), value));
        if resp3 {
            Value::Map(pairs.collect())
        } else {
            Value::Array(pairs.flat_map(|(k, v)| [k, v]).collect())
        }
    }

    fn docs(resp3: bool) -> Value {
        let key =
            map(resp3, vec![("name", bulk("key")), ("type", bulk("key")), ("display_text", bulk("the-key"))]);
        let flags = Value::Set(vec![Value::Simple("optional".into()), Value::Simple("multiple".into())]);
        let option = map(
            resp3,
            vec![("name", bulk("n")), ("type", bulk("integer")), ("token", bulk("N")), ("flags", flags)],
        );
        let sub = map(resp3, vec![("summary", bulk("Sub.")), ("since", bulk("2.0.0"))]);
        let frob = map(
            resp3,
            vec![
                ("summary", bulk("Frobs\x1b[31m\u{202e}.")),
                ("since", bulk("1.0.0")),
                ("group", bulk("module")),
                ("arguments", Value::Array(vec![key, option])),
                ("subcommands", map(resp3, vec![("frob|it", sub)])),
            ],
        );
        map(resp3, vec![("frob", frob), ("get", map(resp3, vec![])), ("no name", map(resp3, vec![]))])
    }

    #[test]
    fn both_protocols_give_the_same_commands() {
        let info = |name: &str, arity, flag: &'static str, subs| {
            let flags = Value::Set(vec![Value::Simple(flag.into())]);
            let gap = || Value::Nil;
            Value::Array(vec![
                bulk(name),
                Value::Integer(arity),
                flags,
                gap(),
                gap(),
                gap(),
                gap(),
                gap(),
                gap(),
                subs,
            ])
        };
        let sub = info("frob|it", 2, "blocking", Value::Array(vec![]));
        let infos = Value::Array(vec![info("frob", -2, "readonly", Value::Array(vec![sub])), Value::Nil]);
        let known = Table::embedded();
        let specs = from_reply(&docs(true), Some(&infos), &known);
        assert_eq!(specs, from_reply(&docs(false), Some(&infos), &known));
        assert_eq!(specs.iter().map(|s| &*s.name).collect::<Vec<_>>(), ["FROB", "GET"]);
        let frob = &specs[0];
        assert_eq!(&*frob.summary, "Frobs?[31m?.");
        assert_eq!((frob.arity, frob.flags.readonly), (-2, true));
        assert_eq!(&*frob.arguments[0].name, "the-key");
        assert_eq!(frob.arguments[1].token.as_deref(), Some("N"));
        assert!(frob.arguments[1].optional && frob.arguments[1].multiple);
        assert_eq!((&*frob.subcommands[0].name, frob.subcommands[0].flags.blocking), ("FROB IT", true));
        // A server that only names GET leaves what is known of it.
        assert_eq!(&specs[1], known.command(b"get").unwrap());
    }

    #[test]
    fn replies_that_describe_nothing_teach_nothing() {
        let known = Table::embedded();
        for reply in
            [Value::Nil, Value::Error("ERR unknown subcommand".into()), Value::Array(vec![bulk("get")])]
        {
            assert!(from_reply(&reply, Some(&reply), &known).is_empty(), "{reply:?}");
        }
    }

    #[test]
    fn what_is_taken_is_bounded() {
        let mut deep = Value::Array(vec![]);
        for _ in 0..100 {
            deep = Value::Array(vec![map(true, vec![("name", bulk("x")), ("arguments", deep)])]);
        }
        let long = "é".repeat(100_000);
        let doc = map(true, vec![("arguments", deep), ("summary", bulk(&long))]);
        let specs = from_reply(&map(true, vec![("deep", doc)]), None, &Table::default());
        assert_eq!(specs[0].summary.chars().count(), MAX_TEXT);
        let (mut depth, mut args) = (0, &specs[0].arguments);
        while let Some(arg) = args.first() {
            (depth, args) = (depth + 1, &arg.parts);
        }
        assert_eq!(depth, MAX_DEPTH);

        let many = Value::Map((0..MAX_COMMANDS + 10).map(|n| (bulk(&format!("c{n}")), Value::Nil)).collect());
        assert_eq!(from_reply(&many, None, &Table::default()).len(), MAX_COMMANDS);
        let args = Value::Array(vec![Value::Nil; MAX_ARGS + 10]);
        let wide = map(true, vec![("wide", map(true, vec![("arguments", args)]))]);
        assert_eq!(from_reply(&wide, None, &Table::default())[0].arguments.len(), MAX_ARGS);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let field = prop::sample::select(vec![
            "summary",
            "arguments",
            "flags",
            "name",
            "type",
            "token",
            "subcommands",
            "get",
            "client|kill",
            "oneof",
        ]);
        let leaf = prop_oneof![field.prop_map(bulk), any::<i64>().prop_map(Value::Integer), Just(Value::Nil)];
        leaf.prop_recursive(5, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_reply_is_taken_calmly(docs in any_value(), infos in any_value()) {
            for spec in from_reply(&docs, Some(&infos), &Table::embedded()) {
                prop_assert!(is_name(&spec.name.replace(' ', "|")));
            }
        }
    }
}
