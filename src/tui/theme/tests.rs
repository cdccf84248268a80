use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::ability::{indexed, nearest};
use super::named::{Inks, NAMED, Named};
use super::{Ability, Colours, Theme};

const FULL: Ability = Ability { colours: Colours::True, ascii: false };

/// xterm's own sixteen, where no person has changed them.
const XTERM: [(Color, [u8; 3]); 16] = [
    (Color::Black, [0, 0, 0]),
    (Color::Red, [205, 0, 0]),
    (Color::Green, [0, 205, 0]),
    (Color::Yellow, [205, 205, 0]),
    (Color::Blue, [0, 0, 238]),
    (Color::Magenta, [205, 0, 205]),
    (Color::Cyan, [0, 205, 205]),
    (Color::Gray, [229, 229, 229]),
    (Color::DarkGray, [127, 127, 127]),
    (Color::LightRed, [255, 0, 0]),
    (Color::LightGreen, [0, 255, 0]),
    (Color::LightYellow, [255, 255, 0]),
    (Color::LightBlue, [92, 92, 255]),
    (Color::LightMagenta, [255, 0, 255]),
    (Color::LightCyan, [0, 255, 255]),
    (Color::White, [255, 255, 255]),
];

fn seen(colour: Color) -> [u8; 3] {
    match colour {
        Color::Rgb(red, green, blue) => [red, green, blue],
        Color::Indexed(index) => indexed(index),
        named => XTERM.iter().find(|(name, _)| *name == named).expect("one of the sixteen").1,
    }
}

/// A colour as amounts of light. <https://www.w3.org/TR/WCAG21/#dfn-relative-luminance>
fn light(rgb: [u8; 3]) -> [f64; 3] {
    rgb.map(|level| {
        let level = f64::from(level) / 255.0;
        if level <= 0.040_45 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
    })
}

