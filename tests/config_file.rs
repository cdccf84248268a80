//! The configuration file: what wins over what, and what is said of a bad one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redis_pooltop::cli::Cli;
use redis_pooltop::config::{Color, ConfigFile, Environment, Settings};
use redis_pooltop::error::{Error, Exit};
use redis_pooltop::net::{Endpoint, Secret};
use redis_pooltop::pool::OnExhausted;
use redis_pooltop::tui::layout::Pane;
use redis_pooltop::values::Editing;

fn file(text: &str) -> ConfigFile {
    let (name, dir) = ("config.toml".to_owned(), PathBuf::from("/etc/pooltop"));
    ConfigFile { name, dir, text: text.to_owned(), open_to_others: false }
}

fn settings_of(file: Option<&ConfigFile>, environment: &Environment, line: &str) -> Result<Settings, Error> {
    let line = std::iter::once("redis-pooltop").chain(line.split_whitespace());
    let cli = Cli::read(line.map(OsString::from)).unwrap_or_else(|error| panic!("{error}"));
    Settings::new(cli, environment, file)
}

fn settings_in(environment: &Environment, text: &str, line: &str) -> Settings {
    settings_of(Some(&file(text)), environment, line)
        .unwrap_or_else(|error| panic!("{text:?} and {line:?}: {error}"))
}

fn settings(text: &str, line: &str) -> Settings {
    settings_in(&Environment::default(), text, line)
}

fn refused_with(text: &str, line: &str) -> String {
    let Err(error) = settings_of(Some(&file(text)), &Environment::default(), line) else {
        panic!("{text:?} is taken")
    };
    assert_eq!(error.exit(), Exit::Usage, "{error}");
    error.to_string()
}

fn host(settings: &Settings) -> &str {
    match &settings.connect.endpoint {
        Endpoint::Tcp { host, .. } => host,
        Endpoint::Unix(path) => path.to_str().expect("a name"),
    }
}

fn password(settings: &Settings) -> Option<&[u8]> {
    settings.connect.password.as_ref().map(Secret::expose)
}

