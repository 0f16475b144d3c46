//! Media types by the names of files.

/// A page.
pub const HTML: &str = "text/html; charset=utf-8";
/// Plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// Bytes of which nothing is known.
pub const BYTES: &str = "application/octet-stream";

/// The type of the file with this name, by what stands behind its last dot.
#[must_use]
pub fn of(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let Some((_, extension)) = file.rsplit_once('.') else {
        return BYTES;
    };
    TYPES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(extension))
        .map_or(BYTES, |(_, media)| media)
}

/// What web sites are made of, the frequent ones first (IANA's registry of media types).
const TYPES: [(&str, &str); 43] = [
    ("html", HTML),
    ("css", "text/css; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("svg", "image/svg+xml"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("ico", "image/vnd.microsoft.icon"),
    ("json", "application/json"),
    ("woff2", "font/woff2"),
    ("woff", "font/woff"),
    ("txt", TEXT),
    ("htm", HTML),
    ("mjs", "text/javascript; charset=utf-8"),
    ("map", "application/json"),
    ("xml", "text/xml; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("pdf", "application/pdf"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
    ("xhtml", "application/xhtml+xml"),
    ("atom", "application/atom+xml"),
    ("rss", "application/rss+xml"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("tiff", "image/tiff"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("mp3", "audio/mpeg"),
    ("ogg", "audio/ogg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("mpeg", "video/mpeg"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("zst", "application/zstd"),
    ("rs", TEXT),
    ("toml", "application/toml"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_last_dot_of_the_last_segment() {
        for (name, expected) in [
            ("index.html", HTML),
            ("INDEX.HTML", HTML),
            ("a.b/photo.min.jpeg", "image/jpeg"),
            ("site.tar.gz", "application/gzip"),
            ("a.html/README", BYTES),
            ("README", BYTES),
            ("dot.", BYTES),
            ("", BYTES),
        ] {
            assert_eq!(of(name), expected, "{name}");
        }
    }
}
