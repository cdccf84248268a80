use super::*;

fn contexts() -> Vec<Context> {
    let modes = [
        Mode::Prompt,
        Mode::Search,
        Mode::Find,
        Mode::Read,
        Mode::Ask,
        Mode::Confirm,
        Mode::Pane(Pane::Connections),
        Mode::Filter,
        Mode::Details(Pane::Connections),
        Mode::Help,
    ];
    let mut all = Vec::new();
    for mode in modes {
        for empty in [true, false] {
            for choosing in [true, false] {
                for inserting in [None, Some(true), Some(false)] {
                    for (row, filtered, scrolled) in
                        [(true, false, false), (false, true, false), (true, false, true)]
                    {
                        for replay in [false, true] {
                            let context = Context::of(mode);
                            all.push(Context {
                                empty,
                                choosing,
                                inserting,
                                row,
                                filtered,
                                scrolled,
                                replay,
                                ..context
                            });
                        }
                    }
                }
            }
        }
    }
    all.extend(watched());
    all.extend(inside());
    all
}

/// The places of an app's screen.
fn inside() -> Vec<Context> {
    let scenes = [(Scene::Run, &Pane::RUN[..]), (Scene::Attach, &Pane::ATTACH[..])];
    let mut all = Vec::new();
    for (scene, panes) in scenes {
        let panes = panes.iter().flat_map(|pane| [Mode::Pane(*pane), Mode::Details(*pane)]);
        let app = (scene == Scene::Run).then_some(Mode::App);
        for mode in panes.chain([Mode::Filter, Mode::Help, Mode::Ask]).chain(app) {
            for (row, filtered, inside) in
                [(true, false, false), (true, true, false), (false, false, false), (true, false, true)]
            {
                let replay = scene == Scene::Attach && filtered;
                all.push(Context { row, filtered, replay, scene, inside, ..Context::of(mode) });
            }
        }
    }
    all
}

/// The places of a watch.
fn watched() -> Vec<Context> {
    let panes = Pane::WATCH.into_iter().flat_map(|pane| [Mode::Pane(pane), Mode::Details(pane)]);
    let modes = panes.chain([Mode::Filter, Mode::Help, Mode::Confirm]);
    let mut all = Vec::new();
    for mode in modes {
        for (grouped, inside) in [(false, false), (true, false), (false, true)] {
            for (row, filtered) in [(true, false), (true, true), (false, false)] {
                for (replay, kills) in [(false, true), (true, false), (false, false)] {
                    // Nothing is asked where nothing may be done.
                    if mode == Mode::Confirm && (replay || !kills) {
                        continue;
                    }
                    let context = Context { scene: Scene::Watch, grouped, inside, ..Context::of(mode) };
                    all.push(Context { row, filtered, replay, kills, ..context });
                }
            }
        }
    }
    all
}

fn chord(text: &str) -> Chord {
    text.parse().unwrap_or_else(|()| panic!("{text} is no chord"))
}

fn key(text: &str) -> Sequence {
    text.parse().unwrap_or_else(|()| panic!("{text} is no key"))
}

fn does(keys: &Keys, key: Sequence, context: Context) -> Meaning {
    match (keys.resolve(None, key.first, &context), key.second) {
        (Meaning::Begins, Some(second)) => keys.resolve(Some(key.first), second, &context),
        (_, Some(_)) => Meaning::Nothing,
        (meaning, None) => meaning,
    }
}

fn resolve(chord: Chord, context: Context) -> Option<Action> {
    match Keys::default().resolve(None, chord, &context) {
        Meaning::Do(action) => Some(action),
        Meaning::Begins | Meaning::Nothing => None,
    }
}

#[test]
fn every_key_of_every_row_reaches_its_action_somewhere() {
    let keys = Keys::default();
    for (row, binding) in keys.rows.iter().zip(TABLE) {
        assert_eq!(row.keys().count(), binding.keys.len(), "{:?}", binding.keys);
        for (key, action) in row.keys() {
            let wanted = Meaning::Do(action.clone());
            let reached = contexts().iter().any(|c| row.when.holds(c) && does(&keys, *key, *c) == wanted);
            assert!(reached, "{key} {:?} is hidden by a row above it", row.when);
        }
    }
}

#[test]
fn keys_that_terminals_cannot_tell_apart_are_not_bound() {
    for row in TABLE {
        for key in row.keys.iter().flat_map(|key| key.split(' ')) {
            assert!(!["ctrl-i", "ctrl-m", "ctrl-h", "ctrl-["].contains(&key), "{key}");
        }
    }
}

