//! Why callers wait, or did when they last had to: for the text report, and for whoever copies it off the screen.

use std::fmt::Write;
use std::time::Duration;

use crate::snapshot::{Cause, Exhaustion};
use crate::text::{duration, escape_str, thousands};

/// Suspects listed a cause.
const SUSPECTS: usize = 4;

/// In lines, the likeliest cause first; each is safe to show.
pub fn causes(exhaustion: &Exhaustion, ago: Duration) -> Vec<String> {
    let mut lines = vec![format!("why       {}", callers(exhaustion, ago))];
    lines.push(format!("          {}", verdict(exhaustion)));
    let mut causes: Vec<&Cause> = exhaustion.causes.iter().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.slots));
    for cause in causes {
        let mark = if cause.likely { 'x' } else { ' ' };
        let mut said = format!("{mark} {:<15} {:<9}", cause.kind.words(), share(cause, exhaustion));
        let _ = write!(said, " {}", escape_str(&cause.evidence.join("; ")));
        lines.push(said);
        for suspect in cause.suspects.iter().take(SUSPECTS) {
            let said = format!("  {:26}{}  {}  {}", "", suspect.conn, suspect.says, suspect.who);
            lines.push(escape_str(said.trim_end()).into_owned());
        }
        let more = cause.suspects.len().saturating_sub(SUSPECTS) + cause.more;
        if more > 0 {
            lines.push(format!("  {:26}and {more} more", ""));
        }
        if cause.slots > 0 {
            lines.push(format!("  {:26}{}", "", cause.advice));
        }
    }
    lines
}

/// `3 wait, up to 5.2 s; 2 timed out`; of what is over, how long ago it ended.
pub fn callers(exhaustion: &Exhaustion, ago: Duration) -> String {
    let lost = exhaustion.lost.kinds().into_iter().filter(|(number, _)| *number > 0);
    let mut said: Vec<String> = Vec::new();
    let longest = duration(exhaustion.longest);
    match (exhaustion.over, exhaustion.waiting) {
        (true, _) => {
            said.push(format!("nobody waits now; {} ago callers waited up to {longest}", duration(ago)));
        }
        (false, 0) if exhaustion.longest.is_zero() => said.push("nobody waits now".to_owned()),
        (false, 0) => said.push(format!("nobody waits now, callers waited up to {longest}")),
        (false, 1) => said.push(format!("1 caller waits, up to {longest} so far")),
        (false, waiting) => {
            said.push(format!("{} callers wait, up to {longest} so far", thousands(u64::from(waiting))));
        }
    }
    said.extend(lost.map(|(number, how)| format!("{} {how}", thousands(number))));
    said.join("; ")
}

/// `likely: leak (2 of 3)`, or that it is none of them.
pub fn verdict(exhaustion: &Exhaustion) -> String {
    let likely: Vec<_> = exhaustion
        .likely()
        .map(|cause| format!("{} ({})", cause.kind.words(), share(cause, exhaustion)))
        .collect();
    let mut said = if likely.is_empty() {
        "none of the four causes is seen".to_owned()
    } else {
        format!("likely: {}", likely.join(", "))
    };
    if exhaustion.unclear > 0 {
        let _ = write!(said, "; {} lent too lately to tell", thousands(u64::from(exhaustion.unclear)));
    }
    said
}

/// `2 of 3`: how many of the limit's connections a cause accounts for.
pub fn share(cause: &Cause, exhaustion: &Exhaustion) -> String {
    format!("{} of {}", thousands(u64::from(cause.slots)), thousands(u64::from(exhaustion.max)))
}
