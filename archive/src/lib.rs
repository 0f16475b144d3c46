//! A site in one piece: files, what is known of them, and their compressed variants.
//!
//! It is made once, when a program is built ([`write()`]), and is an application's storage from then on,
//! wherever it lies: embedded in the program ([`embed!`]), in a module that a hypervisor loads beside
//! it, or in a file. Reading it copies nothing and allocates nothing.
//!
//! ```text
//! 0      magic "PARHARC1"
//! 8      the number of entries (4 bytes)
//! 12     zeros (4)
//! 16     the length of the archive (8), a multiple of 4096
//! 24     zeros (8)
//! 32     entries, 48 bytes each, sorted by path, then by coding; a path with a compressed variant has
//!        an entry of its own too
//!          0  where the path stands (4), its length (2), coding (1), zero (1)
//!          8  where the media type stands (4), its length (2), zeros (2)
//!          16 where the bytes stand (8), a multiple of 4096, and how many there are (8)
//!          32 entity tag (8)
//!          40 when it changed, in seconds since 1970 (8); all ones where nobody knows
//!        paths and media types
//!        the bytes of each entry, each from a page's start on, with zeros up to the next page
//! ```
//! All numbers are little-endian. Codings are 0 none, 1 br, 2 zstd, 3 gzip. Each file has its pages to
//! itself, so that a page can be lent to a device, or to a back end, and nothing else shows in it.
//!
//! Limits: 2^32 entries, paths of 65,535 bytes; an archive fits in memory. There are no empty
//! directories. Not here: reading a directory and compressing, which is the crate `pack`'s.
//! No RFC is followed but for the names of codings (RFC 9110, 8.4.1; RFC 8878).
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod format;
mod read;
mod write;

pub use format::{Coding, Malformed};
pub use read::Archive;
pub use write::{File, write};

/// The bytes of the archive in a file, from a page's start on, as `&'static [u8]`.
///
/// The path is that of [`include_bytes!`]; mostly
/// `concat!(env!("OUT_DIR"), "/site.archive")`.
#[macro_export]
macro_rules! embed {
    ($path:expr) => {{
        #[repr(C, align(4096))]
        struct Aligned<B: ?Sized>(B);
        static ALIGNED: &Aligned<[u8]> = &Aligned(*include_bytes!($path));
        &ALIGNED.0
    }};
}

#[cfg(test)]
mod tests;