/// A file, and what is said of it.
const BAD: &[(&str, &str)] = &[
    (
        "# pools\n[pool]\nmax-conections = 5",
        "3: unknown key \"max-conections\" in [pool]; did you mean \"max-connections\"?",
    ),
    (
        "[pool]\nmax_connections = 5",
        "2: unknown key \"max_connections\" in [pool]; did you mean \"max-connections\"?",
    ),
    ("[pool]\ntheme = \"light\"", "2: unknown key \"theme\" in [pool]; it belongs in [screen]"),
    ("[screen]\nfrobnicate = 1", "2: unknown key \"frobnicate\" in [screen]"),
    ("theme = \"light\"", "1: \"theme\" stands in no section: it belongs in [screen]"),
    ("\n[scren]", "2: unknown section [scren]; did you mean [screen]?"),
    ("[x]", "1: unknown section [x]: sections are connection, pool, lints, watch, screen, keys, profile"),
    ("pool = 5", "1: pool is a section: write [pool] on a line of its own"),
    (
        "[screen]\ntheme = \"ligth\"",
        "2: unknown theme \"ligth\": there is default, light, high-contrast, color-blind; did you mean \
         \"light\"?",
    ),
    ("[screen]\ntheme = 5", "2: unknown theme \"5\": there is default, light, high-contrast, color-blind"),
    ("[screen]\ntheme = true", "2: theme: a theme's name goes here, and this is true or false"),
    ("[screen]\nediting = \"vim\"", "2: unknown editing \"vim\": there is emacs, vi; did you mean \"vi\"?"),
    (
        "[screen]\ncolor = \"allways\"",
        "2: unknown color \"allways\": there is auto, always, never; did you mean \"always\"?",
    ),
    (
        "[screen]\npanes = [\"pool\", \"conections\"]",
        "2: unknown pane \"conections\": there is pool, latency, server, connections, lints, events, shell; did \
         you mean \"connections\"?",
    ),
    (
        "[screen]\npanes = \"pool\"",
        "2: panes: a list of panes, such as [\"pool\", \"connections\"] goes here, and this is a text",
    ),
    ("[screen]\nmouse = \"yes\"", "2: mouse: true or false goes here, and this is a text"),
    ("[screen]\ninterval = \"10ms\"", "2: interval: it must be from 50ms to 1m"),
    ("[screen]\ninterval = \"2h\"", "2: interval: it must be from 50ms to 1m"),
    (
        "[pool]\nblocking-timeout = \"soon\"",
        "2: blocking-timeout: \"soon\" is no duration: write 5s, 500ms, 2m, 1h or plain seconds",
    ),
    (
        "[pool]\nblocking-timeout = [5]",
        "2: blocking-timeout: a duration, such as \"5s\" goes here, and this is a list",
    ),
    ("[pool]\nmax-connections = 0", "2: max-connections: it must be a whole number from 1 to 1000000"),
    ("[pool]\nmax-connections = 1.5", "2: max-connections: it must be a whole number from 1 to 1000000"),
    (
        "[pool]\nmax-connections = true",
        "2: max-connections: a whole number goes here, and this is true or false",
    ),
    ("[pool]\nwarmup = -1", "2: warmup: it must be a whole number from 0 to 1000000"),
    ("[pool]\nusage-alert = 101", "2: usage-alert: it must be a whole number from 1 to 100"),
    ("[pool]\nsocket-connect-timeout = 0", "2: socket-connect-timeout: it must be longer than 0"),
    ("[pool]\non-exhausted = \"panic\"", "2: unknown on-exhausted \"panic\": there is wait, fail"),
    ("[pool]\nmax-connections = 5\nwarmup = 9", "3: warmup 9 is more than max-connections 5"),
    (
        "[pool]\nmax-connections = 5\nsingle-connection = true",
        "3: single-connection is a pool of one: leave out max-connections",
    ),
    (
        "[connection]\nport = 6379",
        "2: unknown key \"port\" in [connection]: url has it, as in redis://127.0.0.1:6379",
    ),
    (
        "[connection]\npassword = \"x\"",
        "2: unknown key \"password\" in [connection]: REDISCLI_AUTH is the safe place for it, and url the other",
    ),
    (
        "\u{feff}# a mark of byte order\r\n[x]\r\n",
        "2: unknown section [x]: sections are connection, pool, lints, watch, screen, keys, profile",
    ),
    ("[connection]\ncert = \"a\"", "2: cert and key go together"),
    ("[connection]\nuser = 5", "2: user: a name goes here, and this is a number of another kind"),
    (
        "[connection]\nclient-name = \"a b\"",
        "2: client-name: the server takes printable ASCII without blanks",
    ),
    ("[connection]\ncacert = \"\"", "2: cacert: a path goes here, and this is empty"),
    ("[keys]\nzom = \"x\"", "2: unknown action \"zom\"; did you mean \"zoom\"?"),
    ("[keys]\nzoom = [\n\"x\",\n\"crtl-z\"]", "4: unknown chord \"crtl-z\"; did you mean \"ctrl-z\"?"),
    ("[keys]\nzoom = \"ctrl-i\"", "2: Ctrl-I cannot be bound: many terminals send it as Tab"),
    (
        "[keys]\nzoom = \"x\"\nfreeze = \"x\"",
        "2: x is zoom and, in a pane, also freeze: give one of them another key",
    ),
    ("[keys]\ninterrupt = []", "2: interrupt keeps Ctrl-C, or nothing could cancel or quit any more"),
    (
        "[keys]\nzoom = 5",
        "2: zoom: a chord, such as \"ctrl-x\", or a list of them goes here, and this is a number of another kind",
    ),
    (
        "[keys.zoom]\na = 1",
        "1: zoom: a chord, such as \"ctrl-x\", or a list of them goes here, and this is a section",
    ),
    ("[pool]\nwarmup = 1\nwarmup = 2", "3: duplicate key"),
    ("[pool\nwarmup = 1", "1: unclosed table, expected `]`"),
    // The first mistake is said first, whatever the order of names.
    ("[screen]\nzzz = 1\n[pool]\naaa = 1", "2: unknown key \"zzz\" in [screen]"),
];

#[test]
fn a_bad_file_is_one_sentence_with_its_line_and_the_nearest_name() {
    for (text, sentence) in BAD {
        assert_eq!(refused_with(text, ""), format!("config.toml:{sentence}"));
    }
}

#[test]
fn what_an_error_repeats_is_safe_to_show_and_no_secret() {
    for text in [
        "[pool]\n\"max\\u001b[2J\" = 5",
        "\"\\u001b[2J\" = 5",
        "[keys]\n\"zoom\\u001b[2J\" = \"x\"",
        "[keys]\nzoom = \"\\u001b[2J\"",
        "[screen]\ntheme = \"\\u001b[2J\"",
        "[screen]\npanes = [\"\\u001b[2J\"]",
        "[pool]\nblocking-timeout = \"\\u001b[2J\"",
        "\u{1b}[2J",
    ] {
        let sentence = refused_with(text, "");
        assert!(!sentence.contains('\u{1b}') && sentence.lines().count() == 1, "{sentence:?}");
    }
    let sentence = refused_with("[connection]\nurl = \"redis://:hunter2/x@h\"", "");
    assert!(sentence.starts_with("config.toml:2: url: ") && !sentence.contains("hunter2"), "{sentence}");
}

