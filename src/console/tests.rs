use proptest::prelude::*;

use super::*;

fn console(rows: u16, columns: u16) -> Console {
    Console::new(Size { rows, columns })
}

fn text(picture: &Picture) -> Vec<String> {
    let row = |row| {
        let row: String = picture
            .row(row)
            .iter()
            .map(|cell| if cell.text.is_empty() { " " } else { &*cell.text })
            .collect();
        row.trim_end().to_owned()
    };
    (0..picture.size.rows).map(row).collect()
}

fn fed(rows: u16, columns: u16, bytes: &[u8]) -> Picture {
    let mut console = console(rows, columns);
    console.feed(bytes);
    console.picture()
}

#[test]
fn what_is_written_stands_where_the_app_put_it_with_its_colours() {
    let picture = fed(3, 10, b"a\x1b[1;31mred\x1b[m\r\n\x1b[38;2;1;2;3mx\x1b[7;48;5;200my\x1b[3;5H!");
    assert_eq!(text(&picture), ["ared", "xy", "    !"]);
    let look = |row, column: usize| picture.row(row)[column].look;
    assert_eq!(look(0, 0), Look::default());
    assert_eq!(look(0, 1), Look { fore: Colour::Indexed(1), bold: true, ..Look::default() });
    assert_eq!(look(1, 0).fore, Colour::Rgb(1, 2, 3));
    assert!(look(1, 1).reversed && look(1, 1).back == Colour::Indexed(200));
    assert_eq!(picture.cursor, Some((2, 5)));
}

#[test]
fn wide_characters_take_two_places_and_their_parts_stay_together() {
    let picture = fed(2, 6, "日本e\u{301}✈\u{fe0f}".as_bytes());
    let row = picture.row(0);
    assert_eq!((row[0].text.as_str(), row[0].wide, row[1].text.as_str()), ("日", true, ""));
    assert_eq!((row[4].text.as_str(), row[4].wide), ("e\u{301}", false));
    for cell in &picture.cells {
        let columns = if cell.text.is_empty() { 0 } else { 1 + usize::from(cell.wide) };
        assert_eq!(crate::text::width(&cell.text), columns, "{cell:?}");
    }
}

#[test]
fn nothing_that_a_terminal_would_obey_is_in_a_cell() {
    let evil = "a\u{202e}b\u{2066}c\u{200f}\u{85}d\u{9b}31m\u{feff}e\x1b]52;c;aGk=\x07\x1b]0;t\x07\x7f\x00f";
    let picture = fed(2, 40, evil.as_bytes());
    assert!(picture.cells.iter().all(|cell| !cell.text.contains(crate::text::obeyed)));
    assert_eq!(text(&picture)[0], "abcd31mef");
}

#[test]
fn lines_that_left_at_the_top_are_kept_up_to_a_number() {
    let mut console = console(3, 10);
    for line in 0..5_000 {
        console.feed(format!("line {line}\r\n").as_bytes());
    }
    console.scroll(isize::MAX);
    let picture = console.picture();
    assert_eq!((picture.back, picture.cursor), (SCROLLBACK, None));
    assert_eq!(text(&picture)[0], "line 3998");
    console.feed(b"more\r\n");
    assert_eq!(text(&console.picture())[0], "line 3999", "the oldest goes");
    console.scroll(-10);
    assert_eq!(text(&console.picture())[0], "line 4009");
    console.follow();
    assert_eq!(text(&console.picture()), ["line 4999", "more", ""]);
}

#[test]
fn what_an_app_asks_its_terminal_is_answered_and_not_without_end() {
    let mut console = console(5, 20);
    console.feed(b"ab\x1b[6n\x1b[5n\x1b[c\x1b[>c\x1b[?2026$p\x1b[?u");
    let answers = String::from_utf8(console.answers()).unwrap();
    assert_eq!(answers, "\x1b[1;3R\x1b[0n\x1b[?62;22c\x1b[>1;0;0c\x1b[?2026;0$y");
    assert!(console.answers().is_empty());
    for _ in 0..10_000 {
        console.feed(b"\x1b[6n");
    }
    let answers = console.answers().len();
    assert!(answers > ANSWERS - 20 && answers <= ANSWERS, "{answers}");
}

