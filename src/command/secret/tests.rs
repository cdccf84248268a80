use proptest::prelude::*;

use super::*;
use crate::command::output::Output;
use crate::resp::Value;

/// A password that is no part of any other word.
const PW: &str = "Hunter2";

/// Lines with the password in them, and what of each is shown.
const SECRET: &[(&str, &str)] = &[
    ("AUTH PW", "AUTH "),
    ("auth u PW", "auth "),
    ("AUTH PW &", "AUTH "),
    ("AUTH PW | less", "AUTH "),
    ("AUTH \"PW", "AUTH "),
    ("AUTH 'PW", "AUTH "),
    ("AUTHPW", ""),
    ("AUTHPW x", ""),
    ("#3 AUTH PW", "#3 AUTH "),
    ("5 AUTH PW", "5 AUTH "),
    ("5 #3 AUTH PW", "5 #3 AUTH "),
    ("#3 5 AUTH PW", "#3 5 AUTH "),
    ("127.0.0.1:6379> AUTH PW", "127.0.0.1:6379> AUTH "),
    ("redis AUTH PW", "redis AUTH "),
    ("redis> AUTH PW", "redis> AUTH "),
    ("POOL BURST 3 AUTH PW", "POOL BURST 3 AUTH "),
    ("POOL BURST 3 CONFIG SET requirepass PW", "POOL BURST 3 CONFIG SET requirepass "),
    ("HELP AUTH PW", "HELP AUTH "),
    ("HELP CONFIG SET requirepass PW", "HELP CONFIG SET requirepass "),
    ("? AUTH PW", "? AUTH "),
    ("COMMAND GETKEYS AUTH PW", "COMMAND GETKEYS AUTH "),
    ("COMMAND GETKEYSANDFLAGS AUTH u PW", "COMMAND GETKEYSANDFLAGS AUTH "),
    ("CLIENT AUTH PW", "CLIENT AUTH "),
    ("HELLO 3 AUTH u PW", "HELLO 3 AUTH "),
    ("HELLO AUTH u PW", "HELLO AUTH "),
    ("HELLO 3 SETNAME a AUTH u PW", "HELLO 3 SETNAME a AUTH "),
    ("MIGRATE h 6379 k 0 1 AUTH PW", "MIGRATE h 6379 k 0 1 AUTH "),
    ("MIGRATE h 6379 \"\" 0 1 COPY AUTH2 u PW KEYS a", "MIGRATE h 6379 \"\" 0 1 COPY AUTH2 "),
    ("MIGRATE h 6379 k 0 1 REPLACE AUTH PW", "MIGRATE h 6379 k 0 1 REPLACE AUTH "),
    ("CONFIG SET requirepass PW", "CONFIG SET requirepass "),
    ("CONFIG SET masterauth PW", "CONFIG SET masterauth "),
    ("CONFIG SET masteruser PW", "CONFIG SET masteruser "),
    ("CONFIG SET primaryauth PW", "CONFIG SET primaryauth "),
    ("CONFIG SET tls-key-file-pass PW", "CONFIG SET tls-key-file-pass "),
    ("CONFIG SET tls-client-key-file-pass PW", "CONFIG SET tls-client-key-file-pass "),
    ("CONFIG SET maxclients 5 requirepass PW", "CONFIG SET maxclients 5 requirepass "),
    ("SENTINEL SET m auth-pass PW", "SENTINEL SET m auth-pass "),
    ("SENTINEL CONFIG SET sentinel-pass PW", "SENTINEL CONFIG SET sentinel-pass "),
    ("ACL SETUSER bob >PW", "ACL SETUSER bob "),
    ("ACL SETUSER bob on ~* +@all <PW", "ACL SETUSER bob on ~* +@all "),
    ("ACL SETUSER bob on \">PW\"", "ACL SETUSER bob on "),
    ("ACL SETUSER bob #PW", "ACL SETUSER bob "),
    ("ACL SETUSER bob on !PW", "ACL SETUSER bob on "),
    ("redis://u:PW@h", ""),
    ("redis://:PW@h:6379/0", ""),
    ("rediss://u:PW@h:6379", ""),
    ("SET url redis://u:PW@h:6379/0", "SET url "),
    ("redis-cli -a PW", "redis-cli -a "),
    ("redis-cli -h 127.0.0.1 -p 6379 -a PW PING", "redis-cli -h 127.0.0.1 -p 6379 -a "),
    ("redis-cli -aPW", "redis-cli "),
    ("redis-cli --pass PW", "redis-cli --pass "),
    ("redis-cli --pass=PW", "redis-cli "),
    ("redis-cli --password=PW", "redis-cli "),
    ("redis-cli --user bob --pass PW", "redis-cli --user bob --pass "),
    ("redis-cli AUTH PW", "redis-cli AUTH "),
    ("redis-cli -u redis://u:PW@h", "redis-cli -u "),
    ("valkey-cli -a PW GET a", "valkey-cli -a "),
    ("redis-pooltop -a PW", "redis-pooltop -a "),
    ("/usr/bin/redis-cli -a PW", "/usr/bin/redis-cli -a "),
    ("sudo redis-cli -a PW", "sudo redis-cli -a "),
    ("./redis-cli -aPW", "./redis-cli "),
    ("REDISCLI_AUTH=PW redis-cli", ""),
    ("export REDISCLI_AUTH=PW", "export "),
    ("--pass PW", ""),
    ("echo AUTH PW | redis-cli", "echo "),
    ("requirepass PW", "requirepass "),
    ("user bob on >PW ~* +@all", "user bob on "),
];

