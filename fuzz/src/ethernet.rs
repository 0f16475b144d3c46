//! The header of a frame.

use ethernet::{HEADER_LEN, Header};

/// Reads a frame's header.
pub fn ethernet(bytes: &[u8]) {
    let Ok((header, len)) = Header::parse(bytes) else {
        return;
    };
    assert!(
        (HEADER_LEN..=bytes.len()).contains(&len),
        "a header of {len} bytes in a frame of {}",
        bytes.len()
    );
    assert!(header.vlan.is_none_or(|vlan| (1..4096).contains(&vlan)));
    let written = header.to_bytes();
    assert_eq!(written[..12], bytes[..12], "the addresses");
    assert_eq!(written[12..], bytes[len - 2..len], "the type");
    if len == HEADER_LEN {
        assert_eq!(header.vlan, None, "a VLAN without a tag");
    }
    let untagged = Header {
        vlan: None,
        ..header
    };
    assert_eq!(Header::parse(&written), Ok((untagged, HEADER_LEN)));
}
