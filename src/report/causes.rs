//! Why callers wait, or did when they last had to: for the text report, and for whoever copies it off the screen. What is
//! over is told in the past tense and with its time: none of it may be so any more.

use std::fmt::Write;
use std::time::Duration;

use crate::snapshot::{Cause, Exhaustion, Lease, Snapshot, Suspect};
use crate::text::{duration, escape_str, thousands, utc};

/// Suspects listed a cause.
const SUSPECTS: usize = 4;

/// Below this a wait is none that anybody would notice.
const NOTICED: Duration = Duration::from_millis(1);

/// In lines, the likeliest cause first; each is safe to show.
pub fn causes(exhaustion: &Exhaustion, snapshot: &Snapshot) -> Vec<String> {
    let mut lines = vec![format!("why       {}", callers(exhaustion, snapshot))];
    lines.push(format!("          {}", verdict(exhaustion, snapshot)));
    let mut causes: Vec<&Cause> = exhaustion.causes.iter().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.slots));
    for cause in causes {
        let mark = if cause.likely { 'x' } else { ' ' };
        let mut said = format!("{mark} {:<15} {:<9}", cause.word, share(cause, exhaustion));
        let _ = write!(said, " {}", escape_str(&evidence(cause, exhaustion).join("; ")));
        lines.push(said);
        for suspect in cause.suspects.iter().take(SUSPECTS) {
            let says = says(suspect, exhaustion);
            let said = format!("  {:26}{}  {says}  {}", "", suspect.conn, suspect.who);
            lines.push(escape_str(said.trim_end()).into_owned());
        }
        let more = cause.suspects.len().saturating_sub(SUSPECTS) + cause.more;
        if more > 0 {
            lines.push(format!("  {:26}and {more} more", ""));
        }
        if let Some(advice) = cause.advice_now() {
            lines.push(format!("  {:26}{advice}", ""));
        }
    }
    lines
}

/// What speaks for a cause, a line each; of what is past the first says so.
pub fn evidence(cause: &Cause, exhaustion: &Exhaustion) -> Vec<String> {
    let mut evidence = cause.evidence.clone();
    if let Some(first) = evidence.first_mut().filter(|_| exhaustion.is_past()) {
        *first = format!("then {first}");
    }
    evidence
}

/// What speaks against a holder: `out 74.0 s, idle 70.0 s`, and what has become of it where nobody waits any more.
pub fn says(suspect: &Suspect, exhaustion: &Exhaustion) -> String {
    let says = &suspect.says;
    match suspect.lease {
        _ if !exhaustion.is_past() => says.clone(),
        // First, as a narrow column has no room for the end.
        Lease::Back => format!("back, then {says}"),
        Lease::Closed => format!("closed, then {says}"),
        Lease::Out => format!("still out, then {says}"),
    }
}

/// `3 wait, up to 5.2 s; 2 timed out`; of what is over, how long ago it ended.
pub fn callers(exhaustion: &Exhaustion, snapshot: &Snapshot) -> String {
    const NOBODY: &str = "nobody waits now";
    let ago = duration(snapshot.as_of.since(exhaustion.at));
    let longest = duration(exhaustion.longest);
    let lost = exhaustion.lost.words().collect::<Vec<_>>().join("; ");
    // Whom a server that is gone turns away at once has hardly waited: what became of them says more.
    let waited = exhaustion.longest >= NOTICED;
    let said = match (exhaustion.over, exhaustion.waiting) {
        (true, _) if waited => format!("{NOBODY}; {ago} ago callers waited up to {longest}"),
        (true, _) if !lost.is_empty() => return format!("{NOBODY}; {ago} ago {lost}"),
        (false, 0) if waited => format!("{NOBODY}, callers waited up to {longest}"),
        (true, _) | (false, 0) => NOBODY.to_owned(),
        (false, 1) => format!("1 caller waits, up to {longest} so far"),
        (false, waiting) => {
            format!("{} callers wait, up to {longest} so far", thousands(u64::from(waiting)))
        }
    };
    if lost.is_empty() { said } else { format!("{said}; {lost}") }
}

/// `likely: leak (2 of 3)`, or that it is none of them; where nobody waits any more, what it was and when.
pub fn verdict(exhaustion: &Exhaustion, snapshot: &Snapshot) -> String {
    let past = exhaustion.is_past();
    let likely: Vec<_> =
        exhaustion.likely().map(|cause| format!("{} ({})", cause.word, share(cause, exhaustion))).collect();
    let mut said = if likely.is_empty() {
        format!("none of the four causes {} seen", if past { "was" } else { "is" })
    } else if past {
        format!("it was likely: {}", likely.join(", "))
    } else {
        format!("likely: {}", likely.join(", "))
    };
    if exhaustion.unclear > 0 {
        let _ = write!(said, "; {} lent too lately to tell", thousands(u64::from(exhaustion.unclear)));
    }
    if past {
        let _ = write!(said, "; as it was at {} UTC", clock(exhaustion, snapshot));
    }
    said
}

/// `2 of 3`: how many of the limit's connections a cause accounts for.
pub fn share(cause: &Cause, exhaustion: &Exhaustion) -> String {
    format!("{} of {}", thousands(u64::from(cause.slots)), thousands(u64::from(exhaustion.max)))
}

/// `16:40:12`: the moment that all of it is of.
fn clock(exhaustion: &Exhaustion, snapshot: &Snapshot) -> String {
    let ago = u64::try_from(snapshot.as_of.since(exhaustion.at).as_millis()).unwrap_or(u64::MAX);
    let moment = utc(snapshot.wall_ms.saturating_sub(ago));
    moment.rsplit(' ').next().unwrap_or_default().to_owned()
}