/// The same in forms of which a slip makes another line that is right, and with slips: those that got a password into the
/// history or onto the screen once, and two at a time.
const SLIPS: &[&str] = &[
    "PING\nAUTH PW",
    "MODULE LOADEX m.so CONFIG x.password PW",
    "SET url https://u:PW@h",
    "SETUSER bob >PW",
    "HELO 3 AUTH u PW",
    "HELLO 3 AUHT u PW",
    "HELO 3 AUHT u PW",
    "MIGRTE h 6379 k 0 1 AUTH PW",
    "MIGRATE h 6379 k 0 1 AUHT2 u PW",
    "COFNIG SET requirepass PW",
    "CONFIGSET requirepass PW",
    "COFNIG SETT requirepas PW",
    "CONFIG GET requirepass PW",
    "CONFIG SET requirepas PW",
    "CONFIG SET rqeuirepsas PW",
    "CONFIG SET requirep ass PW",
    "CONFIG SET requirepassPW",
    "CONFIG SET masteruserPW",
    "AUHT PW",
    "UATH PW",
    "AHUT u PW",
    "AU TH PW",
    "AUTHPW",
    "AUHTPW",
    "ATHPW",
    "AUTH,PW",
    "AUTH\u{a0}PW",
    "AUTH\u{200b}PW",
    "\u{feff}AUTH PW",
    "\"AUTH\"PW",
    "\"AUTH\"\"PW\"",
    "\"\\x41UTH\" PW",
    "'AU'TH PW",
    "PING; AUTH PW",
    "redis AHUT PW",
    "redis-cli AUHT PW",
    "AC SETUSER b >PW #hash <PW",
    "ACLSETUSER b >PW",
    "ACL SETUSR b >PW",
    "ACL SETUSER b PW",
    "ACL SETUSER b on PW",
    "ACL SETUSER b > PW",
    "ACL SETUSER b (>PW)",
    "redis:/u:PW@h",
    "rediss:u:PW@h",
    "redis//u:PW@h",
    "redis:// u:PW@h",
    "redis://u: PW@h",
    "redis://PW@h",
    "redis+tls://PW@h",
    "valkey:PW@h",
    "redis://u:PW/0",
    "rdeis-cli -a PW",
    "redis-cli-a PW",
    "redis-cli a PW",
    "redis-cli -s PW",
    "redis-cli -h PW",
    "redis-cli --psas PW",
    "--pas PW",
    "-a PW",
    "REDISCLI_AUHT=PW redis-cli",
    "REDISCLI_AUTH PW redis-cli",
    "docker exec -ti r redis-cli -a PW",
    "sudo redis-cli a PW",
    "5 redis-cli -a PW",
    "127.0.0.1:6379>AUTH PW",
    "localhost:6379>AUTH PW",
    "LOGIN bob secret=PW",
    "LOGIN u PW",
    "LOGN u PW",
    "pw PW",
    "A U T H PW",
    "A U T H u PW",
    "AU T H PW",
    "ＡＵＴＨ PW",
    "ａｕｔｈ PW",
    "АUТН PW",
    "ＣＯＮＦＩＧ SET requirepass PW",
    "EVAL \"return redis.call('AUTH','PW')\" 0",
    "EVAL \"return redis.call('AUTH','PW",
    "EVAL 'return redis.call(\"AUTH\", \"PW\")' 0",
    "EVAL_RO \"return redis.pcall('auth','u','PW')\" 0",
    "EVAL \"local p = 'PW' return redis.call('AUTH', p)\" 0",
    "EVAL \"local c = redis.call c('AUTH', 'PW')\" 0",
    "EVAL \"return redis.call('CONFIG','SET','requirepass','PW')\" 0",
    "EVAL \"return redis.call('ACL', 'SETUSER', 'bob', '>PW')\" 0",
    "EVAL \"return redis.call('COFNIG','SET','requirepass','PW')\" 0",
    "EVAL return redis.call('AUTH','PW') 0",
    "5 EVAL \"redis.call('AUHT','PW')\" 0",
    "SCRIPT LOAD \"return redis.call('AUTH','PW')\"",
    "FUNCTION LOAD \"redis.call('auth','PW')\"",
    "FUNCTION LOAD REPLACE \"#!lua name=x\\nredis.call('auth','PW')\"",
    "ACL DRYRUN u AUTH PW",
    "ACL DRYRUN u AUHT PW",
    "ACL DRYRUN u CONFIG SET requirepass PW",
    "PING | cat; AUTH PW",
    "PING | cat ; AUTH PW",
    "PING | cat;AUTH PW",
    "PING | grep x && curl -u u:PW http://x",
    "PING | curl -u u:PW http://x",
    "PING | cat | mysql -pPW",
    "PING | tee $(curl -u u:PW x)",
    "PASSWORD PW",
];

