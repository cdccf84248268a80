//! SCAN and its kin.
//!
//! A cursor is how many elements are still to be looked at, counted from the first. The scan goes from the last to the first:
//! when an element goes, its place is taken by one that was looked at already, so none is missed.

use bytes::Bytes;

use crate::demo::dispatch::Call;
use crate::demo::fault::{Done, Fault, NOT_INTEGER, SYNTAX};
use crate::demo::number::{format_f64, parse_i64};
use crate::demo::spec::*;
use crate::demo::store::{Hash, SMALL, SetData, SortedSet};
use crate::glob;

/// This family in the table.
pub(super) const COMMANDS: &[Spec] = &[
    Spec::new("scan", -2, READONLY, NO_KEYS, C_KEYSPACE, scan),
    Spec::new("hscan", -3, READONLY, keys(1, 1, 1), C_HASH, hscan),
    Spec::new("sscan", -3, READONLY, keys(1, 1, 1), C_SET, sscan),
    Spec::new("zscan", -3, READONLY, keys(1, 1, 1), C_SORTEDSET, zscan),
];

/// What a scan was asked for.
struct Scan {
    cursor: usize,
    pattern: Option<Bytes>,
    count: usize,
    kind: Option<Bytes>,
}

impl Scan {
    fn parse(call: &Call<'_>, at: usize) -> Result<Self, Fault> {
        let cursor = std::str::from_utf8(&call.args[at]).ok().and_then(|text| text.parse::<u64>().ok());
        let cursor = cursor.ok_or(Fault::of("ERR invalid cursor"))?;
        let mut scan = Self {
            cursor: usize::try_from(cursor).unwrap_or(usize::MAX),
            pattern: None,
            count: 10,
            kind: None,
        };
        let options = call.rest(at + 1);
        for option in options.chunks(2) {
            let [word, value] = option else { return Err(SYNTAX) };
            match word.to_ascii_uppercase().as_slice() {
                b"MATCH" => scan.pattern = Some(value.clone()),
                b"COUNT" => {
                    let count = parse_i64(value).ok_or(NOT_INTEGER)?;
                    scan.count = usize::try_from(count).ok().filter(|count| *count > 0).ok_or(SYNTAX)?;
                }
                b"TYPE" if at == 1 => scan.kind = Some(value.clone()),
                _ => return Err(SYNTAX),
            }
        }
        Ok(scan)
    }

    /// The indices to look at now, and the cursor after them.
    fn window(&self, length: usize) -> (std::ops::Range<usize>, usize) {
        let end = if self.cursor == 0 { length } else { self.cursor.min(length) };
        let start = end.saturating_sub(self.count);
        (start..end, start)
    }

    fn fits(&self, name: &[u8]) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, name))
    }
}

fn answer<T: AsRef<[u8]>>(call: &mut Call<'_>, cursor: usize, found: Vec<T>) {
    call.reply.array(2);
    call.reply.text(&cursor.to_string());
    call.reply.list(found.into_iter());
}

fn scan(call: &mut Call<'_>) -> Done {
    let scan = Scan::parse(call, 1)?;
    let db = call.data();
    let now = db.now();
    let (window, cursor) = scan.window(db.len());
    let mut found: Vec<Bytes> = Vec::new();
    for index in window {
        let Some((key, entry)) = db.at(index) else { continue };
        let typed = scan
            .kind
            .as_ref()
            .is_none_or(|kind| kind.eq_ignore_ascii_case(entry.data.type_name().as_bytes()));
        if entry.expires.is_none_or(|at| at > now) && typed && scan.fits(key) {
            found.push(key.clone());
        }
    }
    answer(call, cursor, found);
    Ok(())
}

fn hscan(call: &mut Call<'_>) -> Done {
    let scan = Scan::parse(call, 2)?;
    let Some(hash) = call.state.dbs[call.db].get::<Hash>(&call.args[1])? else {
        answer::<Bytes>(call, 0, Vec::new());
        return Ok(());
    };
    let (window, cursor) = if hash.len() <= SMALL { (0..hash.len(), 0) } else { scan.window(hash.len()) };
    let mut found = Vec::new();
    for (field, value) in window.filter_map(|index| hash.get_index(index)) {
        if scan.fits(field) {
            found.extend([field.clone(), value.clone()]);
        }
    }
    answer(call, cursor, found);
    Ok(())
}

fn sscan(call: &mut Call<'_>) -> Done {
    let scan = Scan::parse(call, 2)?;
    let Some(set) = call.state.dbs[call.db].get::<SetData>(&call.args[1])? else {
        answer::<Bytes>(call, 0, Vec::new());
        return Ok(());
    };
    // Redis gives a set of numbers whole, whatever COUNT says.
    let whole = set.len() <= SMALL || set.encoding() == "intset";
    let (window, cursor) = if whole { (0..set.len(), 0) } else { scan.window(set.len()) };
    let found: Vec<Bytes> =
        window.filter_map(|index| set.at(index)).filter(|member| scan.fits(member)).cloned().collect();
    answer(call, cursor, found);
    Ok(())
}

fn zscan(call: &mut Call<'_>) -> Done {
    let scan = Scan::parse(call, 2)?;
    let Some(set) = call.state.dbs[call.db].get::<SortedSet>(&call.args[1])? else {
        answer::<Bytes>(call, 0, Vec::new());
        return Ok(());
    };
    // A sorted set has no places that stay while scores change, so it is given whole: always right, if at once.
    let mut found = Vec::new();
    for (score, member) in set.iter().filter(|(_, member)| scan.fits(member)) {
        found.extend([member.clone(), Bytes::from(format_f64(score))]);
    }
    answer(call, 0, found);
    Ok(())
}
