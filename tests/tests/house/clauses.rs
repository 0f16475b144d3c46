//! docs/RFC.md answers for every requirement of RFC 9293, and its places and tests exist.

use std::collections::BTreeSet;
use std::fs;

use crate::{none_of, root};

/// How many requirements of each kind RFC 9293 numbers; the numbers have no gaps (Appendix B).
const KINDS: [(&str, u32); 4] = [("MUST", 69), ("SHLD", 31), ("MAY", 18), ("REC", 1)];

#[test]
fn every_clause_has_a_place_and_a_test_or_a_reason() {
    let page = fs::read_to_string(root().join("docs/RFC.md")).expect("the page exists");
    let mut missing: BTreeSet<String> = KINDS
        .into_iter()
        .flat_map(|(kind, count)| (1..=count).map(move |number| format!("{kind}-{number}")))
        .collect();
    let mut wrong = Vec::new();
    for row in page.lines().filter_map(Row::read) {
        if !missing.remove(row.clause) {
            wrong.push(format!("{}: unknown, or there twice", row.clause));
        }
        wrong.extend(
            row.mistakes()
                .into_iter()
                .map(|it| format!("{}: {it}", row.clause)),
        );
    }
    wrong.extend(
        missing
            .into_iter()
            .map(|clause| format!("{clause}: no row")),
    );
    none_of(wrong);
}

struct Row<'a> {
    clause: &'a str,
    place: &'a str,
    tests: &'a str,
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.split('|').map(str::trim).collect();
        let [clause, _, place, tests, ""] = cells[..] else {
            return None;
        };
        clause
            .contains('-')
            .then_some(Self {
                clause,
                place,
                tests,
            })
            .filter(|_| !clause.starts_with('-'))
    }

    fn mistakes(&self) -> Vec<String> {
        if let Some(reason) = self.place.strip_prefix("not done: ") {
            let why = if reason.is_empty() {
                Some("no reason".to_owned())
            } else {
                None
            };
            return why.into_iter().collect();
        }
        let places = names(self.place);
        let tests = names(self.tests);
        let mut mistakes = Vec::new();
        if places.is_empty() || tests.is_empty() {
            mistakes.push("neither a place and a test nor a reason".to_owned());
        }
        for place in places {
            if !root().join(place).is_file() {
                mistakes.push(format!("no file {place}"));
            }
        }
        mistakes.extend(
            tests
                .into_iter()
                .filter(|test| !exists(test))
                .map(|it| format!("no test {it}")),
        );
        mistakes
    }
}

/// What stands in code font.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// A packet script by its name, or a function in a file.
fn exists(test: &str) -> bool {
    match test.split_once("::") {
        None => root().join(format!("tests/tcp/{test}.pkt")).is_file(),
        Some((file, function)) => fs::read_to_string(root().join(file))
            .is_ok_and(|source| source.contains(&format!("fn {function}("))),
    }
}
