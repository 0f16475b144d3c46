//! `parhelion symbols`: what a guest said at its end, with names for its addresses.
//!
//! What is booted has no names in it; they are in the file that `parhelion build --on xen` writes beside it.
//! The functions that a compiler has put into one another are in its lines, not in its symbols, and of
//! those there are few, as a guest is compiled in one piece: so both are read.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};

use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use addr2line::{Context, Location, demangle_auto};
use object::elf::{FileHeader64, PF_X};
use object::read::SymbolMapName;
use object::read::elf::{ElfFile, ProgramHeader as _};
use object::{Object as _, ObjectSection as _, SymbolMap};

use crate::cli::Symbols;
use crate::failure::{Failure, reason};

type Bytes<'a> = EndianSlice<'a, LittleEndian>;
type Elf<'a> = ElfFile<'a, FileHeader64<object::LittleEndian>>;

/// Prints the log with names in it.
pub(crate) fn run(options: &Symbols) -> Result<(), Failure> {
    let (path, bytes) = with_names(&options.program)?;
    let names = Names::of(&bytes).ok_or_else(|| {
        let path = path.display();
        Failure::unusable(format!(
            "{path} has no names: name the NAME.symbols.elf that was built with it"
        ))
    })?;
    let log: Box<dyn BufRead> = match &options.log {
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(unreadable(path))?)),
        None => Box::new(io::stdin().lock()),
    };
    let mut output = io::stdout().lock();
    for line in log.split(b'\n') {
        let line = line.map_err(unreadable(options.log.as_deref().unwrap_or(Path::new("-"))))?;
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let named = writeln!(output, "{line}").and_then(|()| names.tell(line, &mut output));
        if named.is_err() {
            // Nobody reads on.
            break;
        }
    }
    Ok(())
}

/// The file with the names: this one, or the one that was built with it.
fn with_names(program: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    let beside = program.with_extension("symbols.elf");
    let path = if beside.is_file() {
        beside
    } else {
        program.to_owned()
    };
    let bytes = fs::read(&path).map_err(unreadable(&path))?;
    Ok((path, bytes))
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| {
        let (path, why) = (path.display(), reason(&error));
        Failure::unusable(format!("cannot read {path}: {why}"))
    }
}

/// The names in a program.
struct Names<'a> {
    elf: Elf<'a>,
    lines: Context<Bytes<'a>>,
    symbols: SymbolMap<SymbolMapName<'a>>,
}

impl<'a> Names<'a> {
    /// `None` where there are none.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let elf = Elf::parse(bytes).ok()?;
        let section = |id: SectionId| {
            let section = elf.section_by_name(id.name());
            let data = section.and_then(|section| section.data().ok());
            Ok::<_, addr2line::gimli::Error>(Bytes::new(data.unwrap_or_default(), LittleEndian))
        };
        let lines = Context::from_dwarf(Dwarf::load(section).ok()?).ok()?;
        let symbols = elf.symbol_map();
        (!symbols.symbols().is_empty()).then_some(Self {
            elf,
            lines,
            symbols,
        })
    }

    /// Names every address of code in a line.
    fn tell(&self, line: &str, output: &mut impl io::Write) -> io::Result<()> {
        for Address { value, is_exact } in addresses(line) {
            // What stands on a stack is where a call comes back to, which may be in the next function.
            let probe = value.saturating_sub(u64::from(!is_exact));
            if !self.is_code(probe) {
                continue;
            }
            let mut frames = self.frames(probe);
            // How the standard library does what it was asked for explains nothing.
            if frames.iter().any(|frame| !frame.is_of_std) {
                frames.retain(|frame| !frame.is_of_std);
            }
            let mut front = format!("    {value:#x}");
            for frame in frames {
                writeln!(output, "{front} {}", frame.text)?;
                front = " ".repeat(front.len() - 2) + "in";
            }
        }
        Ok(())
    }

    fn is_code(&self, address: u64) -> bool {
        let endian = self.elf.endian();
        self.elf.elf_program_headers().iter().any(|segment| {
            let distance = address.checked_sub(segment.p_vaddr(endian));
            let is_inside = distance.is_some_and(|distance| distance < segment.p_memsz(endian));
            is_inside && segment.p_flags(endian).contains(PF_X)
        })
    }

    /// The function at an address, and those that it was put into; the innermost first.
    fn frames(&self, address: u64) -> Vec<Function> {
        let symbol = self
            .symbols
            .before(address)
            .map_or("?", SymbolMapName::name);
        let symbol = demangle_auto(Cow::Borrowed(symbol), None);
        let mut found = Vec::new();
        if let Ok(mut frames) = self.lines.find_frames(address).skip_all_loads() {
            while let Ok(Some(frame)) = frames.next() {
                let name = frame
                    .function
                    .as_ref()
                    .and_then(|name| name.demangle().ok());
                let name = name.map_or(symbol.clone(), |name| Cow::Owned(name.into_owned()));
                found.push((name, frame.location));
            }
        }
        // The outermost has a symbol, which names its module too.
        let (_, place) = found.pop().unwrap_or_default();
        found.push((symbol, place));
        let functions = found
            .iter()
            .map(|(name, place)| Function::new(name, place.as_ref()));
        functions.collect()
    }
}

