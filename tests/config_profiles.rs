//! `[lints]` and `[profile.NAME]`: what wins over what, and what is said of mistakes.

use std::ffi::OsString;
use std::path::PathBuf;

use redis_pooltop::cli::Cli;
use redis_pooltop::config::{ConfigFile, Environment, Settings};
use redis_pooltop::error::{Error, Exit};
use redis_pooltop::snapshot::Level;

fn settings_in(text: &str, line: &str, environment: &Environment) -> Result<Settings, Error> {
    let (name, dir) = ("config.toml".to_owned(), PathBuf::from("/etc/pooltop"));
    let file = ConfigFile { name, dir, text: text.to_owned(), open_to_others: false };
    let line = std::iter::once("redis-pooltop").chain(line.split_whitespace());
    let cli = Cli::read(line.map(OsString::from)).unwrap_or_else(|error| panic!("{error}"));
    Settings::new(cli, environment, Some(&file))
}

fn settings(text: &str, line: &str) -> Settings {
    settings_in(text, line, &Environment::default()).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn refused(text: &str, line: &str) -> String {
    let Err(error) = settings_in(text, line, &Environment::default()) else { panic!("{text:?} is taken") };
    assert_eq!(error.exit(), Exit::Usage, "{error}");
    error.to_string()
}

const FILE: &str = r#"
[connection]
url = "redis://local:1/0"
user = "dev"
client-name = "desk"
[pool]
max-connections = 7
warmup = 2
[lints]
leak = "fail"
churn = "off"
[profile.production]
confirm = "typed"
prompt = "red"
[profile.production.connection]
url = "redis://far:2/0"
[profile.production.pool]
max-connections = 3
[profile.production.lints]
churn = "fail"
[profile.small.pool]
max-connections = 2
"#;

#[test]
fn a_profile_goes_over_the_file_and_gives_way_to_flags() {
    let plain = settings(FILE, "");
    assert_eq!((plain.connect.target().as_str(), plain.pool.max, plain.pool.warmup), ("local:1", 7, 2));
    assert_eq!(plain.profile, None);
    let far = settings(FILE, "--profile production");
    assert_eq!((far.connect.target().as_str(), far.pool.max, far.pool.warmup), ("far:2", 3, 2));
    let profile = far.profile.expect("a profile");
    assert_eq!((profile.name.as_str(), profile.typed, profile.red), ("production", true, true));
    assert_eq!(settings(FILE, "--profile production --max-connections 9").pool.max, 9);
    assert_eq!(settings(FILE, "--profile production -p 5").connect.target(), "127.0.0.1:5");
    let small = settings(FILE, "--profile small");
    assert_eq!((small.connect.target().as_str(), small.pool.max), ("local:1", 2));
    let profile = small.profile.expect("a profile");
    assert!(!profile.typed && !profile.red);
}

/// The name and password that one server knows are not another's to see.
#[test]
fn a_profile_with_a_url_has_nothing_of_the_files_connection() {
    assert_eq!(settings(FILE, "").connect.user.as_deref(), Some("dev"));
    let far = settings(FILE, "--profile production");
    assert_eq!((far.connect.user, far.connect.client_name), (None, None));
    assert_eq!(settings(FILE, "--profile small").connect.user.as_deref(), Some("dev"));
}

#[test]
fn the_environment_beats_a_profile_and_that_is_said() {
    let environment =
        Environment { redis_url: Some("redis://elsewhere:3".to_owned()), ..Environment::default() };
    let there = settings_in(FILE, "--profile production", &environment).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(there.connect.target(), "elsewhere:3");
    assert_eq!(there.warnings, ["Warning: REDIS_URL beats the url of profile production."]);
    let small = settings_in(FILE, "--profile small", &environment).unwrap_or_else(|e| panic!("{e}"));
    assert!(small.warnings.is_empty());
}

#[test]
fn levels_come_from_file_profile_and_flags_in_that_order() {
    let levels = |line: &str| {
        let levels = settings(FILE, line).model.levels;
        ["leak", "churn", "growth"].map(|id| levels.get(id))
    };
    assert_eq!(levels(""), [Level::Fail, Level::Off, Level::Warn]);
    assert_eq!(levels("--profile production"), [Level::Fail, Level::Fail, Level::Warn]);
    let flags = "--profile production --lint churn=off --lint growth=fail --lint churn=warn";
    assert_eq!(levels(flags), [Level::Fail, Level::Warn, Level::Fail]);
    // A check that was asked for by name is made.
    assert_eq!(levels("--fail-on churn"), [Level::Fail, Level::Fail, Level::Warn]);
}

#[test]
fn mistakes_are_said_with_their_line() {
    for (text, said) in [
        ("[lints]\nleek = \"off\"", "2: unknown lint \"leek\"; did you mean \"leak\"?"),
        ("[lints]\nzzzzzzzz = \"off\"", "2: unknown lint \"zzzzzzzz\": `redis-pooltop explain` lists them"),
        (
            "[lints]\nleak = \"of\"",
            "2: leak: unknown level \"of\": there is off, warn, fail; did you mean \"off\"?",
        ),
        ("[lints]\nleak = true", "2: leak: off, warn or fail goes here, and this is true or false"),
        ("lints = 3", "1: lints is a section: write [lints] on a line of its own"),
        ("[profile]\na = 1", "2: a is a section: write [profile.a] on a line of its own"),
        ("[profile.\"a b\"]", "1: a profile's name is 1 to 32 letters, digits, dots, - or _"),
        (
            "[profile.a]\nconfirm = \"type\"",
            "2: unknown confirm \"type\": there is typed, ask; did you mean \"typed\"?",
        ),
        (
            "[profile.a]\nprompt = 3",
            "2: prompt: red or plain goes here, and this is a number of another kind",
        ),
        (
            "[profile.a]\nconfrim = \"ask\"",
            "2: unknown key \"confrim\" in [profile.NAME]; did you mean \"confirm\"?",
        ),
        (
            "[profile.a]\nwarmup = 3",
            "2: unknown key \"warmup\" in [profile.NAME]; it belongs in [profile.NAME.pool]",
        ),
        (
            "[profile.a.pol]\nwarmup = 3",
            "1: unknown section \"pol\" of a profile, which has connection, pool, lints, watch; did you mean \"pool\"?",
        ),
        (
            "[profile.a.screen]\n",
            "1: unknown section \"screen\" of a profile, which has connection, pool, lints, watch",
        ),
        ("[profile.a]\npool = 3", "2: pool is a section: write [profile.a.pool] on a line of its own"),
        ("[profile.a.pool]\nwarmup = -1", "2: warmup: it must be a whole number from 0 to 1000000"),
        ("[profile.a.lints]\nleek = \"off\"", "2: unknown lint \"leek\"; did you mean \"leak\"?"),
    ] {
        assert_eq!(refused(text, ""), format!("config.toml:{said}"), "{text:?}");
    }
}

#[test]
fn an_unknown_profile_is_told_the_nearest() {
    assert_eq!(
        refused(FILE, "--profile prod"),
        "config.toml: unknown profile \"prod\"; did you mean \"production\"?"
    );
    assert_eq!(
        refused(FILE, "--profile zzz"),
        "config.toml: unknown profile \"zzz\": there is production, small"
    );
    assert_eq!(
        refused("", "--profile x\u{1b}"),
        "config.toml: unknown profile \"x\\u{1b}\": the file has none, such as [profile.production]"
    );
    let cli =
        Cli::read(["redis-pooltop", "--profile", "x"].map(OsString::from)).unwrap_or_else(|e| panic!("{e}"));
    let Err(error) = Settings::new(cli, &Environment::default(), None) else { panic!("taken") };
    assert!(error.to_string().contains("there is no configuration file"), "{error}");
}

/// Two lines on which a limit stands: the one that counts is named.
#[test]
fn a_sum_that_does_not_fit_names_the_profiles_line() {
    assert_eq!(
        refused("[pool]\nwarmup = 2\n[profile.a.pool]\nwarmup = 99", "--profile a"),
        "config.toml:4: warmup 99 is more than max-connections 50"
    );
}
