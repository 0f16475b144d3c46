//! All runs, interleaved, and what came out: a table for people, JSON for programs.

use core::time::Duration;
use std::fs;
use std::path::Path;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::contest::{Case, Measured};
use crate::wire::{self, Reached};
use crate::{Arguments, callgrind, runs};

/// What one contestant reached in one case.
struct Row {
    title: &'static str,
    contestant: &'static str,
    unit: &'static str,
    /// Of each run, sorted.
    figures: Vec<f64>,
    instructions: Option<f64>,
}

/// Runs what was asked for, prints it and writes it down.
pub(crate) fn all(arguments: &Arguments) -> Result<(), String> {
    if arguments.callgrind {
        callgrind::look()?;
    }
    if arguments.tap {
        wire::look()?;
    }
    let (rounds, time) = match arguments.quick {
        true => (3, Duration::from_millis(200)),
        false => (7, Duration::from_secs(1)),
    };
    let wanted = |case: &&Case| arguments.only.is_empty() || arguments.only.contains(case);
    let mut rows = Vec::new();
    heading();
    for case in Case::value_variants().iter().filter(wanted) {
        let of_case = measure(*case, rounds, time, arguments.callgrind)?;
        print(&of_case);
        rows.extend(of_case);
    }
    if arguments.tap {
        // Clients need a moment to get going.
        let reached = wire::apart(rounds, time.max(Duration::from_secs(1)) * 3)?;
        for of_case in over_wire(reached) {
            print(&of_case);
            rows.extend(of_case);
        }
    }
    match &arguments.json {
        Some(path) => write(path, &rows),
        None => Ok(()),
    }
}

/// Runs every contestant of a case in turn, `rounds` times.
fn measure(case: Case, rounds: usize, time: Duration, count: bool) -> Result<Vec<Row>, String> {
    let contestants = case.contestants();
    let mut figures = vec![Vec::new(); contestants.len()];
    for _ in 0..rounds {
        for (contestant, figures) in contestants.iter().zip(&mut figures) {
            let measured = runs::apart(case, *contestant, time)?;
            figures.push(figure(case, &measured));
        }
    }
    let mut rows = Vec::new();
    for (contestant, figures) in contestants.iter().zip(figures) {
        let mut row = Row::new(case.title(), contestant.name(), case.unit().0, figures);
        if count {
            row.instructions = callgrind::count(case, *contestant)?;
        }
        rows.push(row);
    }
    Ok(rows)
}

/// In the unit of the case.
fn figure(case: Case, measured: &Measured) -> f64 {
    let operations = measured.operations.max(1) as f64;
    match case {
        Case::Idle => measured.resident as f64 / operations,
        _ => operations / measured.elapsed.as_secs_f64() / case.unit().1,
    }
}

/// What was reached over the wire: two cases.
fn over_wire(reached: Vec<Reached>) -> [Vec<Row>; 2] {
    let mut cases = [Vec::new(), Vec::new()];
    for Reached {
        server,
        requests,
        bulk,
    } in reached
    {
        let [of_requests, of_bulk] = &mut cases;
        let title = "over a tap (nginx: veth), wrk -t1 -c64";
        of_requests.push(Row::new(title, server, "thousand/s", requests));
        let title = "over a tap (nginx: veth), one download";
        of_bulk.push(Row::new(title, server, "Gbit/s", bulk));
    }
    cases
}

fn heading() {
    println!(
        "{:<46}{:<11}{:>10}  {:<18}{:<11}{:>8}{:>14}",
        "", "", "median", "least ... most", "", "ratio", "instructions"
    );
}

/// Prints the rows of a case: ours, then the others with what ours is of theirs.
fn print(rows: &[Row]) {
    for (index, row) in rows.iter().enumerate() {
        let title = if index == 0 { row.title } else { "" };
        let ratio = match rows {
            [ours, ..] if index > 0 => format!("{:.2} x", ours.median() / row.median()),
            _ => String::new(),
        };
        let (least, most) = row.spread();
        let spread = format!("{} ... {}", show(least), show(most));
        let instructions = row.instructions.map(|count| format!("{count:.0}"));
        println!(
            "{title:<46}{:<11}{:>10}  {spread:<18}{:<11}{ratio:>8}{:>14}",
            row.contestant,
            show(row.median()),
            row.unit,
            instructions.unwrap_or_default(),
        );
    }
}

/// With as many digits as mean something.
fn show(figure: f64) -> String {
    match figure {
        figure if figure >= 1_000.0 => format!("{figure:.0}"),
        figure if figure >= 10.0 => format!("{figure:.1}"),
        figure => format!("{figure:.3}"),
    }
}

impl Row {
    fn new(
        title: &'static str,
        contestant: &'static str,
        unit: &'static str,
        mut figures: Vec<f64>,
    ) -> Self {
        figures.sort_by(f64::total_cmp);
        Self {
            title,
            contestant,
            unit,
            figures,
            instructions: None,
        }
    }

    fn median(&self) -> f64 {
        let middle = self.figures.get(self.figures.len() / 2);
        middle.copied().unwrap_or_default()
    }

    fn spread(&self) -> (f64, f64) {
        let ends = self.figures.first().zip(self.figures.last());
        ends.map_or((0.0, 0.0), |(least, most)| (*least, *most))
    }

    fn json(&self) -> Value {
        let (least, most) = self.spread();
        json!({
            "case": self.title,
            "contestant": self.contestant,
            "unit": self.unit,
            "median": self.median(),
            "least": least,
            "most": most,
            "runs": self.figures,
            "instructions": self.instructions,
        })
    }
}

fn write(path: &Path, rows: &[Row]) -> Result<(), String> {
    let rows: Vec<Value> = rows.iter().map(Row::json).collect();
    let text = format!("{:#}\n", Value::Array(rows));
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
