use super::*;

fn filled(lines: usize) -> Output {
    let mut output = Output::default();
    for at in 0..lines {
        output.push(Kind::Reply, format!("line {at}"));
    }
    output
}

fn shown(output: &Output, width: usize, height: usize) -> Vec<String> {
    output.rows(width, height).iter().map(|row| row.text.to_owned()).collect()
}

#[test]
fn a_page_up_and_a_page_down_come_back_to_the_end() {
    let mut output = filled(100);
    output.scroll(Step::PageUp, 20, 10);
    assert_eq!(shown(&output, 20, 10).last().map(String::as_str), Some("line 90"));
    assert_eq!(output.below(), 9);
    output.scroll(Step::PageDown, 20, 10);
    assert!(!output.scrolled());
    assert_eq!(shown(&output, 20, 2), ["line 98", "line 99"]);
}

#[test]
fn the_first_screenful_stays_full() {
    let mut output = filled(30);
    output.scroll(Step::Top, 20, 10);
    assert_eq!(shown(&output, 20, 10).first().map(String::as_str), Some("line 0"));
    output.scroll(Step::PageUp, 20, 10);
    assert_eq!(shown(&output, 20, 10).len(), 10);
    let mut short = filled(3);
    short.scroll(Step::PageUp, 20, 10);
    assert!(!short.scrolled());
}

#[test]
fn what_is_read_stays_put_while_more_arrives() {
    let mut output = filled(30);
    output.scroll(Step::PageUp, 20, 10);
    let before = shown(&output, 20, 10);
    output.push(Kind::Reply, "more".to_owned());
    assert_eq!(shown(&output, 20, 10), before);
}

#[test]
fn long_lines_wrap_by_column_and_scroll_by_row() {
    let mut output = Output::default();
    output.push(Kind::Reply, "漢字漢字漢".to_owned());
    assert_eq!(shown(&output, 5, 9), ["漢字", "漢字", "漢"]);
    output.scroll(Step::Up, 5, 2);
    assert_eq!(shown(&output, 5, 2), ["漢字", "漢字"]);
    output.scroll(Step::Down, 5, 2);
    assert_eq!(shown(&output, 5, 2), ["漢字", "漢"]);
    assert!(!output.scrolled());
}

#[test]
fn a_line_breaks_after_a_blank_near_the_edge_and_nothing_is_lost() {
    assert_eq!(wrap("the key is created if need be", 10), ["the key ", "is created", " if need ", "be"]);
    assert_eq!(wrap("a verylongwordthatgoeson", 10), ["a verylong", "wordthatgo", "eson"]);
    for width in 1..30 {
        let text = "some words 漢字 and  blanks ";
        let pieces = wrap(text, width);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.iter().all(|piece| text::width(piece) <= width.max(2)), "{pieces:?}");
    }
}

#[test]
fn a_row_of_a_table_goes_on_below_its_second_column() {
    let mut output = Output::default();
    output.push(Kind::Reply, "  POOL HOLD   Takes connections and keeps them".to_owned());
    output.push(Kind::Hint(11), "POOL HOLD 3  borrow three connections and see".to_owned());
    output.push(Kind::Note, "a long note from the program itself".to_owned());
    output.push(Kind::Reply, "\"a  long string that is wrapped\"".to_owned());
    let rows = output.rows(30, 20);
    let indents: Vec<(usize, &str)> = rows.iter().map(|row| (row.indent, row.text)).collect();
    assert_eq!(
        indents,
        [
            (0, "  POOL HOLD   Takes "),
            (14, "connections and "),
            (14, "keeps them"),
            (0, "POOL HOLD 3  borrow three "),
            (13, "connections and "),
            (13, "see"),
            (0, "a long note from the program "),
            (2, "itself"),
            (0, "\"a  long string that is "),
            (0, "wrapped\""),
        ]
    );
    assert_eq!(output.rows(30, 3).len(), 3);
}

