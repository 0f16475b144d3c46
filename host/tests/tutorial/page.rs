//! One page, and what is done with its blocks.
//!
//! | block | is |
//! |---|---|
//! | `sh,run` | typed in the first terminal; all of it must succeed |
//! | `sh,fails` | typed there too, and must fail |
//! | `sh,stays=NAME` | typed in another terminal, where it goes on while the first is used |
//! | `text,typed=NAME` | typed to what runs in that terminal |
//! | `rust,file=PATH` | written to that file |
//! | `rust,from=PATH` | a part of that file of the project, to the letter |
//! | `text` | what is printed by the block before it |
//! | `text,of=NAME` | what is printed next in that terminal: waited for |
//! | `text,ends=NAME` | the same, up to its end, after Ctrl-C was typed there |
//!
//! Other blocks are for readers alone. `…` in a `text` stands for anything, in a line of its own for
//! any lines. What is different each time, as a port, is named in a comment before the block, and
//! then stands for anything too: `<!-- differs: 51544 0.3 -->`. A page that needs a program of
//! Debian's says so: `<!-- needs: curl tcpdump -->`; `xen` is the lab of `cargo xtask xen`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::terminal::{Process, Shell};

/// A page of the book.
pub(crate) struct Page {
    needs: Vec<String>,
    blocks: Vec<Block>,
}

struct Block {
    /// In the page, for people.
    line: usize,
    /// Such as `run`, and the name behind it, if there is one.
    task: String,
    name: String,
    text: String,
    differs: Vec<String>,
}

/// The files that a summary links to.
pub(crate) fn links(summary: &str) -> impl Iterator<Item = &str> {
    let ends = summary.split("](").skip(1);
    ends.filter_map(|rest| rest.split(')').next())
}

impl Page {
    pub(crate) fn parse(text: &str) -> Self {
        let mut page = Self {
            needs: Vec::new(),
            blocks: Vec::new(),
        };
        let mut differs = Vec::new();
        let mut lines = text.lines().zip(1..);
        while let Some((line, number)) = lines.next() {
            if let Some(programs) = comment(line, "needs") {
                page.needs.extend(programs);
            }
            if let Some(words) = comment(line, "differs") {
                differs.extend(words);
            }
            let Some(kind) = line.strip_prefix("```") else {
                continue;
            };
            let body = lines.by_ref().map(|(line, _)| line);
            let body: Vec<&str> = body.take_while(|line| *line != "```").collect();
            let body = body.iter().map(|line| format!("{line}\n"));
            let task = kind.split_once(',').map_or(kind, |(_, task)| task);
            let (task, name) = task.split_once('=').unwrap_or((task, ""));
            page.blocks.push(Block {
                line: number,
                task: task.to_owned(),
                name: name.to_owned(),
                text: body.collect(),
                differs: core::mem::take(&mut differs),
            });
        }
        page
    }

    pub(crate) fn needs(&self) -> impl Iterator<Item = &str> {
        self.needs.iter().map(String::as_str)
    }

    /// Does what the page says, in an empty folder beside the project.
    ///
    /// # Errors
    /// The first block that went otherwise than the page says.
    pub(crate) fn follow(&self, project: &Path) -> Result<(), String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut reader = Reader {
            shell: Shell::start(folder.path(), project)?,
            others: HashMap::new(),
            printed: String::new(),
            project,
        };
        for block in &self.blocks {
            let done = reader.take(block);
            done.map_err(|why| format!("line {}: {why}", block.line))?;
        }
        match reader.others.keys().next() {
            Some(name) => Err(format!("the page does not end {name}")),
            None => Ok(()),
        }
    }
}

/// Somebody who follows a page.
struct Reader<'a> {
    project: &'a Path,
    shell: Shell,
    others: HashMap<String, Process>,
    /// What the last block in the first terminal printed.
    printed: String,
}

