//! The pictures of the screen: what the README shows is there, and no picture holds more than shapes and words.

mod tui_support;

use std::path::Path;

use ratatui::layout::Position;
use redis_pooltop::tui::svg::picture;
use redis_pooltop::tui::theme::Theme;
use roxmltree::{Document, Node};
use tui_support::{app, buffer, busy, ugly, unknown};

/// What a picture is made of. Anything else, a script above all, is a mistake.
const ELEMENTS: [&str; 6] = ["svg", "title", "style", "rect", "g", "text"];
/// A page loads every picture: none is to be large.
const LARGEST: usize = 80 << 10;

fn check(name: &str, svg: &str) {
    let document = Document::parse(svg).unwrap_or_else(|error| panic!("{name}: {error}"));
    for node in document.descendants().filter(Node::is_element) {
        let tag = node.tag_name().name();
        assert!(ELEMENTS.contains(&tag), "{name} has a <{tag}>");
        for attribute in node.attributes() {
            let (key, value) = (attribute.name(), attribute.value());
            assert!(!key.starts_with("on") && !key.contains("href"), "{name}: {key} in <{tag}>");
            assert!(!value.contains("url("), "{name}: {key}={value}");
        }
        assert!(
            tag != "style" || !node.text().unwrap_or_default().contains("url("),
            "{name} loads something"
        );
    }
    assert!(svg.len() <= LARGEST, "{name} has {} bytes", svg.len());
}

#[test]
fn the_readmes_pictures_are_there_and_hold_only_shapes_and_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the README");
    let named: Vec<&str> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| target.starts_with("assets/pictures/"))
        .collect();
    assert!(named.len() >= 2, "the README shows the screen: {named:?}");
    for name in &named {
        let svg = std::fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        check(name, &svg);
    }
    let made = std::fs::read_dir(root.join("assets/pictures")).expect("the pictures");
    for file in made.map(|file| file.expect("a picture").file_name()) {
        let path = format!("assets/pictures/{}", file.to_string_lossy());
        assert!(named.contains(&&*path), "nothing shows {path}");
    }
}

#[test]
fn any_screen_is_a_well_formed_picture_in_every_theme() {
    for name in Theme::NAMES {
        let theme = Theme::by_name(name).expect("a name in the list");
        for (what, snapshot) in [("busy", busy()), ("unknown", unknown()), ("ugly", ugly())] {
            let buf = buffer(&app(140, 40, snapshot), &theme, 140, 40);
            let svg = picture(&buf, "<ugly & \"title\">\u{1b}", Some(Position { x: 3, y: 30 }));
            check(&format!("{what} in {name}"), &svg);
        }
    }
}
