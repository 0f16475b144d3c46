//! The head of a request, read by us and by httparse.

use http::{Limits, Request, Version};
use httparse::Status;

/// Reads a head. We are the stricter one: what we take, httparse must take, and understand alike.
pub fn http_request(bytes: &[u8]) {
    let limits = Limits::default();
    let Ok(ours) = Request::parse(bytes, &limits) else {
        return;
    };
    let mut fields = [httparse::EMPTY_HEADER; 100];
    let mut theirs = httparse::Request::new(&mut fields);
    match theirs.parse(bytes) {
        // It knows no other minor versions than 0 and 1; these count as 1.1 here (RFC 9110, 2.5).
        Err(httparse::Error::Version) => return assert_eq!(ours.version, Version::Http11),
        parsed => assert_eq!(parsed, Ok(Status::Complete(bytes.len()))),
    }
    assert_eq!(theirs.method, Some(ours.method.as_str()));
    assert_eq!(theirs.path, Some(ours.target));
    assert_eq!(theirs.version == Some(0), ours.version == Version::Http10);
    let their_fields = theirs.headers.iter();
    let their_fields = their_fields.map(|field| (field.name.as_bytes(), field.value));
    assert!(ours.fields.eq(their_fields), "the fields");
    assert!(ours.target.contains(ours.path) || ours.path == "/");
}
