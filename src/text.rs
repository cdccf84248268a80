//! Text made fit to be shown: nothing a terminal would obey, columns counted as terminals count them, and numbers and
//! durations as people read them.

mod wrap;

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

pub use wrap::{folded, hang, wrap};

/// What stands for a number that the source cannot see.
pub const NONE: &str = "–";

/// Whether a terminal, or the eye, would obey a character instead of showing it: C0, DEL, C1, the marks that turn the
/// direction of text, line and paragraph separators, and what takes no room and joins nothing, so that two keys look
/// the same. The two joiners stay: scripts and emoji are written with them.
pub(crate) fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Bytes from anywhere as text that can be shown: what a terminal would obey, and bytes that are no UTF-8, in a visible
/// form: `\n`, `\x1b`, `\u{202e}`.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return escape_str(text);
    }
    let mut shown = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        escape_into(chunk.valid(), &mut shown);
        for byte in chunk.invalid() {
            push(&mut shown, format_args!("\\x{byte:02x}"));
        }
    }
    Cow::Owned(shown)
}

/// [`escape`] for what is UTF-8 already.
pub fn escape_str(text: &str) -> Cow<'_, str> {
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    escape_into(text, &mut shown);
    Cow::Owned(shown)
}

/// [`escape`] for text of many lines: line feeds and tabs stay, and so does the line end of `\r\n`.
pub fn escape_lines(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if at > 0 {
            shown.push('\n');
        }
        for (at, part) in line.strip_suffix(b"\r").unwrap_or(line).split(|&byte| byte == b'\t').enumerate() {
            if at > 0 {
                shown.push('\t');
            }
            shown.push_str(&escape(part));
        }
    }
    shown
}

fn escape_into(text: &str, shown: &mut String) {
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if c.is_ascii_control() => push(shown, format_args!("\\x{:02x}", u32::from(c))),
            c if obeyed(c) => push(shown, format_args!("\\u{{{:x}}}", u32::from(c))),
            c => shown.push(c),
        }
    }
}

fn push(shown: &mut String, part: std::fmt::Arguments<'_>) {
    // Writing to a String has no way to fail.
    let _ = shown.write_fmt(part);
}

/// The longest prefix of at most `most` bytes that ends at a character's end.
pub fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// The columns a text takes on a terminal.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.graphemes(true).map(UnicodeWidthStr::width).sum() }
}

/// A text cut to at most so many columns, between characters as people see them; what was cut ends in `…`.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let mut used = 0;
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > room {
            break;
        }
        end = at + grapheme.len();
    }
    format!("{}…", text[..end].trim_end_matches('…'))
}

/// The end of a text in at most so many columns; what was cut begins with `…`: of a path the file and the line stay.
pub fn fit_end(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let Some(room) = columns.checked_sub(1) else { return String::new() };
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        if used > room {
            break;
        }
        start = at;
    }
    format!("…{}", &text[start..])
}

/// A path's last part, with the line that stands behind it.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// Milliseconds with as many decimals as their size deserves: `<0.01`, `0.08`, `80.2`, `5,003`.
pub fn millis(nanos: u64) -> String {
    let ms = nanos as f64 / 1e6;
    match nanos {
        0..10_000 => "<0.01".to_owned(),
        10_000..9_995_000 => format!("{ms:.2}"),
        9_995_000..99_950_000 => format!("{ms:.1}"),
        _ => thousands(nanos.saturating_add(500_000) / 1_000_000),
    }
}

/// A duration in the unit its size deserves: `<0.01 ms`, `0.08 ms`, `80.2 ms`, `74.2 s`, `12m 30s`, `5h 02m`, `3d 07h`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.subsec_nanos() < 999_500_000 => {
            format!("{} ms", millis(u64::from(duration.subsec_nanos())))
        }
        0..100 => format!("{:.1} s", duration.as_secs_f64()),
        100..6_000 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        6_000..360_000 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// An age that calmly grows: tenths of a second, then whole seconds, minutes, hours, days.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..100 => format!("{}.{} s", seconds, age.subsec_millis() / 100),
        100..6_000 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        6_000..360_000 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        360_000..8_640_000 => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number in at most seven columns: whole while that fits, then in thousands, millions and so on: `12,345`, `4.3G`.
pub fn short(number: u64) -> String {
    let (mut scaled, mut unit) = (number as f64, 0);
    if number < 100_000 {
        return thousands(number);
    }
    while scaled >= 999.5 && unit < 6 {
        scaled /= 1e3;
        unit += 1;
    }
    let unit = ["", "k", "M", "G", "T", "P", "E"][unit];
    if scaled < 9.95 { format!("{scaled:.1}{unit}") } else { format!("{scaled:.0}{unit}") }
}

/// A size of a file or of memory: `512 B`, `12.3 kB`, `1.1 GB`.
pub fn bytes(bytes: u64) -> String {
    let (mut scaled, mut unit) = (bytes as f64, 0);
    while scaled >= 999.95 && unit < 6 {
        scaled /= 1e3;
        unit += 1;
    }
    let unit = ["B", "kB", "MB", "GB", "TB", "PB", "EB"][unit];
    if unit == "B" { format!("{bytes} B") } else { format!("{scaled:.1} {unit}") }
}