#[test]
fn every_row_says_what_it_does() {
    for row in Keys::default().rows() {
        assert!(!row.help.is_empty() && !row.label().is_empty(), "{row:?}");
    }
}

#[test]
fn every_row_has_a_name_and_no_other_row_of_its_place_has_it() {
    let keys = Keys::default();
    let names = |row: &Row| row.bound.iter().map(|bound| bound.name.clone()).collect::<Vec<_>>();
    for (at, row) in keys.rows.iter().enumerate() {
        for name in names(row) {
            let kebab = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(!name.is_empty() && name.chars().all(kebab), "{name:?} of {row:?}");
            let twin = keys.rows[..at].iter().find(|r| r.when == row.when && names(r).contains(&name));
            assert!(twin.is_none(), "two rows are {name:?}: give one a name with .named()");
        }
    }
}

#[test]
fn letters_are_typed_in_the_prompt_and_are_keys_in_a_pane() {
    let prompt = Context { empty: false, ..Context::of(Mode::Prompt) };
    assert_eq!(resolve(chord("z"), prompt), Some(Action::Insert('z')));
    let pane = Context { mode: Mode::Pane(Pane::Pool), ..prompt };
    assert_eq!(resolve(chord("z"), pane), Some(Action::Zoom));
    assert_eq!(resolve(chord("x"), pane), None);
    assert_eq!(resolve(chord("3"), pane), Some(Action::Focus(Pane::Server)));
    assert_eq!(resolve(chord("alt-4"), prompt), Some(Action::Focus(Pane::Connections)));
}

#[test]
fn a_sequence_waits_for_its_second_key_and_is_lost_on_another() {
    let mut keys = Keys::default();
    let row = keys.rows.iter_mut().find(|row| row.when == When::Prompt).unwrap();
    row.bound[0].keys = vec![key("f9 ctrl-e")];
    let (action, help) = (row.bound[0].action.clone(), row.footer.unwrap_or(row.help));
    let prompt = Context { empty: false, ..Context::of(Mode::Prompt) };
    let first = chord("f9");
    assert_eq!(keys.resolve(None, first, &prompt), Meaning::Begins);
    assert_eq!(keys.resolve(Some(first), chord("ctrl-e"), &prompt), Meaning::Do(action));
    assert_eq!(keys.resolve(Some(first), chord("e"), &prompt), Meaning::Nothing);
    assert_eq!(keys.resolve(Some(first), chord("ctrl-a"), &prompt), Meaning::Nothing);
    let pane = Context { mode: Mode::Pane(Pane::Pool), ..prompt };
    assert_eq!(keys.resolve(None, first, &pane), Meaning::Nothing);
    let footer = keys.footer(Some(first), &prompt);
    assert_eq!(footer, [("F9 …".to_owned(), ""), ("Ctrl-E".to_owned(), help)]);
}

#[test]
fn a_run_of_digits_is_written_short() {
    let label = |keys: &Keys, when| {
        let row = keys.rows.iter().find(|row| row.when == when && row.bound.len() > 1).unwrap();
        row.label()
    };
    let mut keys = Keys::default();
    assert_eq!(label(&keys, When::PoolAnywhere), "Alt-1…7");
    assert_eq!(label(&keys, When::PoolPane), "1…7");
    assert_eq!(label(&keys, When::WatchPane), "1…4");
    for row in &mut keys.rows {
        if let Some(bound) = row.bound.get_mut(1) {
            bound.keys = vec![key("f2")];
        }
    }
    assert_eq!(label(&keys, When::PoolPane), "1 F2 3 4 5 6 7");
}

#[test]
fn a_question_takes_only_its_answer() {
    let ask = Context::of(Mode::Ask);
    assert_eq!(resolve(chord("y"), ask), Some(Action::Answer(true)));
    assert_eq!(resolve(chord("enter"), ask), Some(Action::Answer(false)));
    assert_eq!(resolve(chord("a"), ask), None);
}

#[test]
fn the_footer_names_a_word_once_and_only_keys_that_work() {
    for context in contexts() {
        let entries = Keys::default().footer(None, &context);
        assert!(!entries.is_empty(), "{context:?}");
        for (key, word) in &entries {
            let first = key.split('…').next().unwrap_or_default().to_lowercase();
            let first = chord(first.split(' ').next().unwrap_or_default());
            let meaning = Keys::default().resolve(None, first, &context);
            assert_ne!(meaning, Meaning::Nothing, "{key} {word} in {context:?}");
        }
    }
}
