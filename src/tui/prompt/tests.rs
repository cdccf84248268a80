use super::*;

fn typed(text: &str) -> Prompt {
    let mut prompt = Prompt::default();
    prompt.insert(text);
    prompt
}

fn words(words: &[&str], range: Range<usize>) -> Candidates {
    Candidates { range, words: words.iter().map(|word| (*word).to_owned()).collect() }
}

#[test]
fn kills_join_and_come_back() {
    let mut prompt = typed("SET user:1 value");
    prompt.edit(Edit::KillWordLeft);
    prompt.edit(Edit::KillBlankWordLeft);
    assert_eq!(prompt.text(), "SET ");
    prompt.edit(Edit::Yank);
    assert_eq!(prompt.text(), "SET user:1 value");
    prompt.edit(Edit::Home);
    prompt.edit(Edit::KillToEnd);
    prompt.edit(Edit::Yank);
    prompt.edit(Edit::YankOlder);
    assert_eq!(prompt.text(), "user:1 value");
}

#[test]
fn undo_takes_typing_back_whole_and_then_what_was_before() {
    let mut prompt = Prompt::default();
    prompt.insert("GET user");
    for letter in [":", "1", "2"] {
        prompt.insert(letter);
    }
    prompt.edit(Edit::Undo);
    assert_eq!(prompt.text(), "GET user");
    prompt.edit(Edit::Undo);
    assert_eq!(prompt.text(), "");
    prompt.edit(Edit::Undo);
    assert_eq!(prompt.text(), "");
}

#[test]
fn a_paste_is_kept_up_to_the_longest_line() {
    let mut prompt = typed(&"é".repeat(LONGEST));
    assert_eq!(prompt.text().len(), LONGEST);
    prompt.insert("x");
    assert_eq!(prompt.text().len(), LONGEST);
}

#[test]
fn one_candidate_goes_in_with_a_blank() {
    let mut prompt = typed("po");
    prompt.complete(|_, _| words(&["POOL"], 0..2), false);
    assert_eq!(prompt.text(), "POOL ");
    assert!(prompt.choice().is_none());
}

#[test]
fn many_candidates_give_their_common_part_then_each_in_turn_then_what_was_typed() {
    let mut prompt = typed("he");
    let found = || words(&["HEALTH", "HEAD", "HEAVY"], 0..2);
    let mut seen = Vec::new();
    for _ in 0..6 {
        prompt.complete(|_, _| found(), false);
        seen.push(prompt.text().to_owned());
    }
    assert_eq!(seen, ["HEA", "HEALTH", "HEAD", "HEAVY", "HEA", "HEALTH"]);
    prompt.complete(|_, _| found(), true);
    assert_eq!(prompt.text(), "HEA");
    prompt.insert("x");
    assert!(prompt.choice().is_none());
}

#[test]
fn a_completer_that_lies_about_its_range_changes_nothing() {
    let mut prompt = typed("é");
    prompt.complete(|_, _| words(&["X"], 1..9), false);
    assert_eq!(prompt.text(), "é");
}
