//! The command line as a table: what each line means, or which sentence and exit code it gets.

use std::ffi::OsString;
use std::time::Duration;

use redis_pooltop::cli::{Cli, Format};
use redis_pooltop::config::{Color, Environment, Form, Settings, ShellSettings};
use redis_pooltop::error::{Error, Exit};
use redis_pooltop::net::{Endpoint, Protocol};
use redis_pooltop::pool::OnExhausted;
use redis_pooltop::resp::print::Style;

fn cli(line: &[&str]) -> Result<Cli, String> {
    let line = std::iter::once("redis-pooltop").chain(line.iter().copied());
    Cli::read(line.map(OsString::from)).map_err(|error| {
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    })
}

fn settings_in(environment: &Environment, line: &[&str]) -> Settings {
    match Settings::new(cli(line).unwrap_or_else(|error| panic!("{line:?}: {error}")), environment, None) {
        Ok(settings) => settings,
        Err(error) => panic!("{line:?}: {error}"),
    }
}

fn settings(line: &str) -> Settings {
    settings_in(&Environment::default(), &line.split_whitespace().collect::<Vec<_>>())
}

/// The sentence of a line that exits with 2, wherever it is noticed.
fn refused(line: &str) -> String {
    let cli = match cli(&line.split(' ').collect::<Vec<_>>()) {
        Ok(cli) => cli,
        Err(sentence) => return sentence,
    };
    match Settings::new(cli, &Environment::default(), None) {
        Err(error @ Error::Usage(_)) => {
            assert_eq!(error.exit(), Exit::Usage);
            error.to_string()
        }
        Err(error) => panic!("{line}: {error:?}"),
        Ok(settings) => panic!("{line}: {settings:?}"),
    }
}

fn shell(settings: &Settings) -> &ShellSettings {
    match &settings.form {
        Form::Shell(shell) => shell,
        Form::Screen(_) | Form::Watch(_) | Form::App(_) | Form::Lab(_) | Form::Replay(_) => {
            panic!("no shell")
        }
    }
}

fn tcp(host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp { host: host.to_owned(), port }
}

#[test]
fn an_address_comes_from_one_place() {
    for (line, endpoint, named) in [
        ("", tcp("127.0.0.1", 6379), false),
        ("-h example", tcp("example", 6379), true),
        ("-p 7000", tcp("127.0.0.1", 7000), true),
        ("-h example -p 7000 shell PING", tcp("example", 7000), true),
        ("shell -h example -p 7000 PING", tcp("example", 7000), true),
        ("redis://example:7000/2", tcp("example", 7000), true),
        ("-u redis://example:7000", tcp("example", 7000), true),
        ("shell redis://example:7000 PING", tcp("example", 7000), true),
        ("shell REDIS://example:7000", tcp("example", 7000), true),
        ("valkey://example", tcp("example", 6379), true),
        ("-s /run/redis.sock", Endpoint::Unix("/run/redis.sock".into()), true),
        ("unix:///run/redis.sock", Endpoint::Unix("/run/redis.sock".into()), true),
    ] {
        let settings = settings(line);
        assert_eq!(settings.connect.endpoint, endpoint, "{line}");
        assert_eq!(settings.nobody_named_it, !named, "{line}");
    }
}

#[test]
fn two_addresses_are_an_error() {
    for line in [
        "redis://a redis://b",
        "redis://a -h b",
        "redis://a -p 7000",
        "redis://a -s /x",
        "redis://a -u redis://b",
        "redis://a --demo",
        "--demo -h b",
        "-h a -s /x",
        "shell redis://a redis://b PING",
        "shell redis://a -h b PING",
        "shell --demo -p 7000 PING",
    ] {
        assert!(refused(line).contains("two addresses"), "{line}: {}", refused(line));
    }
}

#[test]
fn a_word_that_is_no_url_names_what_was_meant() {
    for (line, part) in [
        ("shel PING", "did you mean 'shell'?"),
        ("shelll", "did you mean 'shell'?"),
        ("localhost:6379", "no URL, which begins with redis://"),
        ("http://example", "no URL, which begins with redis://"),
        ("redis://a shell PING", "the URL goes after the subcommand"),
        ("redis://a PING", "commands go to the shell"),
        ("redis://a:port", "port"),
        ("shell redis://[::1 PING", ""),
        ("redis+sentinel://a:1/m", ""),
    ] {
        assert!(refused(line).contains(part), "{line}: {}", refused(line));
    }
}