impl Reader<'_> {
    fn take(&mut self, block: &Block) -> Result<(), String> {
        let expected = Expected::new(block);
        match block.task.as_str() {
            "run" | "fails" => {
                let (is_good, printed) = self.shell.run(&block.text)?;
                self.printed = printed;
                match is_good == (block.task == "run") {
                    true => Ok(()),
                    false => Err(format!("succeeded: {is_good}; printed:\n{}", self.printed)),
                }
            }
            "text" => expected.compare(&self.printed),
            "stays" => {
                let process = Process::start(&self.shell, &block.text)?;
                self.others.insert(block.name.clone(), process);
                Ok(())
            }
            "typed" => self.other(&block.name)?.type_in(&block.text),
            "of" => self
                .other(&block.name)?
                .wait_for(|printed| expected.begins(printed)),
            "ends" => {
                let process = self.others.remove(&block.name);
                let printed = process.ok_or("nothing runs there")?.interrupt()?;
                expected.compare(&printed)
            }
            "file" => {
                let path = self.shell.folder()?.join(&block.name);
                fs::write(&path, &block.text).map_err(|error| format!("{}: {error}", block.name))
            }
            "from" => {
                let file = fs::read_to_string(self.project.join(&block.name));
                match file.is_ok_and(|file| file.contains(&block.text)) {
                    true => Ok(()),
                    false => Err(format!("{} is not so any more", block.name)),
                }
            }
            _ => Ok(()),
        }
    }

    fn other(&mut self, name: &str) -> Result<&mut Process, String> {
        let process = self.others.get_mut(name);
        process.ok_or_else(|| format!("nothing runs in {name}"))
    }
}

/// What a page says will be printed: lines, each the pieces between what may be anything.
struct Expected(Vec<Vec<String>>);

impl Expected {
    fn new(block: &Block) -> Self {
        let mut text = block.text.clone();
        for word in &block.differs {
            text = without(word, &text);
        }
        let pieces = |line: &str| line.split('…').map(str::to_owned).collect();
        Self(text.lines().map(pieces).collect())
    }

    /// Whether all of `printed` is what was expected.
    fn compare(&self, printed: &str) -> Result<(), String> {
        let lines: Vec<&str> = printed.lines().collect();
        match prefix(&self.0, &lines) {
            Some(len) if len == lines.len() || self.ends_open() => Ok(()),
            _ => Err(format!("expected\n{self}printed\n{printed}")),
        }
    }

    /// How many bytes of `printed` are what was expected, if it begins so.
    fn begins(&self, printed: &str) -> Result<usize, String> {
        // A line that is not finished yet may become another.
        let finished: Vec<&str> = printed
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .collect();
        let lines: Vec<&str> = finished
            .iter()
            .map(|line| line.trim_end_matches('\n'))
            .collect();
        let len = prefix(&self.0, &lines).ok_or_else(|| format!("expected\n{self}"))?;
        Ok(finished[..len].iter().map(|line| line.len()).sum())
    }

    fn ends_open(&self) -> bool {
        self.0.last().is_some_and(|pieces| is_any_lines(pieces))
    }
}

impl core::fmt::Display for Expected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let lines = self.0.iter();
        lines
            .map(|pieces| pieces.join("…"))
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// `text` with `…` for `word`, where that is a word or number of its own.
fn without(word: &str, text: &str) -> String {
    let is_inner = |letter: char| letter.is_alphanumeric() || letter == '.';
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(word) {
        result.push_str(before);
        let is_part = result.ends_with(is_inner) || behind.starts_with(is_inner);
        result.push_str(if is_part { word } else { "…" });
        rest = behind;
    }
    result + rest
}

/// How many of `lines`, from the first on, are as `expected`.
fn prefix(expected: &[Vec<String>], lines: &[&str]) -> Option<usize> {
    let Some((pieces, rest)) = expected.split_first() else {
        return Some(0);
    };
    if is_any_lines(pieces) {
        return (0..=lines.len()).find_map(|skipped| {
            let len = prefix(rest, lines.get(skipped..)?)?;
            Some(skipped + len)
        });
    }
    let (line, others) = lines.split_first()?;
    match is_like(pieces, line.trim_end()) {
        true => Some(1 + prefix(rest, others)?),
        false => None,
    }
}

fn is_any_lines(pieces: &[String]) -> bool {
    pieces.len() > 1 && pieces.concat().trim().is_empty()
}

fn is_like(pieces: &[String], line: &str) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.concat() == line;
    };
    let Some(mut rest) = line.strip_prefix(first.as_str()) else {
        return false;
    };
    for piece in middle {
        match rest.split_once(piece.as_str()) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// The words of `<!-- name: words -->`.
fn comment(line: &str, name: &str) -> Option<Vec<String>> {
    let inside = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let words = inside.strip_prefix(name)?.strip_prefix(": ")?;
    Some(words.split_whitespace().map(str::to_owned).collect())
}
