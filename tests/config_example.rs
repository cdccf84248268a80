//! The example in `assets/`: every setting and every action, each with its default.

use std::ffi::OsString;
use std::path::PathBuf;

use redis_pooltop::cli::Cli;
use redis_pooltop::command::{ASKED, ASKED_TYPED, NOT_ASKED, Registry};
use redis_pooltop::config::{ConfigFile, Environment, Settings, names};
use redis_pooltop::model::lint_ids;
use redis_pooltop::snapshot::Level;
use redis_pooltop::tui::keymap::Keys;

fn settings(text: Option<String>) -> Settings {
    settings_with(text, &[])
}

fn settings_with(text: Option<String>, options: &[&str]) -> Settings {
    let file = text.map(|text| ConfigFile {
        name: "assets/config.toml".to_owned(),
        dir: PathBuf::new(),
        text,
        open_to_others: true,
    });
    let line = ["redis-pooltop"].iter().chain(options).map(OsString::from);
    let cli = Cli::read(line).unwrap_or_else(|error| panic!("{error}"));
    Settings::new(cli, &Environment::default(), file.as_ref()).unwrap_or_else(|error| panic!("{error}"))
}

/// Everything that settings amount to, written out for comparing.
fn all(settings: &Settings) -> String {
    let Settings { connect, pool, model, color, screen, .. } = settings;
    format!("{connect:?} {pool:?} {model:?} {color:?} {screen:?}")
}

const EXAMPLE: &str = include_str!("../assets/config.toml");

/// HELP, the example and the README tell the same commands.
#[test]
fn what_asks_first_is_told_everywhere_alike() {
    let flat = |text: &str| text.replace("\n# ", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let help = Registry::new().help::<&str>(&[]).expect("an overview");
    for (place, text) in [("example", EXAMPLE), ("README", include_str!("../README.md")), ("HELP", &help)] {
        for told in [ASKED, ASKED_TYPED, NOT_ASKED] {
            assert!(flat(text).contains(told), "{place}: {told}");
        }
    }
}

/// The example with its settings in force: they stand there behind `#` with no blank after it.
fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.is_empty() && !setting.starts_with(' ') => format!("{setting}\n"),
        _ => format!("{line}\n"),
    };
    EXAMPLE.lines().map(line).collect()
}

#[test]
fn the_example_is_the_defaults() {
    let none = all(&settings(None));
    assert_eq!(all(&settings(Some(EXAMPLE.to_owned()))), none);
    assert_eq!(all(&settings(Some(uncommented()))), none);
}

#[test]
fn the_example_has_every_action_and_every_setting() {
    let uncommented = uncommented();
    let has = |name: &str| uncommented.lines().any(|line| line.starts_with(&format!("{name} = ")));
    // What has no default stands there as a comment.
    let shown = |name: &str| EXAMPLE.lines().any(|line| line.starts_with(&format!("# {name} = ")));
    let missing: Vec<&str> = names().filter(|name| !has(name) && !shown(name)).collect();
    assert!(missing.is_empty(), "assets/config.toml has no {missing:?}");
    let keys = Keys::default();
    let lines = keys.names().into_iter().map(|(name, keys)| {
        let keys: Vec<String> = keys.iter().map(|key| spelled(&key.to_string())).collect();
        match &*keys {
            [key] => format!("#{name} = {key:?}"),
            keys => format!("#{name} = {keys:?}"),
        }
    });
    let missing: Vec<String> = lines.filter(|line| !EXAMPLE.lines().any(|has| has == line)).collect();
    assert!(missing.is_empty(), "the [keys] of assets/config.toml need these lines:\n{}", missing.join("\n"));
}

#[test]
fn the_example_has_every_lint_and_each_only_warns() {
    let missing: Vec<_> = lint_ids()
        .into_iter()
        .map(|id| format!("#{id} = \"warn\""))
        .filter(|line| !EXAMPLE.lines().any(|has| has == line))
        .collect();
    assert!(
        missing.is_empty(),
        "the [lints] of assets/config.toml need these lines:\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_examples_profile_can_be_taken() {
    let settings = settings_with(Some(uncommented()), &["--profile", "production"]);
    let profile = settings.profile.expect("a profile");
    assert_eq!((profile.name.as_str(), profile.red, profile.typed), ("production", true, true));
    assert_eq!((settings.pool.max, settings.model.levels.get("leak")), (5, Level::Fail));
    assert!(settings.connect.tls.is_some());
}

#[test]
fn the_readme_shows_a_good_file() {
    let readme = include_str!("../README.md");
    let block = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let settings = settings(block.map(str::to_owned));
    assert_eq!((settings.pool.max, settings.screen.theme.as_str()), (20, "light"));
}

/// As the file spells keys: small letters, but where a capital is another key.
fn spelled(key: &str) -> String {
    let word = |word: &str| match word.rsplit_once('-') {
        Some(("Alt", letter)) if letter.len() == 1 => format!("alt-{letter}"),
        None if word.len() == 1 => word.to_owned(),
        _ => word.to_lowercase(),
    };
    key.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