/// A function with its place.
struct Function {
    text: String,
    is_of_std: bool,
}

impl Function {
    fn new(name: &str, place: Option<&Location<'_>>) -> Self {
        // Of which types it was made is in the name, and long.
        let name = match name.find('<') {
            None | Some(0) => name,
            Some(types) => name[..types].trim_end_matches("::"),
        };
        let Some(file) = place.and_then(|place| place.file) else {
            return Self {
                text: name.to_owned(),
                is_of_std: false,
            };
        };
        let line = place.and_then(|place| place.line).unwrap_or_default();
        Self {
            text: format!("{name}, {}:{line}", short(file)),
            is_of_std: file.starts_with(STD),
        }
    }
}

/// Where whoever built the standard library had it.
const STD: &str = "/rustc/";

/// A path without what it has for whoever built the program.
fn short(file: &str) -> &str {
    let registry = file.split_once("/registry/src/");
    let of_others = registry.or_else(|| file.strip_prefix(STD).map(|rest| ("", rest)));
    let behind = of_others.and_then(|(_, rest)| rest.split_once('/'));
    behind.map_or(file, |(_, path)| path)
}

/// A number in a line that may be an address.
struct Address {
    value: u64,
    /// It is that of an instruction, and not the one that a call comes back to.
    is_exact: bool,
}

/// The numbers in a line that are written as addresses: with `0x`, or with all sixteen digits.
fn addresses(line: &str) -> impl Iterator<Item = Address> {
    let words = line.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut is_exact = false;
    words.filter_map(move |word| {
        let digits = word.strip_prefix("0x");
        let digits = digits.or_else(|| (word.len() == 16).then_some(word));
        let value = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let address = value.map(|value| Address { value, is_exact });
        if !word.is_empty() {
            is_exact = ["at", "rip"].contains(&word);
        }
        address
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_that_a_reader_knows() {
        assert_eq!(
            short("/rustc/5980/library/core/src/fmt.rs"),
            "library/core/src/fmt.rs"
        );
        assert_eq!(
            short("/of/someone/.cargo/registry/src/index-19/talc-5.1/src/cell.rs"),
            "talc-5.1/src/cell.rs"
        );
        assert_eq!(
            short("/of/someone/page/src/lib.rs"),
            "/of/someone/page/src/lib.rs"
        );
    }

    #[test]
    fn addresses_are_told_from_other_numbers() {
        let found = |line| {
            addresses(line)
                .map(|address| (address.value, address.is_exact))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found("rip=0x201234, rsp 0000000000209ff8"),
            [(0x20_1234, true), (0x20_9ff8, false)]
        );
        assert_eq!(
            found("the instruction at 0x2: 0x3"),
            [(2, true), (3, false)]
        );
        assert_eq!(found("took 200123 us of 0xx, deadbeef, 0x"), []);
    }
}