/// Lines that are kept and shown as they are.
const ORDINARY: &[&str] = &[
    "",
    "   ",
    "PING",
    "5 PING",
    "#3 GET a",
    "127.0.0.1:6379> GET a",
    "AUTH",
    "auth ",
    "HELLO",
    "HELLO 3",
    "HELLO 3 SETNAME ada",
    "HELLO 3 SETN",
    "HELLO 3 AUTH",
    "HELP AUTH",
    "HELP HELLO",
    "HELP ACL SETUSER",
    "HELP CONFIG SET",
    "HELP @list",
    "? auth",
    "GET user:1",
    "GET auth",
    "GET password",
    "GETDEL auth:1",
    "SET auth token",
    "SET auth:token:1 x",
    "SET password:reset:1 x EX 60",
    "SET mail bob@example.com",
    "GET user:bob@example.com",
    "SET a \"b > c # d\"",
    "SET url redis://host/0",
    "SET url redis://[::1]:6379/0",
    "GET redis:user:1",
    "GET redis-cache:1/2",
    "KEYS *auth*",
    "KEYS *pass*",
    "SCAN 0 MATCH auth:* COUNT 10",
    "HSET user pass x?",
    "HSET user:1 password_hash abc name ada",
    "HGET user:1 password",
    "DEL requirepass masterauth",
    "ZADD z 1 -a",
    "XADD s * auth 1",
    "XREADGROUP GROUP g c STREAMS s >",
    "EVAL \"return redis.call('GET', KEYS[1])\" 1 auth",
    "EVAL \"return redis.call('GET', KEYS[1])\" 1 auth:token",
    "EVAL \"if (redis.call('GET', KEYS[1]) == 'password') then return redis.call('SET', 'auth', ARGV[1]) end\" 1 auth",
    "EVAL \"return callback(auth)\" 0",
    "SCRIPT LOAD \"return redis.call('HSET', KEYS[1], 'password', ARGV[1])\"",
    "FUNCTION LOAD \"#!lua name=l redis.register_function('auth', function(keys) return 1 end)\"",
    "ACL DRYRUN bob GET auth",
    "KEYS * | grep auth",
    "KEYS * | grep -v auth:token | sort -u | head -n 5",
    "HGETALL user | jq .password",
    "KEYS * | wc -l; cat",
    "GET a | less",
    "CONFIG GET requirepass",
    "CONFIG GET requirepas",
    "CONFIG GET *pass*",
    "CONFIG GET *",
    "CONFIG SET maxclients 5",
    "CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru",
    "CONFIG SET requirepas",
    "CONFIG SET requirepass",
    "CONFIG REWRITE",
    "ACL WHOAMI",
    "ACL LIST",
    "ACL CAT write",
    "ACL GETUSER bob",
    "ACL DELUSER bob eve",
    "ACL DRYRUN bob GET a",
    "ACL SETUSER bob",
    "ACL SETUSER bob on nopass ~* &* +@all -@dangerous",
    "ACL SETUSER bob reset on ~app:* %R~log:* +get +config|get (+set ~x:*)",
    "CLIENT SETNAME auth",
    "CLIENT KILL ID 7",
    "CLIENT LIST",
    "COMMAND DOCS auth",
    "COMMAND GETKEYS GET a",
    "MIGRATE h 6379 k 0 5",
    "MIGRATE auth.example.com 6379 auth:1 0 5 COPY REPLACE",
    "MIGRATE h 6379 \"\" 0 5 KEYS a b c",
    "SENTINEL MASTERS",
    "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster",
    "POOL STATS",
    "POOL HOLD 3",
    "POOL BURST 5 GET a",
    "POOL CONFIG SET max-idle 5",
    "POOL CONFIG GET *",
    "POOL STATSS",
    "FT.SEARCH idx @auth:{x} -@a",
    "JSON.SET k $ {\"password\":1}",
    "TS.ADD auth:1 * 5",
    "redis://host:6379",
    "redis-cli",
    "redis-cli get a",
    "redis-cli -h 10.0.0.1 -p 6379 -n 2 get a",
    "redis-cli --askpass ping",
    "redis-cli FT.SEARCH idx x",
    "BLPOP q 0 &",
    "unheard of",
    "GETT user:1",
    "gte a",
    "STE a 1",
    "SETT a 1",
    "PNIG",
    "LPSUH q a b",
    "ZRANEG z 0 -1",
];

