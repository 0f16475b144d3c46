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
use addr2line::{Context, Frame, demangle_auto};
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
        for address in addresses(line).filter(|address| self.is_code(address.value)) {
            let value = address.value;
            // What stands on a stack is where a call comes back to, which may be in the next function.
            let probe = if address.is_exact { value } else { value - 1 };
            let mut front = format!("    {value:#x}");
            let frames = self.lines.find_frames(probe).skip_all_loads();
            if let Ok(mut frames) = frames {
                while let Ok(Some(frame)) = frames.next() {
                    writeln!(output, "{front} {}", self.describe(&frame, probe))?;
                    front = " ".repeat(front.len() - 2) + "in";
                }
            }
            if front.ends_with("in") {
                continue;
            }
            let symbol = self.symbols.before(probe).map(SymbolMapName::name);
            writeln!(output, "{front} {}", symbol.map_or("?".into(), readable))?;
        }
        Ok(())
    }

    fn is_code(&self, address: u64) -> bool {
        let endian = self.elf.endian();
        self.elf.elf_program_headers().iter().any(|segment| {
            let start = segment.p_vaddr(endian);
            let is_inside = address > start && address - start <= segment.p_memsz(endian);
            is_inside && segment.p_flags(endian).contains(PF_X)
        })
    }

    fn describe(&self, frame: &Frame<'_, Bytes<'_>>, probe: u64) -> String {
        let function = frame.function.as_ref();
        let function = function.and_then(|name| name.demangle().ok().map(Cow::into_owned));
        let symbol = || Some(readable(self.symbols.before(probe)?.name()).into_owned());
        let function = function.or_else(symbol).unwrap_or_else(|| "?".to_owned());
        let Some(place) = &frame.location else {
            return function;
        };
        let (file, line) = (place.file.unwrap_or("?"), place.line.unwrap_or_default());
        format!("{function}, {file}:{line}")
    }
}

fn readable(symbol: &str) -> Cow<'_, str> {
    demangle_auto(Cow::Borrowed(symbol), None)
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