/// A moment in milliseconds since 1970 as a date and a time of day in UTC: `2026-07-26 10:15:30`.
pub fn utc(ms: u64) -> String {
    let (days, seconds) = (ms / 86_400_000, ms / 1_000 % 86_400);
    // Days are counted from 1 March of the year 0, in eras of 400 years, so that a leap day ends its year.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// A number in groups of three: `5,003`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_obey_becomes_visible() {
        assert_eq!(escape(b"\x1b[31mred\x07\x7f"), "\\x1b[31mred\\x07\\x7f");
        assert_eq!(
            escape("a\r\n\tb \u{9b}2J \u{202e}evil\u{feff}".as_bytes()),
            "a\\r\\n\\tb \\u{9b}2J \\u{202e}evil\\u{feff}"
        );
        assert_eq!(escape(b"ok \xff\xc3( \xe6\xbc"), "ok \\xff\\xc3( \\xe6\\xbc");
        assert_eq!(escape("a\u{200b}\u{2060}\u{e0041}".as_bytes()), "a\\u{200b}\\u{2060}\\u{e0041}");
        assert!(matches!(escape("漢字 é 👩\u{200d}👧".as_bytes()), Cow::Borrowed(_)));
    }

    #[test]
    fn sizes_are_short() {
        let shown = [0, 999, 1_000, 12_345, 999_949, 999_950, 1 << 30, u64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "999 B", "1.0 kB", "12.3 kB", "999.9 kB", "1.0 MB", "1.1 GB", "18.4 EB"]);
    }

    #[test]
    fn no_byte_at_all_survives_as_a_control() {
        let all: Vec<u8> = (0..=255).cycle().take(1024).collect();
        for start in 0..256 {
            assert!(!escape(&all[start..start + 256]).contains(obeyed));
        }
    }

    #[test]
    fn lines_and_tabs_stay_where_a_text_has_many() {
        assert_eq!(
            escape_lines(b"# Clients\r\na:\t1\r\n\x1b[2J\rb\xff\n"),
            "# Clients\na:\t1\n\\x1b[2J\\rb\\xff\n"
        );
    }

    #[test]
    fn columns_are_counted_and_cut_by_what_people_see() {
        assert_eq!(width("漢字"), 4);
        assert_eq!(width("e\u{301}"), 1);
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("漢字漢字", 4), "漢…");
        assert_eq!(fit("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("ab… and so on", 4), "ab…", "cut twice, it is cut once");
        assert_eq!(fit("abc", 1), "…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn durations_take_the_unit_they_deserve() {
        let shown = |micros| duration(Duration::from_micros(micros));
        assert_eq!(shown(9), "<0.01 ms");
        assert_eq!(shown(80), "0.08 ms");
        assert_eq!(shown(500_300), "500 ms");
        assert_eq!(shown(9_996), "10.0 ms");
        assert_eq!(shown(80_200), "80.2 ms");
        assert_eq!(shown(999_960), "1.0 s");
        assert_eq!(shown(74_200_000), "74.2 s");
        assert_eq!(shown(750_000_000), "12m 30s");
        assert_eq!(shown(18_120_000_000), "5h 02m");
        assert_eq!(duration(Duration::MAX).chars().last(), Some('h'));
    }

    #[test]
    fn milliseconds_keep_three_digits_or_so() {
        let shown =
            [0, 9_999, 80_000, 1_204_000, 12_100_000, 80_200_000, 99_960_000, 5_003_400_000].map(millis);
        assert_eq!(shown, ["<0.01", "<0.01", "0.08", "1.20", "12.1", "80.2", "100", "5,003"]);
    }

    #[test]
    fn moments_are_dates_through_leap_years_and_centuries() {
        let shown = |seconds: u64| utc(seconds * 1_000 + 999);
        assert_eq!(shown(0), "1970-01-01 00:00:00");
        assert_eq!(shown(951_782_399), "2000-02-28 23:59:59");
        assert_eq!(shown(951_782_400), "2000-02-29 00:00:00");
        assert_eq!(shown(1_709_251_199), "2024-02-29 23:59:59");
        assert_eq!(shown(1_785_060_930), "2026-07-26 10:15:30");
        assert_eq!(shown(4_107_542_400), "2100-03-01 00:00:00");
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [99_999, 100_000, 999_499, 999_500, 4_294_967_295, u64::MAX].map(short);
        assert_eq!(shown, ["99,999", "100k", "999k", "1.0M", "4.3G", "18E"]);
        assert_eq!([0, 999, 5_003, 1_000_000].map(thousands), ["0", "999", "5,003", "1,000,000"]);
        assert_eq!(thousands(u64::MAX), "18,446,744,073,709,551,615");
    }

    proptest! {
        #[test]
        fn nothing_obeyed_survives_and_nothing_else_changes(bytes in prop::collection::vec(any::<u8>(), 0..64), text: String) {
            prop_assert!(!escape(&bytes).contains(obeyed));
            prop_assert!(!escape_str(&text).contains(obeyed));
            prop_assert!(!escape_lines(&bytes).contains(|c| obeyed(c) && c != '\n' && c != '\t'));
            let plain = text.replace(obeyed, "");
            prop_assert_eq!(escape(plain.as_bytes()), plain.as_str());
            prop_assert_eq!(escape_lines(plain.as_bytes()), plain);
        }

        #[test]
        fn what_fits_fits_and_is_the_beginning(text: String, columns in 0..40_usize) {
            let text = escape_str(&text);
            let fitted = fit(&text, columns);
            prop_assert!(width(&fitted) <= columns, "{fitted:?}");
            prop_assert!(text.starts_with(fitted.strip_suffix('…').unwrap_or(&fitted)));
        }
    }

    #[test]
    fn ages_stay_short() {
        let shown = [450, 74_249, 100_000, 750_000, 7_260_000, 400_000_000, 8_640_000_000]
            .map(Duration::from_millis)
            .map(age);
        assert_eq!(shown, ["0.4 s", "74.2 s", "1m 40s", "12m 30s", "2h 01m", "4d 15h", "100d"]);
        assert!(age(Duration::from_nanos(u64::MAX)).len() <= 7, "as wide as a column of them");
    }
}
