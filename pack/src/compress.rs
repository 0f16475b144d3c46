//! Compressed variants of a file, where they are worth it.

#[cfg(test)]
use std::io::Read as _;
use std::io::{Cursor, Write as _};

use archive::Coding;
use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Shorter files fit into the first segment anyway, whatever is saved.
const MIN_LEN: usize = 512;

/// Brotli's best takes a second for each megabyte; from here on it is given a tenth of that.
const LONG: usize = 4 << 20;

/// The variants that are at least a tenth smaller than the file: with less, the client's work is worth
/// more than the bytes.
pub(crate) fn variants(media: &str, bytes: &[u8]) -> Vec<(Coding, Vec<u8>)> {
    if bytes.len() < MIN_LEN || !is_compressible(media) {
        return Vec::new();
    }
    let all = [
        (Coding::Brotli, brotli(bytes)),
        (Coding::Zstd, zstd(bytes)),
        (Coding::Gzip, gzip(bytes)),
    ];
    all.into_iter()
        .filter_map(|(coding, variant)| Some((coding, variant?)))
        .filter(|(_, variant)| variant.len() <= bytes.len() / 10 * 9)
        .collect()
}

/// Whether files of a type are text, or as loose: what is not is compressed in itself.
fn is_compressible(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default();
    let is_text = essence.starts_with("text/") || essence.ends_with("+xml");
    is_text || essence.ends_with("json") || LOOSE.contains(&essence)
}

const LOOSE: [&str; 6] = [
    "application/wasm",
    "application/toml",
    "font/ttf",
    "font/otf",
    "image/bmp",
    "image/vnd.microsoft.icon",
];

fn brotli(bytes: &[u8]) -> Option<Vec<u8>> {
    let parameters = BrotliEncoderParams {
        quality: if bytes.len() < LONG { 11 } else { 9 },
        size_hint: bytes.len(),
        ..BrotliEncoderParams::default()
    };
    let mut variant = Vec::new();
    brotli::BrotliCompress(&mut Cursor::new(bytes), &mut variant, &parameters).ok()?;
    Some(variant)
}

fn zstd(bytes: &[u8]) -> Option<Vec<u8>> {
    // Below the levels whose windows a browser may refuse (RFC 9659: 8 MiB).
    const LEVEL: i32 = 19;
    zstd::bulk::compress(bytes, LEVEL).ok()
}

/// Without a name and a time in its header, so that it is always the same.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

/// What a client makes of a variant.
#[cfg(test)]
pub(crate) fn plain(coding: Coding, variant: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = match coding {
        Coding::Identity => Cursor::new(variant).read_to_end(&mut plain),
        Coding::Brotli => brotli::Decompressor::new(variant, 4096).read_to_end(&mut plain),
        Coding::Zstd => zstd::Decoder::new(variant).unwrap().read_to_end(&mut plain),
        Coding::Gzip => flate2::read::GzDecoder::new(variant).read_to_end(&mut plain),
    };
    read.unwrap();
    plain
}
