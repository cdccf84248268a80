//! What `watch` was asked for, from flags, environment and file.

use std::time::Duration;

use super::known::Said;
use super::{LEAKS, ReportSettings, can_serve, usage};
use crate::cli::{self, Common, Format, Lints, looks_like_url, only_for_pools};
use crate::error::Error;
use crate::model::is_of_servers;
use crate::report::Listing;
use crate::snapshot::{GroupBy, Level};

/// `watch` and its options.
#[derive(Clone, Debug)]
pub struct WatchSettings {
    /// A report instead of the screen.
    pub report: ReportSettings,
    /// How often it looks.
    pub interval: Duration,
    /// No key closes a client.
    pub read_only: bool,
}

/// `[watch]`
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    pub(super) group_by: Option<GroupBy>,
    pub(super) interval: Option<Duration>,
    pub(super) read_only: Option<bool>,
}

/// How often it looks unless told: as often as CLIENT LIST is asked for.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// How long `growth` looks back at the least, with a few seconds for the first look; `churn`; and a counter that rises.
const STEADY: Duration = Duration::from_secs(30);
const SEVERAL: Duration = Duration::from_secs(10);
const SOME: Duration = Duration::from_secs(3);

/// So many looks the first two of them need, where looks are further apart.
const STEPS: u32 = 10;

const CANNOT_TELL: &str = "a server cannot tell a leak";
const CAN_SEE: &str = "--fail-on growth,idle-crowd names what it can see";

impl WatchSettings {
    /// Whether the screen is meant, and there is a terminal for it.
    pub fn on_screen(&self) -> bool {
        self.report.on_screen() && !self.streams()
    }

    /// Whether it looks for long enough that a lint could be raised, and it is one of servers.
    pub(crate) fn can_tell(&self, id: &str) -> bool {
        is_of_servers(id) && self.least(id).is_none()
    }

    /// How long it would have to look for a lint, if it does not look so long.
    fn least(&self, id: &str) -> Option<Duration> {
        let least = match id {
            "growth" | "subscriber-only-grows" => STEADY.max(self.interval * STEPS),
            "churn" => SEVERAL.max(self.interval * STEPS),
            "rejected" | "evicted" => SOME.max(self.interval * 3),
            _ => return None,
        };
        let unended = self.streams() && self.report.duration.is_none();
        let lasts = unended || self.report.duration.is_some_and(|duration| duration >= least);
        (!lasts).then_some(least)
    }

    /// Refuses a check that could never fail.
    fn check(&self, lints: &Lints) -> Result<(), Error> {
        let judged = !lints.fail_on.is_empty();
        let failing = lints.levels.iter().filter(|given| judged && given.level == Level::Fail);
        let failing = failing.map(|given| (format!("--lint {}=fail", given.id), given.id));
        for (option, id) in lints.fail_on.iter().map(|id| (format!("--fail-on {id}"), *id)).chain(failing) {
            if !is_of_servers(id) {
                let why = if LEAKS.contains(&id) { CANNOT_TELL } else { "that is of pools" };
                return Err(usage(format!("{option} is not for watch: {why}; {CAN_SEE}")));
            }
            if let Some(least) = self.least(id) {
                let least = least.as_millis().div_ceil(1_000);
                let every = match self.interval.as_millis() {
                    ..=1_000 => String::new(),
                    millis if millis % 1_000 == 0 => format!(" at --interval {}s", millis / 1_000),
                    millis => format!(" at --interval {millis}ms"),
                };
                return Err(usage(format!("{option} needs --duration {least}s or longer{every}")));
            }
        }
        Ok(())
    }

    /// Whether a line is printed at each refresh.
    pub fn streams(&self) -> bool {
        self.report.format == Some(Format::Ndjson) && !self.report.once
    }
}

/// What is listed and how, from flags and file.
pub(super) fn listing(flags: &cli::Listing, said: &Said) -> Result<Listing, Error> {
    let by = flags.group_by.or(said.watch.group_by).unwrap_or_default();
    Listing::new(by, flags.filter.as_deref(), flags.sort.as_deref()).map_err(usage)
}

/// What goes with `watch` and what does not.
pub(super) fn settings(
    watch: &cli::Watch,
    common: &Common,
    said: &Said,
    judged: bool,
) -> Result<WatchSettings, Error> {
    if let Some(word) = watch.urls.iter().find(|word| !looks_like_url(word)) {
        return Err(usage(not_a_url(word)));
    }
    if let Some(option) = only_for_pools(&common.pool) {
        return Err(usage(format!("--{option} is not for watch: it looks at clients and sets up no pool")));
    }
    if common.lints.fail_on_leak {
        return Err(usage(format!("--fail-on-leak is not for watch: {CANNOT_TELL}; {CAN_SEE}")));
    }
    let streams = watch.format == Some(Format::Ndjson) && !watch.once;
    let once = watch.once || !streams && (watch.duration.is_some() || watch.format.is_some() || judged);
    let report = ReportSettings {
        once,
        duration: watch.duration,
        format: watch.format,
        listing: listing(&in_the_demo(watch, common), said)?,
    };
    can_serve(watch.metrics, &report)?;
    let settings = WatchSettings {
        report,
        interval: watch.interval.or(said.watch.interval).unwrap_or(INTERVAL),
        read_only: watch.read_only || said.watch.read_only.unwrap_or(false),
    };
    settings.check(&common.lints)?;
    Ok(settings)
}

/// How the clients are listed; those of the demo by what they are called, as they are all of one process.
fn in_the_demo(watch: &cli::Watch, common: &Common) -> cli::Listing {
    let by = common.connection.demo.then_some(GroupBy::Prefix);
    cli::Listing { group_by: watch.listing.group_by.or(by), ..watch.listing.clone() }
}

fn not_a_url(word: &str) -> String {
    // What looks like user:password@host is not repeated.
    let shown =
        if word.contains('@') { "the address given".to_owned() } else { word.escape_debug().to_string() };
    format!("'{shown}' is no URL, which begins with redis://, rediss:// or unix://; a host goes after -h")
}
