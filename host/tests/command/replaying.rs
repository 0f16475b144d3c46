//! `replay`: recorded clients against the site, whose files are as long as the recorded ones, half,
//! and twice as long.

use core::time::Duration;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use link::{Direction, Ipv4Layout};
use pcap::{Reader, Writer};
use tempfile::TempDir;

use crate::capturing::{look, tshark_agrees};
use crate::server::{command, end, fails};

/// Set: the committed results are written instead of compared.
const UPDATE: &str = "PARHELION_UPDATE_CAPTURES";

/// The files that the recorded server had, and their lengths.
const FILES: [(&str, usize); 6] = [
    ("index.html", 1942),
    ("style.css", 650),
    ("a.js", 1800),
    ("one.png", 5000),
    ("two.png", 5000),
    ("bulk.bin", 400_000),
];

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures")
}

/// A site whose files have `tenths` of the recorded length.
fn site(tenths: usize) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, len) in FILES {
        let bytes: Vec<u8> = (0..len * tenths / 10).map(|at| (at / 7) as u8).collect();
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}

/// Replays a capture from the directory of captures: exit code, standard output, standard error.
fn replay(arguments: &[&str]) -> (i32, String, String) {
    let mut command: Command = command(&[], &[&["replay"], arguments].concat());
    end(command.current_dir(captures()).spawn().unwrap())
}

/// Replays `name` against all three sites and compares what is printed with what is committed; gives
/// the captures of the conversations, and the directory that they are in.
fn replays(name: &str) -> (TempDir, Vec<PathBuf>) {
    let directory = tempfile::tempdir().unwrap();
    let mut printed = String::new();
    let mut conversations = Vec::new();
    for (what, tenths) in [("half the", 5), ("the recorded", 10), ("twice the", 20)] {
        let site = site(tenths);
        let out = directory.path().join(format!("{tenths}.pcapng"));
        let to = out.display().to_string();
        let application = match name {
            "upload.pcap" | "losses-upload.pcap" | "holes.pcap" => "--app=bench".to_owned(),
            _ => site.path().display().to_string(),
        };
        let (code, output, errors) = replay(&[name, "--out", &to, &application]);
        assert_eq!((code, errors.as_str()), (0, ""), "{output}");
        let (text, written) = output.split_once("  written: ").unwrap();
        let count = written.split(' ').next().unwrap();
        assert_eq!(count.parse(), Ok(look(&out).frames));
        // It takes a while to start.
        if tenths == 10 {
            tshark_agrees(&out);
        }
        printed.push_str(&format!("Files of {what} length:\n{text}\n"));
        conversations.push(out);
    }
    let committed = captures().join(name).with_extension("txt");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&committed, &printed).unwrap();
    }
    let expected = fs::read_to_string(&committed).unwrap_or_default();
    assert!(
        printed == expected,
        "{name} is now:\n{printed}\nnot:\n{expected}"
    );
    (directory, conversations)
}

/// The end of each stream in a capture, and the last acknowledgement of it: offsets from the SYN.
#[derive(Clone, Copy, Debug, Default)]
struct End {
    initial: u32,
    end: u32,
    acknowledged: u32,
    /// Segments that brought nothing new.
    again: u32,
}

/// The streams of a capture, by the port of their client: the server's.
fn server_streams(capture: &Path) -> HashMap<u16, End> {
    let file = fs::read(capture).unwrap();
    let mut reader = Reader::new(&file[..]).unwrap();
    let mut streams: HashMap<u16, End> = HashMap::new();
    while let Some(record) = reader.next_record().unwrap() {
        let Some(layout) = Ipv4Layout::parse(record.bytes).filter(|at| at.protocol == 6) else {
            continue;
        };
        let tcp = &record.bytes[layout.transport..layout.end];
        let word = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
        let [source, destination] = [0, 2].map(|at| u16::from_be_bytes([tcp[at], tcp[at + 1]]));
        let (flags, text) = (tcp[13], tcp.len() - usize::from(tcp[12] >> 4) * 4);
        let is_ours = source < 10_000;
        let stream = streams.entry(source.max(destination)).or_default();
        if is_ours && flags & 2 != 0 {
            stream.initial = word(4);
        }
        if is_ours && flags & 4 == 0 {
            let len = text as u32 + u32::from(flags & 2 != 0) + u32::from(flags & 1);
            let end = word(4).wrapping_sub(stream.initial).wrapping_add(len);
            stream.again += u32::from(len > 0 && end <= stream.end);
            stream.end = stream.end.max(end);
        } else if !is_ours && flags & 0x10 != 0 {
            let acknowledged = word(8).wrapping_sub(stream.initial);
            assert!(acknowledged <= stream.end, "beyond what was sent");
            stream.acknowledged = stream.acknowledged.max(acknowledged);
        }
    }
    assert!(!streams.is_empty());
    streams
}

/// All that our server sent arrived, and nothing had to be sent again.
#[track_caller]
fn is_whole(name: &str) {
    let (_directory, conversations) = replays(name);
    for conversation in conversations {
        for (port, stream) in server_streams(&conversation) {
            assert_eq!(stream.acknowledged, stream.end, "{name}, port {port}");
            assert_eq!(stream.again, 0, "{name}, port {port}");
        }
    }
}

