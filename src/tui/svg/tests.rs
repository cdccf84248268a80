use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Style};

use super::picture;

fn drawn(draw: impl Fn(&mut Buffer)) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, 12, 2));
    draw(&mut buf);
    picture(&buf, "a <title>", Some(Position { x: 1, y: 1 }))
}

/// The lines between the ground and the cursor.
fn shapes(draw: impl Fn(&mut Buffer)) -> Vec<String> {
    let svg = drawn(draw);
    let lines = svg.lines().skip_while(|line| !line.starts_with("<g ")).skip(1);
    lines.take_while(|line| !line.contains("cursor")).map(str::to_owned).collect()
}

#[test]
fn words_of_one_look_are_one_text_of_known_length() {
    let lines = shapes(|buf| {
        buf.set_string(0, 0, "in use  7", Style::new().fg(Color::Cyan));
        buf.set_string(2, 1, "x", Style::new().fg(Color::Rgb(1, 2, 255)).bold());
    });
    assert_eq!(
        lines,
        [
            r#"<text class="c6" x="0" y="14" textLength="54">in use</text>"#,
            r#"<text class="c6" x="72" y="14" textLength="9">7</text>"#,
            r#"<text class="bold" style="fill:#0102ff" x="18" y="32" textLength="9">x</text>"#,
        ]
    );
}

#[test]
fn what_xml_gives_a_meaning_is_escaped() {
    let svg = drawn(|buf| {
        buf.set_string(0, 0, "<a&b>\"'", Style::new());
    });
    assert!(svg.contains("<title>a &lt;title&gt;</title>"), "{svg}");
    assert!(svg.contains(r">&lt;a&amp;b&gt;&quot;'</text>"), "{svg}");
}

#[test]
fn wide_characters_take_two_cells_and_nothing_hides_behind_them() {
    let lines = shapes(|buf| {
        buf.set_string(0, 0, "a漢字b", Style::new());
    });
    assert_eq!(
        lines,
        [
            r#"<text x="0" y="14" textLength="9">a</text>"#,
            r#"<text x="9" y="14" textLength="18">漢</text>"#,
            r#"<text x="27" y="14" textLength="18">字</text>"#,
            r#"<text x="45" y="14" textLength="9">b</text>"#,
        ]
    );
}

#[test]
fn what_a_reader_would_obey_is_never_in_it() {
    for bad in ["\u{1b}", "\0", "\u{9b}", "\u{202e}", "\u{ffff}", "\n"] {
        let svg = drawn(|buf| {
            buf.content[0].set_symbol(bad);
            buf.content[1].set_symbol(bad);
        });
        let text = svg.replace('\n', "");
        assert!(!text.contains(|c: char| c.is_control() || "\u{202e}\u{ffff}".contains(c)), "{bad:?}: {svg}");
    }
}

#[test]
fn blocks_and_rules_are_shapes_without_gaps() {
    let lines = shapes(|buf| {
        buf.set_string(0, 0, "██░▄─", Style::new().fg(Color::Green));
    });
    assert_eq!(
        lines,
        [
            r#"<rect class="c2" x="0" y="0" width="18" height="18"/>"#,
            r#"<rect class="c2" x="18" y="0" width="9" height="18" fill-opacity="0.20"/>"#,
            r#"<rect class="c2" x="27" y="9" width="9" height="9"/>"#,
            r#"<rect class="c2" x="36" y="9" width="9" height="1"/>"#,
        ]
    );
}

#[test]
fn a_reversed_cell_has_the_ground_for_ink() {
    let lines = shapes(|buf| {
        buf.set_string(0, 0, "P", Style::new().fg(Color::Yellow).reversed());
        buf.set_string(2, 0, "Q", Style::new().reversed());
        buf.set_string(4, 0, "R", Style::new().fg(Color::Black).bg(Color::Indexed(231)));
    });
    assert_eq!(
        lines,
        [
            r#"<rect class="c3" x="0" y="0" width="9" height="18"/>"#,
            r#"<text class="ground" x="0" y="14" textLength="9">P</text>"#,
            r#"<rect x="18" y="0" width="9" height="18"/>"#,
            r#"<text class="ground" x="18" y="14" textLength="9">Q</text>"#,
            r#"<rect style="fill:#ffffff" x="36" y="0" width="9" height="18"/>"#,
            r#"<text class="c0" x="36" y="14" textLength="9">R</text>"#,
        ]
    );
}