#[test]
fn a_setting_too_many_on_the_command_line_names_both() {
    let text = "[pool]\nwarmup = 9";
    assert_eq!(
        refused_with(text, "--max-connections 5"),
        "config.toml:2: warmup 9 is more than --max-connections 5"
    );
    let text = "[pool]\nmax-connections = 5";
    assert_eq!(refused_with(text, "--warmup 9"), "config.toml:2: --warmup 9 is more than max-connections 5");
}

#[test]
fn the_file_has_every_setting_of_the_pool() {
    let settings = settings(
        r#"[connection]
           client-name = "app"
           [pool]
           max-connections = 7
           warmup = 3
           blocking-timeout = "500ms"
           socket-timeout = 2
           socket-connect-timeout = "3s"
           retry-on-timeout = true
           retries = 4
           retry-delay = 0.01
           health-check-interval = "1m"
           on-exhausted = "fail"
           max-idle = "5m"
           max-lifetime = "none"
           leak-threshold = "9s"
           usage-alert = "70%""#,
        "--demo",
    );
    let pool = &settings.pool;
    assert_eq!((pool.max, pool.warmup, pool.retries, pool.retry_on_timeout), (7, 3, 4, true));
    assert_eq!(pool.blocking_timeout, Duration::from_millis(500));
    assert_eq!(pool.retry_delay, Duration::from_millis(10));
    assert_eq!(pool.health_check_interval, Some(Duration::from_secs(60)));
    assert_eq!((pool.max_idle, pool.max_lifetime), (Some(Duration::from_secs(300)), None));
    assert!(matches!(pool.on_exhausted, OnExhausted::Fail));
    assert_eq!(settings.connect.socket_timeout, Some(Duration::from_secs(2)));
    assert_eq!(settings.connect.connect_timeout, Duration::from_secs(3));
    assert_eq!(settings.connect.client_name.as_deref(), Some("app"));
    assert_eq!(settings.model.leak_threshold, Duration::from_secs(9));
    assert_eq!(settings.model.usage_alert, 70);
}

#[test]
fn a_flag_beats_the_file() {
    let text =
        "[pool]\nmax-connections = 7\nretries = 4\nsingle-connection = false\n[screen]\ntheme = \"light\"";
    let pool = settings(text, "--max-connections 8").pool;
    assert_eq!((pool.max, pool.retries), (8, 4));
    assert_eq!(settings(text, "").screen.theme, "light");
    assert_eq!(settings(text, "--theme colour-blind").screen.theme, "color-blind");
    let single = "[pool]\nsingle-connection = true";
    assert!(settings(single, "").pool.single);
    assert!(!settings(single, "--max-connections 5").pool.single);
    assert!(settings("[pool]\nmax-connections = 7", "--single-connection").pool.single);
    assert!(!settings("[screen]\nmouse = true", "--no-mouse").screen.mouse);
    assert!(settings("[screen]\nascii = false", "--ascii").screen.ascii);
}

#[test]
fn an_address_comes_from_the_flag_then_the_environment_then_the_file() {
    let text = "[connection]\nurl = \"redis://:filed@file/3\"";
    let bare = Environment::default();
    let env = Environment { redis_url: Some("redis://:env@env/2".to_owned()), ..Environment::default() };
    for (environment, line, wanted, database, secret) in [
        (&bare, "", "file", 3, Some(&b"filed"[..])),
        (&env, "", "env", 2, Some(b"env")),
        (&env, "-h flag", "flag", 0, None),
        (&bare, "redis://flag", "flag", 0, None),
        (&bare, "-s /flag", "/flag", 0, None),
        (&bare, "-n 5", "file", 5, Some(b"filed")),
        (&bare, "-a flag", "file", 3, Some(b"flag")),
    ] {
        let settings = settings_in(environment, text, line);
        assert_eq!((host(&settings), settings.connect.database), (wanted, database), "{line:?}");
        assert_eq!(password(&settings), secret, "{line:?}");
        assert!(!settings.nobody_named_it, "{line:?}");
    }
    let auth = Environment { password: Some("auth".to_owned()), ..Environment::default() };
    assert_eq!(password(&settings_in(&auth, text, "")), Some(&b"auth"[..]));
    let demo = settings(text, "--demo");
    assert!(demo.demo && demo.connect.password.is_none() && host(&demo) == "127.0.0.1");
    let nobody = settings_of(None, &bare, "").unwrap();
    assert!(nobody.nobody_named_it);
}