#[test]
fn memory_is_bounded_by_lines_and_by_bytes_and_a_long_line_says_what_it_lost() {
    let mut output = filled(LINES + 5);
    assert_eq!(output.len(), LINES);
    let id = output.push(Kind::Reply, "x".repeat(LONGEST + 7));
    assert!(output.rows(LONGEST * 2, 1)[0].text.ends_with("… 7 bytes more"));
    for _ in 0..BYTES / LONGEST + 2 {
        output.push(Kind::Reply, "y".repeat(LONGEST));
    }
    assert!(output.bytes <= BYTES && output.len() < LINES);
    output.annotate(id, "too late".to_owned());
    assert!(output.lines.iter().all(|line| line.note.is_none()));
}

#[test]
fn scrolling_over_lines_that_are_gone_goes_to_the_end() {
    let mut output = filled(30);
    output.scroll(Step::Top, 20, 10);
    for _ in 0..LINES {
        output.push(Kind::Reply, "new".to_owned());
    }
    assert_eq!(shown(&output, 20, 1), ["new"]);
    output.scroll(Step::Down, 20, 10);
    assert!(!output.scrolled());
}

#[test]
fn going_back_measures_only_what_it_passes_and_stops_at_the_first_screenful() {
    let mut output = Output::default();
    for at in 0..40 {
        output.push(Kind::Reply, format!("{at} {}", "long words ".repeat(at % 5)));
    }
    let (width, height) = (17, 7);
    let mut last = shown(&output, width, height);
    let mut seen = last.clone();
    loop {
        output.scroll(Step::Up, width, height);
        let now = shown(&output, width, height);
        if now == last {
            break;
        }
        assert_eq!(now[1..], last[..height - 1], "a row up is a row up");
        seen.insert(0, now[0].clone());
        last = now;
    }
    let all: Vec<String> =
        output.lines.iter().flat_map(|line| wrap(&line.text, width)).map(str::to_owned).collect();
    assert_eq!(seen, all);
}

#[test]
fn a_match_is_brought_into_sight_and_counted_from_the_newest() {
    let mut output = filled(200);
    output.look_for("LINE 15", 20, 10);
    assert_eq!(output.found(), Some((0, 0)), "a capital means what it says");
    output.look_for("line 15", 20, 10);
    assert_eq!(output.found(), Some((1, 11)));
    assert!(shown(&output, 20, 10).contains(&"line 159".to_owned()));
    output.next_found(true, 20, 10);
    assert_eq!(output.found(), Some((2, 11)));
    let before = shown(&output, 20, 10);
    output.push(Kind::Reply, "line 15 again".to_owned());
    assert_eq!(shown(&output, 20, 10), before, "new output does not move what is read");
    assert_eq!(output.found(), Some((3, 12)));
    for _ in 0..9 {
        output.next_found(true, 20, 10);
    }
    assert_eq!(output.found(), Some((12, 12)));
    assert!(shown(&output, 20, 10).contains(&"line 15".to_owned()));
    output.next_found(true, 20, 10);
    assert_eq!(output.found(), Some((1, 12)), "round at the end");
    assert!(!output.scrolled());
    output.next_found(false, 20, 10);
    assert_eq!(output.found(), Some((12, 12)));
    output.look_for("", 20, 10);
    assert_eq!(output.found(), None);
}

#[test]
fn what_is_found_is_marked_across_the_rows_it_is_wrapped_into() {
    let mut output = Output::default();
    output.push(Kind::Reply, "xxxxxxxNeedlexxxneedle".to_owned());
    output.look_for("needle", 10, 5);
    let rows = output.rows(10, 5);
    let marked = |row| output.marks(row).into_iter().map(|hit| row.text[hit].to_owned()).collect::<Vec<_>>();
    let marks: Vec<_> = rows.iter().map(|row| marked(row).join(",")).collect();
    assert_eq!(marks, ["Nee", "dle,need", "le"]);
}

#[test]
fn matches_go_with_their_lines() {
    let mut output = Output::default();
    output.push(Kind::Reply, "needle".to_owned());
    output.look_for("needle", 10, 5);
    for _ in 0..LINES {
        output.push(Kind::Reply, "hay".to_owned());
    }
    assert_eq!(output.found(), Some((0, 0)));
    output.next_found(true, 10, 5);
    output.push(Kind::Reply, "a needle".to_owned());
    output.clear();
    assert_eq!(output.found(), Some((0, 0)));
}
