//! How the sources are written. Run with `--nocapture` for the longest file and function, and the
//! number of `unsafe` blocks.

use std::fs;
use std::path::Path;

use crate::{NO_STD, UNSAFE, none_of, root};

/// Lines that a person reads in one sitting.
const MAX_FILE: usize = 450;
/// Lines on a screen (clippy counts too, without blank ones and comments).
const MAX_FUNCTION: usize = 70;

/// A text of the project: its path, as seen from the root, and what is in it.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// A file that holds nothing but tests.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }
}

#[test]
fn every_module_says_what_it_is() {
    let sources = sources()
        .into_iter()
        .filter(|source| source.is_rust() && !source.is_test());
    let silent = sources.filter(|source| !source.text.starts_with("//!"));
    none_of(
        silent
            .map(|source| format!("{} does not begin with //!", source.path))
            .collect(),
    );
}

#[test]
fn files_are_read_in_one_sitting() {
    let sources = sources()
        .into_iter()
        .filter(|source| source.is_rust() && !source.is_test());
    let mut sizes: Vec<(usize, String)> = sources
        .map(|source| (source.text.lines().count(), source.path))
        .collect();
    sizes.sort();
    let (len, path) = sizes.last().expect("there are sources");
    println!("longest file: {path}, {len} lines; {} files", sizes.len());
    sizes.retain(|(len, _)| *len > MAX_FILE);
    none_of(
        sizes
            .iter()
            .map(|(len, path)| format!("{path} has {len} lines"))
            .collect(),
    );
}

#[test]
fn functions_fit_on_a_screen() {
    let mut sizes = Vec::new();
    for source in sources()
        .into_iter()
        .filter(|source| source.is_rust() && !source.is_test())
    {
        let lines: Vec<&str> = source.text.lines().collect();
        let starts = (0..lines.len()).filter(|at| is_function(lines[*at]));
        sizes.extend(starts.map(|at| (function_len(&lines[at..]), source.path.clone(), at + 1)));
    }
    sizes.sort();
    let (len, path, line) = sizes.last().expect("there are functions");
    println!(
        "longest function: {path}:{line}, {len} lines; {} functions",
        sizes.len()
    );
    sizes.retain(|(len, _, _)| *len > MAX_FUNCTION);
    none_of(
        sizes
            .iter()
            .map(|(len, path, line)| format!("{path}:{line}: {len} lines"))
            .collect(),
    );
}

#[test]
fn unsafe_is_where_it_may_be_and_says_why() {
    let mut wrong = Vec::new();
    let mut blocks = 0;
    for source in sources().iter().filter(|source| source.is_rust()) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, line) in lines
            .iter()
            .enumerate()
            .filter(|(_, line)| says_unsafe(line))
        {
            let place = format!("{}:{}", source.path, at + 1);
            if !UNSAFE
                .iter()
                .any(|allowed| source.path.starts_with(allowed))
            {
                wrong.push(format!("{place}: `unsafe` may not be here"));
            } else if line.contains("unsafe {") {
                blocks += 1;
                if !is_justified(&lines[..at]) {
                    wrong.push(format!("{place}: no `// SAFETY:` before it"));
                }
            }
        }
    }
    println!("unsafe blocks: {blocks}");
    none_of(wrong);
}

#[test]
fn every_crate_forbids_unsafe_but_those_that_need_it() {
    let sources = sources();
    let roots = sources.iter().filter(|source| {
        let folder = source.path.strip_suffix("/src/lib.rs");
        let folder = folder.or_else(|| source.path.strip_suffix("/src/main.rs"));
        folder.is_some_and(|folder| !UNSAFE.iter().any(|allowed| allowed.starts_with(folder)))
    });
    let (good, bad): (Vec<&Source>, Vec<&Source>) =
        roots.partition(|source| source.text.contains("\n#![forbid(unsafe_code)]\n"));
    assert!(good.len() > NO_STD.len());
    none_of(
        bad.iter()
            .map(|source| format!("{} does not forbid it", source.path))
            .collect(),
    );
}

#[test]
fn the_libraries_without_std_say_so() {
    let sources = sources();
    let mut said: Vec<&str> = sources
        .iter()
        .filter(|source| source.text.contains("\n#![no_std]\n"))
        .filter_map(|source| source.path.strip_suffix("/src/lib.rs"))
        .filter_map(|folder| folder.rsplit('/').next())
        .collect();
    let mut expected = NO_STD;
    said.sort_unstable();
    expected.sort_unstable();
    assert_eq!(said, expected);
}

#[test]
fn nothing_is_left_to_do_and_no_machine_is_named() {
    // In two halves, since this file is looked at too.
    let words = [
        ["to", "do!("],
        ["unimpl", "emented!("],
        ["TO", "DO"],
        ["FIX", "ME"],
        ["XX", "X"],
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["db", "g!("],
    ];
    let mut wrong = Vec::new();
    for source in sources() {
        for (at, line) in source.text.lines().enumerate() {
            for word in words.iter().map(|halves| halves.concat()) {
                if line.contains(&word) {
                    wrong.push(format!("{}:{}: {word}", source.path, at + 1));
                }
            }
        }
    }
    none_of(wrong);
}

/// All texts of the project, without what is built.
fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root(), "", &mut sources);
    sources
}

fn collect(folder: &Path, prefix: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).expect("the project can be read") {
        let entry = entry.expect("the project can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if !["target", ".git"].contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), sources);
            }
        } else if [".rs", ".s", ".ld", ".toml", ".md", ".pkt"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            let text = fs::read_to_string(entry.path()).expect("a text is UTF-8");
            sources.push(Source { path, text });
        }
    }
}

/// Whether a line, as rustfmt leaves it, begins a function.
fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let before = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "const",
        "async",
        "unsafe",
        "extern",
        "\"C\"",
    ];
    words.find(|word| !before.contains(word)) == Some("fn")
}

/// Lines up to the brace (or the semicolon of one without a body) as far in as the first line.
fn function_len(lines: &[&str]) -> usize {
    let indent = &lines[0][..lines[0].len() - lines[0].trim_start().len()];
    if lines[0].ends_with(['}', ';']) {
        return 1;
    }
    let is_end = |line: &&str| {
        let rest = line.strip_prefix(indent).unwrap_or_default();
        rest == "}" || (rest.starts_with(')') && rest.ends_with(';'))
    };
    lines
        .iter()
        .position(is_end)
        .map_or(lines.len(), |end| end + 1)
}

/// Whether the word is in the code of a line; `unsafe_code`, comments and texts do not count.
fn says_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let code = code.split('"').step_by(2).collect::<Vec<_>>().concat();
    code.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|word| word == "unsafe")
}

/// Whether the comment above what a statement begins with is one about safety.
fn is_justified(above: &[&str]) -> bool {
    let same_statement = above.iter().rev().take_while(|line| {
        let line = line.trim();
        line.starts_with("//") || !line.ends_with([';', '{', '}'])
    });
    same_statement
        .into_iter()
        .any(|line| line.trim().starts_with("// SAFETY:"))
}