#[test]
fn whole_conversations_of_curl_and_a_browser() {
    for name in [
        "curl.pcap",
        "keepalive.pcap",
        "cooked.pcap",
        "download.pcap",
        "upload.pcap",
        "pipelined.pcap",
        "pings.pcapng",
        "browser.pcap",
    ] {
        is_whole(name);
    }
}

#[test]
fn losses_of_the_network_stay_losses() {
    let (_directory, conversations) = replays("losses.pcap");
    for conversation in conversations {
        for stream in server_streams(&conversation).values() {
            assert_eq!(stream.acknowledged, stream.end);
            // The recorded client missed some, and said so.
            assert!(stream.again > 0, "nothing was sent again");
        }
    }
    is_whole("losses-upload.pcap");
}

#[test]
fn a_reset_and_what_the_capture_lacks() {
    for name in ["reset.pcap", "holes.pcap", "wrk.pcap"] {
        replays(name);
    }
}

#[test]
fn the_same_recording_gives_the_same_bytes() {
    let directory = tempfile::tempdir().unwrap();
    let site = site(10);
    let written = ["one", "two"].map(|name| {
        let out = directory.path().join(name).display().to_string();
        let site = site.path().display().to_string();
        assert_eq!(replay(&["browser.pcap", "--out", &out, &site]).0, 0);
        fs::read(out).unwrap()
    });
    assert!(written[0] == written[1]);
}

#[test]
fn a_request_in_fragments() {
    let file = fs::read(captures().join("curl.pcap")).unwrap();
    let mut reader = Reader::new(&file[..]).unwrap();
    let mut frames: Vec<(Duration, Vec<u8>)> = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        let is_request = record.bytes.windows(4).any(|word| word == b"GET ");
        match Ipv4Layout::parse(record.bytes).filter(|_| is_request) {
            Some(layout) => frames.extend(
                cut(record.bytes, &layout)
                    .into_iter()
                    .map(|part| (record.time, part)),
            ),
            None => frames.push((record.time, record.bytes.to_vec())),
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fragments.pcapng");
    let mut writer = Writer::new(fs::File::create(&path).unwrap());
    for (time, frame) in &frames {
        writer.record(*time, Direction::In, frame).unwrap();
    }
    writer.flush().unwrap();
    let site = site(10);
    let files = site.path().display().to_string();
    let (code, output, errors) = replay(&[path.to_str().unwrap(), &files]);
    assert_eq!((code, errors.as_str()), (0, ""), "{output}");
    assert!(output.contains("1 requests, 1 responses"), "{output}");
    assert!(!output.contains("not recorded"), "{output}");
}

/// The packet in two fragments, the first of 56 bytes; its checksum is completed before.
fn cut(frame: &[u8], layout: &Ipv4Layout) -> [Vec<u8>; 2] {
    let mut frame = frame.to_vec();
    layout.complete(&mut frame);
    let (header, packet) = frame[..layout.end].split_at(layout.transport);
    let (first, second) = packet.split_at(56);
    [(first, [0x20, 0]), (second, [0, 7])].map(|(part, flags)| {
        let mut fragment = [header, part].concat();
        let ip = layout.ip;
        let total_len = (fragment.len() - ip) as u16;
        fragment[ip + 2..ip + 4].copy_from_slice(&total_len.to_be_bytes());
        fragment[ip + 6..ip + 8].copy_from_slice(&flags);
        fragment[ip + 10..ip + 12].copy_from_slice(&[0; 2]);
        fragment
    })
}

#[test]
fn what_is_before_the_end_of_a_broken_file_is_replayed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("cut.pcap");
    let mut file = fs::read(captures().join("keepalive.pcap")).unwrap();
    file.truncate(file.len() - 100);
    fs::write(&path, file).unwrap();
    let site = site(10);
    let files = site.path().display().to_string();
    let (code, output, errors) = replay(&[path.to_str().unwrap(), &files]);
    assert_eq!(code, 2, "{errors}");
    assert!(output.contains("4 requests, 4 responses"), "{output}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors.contains("ends within the record at offset"),
        "{errors}"
    );
}

#[test]
fn what_cannot_be_replayed_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(path("text"), "not a capture").unwrap();
    fs::write(path("empty"), Vec::new()).unwrap();
    let mut nobody = Writer::new(fs::File::create(path("nobody")).unwrap());
    nobody.flush().unwrap();
    let curl = captures().join("curl.pcap").display().to_string();
    fs::copy(&curl, path("copy")).unwrap();
    fs::hard_link(path("copy"), path("link")).unwrap();
    for (arguments, word) in [
        (&[path("none")][..], "no such file"),
        (&[path("text")], "no pcap or pcapng"),
        (&[path("empty")], "no pcap or pcapng"),
        (&[path("nobody")], "no connection"),
        (&[curl.clone(), "--address=10.9.9.9".to_owned()], "10.9.9.9"),
        (&[curl.clone(), "--out=/none/out".to_owned()], "--out"),
        (
            &[path("copy"), format!("--out={}", path("link"))],
            "recording itself",
        ),
        (&[curl, path("none")], "name a directory"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        fails(&[], &[&["replay"], &arguments[..]].concat(), 2, &[word]);
    }
    assert!(
        fs::metadata(path("copy")).unwrap().len() > 1000,
        "it is still there"
    );
}