#[test]
fn the_user_of_the_file_stays_out_of_the_url_of_somebody_else() {
    let text = "[connection]\nuser = \"file\"";
    for (line, user) in [
        ("", Some("file")),
        ("-h h", Some("file")),
        ("redis://h", Some("file")),
        ("redis://other:x@h", Some("other")),
        ("redis://:x@h", None),
        ("--user flag", Some("flag")),
        ("--demo", None),
    ] {
        assert_eq!(settings(text, line).connect.user.as_deref(), user, "{line:?}");
    }
}

#[test]
fn tls_of_the_file_is_for_addresses_that_do_not_say_otherwise() {
    let text =
        "[connection]\ntls = true\ncacert = \"ca.pem\"\ncert = \"/a/c.pem\"\nkey = \"~/k.pem\"\nsni = \"s\"";
    let tls = |line: &str| settings(text, line).connect.tls;
    for line in ["redis://h", "-s /socket", "--demo"] {
        assert!(tls(line).is_none(), "{line}");
    }
    for line in ["", "-h h", "rediss://h"] {
        let tls = tls(line).unwrap_or_else(|| panic!("{line}: no TLS"));
        assert_eq!(tls.cacert.as_deref(), Some(Path::new("/etc/pooltop/ca.pem")), "{line}");
        assert_eq!(tls.cert.as_deref(), Some(Path::new("/a/c.pem")));
        assert!(tls.key.as_deref().is_some_and(|key| key.is_absolute() && key.ends_with("k.pem")));
        assert_eq!(tls.sni.as_deref(), Some("s"));
    }
    let flags = tls("--cacert flag.pem --cert c --key k").unwrap();
    assert_eq!(flags.cacert.as_deref(), Some(Path::new("flag.pem")));
    assert_eq!(flags.key.as_deref(), Some(Path::new("k")));
    assert_eq!(
        settings("[connection]\ncacert = \"ca.pem\"", "--tls").connect.tls.unwrap().cacert.as_deref(),
        Some(Path::new("/etc/pooltop/ca.pem"))
    );
    assert!(settings("[connection]\ncacert = \"ca.pem\"", "").connect.tls.is_none());
}

#[test]
fn colour_follows_the_flag_then_the_environment_then_the_file() {
    let no = Environment { no_color: true, ..Environment::default() };
    for (environment, said, line, color) in [
        (&Environment::default(), "always", "", Color::Always),
        (&Environment::default(), "never", "", Color::Never),
        (&Environment::default(), "auto", "", Color::Auto),
        (&Environment::default(), "always", "--color never", Color::Never),
        (&Environment::default(), "always", "--color auto", Color::Auto),
        (&no, "always", "", Color::Never),
        (&no, "always", "--color always", Color::Always),
    ] {
        let text = format!("[screen]\ncolor = \"{said}\"");
        assert_eq!(settings_in(environment, &text, line).color, color, "{said} {line}");
    }
}

#[test]
fn a_password_that_others_can_read_is_warned_of() {
    let closed = file("[connection]\nurl = \"redis://:hunter2@h\"");
    let open = ConfigFile { open_to_others: true, ..closed.clone() };
    let warnings = |file| settings_of(Some(file), &Environment::default(), "").unwrap().warnings;
    assert_eq!(warnings(&closed).len(), 0);
    assert_eq!(
        warnings(&open),
        ["Warning: config.toml:2: the url has a password, and others can read this file."]
    );
    let harmless = ConfigFile { open_to_others: true, ..file("[connection]\nurl = \"redis://h\"") };
    assert_eq!(warnings(&harmless).len(), 0);
}

#[test]
fn the_screen_is_as_the_file_says() {
    let screen = settings(
        r#"[screen]
           ascii = true
           mouse = false
           interval = "2s"
           panes = ["connections", "pool"]
           editing = "vi"
           pager = false
           pipe = false
           [keys]
           zoom = ["f2", "ctrl-x z"]
           freeze = []"#,
        "",
    )
    .screen;
    assert!(screen.ascii && !screen.mouse && !screen.pager && !screen.pipe);
    assert_eq!(screen.interval, Duration::from_secs(2));
    assert_eq!(screen.panes, [Pane::Pool, Pane::Connections, Pane::Shell]);
    assert_eq!(screen.editing, Editing::Vi);
    let keys = screen.keys.names();
    let of = |action| keys.iter().find(|(name, _)| *name == action).map(|(_, keys)| format!("{keys:?}"));
    assert_eq!(of("freeze").unwrap(), "[]");
    assert!(of("zoom").unwrap().contains("F(2)"));
}
