//! Lines cut at words to a width.

use unicode_segmentation::UnicodeSegmentation;

use super::width;

/// Cuts a text in pieces of at most `columns` columns, `hang` fewer from the second one on: after a blank where one is
/// near the edge. At least one piece, which may be empty; nothing of the text is lost.
pub fn wrap(text: &str, columns: usize, hang: usize) -> Vec<&str> {
    let columns = columns.max(1);
    if text.len() <= columns {
        return vec![text];
    }
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    // Past the last blank: where, and how many columns stand before it.
    let mut blank = (0, 0);
    let mut room = columns;
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = width(grapheme);
        if used + wide > room && at > start {
            let (cut, before) = if blank.1 * 2 > room { blank } else { (at, used) };
            pieces.push(&text[start..cut]);
            (start, used, blank) = (cut, used - before, (cut, 0));
            room = columns.saturating_sub(hang).max(1);
        }
        used += wide;
        if grapheme == " " {
            blank = (at + 1, used);
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Where a line of our own tables goes on when it is cut, for a screen of so many columns: below its second column, or
/// behind its own indent where that leaves too little room. Any other line goes on at the edge.
///
/// Tables of ours begin with exactly two blanks, which no reply printed as redis-cli prints it does.
pub fn hang(line: &str, columns: usize) -> usize {
    let Some(first) = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else { return 0 };
    let indent = (2 + INDENT).min(columns / 2);
    let second = first.find("  ").map(|gap| {
        let rest = first[gap..].trim_start_matches(' ');
        width(line) - width(rest)
    });
    second.filter(|second| *second * 2 <= columns).unwrap_or(indent)
}

/// How much further in than itself a line without columns goes on.
const INDENT: usize = 2;

/// A text with each line cut to so many columns, as [`hang`] says.
pub fn folded(text: &str, columns: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (words, end) = line.strip_suffix('\n').map_or((line, ""), |words| (words, "\n"));
        let hang = hang(words, columns);
        for (at, piece) in wrap(words, columns, hang).into_iter().enumerate() {
            if at > 0 {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', hang));
            }
            out.push_str(piece.trim_end());
        }
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_goes_on_below_its_second_column_and_a_reply_at_the_edge() {
        let row = "  POOL HOLD [n]   Takes n connections and keeps them in use.";
        assert_eq!(
            folded(row, 40),
            "  POOL HOLD [n]   Takes n connections\n                  and keeps them in use."
        );
        assert_eq!(
            folded("  a-long-first-column-of-it  words of it", 30),
            "  a-long-first-column-of-it\n    words of it"
        );
        assert_eq!(folded("  summary: Sets a key\nOK\n", 14), "  summary:\n    Sets a key\nOK\n");
        assert_eq!(hang("1) \"a  b\"", 40), 0);
        assert_eq!(hang("   2) \"a  b\"", 40), 0);
    }

    #[test]
    fn nothing_is_lost_and_nothing_is_too_wide() {
        let text = "  some words 漢字 and  blanks that go on for a while";
        for columns in 1..60 {
            for hang in [0, 4, hang(text, columns)] {
                let pieces = wrap(text, columns, hang);
                assert_eq!(pieces.concat(), text);
                let room = |at: usize| if at == 0 { columns } else { columns.saturating_sub(hang) };
                for (at, piece) in pieces.iter().enumerate() {
                    assert!(width(piece) <= room(at).max(2), "{columns} {hang} {pieces:?}");
                }
            }
        }
    }
}
