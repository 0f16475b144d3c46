//! The journey that docs/ARCHITECTURE.md tells goes through functions that exist.

use std::fs;

use crate::{none_of, root};

#[test]
fn a_frame_meets_functions_that_exist() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page exists");
    let stations: Vec<(&str, &str)> = page.lines().filter_map(station).collect();
    assert!(stations.len() > 30, "the journey was not found");
    let mut wrong = Vec::new();
    for (function, file) in stations {
        let source = fs::read_to_string(root().join(file)).unwrap_or_default();
        let starts = [format!("fn {function}("), format!("fn {function}<")];
        if !starts.iter().any(|start| source.contains(start)) {
            wrong.push(format!(
                "docs/ARCHITECTURE.md: no function {function} in {file}"
            ));
        }
    }
    none_of(wrong);
}

/// Reads ``| `function` | `file.rs` | … |``.
fn station(line: &str) -> Option<(&str, &str)> {
    let mut cells = line.strip_prefix("| `")?.split('`');
    let (function, between, file) = (cells.next()?, cells.next()?, cells.next()?);
    (between == " | " && file.ends_with(".rs")).then_some((function, file))
}