#[test]
fn from_its_first_word_on_nothing_is_an_option() {
    for (line, command) in [
        ("shell SET a -1", "SET a -1"),
        ("shell SET a -h", "SET a -h"),
        ("shell GET --help", "GET --help"),
        ("shell -3 SET a --raw", "SET a --raw"),
        ("shell redis://x -n 2 SET a -n", "SET a -n"),
        ("shell redis://x GET redis://y", "GET redis://y"),
    ] {
        let command: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        assert_eq!(shell(&settings(line)).command, command, "{line}");
    }
    assert_eq!(settings("shell redis://x/1 -n 2 SET a -n").connect.database, 2);
}

#[test]
fn redis_url_gives_way_to_an_address_and_is_refined_by_the_rest() {
    let environment = Environment {
        redis_url: Some("redis://:secret@example:7000/3".to_owned()),
        ..Environment::default()
    };
    let inherited = settings_in(&environment, &[]);
    assert_eq!((inherited.connect.endpoint, inherited.connect.database), (tcp("example", 7000), 3));
    assert!(!inherited.nobody_named_it && inherited.connect.password.is_some());
    for line in
        [&["-h", "127.0.0.1"][..], &["-p", "6379"], &["redis://127.0.0.1"], &["-u", "redis://127.0.0.1"]]
    {
        let other = settings_in(&environment, line);
        assert_eq!(other.connect.endpoint, tcp("127.0.0.1", 6379), "{line:?}");
        assert!(other.connect.database == 0 && other.connect.password.is_none(), "{line:?}");
    }
    assert!(settings_in(&environment, &["--demo"]).demo);
    let refined = settings_in(&environment, &["-n", "5", "-3"]);
    assert_eq!((refined.connect.endpoint, refined.connect.database), (tcp("example", 7000), 5));
    assert_eq!(refined.connect.protocol, Protocol::Resp3);
    let bad = Environment { redis_url: Some("example:7000".to_owned()), ..Environment::default() };
    let error = Settings::new(cli(&[]).unwrap(), &bad, None).unwrap_err();
    assert!(error.to_string().starts_with("REDIS_URL: ") && error.exit() == Exit::Usage, "{error}");
}

#[test]
fn passwords_come_from_the_flag_then_the_url_then_the_environment() {
    let environment = Environment { password: Some("inherited".to_owned()), ..Environment::default() };
    for (line, password) in [
        (&[][..], "inherited"),
        (&["-a", "flag"], "flag"),
        (&["--pass", "flag"], "flag"),
        (&["redis://:url@h"], "url"),
        (&["redis://:url@h", "-a", "flag"], "flag"),
    ] {
        let settings = settings_in(&environment, line);
        assert_eq!(
            settings.connect.password.as_ref().map(redis_pooltop::net::Secret::expose),
            Some(password.as_bytes()),
            "{line:?}"
        );
        let shown = format!("{settings:?}");
        assert!(!shown.contains(password), "{line:?}: {shown}");
    }
    assert!(settings_in(&environment, &["--demo"]).connect.password.is_none());
    assert_eq!(settings("-a x --no-auth-warning").warnings.len(), 0);
    assert!(settings("-a x").warnings[0].contains("may not be safe"));
    assert!(settings("-u redis://:x@h").warnings[0].contains("'-a' or '-u'"));
    let url = settings("redis://:x@h").warnings.remove(0);
    assert!(url.contains("may not be safe") && url.contains("in a URL") && !url.contains("'-a'"), "{url}");
    assert!(settings("--tls --insecure").warnings[0].contains("--insecure"));
}

#[test]
fn json_speaks_resp3_unless_told() {
    assert_eq!(settings("shell PING").connect.protocol, Protocol::Resp2);
    assert_eq!(settings("shell --json PING").connect.protocol, Protocol::Resp3);
    assert_eq!(settings("shell --json -2 PING").connect.protocol, Protocol::Resp2);
    assert_eq!(settings("-3 shell PING").connect.protocol, Protocol::Resp3);
    assert!(refused("-2 -3").contains("exclude"));
}

