//! Capture files.

use pcap::{Anomalies, Error, Frames, Reader, Writer};

use core::time::Duration;

/// Reads a capture. What was made of its frames, written and read again, must need no more mending.
pub fn pcap(bytes: &[u8]) {
    let mut frames = Vec::new();
    if let Err(error) = read(bytes, &mut frames) {
        let (offset, len) = (error.offset, bytes.len());
        assert!(offset <= len as u64, "wrong at {offset} of {len}");
        assert!(!error.to_string().is_empty());
    }
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file);
    for (time, frame) in &frames {
        if writer.record(*time, link::Direction::In, frame).is_err() {
            // A time beyond what pcapng with nanoseconds has: in the year 2554.
            return;
        }
    }
    assert!(writer.flush().is_ok());
    let mut again = Vec::new();
    let anomalies = match read(&file, &mut again) {
        Ok(anomalies) => anomalies,
        Err(error) => panic!("what was written is not read: {error}"),
    };
    assert!(frames == again, "{frames:02x?}\n{again:02x?}");
    let mended = anomalies.cut + anomalies.partial_checksums + anomalies.no_length;
    assert_eq!(mended, 0, "{anomalies:?}");
}

/// Reads all frames, each with its time.
fn read(bytes: &[u8], all: &mut Vec<(Duration, Vec<u8>)>) -> Result<Anomalies, Error> {
    let mut frames = Frames::new(Reader::new(bytes)?);
    loop {
        match frames.next_frame() {
            Ok(Some(recorded)) => all.push((recorded.time, recorded.frame.to_vec())),
            Ok(None) => return Ok(frames.anomalies()),
            Err(error) => {
                assert!(matches!(frames.next_frame(), Ok(None)), "it goes on");
                return Err(error);
            }
        }
    }
}
