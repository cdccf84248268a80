//! What stands below the options in the help, and in the manual.

use std::fmt::Write;

/// What each exit code means.
pub(crate) const EXIT_CODES: [(&str, &str); 8] = [
    ("0", "all went well"),
    ("1", "a command failed or was not run, as an experiment, or a recording is damaged"),
    ("2", "an option, a setting or a name is wrong"),
    ("3", "no connection, or not authorised"),
    ("4", "--fail-on-leak or --fail-on found something"),
    ("126, 127", "run: the command cannot be run, or is not there; else run leaves as its command did"),
    ("128+N", "ended by signal N: 130 is Ctrl-C"),
    ("141", "nobody reads the output any more"),
];

/// The variables that are read.
pub(crate) const ENVIRONMENT: [(&str, &str); 4] = [
    ("REDIS_URL", "the server, where no option names one"),
    ("REDISCLI_AUTH", "the password: the safer way to pass it"),
    ("NO_COLOR", "no colour, where --color does not say otherwise"),
    ("CLICOLOR_FORCE", "colour though stdout is no terminal"),
];

/// The end of the program's help.
pub(super) fn help() -> String {
    let names = ENVIRONMENT.map(|(name, _)| name).join(", ");
    format!(
        "Durations are 5s, 500ms, 2m, 1h or plain seconds.\n\
         Defaults give way to the configuration file, that to the environment, and that to options.\n\
         Environment: {names}.\n\n{}",
        exits()
    )
}

/// The exit codes, a line each.
pub(super) fn exits() -> String {
    let mut out = String::from("Exit codes:\n");
    for (code, meaning) in EXIT_CODES {
        let _ = writeln!(out, "  {code:<6} {meaning}");
    }
    out
}