#[test]
fn what_it_wants_to_hear_is_known() {
    let modes = |bytes| fed(2, 10, bytes).modes;
    assert_eq!(modes(b""), Modes::default());
    let all = modes(b"\x1b[?1h\x1b[?2004h\x1b[?1049h\x1b[?1002h\x1b[?1006h");
    let wanted =
        Modes { arrows: true, brackets: true, full_screen: true, mouse: Mouse::Release, written_out: true };
    assert_eq!(all, wanted);
    assert_eq!(modes(b"\x1b[?9h").mouse, Mouse::Press);
    assert_eq!(fed(2, 10, b"\x1b[?25l").cursor, None);
}

#[test]
fn a_new_size_keeps_what_fits() {
    let mut console = console(4, 10);
    console.feed(b"one\r\ntwo\r\nthree");
    console.resize(Size { rows: 2, columns: 9 });
    assert_eq!(text(&console.picture()), ["two", "three"]);
    for size in [(0, 0), (1, 1), (u16::MAX, 1), (1, u16::MAX)] {
        console.resize(Size { rows: size.0, columns: size.1 });
        let Size { rows, columns } = console.size();
        assert!((2..=500).contains(&rows) && (8..=1_000).contains(&columns));
        console.feed("日本\r\nx\x1b[65535b".as_bytes());
        console.picture();
    }
}

#[test]
fn a_sequence_that_never_ends_takes_no_memory_and_shows_nothing() {
    let mut console = console(2, 10);
    for start in [b"\x1b]52;c;".as_slice(), b"\x1bP", b"\x1b_", b"\x1b[1;"] {
        console.feed(start);
        for _ in 0..16 {
            console.feed(&b"1".repeat(64 << 10));
        }
        console.feed(b"\x1b\\\x18");
    }
    console.feed(b"\x1b[2J\x1b[Hwell");
    assert_eq!(text(&console.picture())[0], "well");
}

#[test]
fn what_breaks_it_ends_its_own_screen_and_nothing_else() {
    let mut console = console(3, 20);
    console.feed(b"before\x1b[6n");
    assert!(!contains());
    console.change(|_| panic!("in the parser; {}", contains()));
    assert!(!contains());
    assert_eq!((text(&console.picture()), console.size().columns), (vec![String::new(); 3], 20));
    console.feed(b"after");
    assert_eq!(text(&console.picture())[0], "after");
}

/// What is written, moved by or made of a size.
#[derive(Clone, Debug)]
enum Deed {
    Feed(Vec<u8>),
    Resize(u16, u16),
    Scroll(isize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let sequence = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[a-z日本\u{301}\u{fe0f}\u{200d}✈👩 ]{0,20}".prop_map(String::into_bytes),
        ("[0-9;]{0,8}", "[@A-Za-z`]")
            .prop_map(|(numbers, last)| format!("\x1b[{numbers}{last}").into_bytes()),
        ("[0-9;]{0,8}", "[hlJK]").prop_map(|(numbers, last)| format!("\x1b[?{numbers}{last}").into_bytes()),
        "\x1b[78=>Mc]|\r|\n|\t|\x08".prop_map(String::into_bytes),
        prop_oneof![Just(47), Just(1049), Just(6), Just(7)]
            .prop_map(|mode| format!("\x1b[?{mode}h").into_bytes()),
    ];
    prop_oneof![
        8 => sequence.prop_map(Deed::Feed),
        1 => (0..12_u16, 0..24_u16).prop_map(|(rows, columns)| Deed::Resize(rows, columns)),
        1 => (-20..20_isize).prop_map(Deed::Scroll),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_and_no_size_break_it(deeds in prop::collection::vec(deed(), 0..60)) {
        let mut console = console(4, 10);
        for deed in deeds {
            match deed {
                Deed::Feed(bytes) => console.feed(&bytes),
                Deed::Resize(rows, columns) => console.resize(Size { rows, columns }),
                Deed::Scroll(by) => console.scroll(by),
            }
            let picture = console.picture();
            let Size { rows, columns } = picture.size;
            prop_assert_eq!(picture.cells.len(), usize::from(rows) * usize::from(columns));
            for cell in &picture.cells {
                let wide = if cell.text.is_empty() { 0 } else { 1 + usize::from(cell.wide) };
                prop_assert_eq!(crate::text::width(&cell.text), wide);
                prop_assert!(!cell.text.contains(crate::text::obeyed));
            }
            let within = |(row, column)| row < rows && column < columns;
            prop_assert!(picture.cursor.is_none_or(within));
            prop_assert!(picture.back <= SCROLLBACK);
        }
    }
}
