use bytes::Bytes;

use super::*;

fn bulk(text: &str) -> Value {
    Value::Bulk(Bytes::copy_from_slice(text.as_bytes()))
}

fn simple(text: &str) -> Value {
    Value::Simple(Bytes::copy_from_slice(text.as_bytes()))
}

fn error(text: &str) -> Value {
    Value::Error(Bytes::copy_from_slice(text.as_bytes()))
}

fn items(kind: &str, name: &str, count: i64) -> Vec<Value> {
    vec![bulk(kind), bulk(name), Value::Integer(count)]
}

fn message() -> Vec<Value> {
    vec![bulk("message"), bulk("a"), bulk("hello")]
}

fn ledger() -> Ledger {
    Ledger::new(0, 2)
}

impl Ledger {
    fn send(&mut self, line: &str) {
        self.sent(&line.split(' ').collect::<Vec<_>>());
    }

    /// Sends a command and takes its reply.
    fn run(&mut self, line: &str, reply: &Value) {
        self.send(line);
        assert_eq!(self.arrived(reply), Arrival::Reply, "{line}");
        assert_eq!(self.owed(), 0, "{line}");
    }
}

#[test]
fn a_plain_command_owes_one_reply() {
    let mut ledger = ledger();
    ledger.send("GET a");
    ledger.send("SET a 1");
    assert_eq!(ledger.owed(), 2);
    assert_eq!(ledger.arrived(&Value::Push(vec![bulk("invalidate"), Value::Nil])), Arrival::Stream);
    assert_eq!(ledger.arrived(&Value::Nil), Arrival::Reply);
    assert_eq!(ledger.arrived(&error("ERR no")), Arrival::Reply);
    assert_eq!(ledger.owed(), 0);
    assert_eq!(ledger.arrived(&simple("OK")), Arrival::Unexpected);
}

#[test]
fn subscribe_owes_one_confirmation_a_channel_in_either_protocol() {
    for push in [false, true] {
        let frame = |items: Vec<Value>| if push { Value::Push(items) } else { Value::Array(items) };
        let mut ledger = ledger();
        ledger.send("GET a");
        ledger.send("SUBSCRIBE a b");
        ledger.send("PING");
        assert_eq!(ledger.owed(), 4);
        assert_eq!(ledger.arrived(&Value::Array(items("subscribe", "not", 1))), Arrival::Reply, "GET's own");
        assert_eq!(ledger.arrived(&frame(items("subscribe", "a", 1))), Arrival::Reply);
        assert_eq!(ledger.arrived(&frame(message())), Arrival::Stream);
        assert_eq!(ledger.owed(), 2);
        assert_eq!(ledger.arrived(&frame(items("subscribe", "b", 2))), Arrival::Reply);
        assert_eq!(ledger.arrived(&Value::Array(vec![bulk("pong"), bulk("")])), Arrival::Reply);
        assert_eq!((ledger.owed(), ledger.mode()), (0, Mode::Subscribed));
        assert_eq!(ledger.taint(), Some("subscribed"));

        ledger.run("PSUBSCRIBE a*", &frame(items("psubscribe", "a*", 3)));
        ledger.send("UNSUBSCRIBE");
        ledger.send("PUNSUBSCRIBE");
        assert_eq!(ledger.owed(), 2, "how many there are is not known before the first answer");
        assert_eq!(ledger.arrived(&frame(items("unsubscribe", "a", 2))), Arrival::Reply);
        assert_eq!(ledger.owed(), 2);
        assert_eq!(ledger.arrived(&frame(items("unsubscribe", "b", 1))), Arrival::Reply);
        assert_eq!(ledger.arrived(&frame(items("punsubscribe", "a*", 0))), Arrival::Reply);
        assert_eq!((ledger.owed(), ledger.mode(), ledger.taint()), (0, Mode::Normal, None));

        ledger.run("UNSUBSCRIBE", &frame(vec![bulk("unsubscribe"), Value::Nil, Value::Integer(0)]));
    }
}

#[test]
fn one_error_answers_a_whole_subscribe() {
    let mut ledger = ledger();
    ledger.send("SUBSCRIBE a b c");
    ledger.send("GET a");
    assert_eq!(ledger.arrived(&error("NOPERM no")), Arrival::Reply);
    assert_eq!(ledger.owed(), 1);
    assert_eq!(ledger.arrived(&Value::Nil), Arrival::Reply);
    assert_eq!((ledger.owed(), ledger.taint()), (0, None));
}

#[test]
fn an_unsubscription_by_the_server_is_nobodys_reply() {
    let mut ledger = ledger();
    ledger.run("SSUBSCRIBE a", &Value::Push(items("ssubscribe", "a", 1)));
    ledger.send("GET a");
    assert_eq!(ledger.arrived(&Value::Push(items("sunsubscribe", "a", 0))), Arrival::Stream);
    assert_eq!((ledger.owed(), ledger.mode()), (1, Mode::Normal));
}

#[test]
fn monitor_lines_are_not_replies_until_reset() {
    let mut ledger = ledger();
    ledger.run("MONITOR", &simple("OK"));
    assert_eq!((ledger.mode(), ledger.taint()), (Mode::Monitor, Some("in MONITOR")));
    assert_eq!(ledger.arrived(&simple("1700000000.5 [0 127.0.0.1:1] \"GET\" \"a\"")), Arrival::Stream);
    ledger.send("RESET");
    assert_eq!(ledger.arrived(&simple("1700000000.6 [0 127.0.0.1:1] \"RESET\"")), Arrival::Stream);
    assert_eq!(ledger.owed(), 1);
    assert_eq!(ledger.arrived(&simple("RESET")), Arrival::Reply);
    assert_eq!((ledger.owed(), ledger.mode()), (0, Mode::Normal));
    assert_eq!(ledger.taint(), Some("RESET undid its authentication and settings"));
}