fn with_password(line: &str) -> String {
    line.replace("PW", PW)
}

/// The line as it is shown.
fn masked(line: &str) -> String {
    secret_from(line).map_or_else(|| line.to_owned(), |at| format!("{}{MASK}", &line[..at]))
}

/// None of the password is left in what is shown, and the line is not kept.
fn is_safe(line: &str) -> bool {
    let shown = secret_from(line).map(|at| &line[..at]);
    shown.is_some_and(|shown| !shown.contains(&PW[1..]))
}

#[test]
fn passwords_are_hidden_and_what_stands_before_them_is_shown() {
    for (line, shown) in SECRET {
        let line = with_password(line);
        assert_eq!(masked(&line), format!("{shown}{MASK}"), "{line}");
        assert!(is_safe(&line), "{line}");
        assert!(is_safe(&line.to_lowercase().replace("hunter2", PW)), "{line}");
    }
}

#[test]
fn slips_hide_no_less() {
    for line in SLIPS {
        let line = with_password(line);
        assert!(is_safe(&line), "{line:?} shows as {:?}", masked(&line));
    }
}

#[test]
fn ordinary_lines_are_kept_as_they_are() {
    for line in ORDINARY {
        assert_eq!(secret_from(line), None, "{line:?} shows as {:?}", masked(line));
    }
}

