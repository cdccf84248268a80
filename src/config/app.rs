//! What `run` and `attach` were asked for.

use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdin, stdout};
use std::path::PathBuf;
use std::time::Duration;

use super::usage;
use crate::cli::{Attach, Common, Format, Lints, Run, Told, of_our_pools};
use crate::error::Error;
use crate::model::is_of_apps;
use crate::snapshot::Level;

/// `run` or `attach`, and its options.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// Whose pools.
    pub observed: Observed,
    /// How long processes may take to report their end after the command's.
    pub grace: Duration,
    /// The report's form.
    pub format: Format,
    /// A report is what was asked for, by its form or by how long it is to take.
    pub reports: bool,
    /// Options name the server that is asked about the pools' connections.
    pub names_server: bool,
    /// The terminal is left to the command.
    pub plain: bool,
}

impl AppSettings {
    /// Whether the full screen is meant, and there is a terminal for it.
    pub fn on_screen(&self) -> bool {
        match self.observed {
            // It takes all three of them from the command, which else has them.
            Observed::Command(_) => {
                let terminals = stdin().is_terminal() && stdout().is_terminal() && stderr().is_terminal();
                !self.plain && self.format == Format::Text && terminals
            }
            Observed::Socket(..) => !self.reports && stdout().is_terminal(),
        }
    }
}

/// Whose pools are looked at.
#[derive(Clone, Debug)]
pub enum Observed {
    /// Those of a command that is started, and of what it starts.
    Command(Vec<OsString>),
    /// Those of whoever reports here, for so long or until this is ended.
    Socket(PathBuf, Option<Duration>),
}

/// Connections on their way back at the end are back by then.
const GRACE: Duration = Duration::from_secs(2);

pub(super) fn run(run: Run, common: &Common, judged: bool) -> Result<AppSettings, Error> {
    let plain = run.plain;
    let settings = settings(&run.told, Observed::Command(run.command), "run", common, judged)?;
    Ok(AppSettings { plain, ..settings })
}

pub(super) fn attach(attach: Attach, common: &Common, judged: bool) -> Result<AppSettings, Error> {
    settings(&attach.told, Observed::Socket(attach.path, attach.duration), "attach", common, judged)
}

fn settings(
    told: &Told,
    observed: Observed,
    name: &str,
    common: &Common,
    judged: bool,
) -> Result<AppSettings, Error> {
    for (option, given) in [("--demo", common.connection.demo), ("-n", common.connection.database.is_some())]
    {
        if given {
            return Err(usage(format!(
                "{option} is not for {name}: a server is asked about its clients alone"
            )));
        }
    }
    if let Some(option) = of_our_pools(&common.pool) {
        return Err(usage(format!("--{option} is not for {name}: the pools are the app's own")));
    }
    can_be_found(&common.lints, name)?;
    if told.format == Some(Format::Junit) && !judged {
        return Err(usage("--format junit goes with --fail-on-leak or --fail-on: it says what they find"));
    }
    let timed = matches!(&observed, Observed::Socket(_, Some(_)));
    let reports = told.format.is_some() || judged || timed;
    let (format, grace) = (told.format.unwrap_or_default(), told.grace.unwrap_or(GRACE));
    let names_server = common.connection.names_server();
    Ok(AppSettings { observed, grace, format, reports, names_server, plain: false })
}

/// Refuses a check that could never fail.
fn can_be_found(lints: &Lints, name: &str) -> Result<(), Error> {
    let judged = lints.fail_on_leak || !lints.fail_on.is_empty();
    let failing = lints.levels.iter().filter(|given| judged && given.level == Level::Fail);
    let failing = failing.map(|given| (format!("--lint {}=fail", given.id), given.id));
    let named = lints.fail_on.iter().map(|id| (format!("--fail-on {id}"), *id));
    for (option, id) in named.chain(failing) {
        if is_of_apps(id) {
            continue;
        }
        let why = match id {
            "stuck-transaction" => "of an app's pipelines it is called watch-held",
            "dead" | "stale" | "sequential" => "an app's pools do not tell what it takes",
            _ => "that is of servers: see `redis-pooltop watch`",
        };
        return Err(usage(format!("{option} is not for {name}: {why}")));
    }
    Ok(())
}