fn contrast(one: Color, other: Color) -> f64 {
    let luminance = |colour| {
        let [red, green, blue] = light(seen(colour));
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    };
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Every ink that writes words, by name, with the lowest contrast that is let pass.
fn worst(inks: &Inks, shown: impl Fn(Color) -> Color) -> (f64, String) {
    let words = [
        ("text", inks.text),
        ("dim", inks.dim),
        ("accent", inks.accent),
        ("in use", inks.in_use),
        ("available", inks.available),
        ("warn", inks.warn),
        ("bad", inks.bad),
        ("option", inks.option),
        ("name", inks.name),
    ];
    let ratios = words.map(|(name, ink)| (contrast(shown(ink), shown(inks.back)), name.to_owned()));
    ratios.into_iter().min_by(|one, other| one.0.total_cmp(&other.0)).expect("some ink")
}

#[test]
fn every_word_stands_out_from_its_background() {
    let cube = |colour| Color::Indexed(nearest(seen(colour)));
    for Named { name, full, sixteen } in &NAMED {
        // WCAG 1.4.3 asks for 4.5, its enhanced form 1.4.6 for 7.
        let least = if *name == "high-contrast" { 7.0 } else { 4.5 };
        for (depth, (ratio, ink)) in [("full", worst(full, |colour| colour)), ("256", worst(full, cube))] {
            assert!(ratio >= least, "{name} in {depth}: {ink} has {ratio:.2}");
        }
        // Of these sixteen the terminal decides; where it left them alone they are still to be read.
        let (ratio, ink) = worst(sixteen, |colour| colour);
        assert!(ratio >= 3.0, "{name} in 16: {ink} has {ratio:.2}");
    }
}

/// What people see who lack one kind of cone, as linear light: Viénot, Brettel and Mollon 1999 for the first two,
/// Machado, Oliveira and Fernandes 2009 for the third.
const BLIND: [(&str, [[f64; 3]; 3]); 3] = [
    ("protanopia", [[0.112_38, 0.887_62, 0.0], [0.112_38, 0.887_62, 0.0], [0.004_01, -0.004_01, 1.0]]),
    ("deuteranopia", [[0.292_75, 0.707_25, 0.0], [0.292_75, 0.707_25, 0.0], [-0.022_34, 0.022_34, 1.0]]),
    (
        "tritanopia",
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ),
];

fn lab(light: [f64; 3]) -> [f64; 3] {
    let [red, green, blue] = light.map(|level| level.clamp(0.0, 1.0));
    let root = |part: f64| if part > 0.008_856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 };
    let x = root((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47);
    let y = root(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    let z = root((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn apart(one: Color, other: Color, eye: &[[f64; 3]; 3]) -> f64 {
    let see = |colour| {
        let light = light(seen(colour));
        lab(eye.map(|row| row.iter().zip(light).map(|(share, level)| share * level).sum()))
    };
    let (one, other) = (see(one), see(other));
    one.iter().zip(other).map(|(one, other)| (one - other).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn the_states_stay_apart_for_the_colour_blind() {
    let inks = NAMED.iter().find(|named| named.name == "color-blind").expect("it is there").full;
    let states = [
        ("text", inks.text),
        ("in use", inks.in_use),
        ("available", inks.available),
        ("warn", inks.warn),
        ("bad", inks.bad),
    ];
    for (kind, eye) in &BLIND {
        for (at, (one, ink)) in states.iter().enumerate() {
            for (other, its) in &states[at + 1..] {
                let distance = apart(*ink, *its, eye);
                assert!(distance > 15.0, "{one} and {other} are {distance:.1} apart with {kind}");
            }
        }
    }
    // The measure itself: a red and a green that are one to those who lack a cone, and are not to others.
    let (red, green) = (Color::Rgb(190, 80, 40), Color::Rgb(111, 111, 0));
    assert!(apart(red, green, &BLIND[1].1) < 15.0);
    assert!(apart(red, green, &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]) > 40.0);
}

#[test]
fn every_name_is_a_theme_of_its_own() {
    let themes = Theme::NAMES.map(|name| Theme::by_name(name).expect("a name in the list"));
    for (at, theme) in themes.iter().enumerate() {
        assert!(!themes[at + 1..].contains(theme), "{} is another's double", Theme::NAMES[at]);
    }
    assert_eq!(Theme::by_name("colour-blind"), Theme::by_name("color-blind"));
    assert_eq!(Theme::by_name("solarized"), None);
}

#[test]
fn without_colours_every_theme_has_none() {
    for name in Theme::NAMES {
        let ability = Ability { colours: Colours::None, ascii: true };
        assert_eq!(Theme::chosen(name, ability), Some(Theme { ascii: true, ..Theme::MONO }));
    }
    let styles = format!("{:?}", Theme::MONO);
    for colour in ["Red", "Green", "Yellow", "Cyan", "Blue", "Magenta", "Rgb", "Indexed"] {
        assert!(!styles.contains(colour), "{colour} in {styles}");
    }
}

#[test]
fn no_colour_goes_beyond_what_the_terminal_has() {
    for name in Theme::NAMES {
        for colours in [Colours::Sixteen, Colours::Indexed] {
            let theme = Theme::chosen(name, Ability { colours, ascii: false }).expect("a name in the list");
            theme.each(|style| {
                for colour in [style.fg, style.bg].into_iter().flatten() {
                    assert!(!matches!(colour, Color::Rgb(..)), "{name} in {colours:?}: {colour:?}");
                    assert!(colours == Colours::Indexed || !matches!(colour, Color::Indexed(_)));
                }
                style
            });
        }
    }
}

#[test]
fn a_theme_with_a_background_covers_every_cell() {
    let mut buf = Buffer::empty(Rect::new(0, 0, 3, 1));
    buf.set_string(0, 0, "a", Style::new().fg(Color::Red).add_modifier(Modifier::BOLD));
    let theme = Theme::by_name("high-contrast").expect("it is there");
    theme.finish(&mut buf);
    assert!(buf.content.iter().all(|cell| Some(cell.bg) == theme.base.bg));
    assert_eq!((buf.content[0].fg, Some(buf.content[1].fg)), (Color::Red, theme.base.fg));
}

#[test]
fn an_ascii_screen_holds_nothing_else() {
    let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
    buf.set_string(0, 0, "━ ─ █ … 漢 é", Style::new());
    let theme = Theme::chosen("default", Ability { ascii: true, ..FULL }).expect("it is there");
    theme.finish(&mut buf);
    let line: String = buf.content.iter().map(Cell::symbol).collect();
    assert_eq!(line, "= - # ~ ?  ?");
    let plain = |words: &str| {
        let mut buf = Buffer::empty(Rect::new(0, 0, 16, 1));
        buf.set_string(0, 0, words, Style::new());
        theme.finish(&mut buf);
        buf.content.iter().map(Cell::symbol).collect::<String>().trim_end().to_owned()
    };
    assert_eq!(plain("Alt-1…7 panes"), "Alt-1-7 panes");
    assert_eq!(plain("F9 …  Ctrl-E"), "F9 .. Ctrl-E");
    assert_eq!(plain("redis-poo…"), "redis-poo~");
    assert_eq!(plain("… and more"), "~ and more");
}

fn detect(variables: &[(&str, &str)]) -> Ability {
    Ability::detect(true, false, |name| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn colours_are_those_the_terminal_says_it_has() {
    let colours = |variables: &[(&str, &str)]| detect(variables).colours;
    assert_eq!(colours(&[]), Colours::Sixteen);
    assert_eq!(colours(&[("TERM", "xterm")]), Colours::Sixteen);
    assert_eq!(colours(&[("TERM", "xterm-256color")]), Colours::Indexed);
    assert_eq!(colours(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Colours::True);
    assert_eq!(colours(&[("TERM", "alacritty")]), Colours::True);
    assert_eq!(colours(&[("TERM", "dumb"), ("COLORTERM", "truecolor")]), Colours::None);
    let screen = [("TERM", "screen-256color"), ("COLORTERM", "truecolor"), ("TMUX", "/tmp/tmux,1,0")];
    assert_eq!(colours(&screen[..2]), Colours::Indexed, "GNU screen has no more");
    assert_eq!(colours(&screen), Colours::True, "tmux has");
    assert_eq!(Ability::detect(false, false, |_| None).colours, Colours::None);
}

#[test]
fn a_locale_that_is_not_utf_8_gets_ascii() {
    let ascii = |variables: &[(&str, &str)]| detect(variables).ascii;
    assert!(!ascii(&[]), "no locale says nothing");
    assert!(!ascii(&[("LANG", "en_US.UTF-8")]));
    assert!(!ascii(&[("LC_ALL", "C.utf8"), ("LANG", "C")]), "LC_ALL goes first");
    assert!(!ascii(&[("LC_ALL", ""), ("LC_CTYPE", "UTF-8")]), "an empty one is none");
    assert!(ascii(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
    assert!(ascii(&[("LANG", "de_DE.ISO-8859-1")]));
    assert!(ascii(&[("LANG", "en_US.UTF-8"), ("TERM", "linux")]), "its font lacks the blocks");
    assert!(Ability::detect(true, true, |_| None).ascii, "asked for");
}
