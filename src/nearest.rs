//! The name somebody probably meant.

/// The candidate nearest to `word` in any case: the shortest that begins with it, else the one with the fewest edits,
/// when those are few for its length.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_uppercase();
    if word.is_empty() || word.len() > 64 {
        return None;
    }
    let few = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let upper = candidate.to_uppercase();
            let begins = word.len() > 1 && upper.starts_with(&word);
            let edits = if begins { 0 } else { strsim::osa_distance(&word, &upper) };
            (edits <= few && edits < word.chars().count()).then_some((edits, candidate.len(), candidate))
        })
        .min()
        .map(|(_, _, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant_or_nothing() {
        let words = ["STATS", "LIST", "HOLD", "RELEASE", "RESET", "RESIZE"];
        assert_eq!(nearest("STAT", words), Some("STATS"));
        assert_eq!(nearest("rleease", words), Some("RELEASE"));
        assert_eq!(nearest("hodl", words), Some("HOLD"));
        assert_eq!(nearest("xyzzy", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest("L", ["X"]), None);
    }
}
