//! What holds of every experiment.

use std::collections::{BTreeMap, HashSet};

use super::*;
use crate::model::lint_ids;

#[test]
fn names_are_told_apart_and_found_and_the_nearest_are_named() {
    let names: HashSet<_> = all().iter().map(|experiment| experiment.about().name).collect();
    assert_eq!(names.len(), all().len());
    assert_eq!(find("Cold-Start").expect("in any case").about().name, "cold-start");
    assert_eq!(
        find("cold-strat").expect_err("nearly"),
        "there is no experiment 'cold-strat': did you mean cold-start?"
    );
    assert!(find("release").expect_err("a part").contains("forgotten-release"));
    assert!(find("xyzzy").expect_err("nothing like it").contains("cold-start, warm-up, "));
    let hostile = find("\u{1b}[2J\u{202e}").expect_err("no name");
    assert!(!hostile.contains(['\u{1b}', '\u{202e}']), "{hostile}");
}

#[test]
fn each_has_a_wrong_way_with_its_lint_and_a_right_one_and_says_what_it_means() {
    for experiment in all() {
        let About { name, practice, lesson, ways, claims, .. } = experiment.about();
        assert!(ways.iter().any(|way| way.right) && ways.iter().any(|way| !way.right), "{name}");
        for way in ways.iter().filter(|way| !way.right) {
            assert!(way.lint.is_none_or(|lint| lint_ids().contains(&lint)), "{name}: {}", way.name);
        }
        assert!(ways.iter().any(|way| !way.right && way.lint.is_some()), "{name}");
        assert!(practice.ends_with('.') && lesson.ends_with('.'), "{name}");
        let figures = Figures::new(ways.len());
        assert!(!experiment.judge(&figures).shown, "{name}: nothing measured, nothing shown");
        assert!(!claims.is_empty() || *name == "sizing", "{name}");
    }
}

/// Figures on which every claim of an experiment holds.
fn figures_of(about: &About) -> Figures {
    let mut values = BTreeMap::new();
    let mut measures = Vec::new();
    // A value that one claim has raised may be another's to compare with.
    for _ in 0..3 {
        measures = about.claims.iter().map(|claim| claim.satisfy(&mut values)).collect();
    }
    let mut figures = Figures::new(about.ways.len());
    for ((way, name), value) in values {
        let measure = measures.iter().find(|measure| measure.name == name).expect("one of them");
        figures.add(way, Sample::new().with(*measure, value));
    }
    figures
}

#[test]
fn every_verdict_turns_when_the_effect_is_taken_away() {
    // Sizing judges by a sweep, and has tests of its own.
    for experiment in all().iter().filter(|experiment| !experiment.about().claims.is_empty()) {
        let about = experiment.about();
        let figures = figures_of(about);
        let verdict = experiment.judge(&figures);
        assert!(verdict.shown, "{}: {verdict:?}", about.name);
        for (number, way) in about.ways.iter().enumerate() {
            let verdict = experiment.judge(&figures.as_if_all_were(number));
            assert!(!verdict.shown, "{}: all do as '{}': {verdict:?}", about.name, way.name);
        }
    }
}
