//! One report and out: `--once`, and the full screen where there is no terminal for it.

use std::io::{Write, stderr};
use std::time::Duration;

use super::judge::Judge;
use super::{Parts, next, unreachable};
use crate::cli::Format;
use crate::config::{ReportSettings, Settings};
use crate::error::{Error, Exit};
use crate::event::{Event, ServerEvent};
use crate::net::ConnectError;
use crate::pool::{CheckoutError, RedisPool};
use crate::report::clients::Change;
use crate::report::{Listing, Verdict, verdict};
use crate::snapshot::Snapshot;
use crate::terminal::EndSignals;
use crate::{report, terminal};

/// How long a report waits for the server's first INFO.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who holds the pool's connection while it is tried.
const HOLDER: &str = "report";

pub(super) async fn run(
    parts: &mut Parts,
    settings: &Settings,
    report: &ReportSettings,
    judge: Option<&mut Judge>,
    early: &mut Option<EndSignals>,
) -> Result<Exit, Error> {
    let tried = tokio::select! {
        biased;
        number = next(early) => return Ok(Exit::Signal(number)),
        tried = try_the_pool(&parts.pool) => tried,
    };
    if let Err(error) = tried {
        return Err(lost(parts, settings, report, error).await?);
    }
    if parts.metrics.is_some() && !report.once {
        // Nothing but a signal ends that.
        parts.open_up(settings).await;
        parts.warn();
        return Ok(Exit::Signal(next(early).await));
    }
    let cut_short = tokio::select! {
        biased;
        number = next(early) => Some(number),
        () = watch(parts, settings, report) => None,
    };
    // What is reported is the last that is recorded, so that a replay reports the same.
    let snapshot = parts.hub.end_recording().await;
    match cut_short {
        None => print(report, (&snapshot, None), judge, |verdict| verdict.unused = true),
        // What was seen so far is worth a look, and no verdict.
        Some(number) => print(report, (&snapshot, None), None, |_| ()).map(|_| Exit::Signal(number)),
    }
}

/// Waits until there is something to report.
async fn watch(parts: &mut Parts, settings: &Settings, report: &ReportSettings) {
    parts.open_up(settings).await;
    parts.warn();
    parts.first_answer(PATIENCE).await;
    if let Some(duration) = report.duration {
        tokio::time::sleep(duration).await;
    }
}

/// Opens a connection as the pool's callers do, and has it answer: a pool that nobody has asked for anything cannot tell
/// whether it could give it. What comes of the PING itself is in the pool's numbers.
async fn try_the_pool(pool: &RedisPool) -> Result<(), ConnectError> {
    match pool.checkout_as(HOLDER.into()).await {
        Ok(mut lease) => {
            let _ = lease.command_within(&["PING"], Some(PATIENCE)).await;
            Ok(())
        }
        Err(CheckoutError::Connect(error)) => Err(error),
        // Nobody else asks this pool for anything or closes it.
        Err(_) => Ok(()),
    }
}

/// The end of a report on a server that cannot be reached. What a program reads says so too, where it can; a person has
/// the sentence, and no use for a report beside it.
async fn lost(
    parts: &Parts,
    settings: &Settings,
    report: &ReportSettings,
    error: ConnectError,
) -> Result<Error, Error> {
    let now = parts.hub.sync().await.as_of;
    let why = ServerEvent::Lost { error: error.to_string(), retry_at: now };
    parts.hub.tap().emit(now, Event::Server(why));
    let snapshot = parts.hub.end_recording().await;
    if matches!(report.format, Some(Format::Json | Format::Prometheus)) {
        print(report, (&snapshot, None), None, |_| ())?;
    }
    Ok(unreachable(settings, error))
}

/// Prints a snapshot, and what changed before it, in the form asked for, and judges it; the caller knows more of what is
/// judged.
pub(super) fn print(
    settings: &ReportSettings,
    (snapshot, change): (&Snapshot, Option<&Change>),
    judge: Option<&mut Judge>,
    known: impl FnOnce(&mut Verdict),
) -> Result<Exit, Error> {
    let mut verdict = judge.as_ref().map(|judge| judge.look(snapshot));
    if let Some(verdict) = &mut verdict {
        known(verdict);
    }
    // With a file of its own the verdict is there and nowhere else.
    let shown = verdict.as_ref().filter(|_| judge.as_ref().is_some_and(|judge| !judge.has_file()));
    let format = settings.format.unwrap_or_default();
    // An app's servers are asked beside it.
    let report = if snapshot.nodes.is_empty() || snapshot.app.is_some() {
        document(snapshot, format, shown)?
    } else {
        clients(settings, snapshot, change, shown)
    };
    terminal::output()
        .and_then(|mut out| out.write_all(report.as_bytes()))
        .map_err(Error::io("standard output"))?;
    let numbers = matches!(format, Format::Prometheus | Format::Csv);
    if let Some(verdict) = shown.filter(|verdict| numbers && !verdict.passes()) {
        stderr().write_all(verdict::words(verdict).as_bytes()).map_err(Error::io("standard error"))?;
    }
    match (judge, &verdict) {
        (Some(judge), Some(verdict)) => judge.end(verdict, Exit::Fine),
        _ => Ok(Exit::Fine),
    }
}

/// The report, with the verdict where the form has a place for it.
fn document(snapshot: &Snapshot, format: Format, verdict: Option<&Verdict>) -> Result<String, Error> {
    let text = if snapshot.app.is_some() { report::app::text } else { report::text };
    Ok(match (format, verdict) {
        (Format::Json, verdict) if snapshot.app.is_some() => report::app::document(snapshot, verdict),
        (Format::Text, Some(verdict)) => format!("{}\n{}", text(snapshot), verdict::words(verdict)),
        (Format::Json, Some(verdict)) => report::json_judged(snapshot, verdict),
        (Format::Junit, Some(verdict)) => verdict::junit(verdict),
        (Format::Text | Format::Junit, _) => text(snapshot),
        (Format::Json, None) => report::json(snapshot),
        (Format::Prometheus, _) => report::prometheus(snapshot, &Listing::default()),
        (Format::Csv | Format::Ndjson, _) => {
            return Err(Error::Usage("csv and ndjson are of clients, and no server was watched".to_owned()));
        }
    })
}

/// The same of watched servers.
fn clients(
    settings: &ReportSettings,
    snapshot: &Snapshot,
    change: Option<&Change>,
    verdict: Option<&Verdict>,
) -> String {
    let listing = &settings.listing;
    match (settings.format.unwrap_or_default(), verdict) {
        (Format::Text, Some(verdict)) => {
            format!("{}\n{}", report::clients::text(snapshot, listing, change), verdict::words(verdict))
        }
        (Format::Junit, Some(verdict)) => verdict::junit(verdict),
        (Format::Text | Format::Junit, _) => report::clients::text(snapshot, listing, change),
        (Format::Json, verdict) => report::clients::document(snapshot, listing, change, verdict),
        (Format::Ndjson, verdict) => report::clients::line(snapshot, listing, change, verdict),
        (Format::Csv, _) => report::clients::csv(snapshot, listing),
        (Format::Prometheus, _) => report::prometheus(snapshot, listing),
    }
}
