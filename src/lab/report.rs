//! Experiments and their outcome as text and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json as document};

use super::run::LEAK;
use super::{About, Experiment, Raised, Record, Spread, Trouble};
use crate::model::ModelOptions;
use crate::snapshot::Level;
use crate::text;

/// How wide a way's name may be in the table.
const WAY_COLUMNS: usize = 19;

/// And what was measured.
const MEASURE_COLUMNS: usize = 27;

/// How wide lines of prose are.
const PROSE_COLUMNS: usize = 78;

/// The experiments and what each is about, a line or two each. What runs one is typed before its name: `LAB `.
pub fn list_text(experiments: &[&dyn Experiment], before: &str) -> String {
    let mut out = String::new();
    for experiment in experiments {
        let About { name, practice, .. } = experiment.about();
        let _ = writeln!(out, "{name}");
        paragraph(&mut out, practice);
    }
    let _ = writeln!(out, "\nRun one: {before}forgotten-release; all of them: {before}all");
    out
}

/// The experiments as one JSON document: `{"experiments": [{"name", "practice", "ways": [{"name", "right", "what",
/// "lint"}], "connections"}]}`.
pub fn list_json(experiments: &[&dyn Experiment]) -> String {
    let all: Vec<Value> = experiments
        .iter()
        .map(|experiment| {
            let about = experiment.about();
            let ways = about.ways.iter().map(
                |way| document!({ "name": way.name, "right": way.right, "what": way.what, "lint": way.lint }),
            );
            document!({
                "name": about.name,
                "practice": about.practice,
                "ways": ways.collect::<Vec<_>>(),
                "connections": about.connections,
            })
        })
        .collect();
    format!("{:#}\n", document!({ "experiments": all }))
}

/// What an experiment came to, for people.
pub fn text(about: &About, outcome: &Result<Record, Trouble>) -> String {
    let mut out = String::new();
    match outcome {
        Ok(record) => {
            let _ = writeln!(out, "{}: {}", about.name, record.verdict.word());
            paragraph(&mut out, about.practice);
            out.push('\n');
            for way in about.ways {
                let side = if way.right { "right" } else { "wrong" };
                paragraph(&mut out, &format!("{side}  {}: {}", way.name, way.what));
            }
            out.push('\n');
            table(&mut out, record);
            out.push('\n');
            findings(&mut out, record);
            let (target, took) = (text::escape_str(&record.target), text::duration(record.took));
            let _ = writeln!(out, "  {} repetitions on {target} in {took}", record.repetitions);
        }
        Err(trouble) => {
            let _ = writeln!(out, "{}: {}", about.name, text::escape_str(&trouble.to_string()));
        }
    }
    out
}

/// A row a figure: the median, and the ends.
fn table(out: &mut String, record: &Record) {
    let mut row = |cells: [&str; 5]| {
        let [way, measure, median, low, high] = cells;
        let line = format!(
            "  {}{}{median:>9}  {low:>9}  {high:>9}",
            padded(way, WAY_COLUMNS),
            padded(measure, MEASURE_COLUMNS)
        );
        let _ = writeln!(out, "{}", line.trim_end());
    };
    row(["way", "measured", "median", "from", "to"]);
    for (number, way) in record.experiment.about().ways.iter().enumerate() {
        let mut name = way.name;
        for figure in record.figures.of(number) {
            let unit = figure.measure.unit;
            let Spread { median, low, high, .. } = figure.spread();
            let [median, low, high] = [median, low, high].map(|value| unit.show(value));
            row([name, figure.measure.name, &median, &low, &high]);
            name = "";
        }
    }
}

fn padded(cell: &str, columns: usize) -> String {
    let cell = text::fit(cell, columns - 1);
    let gap = columns - text::width(&cell);
    format!("{cell}{:gap$}", "")
}

