use std::vec::Vec;

use proptest::prelude::*;

use super::*;

/// Memory from address 0 on.
struct Bytes(Vec<u8>);

impl PhysicalMemory for Bytes {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        let start = usize::try_from(address).unwrap_or(usize::MAX);
        let end = start.saturating_add(into.len());
        let there = self.0.get(start..end);
        there.map(|there| into.copy_from_slice(there)).is_some()
    }
}

impl Bytes {
    fn put(&mut self, address: usize, fields: &[&[u8]]) {
        let bytes = fields.concat();
        self.0[address..address + bytes.len()].copy_from_slice(&bytes);
    }
}

const AT: usize = 0x100;
const MODULES: usize = 0x200;
const COMMAND_LINE: usize = 0x300;
const MAP: usize = 0x400;

fn u32(value: u32) -> [u8; 4] {
    value.to_le_bytes()
}

fn u64(value: usize) -> [u8; 8] {
    (value as u64).to_le_bytes()
}

/// A start information with everything.
fn machine(version: u32) -> Bytes {
    let mut memory = Bytes(std::vec![0; 0x500]);
    let head = [u32(MAGIC), u32(version), u32(0), u32(2)].concat();
    let places = [u64(MODULES), u64(COMMAND_LINE), u64(0), u64(MAP)].concat();
    memory.put(AT, &[&head, &places, &u32(2), &u32(0)]);
    let modules = [u64(0x7000), u64(0x1234), u64(0), u64(0)].concat();
    let wraps = [u64(usize::MAX), u64(2), u64(0), u64(0)].concat();
    memory.put(MODULES, &[&modules, &wraps]);
    memory.put(COMMAND_LINE, &[b"ip=10.0.0.2/24 a=b"]);
    let ram = [u64(0), u64(0x80_0000)].concat();
    let reserved = [u64(0xfeff_8000), u64(0x8000)].concat();
    memory.put(MAP, &[&ram, &u32(1), &u32(0), &reserved, &u32(2), &u32(0)]);
    memory
}

#[test]
fn everything_is_read() {
    let info = StartInfo::read(&machine(1), AT as u64).expect("there is one");
    assert_eq!(info.command_line, "ip=10.0.0.2/24 a=b");
    assert_eq!(info.modules.len(), 1, "what wraps is none");
    assert_eq!(info.modules[0].range, 0x7000..0x8234);
    let map = info.memory_map.expect("version 1 has one");
    assert_eq!(map.ram(), 0x80_0000);
    assert_eq!(map.regions().len(), 2);
}

#[test]
fn version_0_has_no_map_whatever_lies_behind_it() {
    let info = StartInfo::read(&machine(0), AT as u64).expect("there is one");
    assert_eq!(info.memory_map, None);
    assert_eq!(info.modules.len(), 1);
    // Xen's builder of dom0 writes no more than this.
    let mut short = machine(0);
    short.0.truncate(AT + 40);
    assert!(StartInfo::read(&short, AT as u64).is_some());
}

#[test]
fn an_empty_map_is_none() {
    let mut memory = machine(1);
    memory.put(AT + 48, &[&u32(0)]);
    let info = StartInfo::read(&memory, AT as u64).expect("there is one");
    assert_eq!(info.memory_map, None);
}

#[test]
fn what_is_no_start_information_is_none() {
    let mut memory = machine(1);
    assert_eq!(StartInfo::read(&memory, AT as u64 + 4), None);
    assert_eq!(StartInfo::read(&memory, u64::MAX - 8), None);
    memory.put(AT, &[&u32(MAGIC + 1)]);
    assert_eq!(StartInfo::read(&memory, AT as u64), None);
}

#[test]
fn a_command_line_is_cut_where_it_is_no_text() {
    let mut memory = machine(1);
    memory.put(COMMAND_LINE, &[b"a=b\xffc"]);
    let info = StartInfo::read(&memory, AT as u64).expect("there is one");
    assert_eq!(info.command_line, "a=b");
    memory.put(AT + 24, &[&u64(0)]);
    let info = StartInfo::read(&memory, AT as u64).expect("there is one");
    assert_eq!(info.command_line, "");
}

#[test]
fn without_an_end_it_is_cut_at_the_limit() {
    let mut memory = machine(1);
    memory.0.resize(0x10_000, b'x');
    memory.put(AT + 24, &[&u64(0x1000)]);
    let info = StartInfo::read(&memory, AT as u64).expect("there is one");
    assert_eq!(info.command_line.len(), MAX_COMMAND_LINE);
}

proptest! {
    #[test]
    fn nothing_that_a_loader_writes_does_harm(bytes in prop::collection::vec(any::<u8>(), 48)) {
        let mut memory = machine(1);
        memory.put(AT + 4, &[&bytes]);
        if let Some(info) = StartInfo::read(&memory, AT as u64) {
            prop_assert!(info.modules.iter().all(|module| module.range.start <= module.range.end));
        }
    }
}