#[test]
fn of_a_commands_words_only_those_before_the_secret_may_be_shown() {
    assert_eq!(open_words(&["AUTH", "x"]), 1);
    assert_eq!(open_words(&["AUTHx"]), 0);
    assert_eq!(open_words(&["CONFIG", "SET", "requirepass", "x"]), 3);
    assert_eq!(open_words(&["SET", "a b", "AUTH x"]), 3);
    assert_eq!(open_words::<&str>(&[]), 0);
}

#[test]
fn the_end_of_a_line_that_nobody_typed_is_not_shown() {
    let line = "é".repeat(READ);
    assert_eq!(secret_from(&line), Some(READ));
    assert_eq!(secret_from(&format!(" {line}")), Some(READ - 1));
    assert!(!is_secret(&line) && is_secret(&format!("foo {line} AUTH x")));
    assert_eq!(secret_from(&"x".repeat(READ)), None);
}

#[test]
fn errors_to_a_line_are_shown_without_its_secrets() {
    let error = |line: &str, said: &str| Hidden::of(line).cover(Output::Error(said.to_owned()));
    for (line, said, shown) in [
        (
            "ATUH Hunter2",
            "ERR unknown command 'ATUH', with args: 'hunter2'",
            "ERR unknown command 'ATUH', with args: '***'",
        ),
        ("ATUH u Hunter2", "args 'u' 'Hunt'", "args '***' '***'"),
        ("ATUH \"a\\nb Hunter2\"", "args `a b Hunter2`", "args `***`"),
        ("ATUH \"a\\x1b\"", "args 'a\\x1b'", "args '***'"),
        ("ATUHHunter2", "'ATUHHunter2'", "'***'"),
        ("ATUH pass", "WRONGPASS 'pass'", "WRONGPASS '***'"),
        ("ATUH pass passover", "'passover'", "'***'"),
        ("AUTH \"auth('Hunter2')\" 0", "near ''Hunter2''", "near ''***''"),
        ("GTE Hunter2", "'Hunter2'", "'Hunter2'"),
    ] {
        assert_eq!(error(line, said), Output::Error(shown.to_owned()), "{line}");
    }
    let hidden = Hidden::of(&format!("AUTH {}", "x".repeat(1 << 16)));
    assert_eq!(
        hidden.cover(Output::Note(format!("'{}'", "x".repeat(1000)))),
        Output::Note("'***".to_owned())
    );
    let many = (0..9999).fold(String::new(), |line, at| format!("{line} {at}"));
    assert_eq!(
        Hidden::of(&format!("AUTH{many}")).cover(Output::Note("'9'".into())),
        Output::Note(MASK.into())
    );
    let reply = |inner: Value| Output::Reply { value: Value::Array(vec![inner]), verbatim: false };
    let hidden = Hidden::of("AUTH Hunter2");
    assert_eq!(hidden.cover(reply(Value::Error("Hunter2".into()))), reply(Value::Error(MASK.into())));
    assert_eq!(hidden.cover(reply(Value::Bulk("Hunter2".into()))), reply(Value::Bulk("Hunter2".into())));
    assert_eq!(hidden.cover(Output::text("Hunter2\nerror:1 Hunter2")), Output::text("Hunter2\nerror:1 ***"));
}

/// What a finger may hit instead, or as well: a letter, a digit, a blank, a quote, and marks that mean something
/// somewhere. Any other character is for chance to try.
const HIT: [char; 8] = ['q', '1', ' ', '"', '.', '=', '>', '-'];

