//! What the first line says of a recording: that one is shown and where it is, or that one is made.

use std::time::Duration;

use ratatui::text::Span;

use crate::event::Stamp;
use crate::snapshot::{Motion, RecordingRow, Tape};
use crate::text;
use crate::tui::theme::Theme;

/// The moment of the tape, how long it is, and how it goes.
pub(super) fn replay<'a>(tape: &Tape, at: Stamp, theme: &Theme) -> Vec<Span<'a>> {
    let length = tape.end.map_or_else(String::new, |end| format!(" of {}", position(end)));
    let mut spans = vec![
        Span::styled(" REPLAY ", theme.badge),
        Span::styled(format!(" {}", position(at)), theme.text),
        Span::styled(format!("{length} "), theme.dim),
    ];
    let word = match tape.motion {
        Motion::Playing => format!("{}x ", tape.speed),
        Motion::Paused => "paused ".to_owned(),
        Motion::Seeking => "seeking ".to_owned(),
        Motion::Ended => "end ".to_owned(),
    };
    let style = if tape.motion == Motion::Playing { theme.available } else { theme.warn };
    spans.push(Span::styled(word, style));
    spans
}

/// That a recording is made, and what is amiss with it.
pub(super) fn recording<'a>(row: &RecordingRow, theme: &Theme) -> Span<'a> {
    if row.ended.is_some() {
        return Span::styled("! REC ended  ", theme.warn);
    }
    if row.lost > 0 {
        return Span::styled(format!("! REC with a gap, {}  ", text::bytes(row.bytes)), theme.warn);
    }
    Span::styled(format!("REC {}  ", text::bytes(row.bytes)), theme.dim)
}

/// What is to be said of the file in a line of its own, safe to show.
pub(super) fn trouble(recording: Option<&RecordingRow>, tape: Option<&Tape>) -> Option<String> {
    let ended = recording.and_then(|row| row.ended.as_ref());
    let recording = ended.map(|why| format!("the recording: {}", text::escape_str(why)));
    recording.or_else(|| Some(format!("the recording: {}", tape?.damage.as_ref()?)))
}

/// `0:07`, `3:40`, `1:02:03`: a place on a tape keeps its width while it goes by.
pub(super) fn position(at: Stamp) -> String {
    let seconds = Duration::from_nanos(at.0).as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_a_tape_is_minutes_and_seconds() {
        let shown = [0, 7, 61, 3_599, 3_600, 360_000].map(|s| position(Stamp(s * 1_000_000_000)));
        assert_eq!(shown, ["0:00", "0:07", "1:01", "59:59", "1:00:00", "100:00:00"]);
    }

    #[test]
    fn a_line_of_its_own_is_for_trouble_only() {
        let mut row = RecordingRow { bytes: 1, lost: 3, ended: None };
        let mut tape =
            Tape { motion: Motion::Paused, speed: 1.0, end: None, missing: 0, damage: None, damaged: false };
        assert_eq!(trouble(Some(&row), Some(&tape)), None);
        tape.damage = Some("it breaks off in line 7".into());
        assert_eq!(trouble(None, Some(&tape)).as_deref(), Some("the recording: it breaks off in line 7"));
        row.ended = Some("no \u{1b}room".into());
        assert_eq!(trouble(Some(&row), None).as_deref(), Some("the recording: no \\x1broom"));
    }
}
