//! Lines and tables of a report for people.

use std::fmt::Write;

use crate::text::width;

/// Writing to a String cannot fail.
pub(super) fn line(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", text.trim_end());
}

/// Columns as wide as their widest cell; a heading that begins with `>` puts its column to the right.
pub(super) struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(headings: &[&str]) -> Self {
        let right = headings.iter().map(|heading| heading.starts_with('>')).collect();
        let heading = headings.iter().map(|heading| heading.trim_start_matches('>').to_owned()).collect();
        Self { right, rows: vec![heading] }
    }

    /// Without a line of headings: a `>` for each column to the right, and any other sign for one to the left.
    pub(super) fn headless(columns: &str) -> Self {
        Self { right: columns.chars().map(|column| column == '>').collect(), rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(super) fn write(&self, out: &mut String) {
        let widest = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.right.len()).map(widest).collect();
        for row in &self.rows {
            let cells: Vec<_> = row
                .iter()
                .zip(&widths)
                .zip(&self.right)
                .map(|((cell, widest), right)| {
                    let space = " ".repeat(widest.saturating_sub(width(cell)));
                    if *right { space + cell } else { cell.clone() + &space }
                })
                .collect();
            line(out, &cells.join("  "));
        }
    }
}