/// Every line that is one slip away, up to where the password begins.
fn slips(line: &str, hit: &[char]) -> Vec<String> {
    let until = line.find(PW).unwrap_or(line.len());
    let (typed, rest) = line.split_at(until);
    let typed: Vec<char> = typed.chars().collect();
    let mut out = Vec::new();
    let mut add = |chars: Vec<char>| out.push(chars.into_iter().collect::<String>() + rest);
    for at in 0..=typed.len() {
        let (before, after) = typed.split_at(at);
        for hit in hit {
            add([before, &[*hit], after].concat());
            add([before, &[*hit], after.get(1..).unwrap_or_default()].concat());
        }
        if let [_, after @ ..] = after {
            add([before, after].concat());
        }
        if let [first, second, after @ ..] = after {
            add([before, &[*second, *first], after].concat());
        }
    }
    out
}

#[test]
fn no_slip_of_the_finger_lets_a_password_through() {
    let mut through = Vec::new();
    for (line, _) in SECRET {
        let line = with_password(line);
        through.extend(slips(&line, &HIT).into_iter().filter(|line| !is_safe(line)));
    }
    through.sort();
    through.dedup();
    assert!(through.is_empty(), "{} lines:\n{}", through.len(), through.join("\n"));
}

fn styled(word: String) -> impl Strategy<Value = String> {
    (0..5u8, any::<bool>()).prop_map(move |(style, lower)| {
        let word = if lower { word.to_lowercase() } else { word.clone() };
        match style {
            0 => format!("\"{word}\""),
            1 => format!("'{word}'"),
            2 => word.bytes().fold(String::from("\""), |s, b| format!("{s}\\x{b:02x}")) + "\"",
            _ => word,
        }
    })
}

fn secret_line() -> impl Strategy<Value = (String, usize)> {
    let commands = prop::sample::select(vec![
        "AUTH",
        "AUTH USER",
        "HELLO 3 AUTH USER",
        "CONFIG SET REQUIREPASS",
        "CONFIG SET MASTERAUTH",
        "MIGRATE H 1 K 0 5 AUTH",
        "MIGRATE H 1 K 0 5 AUTH2 U",
        "SENTINEL SET M AUTH-PASS",
    ]);
    let before = prop::sample::select(vec!["", "5 ", "#3 ", "2 #31 ", "  ", "POOL BURST 9 ", "h:1> "]);
    let words = commands
        .prop_flat_map(|command| command.split(' ').map(|w| styled(w.to_owned())).collect::<Vec<_>>());
    (before, words, "[ \t]{1,3}", "[\"']?[a-zA-Z0-9][a-zA-Z0-9\"' é]{1,11}").prop_map(
        |(before, words, blank, password)| {
            let start = format!("{before}{}{blank}", words.join(&blank));
            let secret_from = start.len();
            (start + &password, secret_from)
        },
    )
}

proptest! {
    #[test]
    fn no_part_of_a_password_gets_through(line in secret_line(), cut in 0usize..12) {
        let (line, password) = line;
        let least = (password + 2 + cut).min(line.len());
        let end = (least..=line.len()).find(|end| line.is_char_boundary(*end)).unwrap_or(least);
        let from = secret_from(&line[..end]);
        prop_assert!(from.is_some_and(|from| from <= password), "{} {from:?}", &line[..end]);
    }

    #[test]
    fn any_slip_leaves_any_password_hidden(
        line in prop::sample::select(SECRET),
        hit in any::<char>(),
        at in any::<prop::sample::Index>(),
    ) {
        let slips = slips(&with_password(line.0), &[hit]);
        let line = &slips[at.index(slips.len())];
        prop_assert!(is_safe(line), "{line:?} shows as {:?}", masked(line));
    }

    #[test]
    fn any_line_is_judged_and_cut_at_a_boundary(line in r#"(auth|acl|config|set|hello|migrate|redis-cli|redis://|a:b@c|requirepass|-a|>x|3|é|"|'| |\n|\\|&|\PC){0,16}"#) {
        if let Some(at) = secret_from(&line) {
            prop_assert!(at < line.len() && line.is_char_boundary(at));
        }
    }
}

/// ß has two letters in upper case: as one letter too many it is one slip all the same.
#[test]
fn a_letter_that_upper_case_doubles_is_one_slip() {
    assert!(super::is_secret("AßUTHHunter2"));
}