#[test]
fn replies_that_are_off_are_not_owed() {
    let mut ledger = ledger();
    ledger.send("CLIENT REPLY SKIP");
    ledger.send("SET a 1");
    assert_eq!((ledger.owed(), ledger.taint()), (0, None));
    ledger.send("CLIENT REPLY OFF");
    ledger.send("SET a 1");
    assert_eq!((ledger.owed(), ledger.mode()), (0, Mode::RepliesOff));
    assert_eq!(ledger.taint(), Some("replies are off"));
    ledger.run("CLIENT REPLY ON", &simple("OK"));
    assert_eq!((ledger.mode(), ledger.taint()), (Mode::Normal, None));
    ledger.send("CLIENT REPLY SKIP");
    ledger.send("SELECT 3");
    ledger.run("GET a", &Value::Nil);
    assert_eq!(ledger.taint(), Some("its state was changed while replies were off"));
}

#[test]
fn a_transaction_lasts_from_multi_to_exec() {
    let mut ledger = ledger();
    ledger.run("WATCH a", &simple("OK"));
    assert_eq!(ledger.taint(), Some("keys are watched"));
    ledger.run("EXEC", &error("ERR EXEC without MULTI"));
    assert!(ledger.state().watching);
    ledger.run("MULTI", &simple("OK"));
    ledger.run("MULTI", &error("ERR MULTI calls can not be nested"));
    assert_eq!(ledger.taint(), Some("MULTI is open"));
    ledger.run("GET a", &simple("QUEUED"));
    ledger.run("EXEC", &Value::Nil);
    assert_eq!(ledger.taint(), None);

    for (end, reply) in [("EXEC", error("EXECABORT no")), ("DISCARD", simple("OK"))] {
        ledger.run("WATCH a", &simple("OK"));
        ledger.run("MULTI", &simple("OK"));
        ledger.run("SELECT 5", &simple("QUEUED"));
        ledger.run(end, &reply);
        assert_eq!((ledger.taint(), ledger.state().database), (None, 0));
    }
    ledger.run("WATCH a", &simple("OK"));
    ledger.run("UNWATCH", &simple("OK"));
    assert_eq!(ledger.taint(), None);
}

#[test]
fn what_multi_queued_takes_effect_with_exec() {
    let mut ledger = ledger();
    ledger.run("MULTI", &simple("OK"));
    ledger.run("SELECT 5", &simple("QUEUED"));
    assert_eq!(ledger.state().database, 0);
    ledger.run("EXEC", &Value::Array(vec![simple("OK")]));
    assert_eq!(ledger.state().database, 5);
    ledger.run("MULTI", &simple("OK"));
    ledger.run("SUBSCRIBE a b", &simple("QUEUED"));
    ledger.run("EXEC", &Value::Array(vec![]));
    ledger.run("SELECT 0", &simple("OK"));
    assert_eq!(ledger.taint(), Some("its state was changed inside MULTI"));
}

#[test]
fn what_a_command_changes_shows_as_a_taint_once_confirmed() {
    let table = [
        ("SELECT 1", simple("OK"), Some("another database is selected")),
        ("SELECT 99", error("ERR DB index is out of range"), None),
        ("SELECT 0", simple("OK"), None),
        ("AUTH ann pw", simple("OK"), Some("authenticated again")),
        ("AUTH ann pw", error("WRONGPASS no"), None),
        ("HELLO", Value::Array(vec![]), None),
        ("HELLO 2", Value::Array(vec![]), None),
        ("HELLO 3", Value::Map(vec![]), Some("another protocol was agreed on")),
        ("HELLO 2 AUTH a b", Value::Array(vec![]), Some("authenticated again")),
        ("CLIENT TRACKING ON", simple("OK"), Some("client tracking is on")),
        ("CLIENT TRACKING OFF", simple("OK"), None),
        ("CLIENT NO-EVICT ON", simple("OK"), Some("exempt from eviction")),
        ("CLIENT NO-TOUCH ON", simple("OK"), Some("leaves no trace on keys")),
        ("QUIT", simple("OK"), Some("the server was asked to close it")),
        ("CLIENT SETNAME a", simple("OK"), None),
    ];
    for (line, reply, taint) in table {
        let mut ledger = ledger();
        ledger.send(line);
        assert_eq!(ledger.taint(), None, "{line}: not confirmed yet");
        let said = Value::Attribute { attributes: vec![], value: Box::new(reply) };
        assert_eq!(ledger.arrived(&said), Arrival::Reply);
        assert_eq!(ledger.taint(), taint, "{line}");
    }
}

#[test]
fn a_hostile_count_overflows_nothing() {
    let mut ledger = ledger();
    ledger.send("SUBSCRIBE a");
    ledger.arrived(&Value::Push(items("subscribe", "a", i64::MAX)));
    ledger.arrived(&Value::Push(items("psubscribe", "a", i64::MAX)));
    ledger.arrived(&Value::Push(items("ssubscribe", "a", i64::MAX)));
    ledger.send("UNSUBSCRIBE");
    ledger.arrived(&Value::Push(items("unsubscribe", "a", -1)));
    ledger.arrived(&Value::Push(items("unsubscribe", "a", 0)));
    assert!(ledger.owed() > 0);
}