#[test]
fn the_pool_takes_redis_pys_names() {
    let settings = settings(
        "shell --demo --max-connections 7 --warmup 3 --blocking-timeout 500ms --socket-timeout 2 \
         --socket-connect-timeout 3s --retry-on-timeout --retries 4 --retry-delay 10ms --health-check-interval 1m \
         --client-name app --on-exhausted fail --max-idle 5m --max-lifetime 1h --leak-threshold 9s --usage-alert 70%",
    );
    let pool = &settings.pool;
    assert_eq!((pool.max, pool.warmup, pool.retries, pool.retry_on_timeout), (7, 3, 4, true));
    assert_eq!(pool.blocking_timeout, Duration::from_millis(500));
    assert_eq!(pool.retry_delay, Duration::from_millis(10));
    assert_eq!(pool.health_check_interval, Some(Duration::from_secs(60)));
    assert_eq!(pool.max_idle, Some(Duration::from_secs(300)));
    assert_eq!(pool.max_lifetime, Some(Duration::from_secs(3600)));
    assert!(matches!(pool.on_exhausted, OnExhausted::Fail));
    assert_eq!(settings.connect.socket_timeout, Some(Duration::from_secs(2)));
    assert_eq!(settings.connect.connect_timeout, Duration::from_secs(3));
    assert_eq!(settings.connect.client_name.as_deref(), Some("app"));
    assert_eq!(settings.model.leak_threshold, Duration::from_secs(9));
}

#[test]
fn values_out_of_range_are_one_sentence() {
    for (line, part) in [
        ("--max-connections 0", "a whole number from 1 to"),
        ("--max-connections ten", "a whole number from 1 to"),
        ("-p 0", "a whole number from 1 to 65535"),
        ("-p 65536", "a whole number from 1 to 65535"),
        ("--blocking-timeout soon", "is no duration"),
        ("--usage-alert 101", "a whole number from 1 to 100"),
        ("--on-exhausted panic", "wait, fail"),
        ("--warmup 9 --max-connections 5", "--warmup 9 is more than --max-connections 5"),
        ("--single-connection --max-connections 5", "a pool of one"),
        ("--socket-connect-timeout 0", "longer than 0"),
        ("--client-name two\u{a0}words", "printable ASCII"),
        ("--cacert x", "need --tls"),
        ("--tls --cert x", "go together"),
        ("--format yaml", "text, json, prometheus"),
        ("--once shell PING", "without a subcommand"),
        ("shell --once", "--once"),
        ("shell -r 0 PING", "at least 1"),
        ("shell -r 3", "need a COMMAND"),
        ("shell -x", "need a COMMAND"),
        ("shell --raw --json PING", "cannot be used with"),
        ("--frobnicate", "--frobnicate"),
    ] {
        assert!(refused(line).contains(part), "{line}: {}", refused(line));
    }
}

#[test]
fn reports_and_shells_have_their_own_options() {
    let Form::Screen(report) = settings("--once --duration 2s --format json").form else {
        panic!("no screen")
    };
    assert!(report.once);
    assert_eq!((report.duration, report.format), (Some(Duration::from_secs(2)), Some(Format::Json)));
    for line in ["--duration 2s", "--format json"] {
        let Form::Screen(report) = settings(line).form else { panic!("{line}") };
        assert!(report.once, "{line}: no screen would show anything of it");
    }
    let settings = settings("shell -r 3 -i 0.5 -x -e --csv SET a");
    let shell = shell(&settings);
    assert_eq!((shell.repeat, shell.interval), (3, Duration::from_millis(500)));
    assert!(shell.last_from_stdin && shell.exit_code && shell.style == Some(Style::Csv));
}

#[test]
fn colour_follows_the_flag_then_the_environment() {
    let plain = Environment::default();
    let no = Environment { no_color: true, ..Environment::default() };
    let force = Environment { force_color: true, ..Environment::default() };
    let both = Environment { no_color: true, force_color: true, ..Environment::default() };
    for (environment, flag, color) in [
        (&plain, None, Color::Auto),
        (&no, None, Color::Never),
        (&force, None, Color::Always),
        (&both, None, Color::Never),
        (&no, Some("always"), Color::Always),
        (&force, Some("never"), Color::Never),
        (&no, Some("auto"), Color::Never),
    ] {
        let line: Vec<&str> = flag.map(|flag| vec!["--color", flag]).unwrap_or_default();
        assert_eq!(settings_in(environment, &line).color, color, "{line:?}");
    }
}