/// The verdict's claims, the lints, and what it means.
fn findings(out: &mut String, record: &Record) {
    let Record { experiment, verdict, raised, .. } = record;
    let about = experiment.about();
    for finding in &verdict.findings {
        paragraph(out, &format!("{}  {}", if finding.holds { "yes" } else { "no " }, finding.words));
    }
    for (way, raised) in about.ways.iter().zip(raised) {
        let Some(lint) = way.lint else { continue };
        let words = match raised.get(lint) {
            Some(Raised { times, evidence }) => {
                let times = if *times == 1 { "once".to_owned() } else { format!("{times} times") };
                format!("lint {lint} raised {times} in '{}': {}", way.name, text::escape_str(evidence))
            }
            None if record.levels.get(lint) == Level::Off => {
                format!("lint {lint} is switched off, and was not raised in '{}'", way.name)
            }
            None => format!("lint {lint} was not raised in '{}'", way.name),
        };
        paragraph(out, &words);
    }
    for (way, raised) in about.ways.iter().zip(raised) {
        let others: Vec<&str> = raised.keys().filter(|id| way.lint != Some(**id)).copied().collect();
        if !others.is_empty() {
            paragraph(out, &format!("beside it in '{}': {}", way.name, others.join(", ")));
        }
    }
    if let Some(threshold) = sooner(record) {
        let [here, usual] = [threshold, ModelOptions::default().leak_threshold].map(text::duration);
        paragraph(out, &format!("what is called a leak: threshold here {here} instead of {usual}"));
    }
    if let Some(note) = &record.note {
        paragraph(out, note);
    }
    paragraph(out, &format!("{}: {}", verdict.word(), if verdict.shown { about.lesson } else { NOT_SHOWN }));
}

/// The threshold of its leaks, where there were any: no experiment waits as long as everybody else.
fn sooner(record: &Record) -> Option<Duration> {
    record.raised.iter().any(|raised| raised.contains_key("leak")).then_some(LEAK)
}

/// What it means that something is not shown.
const NOT_SHOWN: &str =
    "the figures measured here do not show the effect; that is no proof that there is none";

/// Indented, and broken at spaces.
fn paragraph(out: &mut String, words: &str) {
    let mut line = String::from(" ");
    for word in words.split(' ') {
        if text::width(&line) + 1 + text::width(word) > PROSE_COLUMNS && !line.trim().is_empty() {
            let _ = writeln!(out, "{}", line.trim_end());
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

/// What experiments came to, as one JSON document.
///
/// ```text
/// {"experiments": [{"name", "practice", "verdict": "shown" | "not shown here" | null, "error": null,
///   "findings": [{"holds", "timed", "words"}], "note": null, "lesson", "target", "repetitions", "took_s", "leak_threshold_s": null,
///   "ways": [{"name", "right", "what", "lint", "lints": {id: {"times", "evidence"}},
///     "figures": [{"name", "unit": "1" | "s" | "1/s" | "%", "median", "low", "high", "values"}]}]}]}
/// ```
pub fn json<'a>(outcomes: impl IntoIterator<Item = (&'a About, &'a Result<Record, Trouble>)>) -> Value {
    let all: Vec<Value> = outcomes.into_iter().map(|(about, outcome)| one(about, outcome)).collect();
    document!({ "experiments": all })
}

fn one(about: &About, outcome: &Result<Record, Trouble>) -> Value {
    let record = match outcome {
        Ok(record) => record,
        Err(trouble) => {
            let error = text::escape_str(&trouble.to_string()).into_owned();
            return document!({
                "name": about.name, "practice": about.practice, "verdict": null, "error": error,
            });
        }
    };
    let findings = record.verdict.findings.iter();
    let findings: Vec<Value> = findings
        .map(|finding| document!({ "holds": finding.holds, "timed": finding.timed, "words": finding.words }))
        .collect();
    document!({
        "name": about.name,
        "practice": about.practice,
        "verdict": record.verdict.word(),
        "error": null,
        "findings": findings,
        "note": record.note,
        "lesson": about.lesson,
        "target": text::escape_str(&record.target),
        "repetitions": record.repetitions,
        "took_s": record.took.as_secs_f64(),
        "leak_threshold_s": sooner(record).map(|threshold| threshold.as_secs_f64()),
        "ways": (0..about.ways.len()).map(|way| way_of(record, way)).collect::<Vec<_>>(),
    })
}

fn way_of(record: &Record, number: usize) -> Value {
    let way = &record.experiment.about().ways[number];
    let figures = record.figures.of(number).iter().map(|figure| {
        let Spread { median, low, high, .. } = figure.spread();
        document!({
            "name": figure.measure.name, "unit": figure.measure.unit.word(),
            "median": median, "low": low, "high": high, "values": figure.values,
        })
    });
    let lints: serde_json::Map<String, Value> = record
        .raised
        .get(number)
        .into_iter()
        .flatten()
        .map(|(id, raised)| {
            let evidence = text::escape_str(&raised.evidence).into_owned();
            ((*id).to_owned(), document!({ "times": raised.times, "evidence": evidence }))
        })
        .collect();
    document!({
        "name": way.name, "right": way.right, "what": way.what, "lint": way.lint,
        "lints": lints, "figures": figures.collect::<Vec<_>>(),
    })
}
