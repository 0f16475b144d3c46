//! Damaged recordings.

use std::io::Cursor;

use packet::Random;

use super::*;
use crate::cli::App;
use crate::files::Files;

const CAPTURES: [&[u8]; 5] = [
    include_bytes!("../../../tests/captures/curl.pcap"),
    include_bytes!("../../../tests/captures/cooked.pcap"),
    include_bytes!("../../../tests/captures/keepalive.pcap"),
    include_bytes!("../../../tests/captures/pipelined.pcap"),
    include_bytes!("../../../tests/captures/pings.pcapng"),
];

/// Plays a file from memory; `None` if it has nothing to be played.
fn play(file: &[u8]) -> Option<(pcap::Anomalies, Rc<RefCell<Tally>>)> {
    let read = || Reader::new(Cursor::new(file.to_vec())).ok();
    let plan = Plan::read(Frames::new(read()?), None);
    let server = server(&plan, Path::new("test"), None).ok()?;
    let pool = machine::pool(8 << 20);
    let link = PcapLink::new(read()?, MAC, MTU, pool.clone()).beginning_at(LEAD);
    let (start, report) = (link.start(), link.report());
    let tally = Rc::new(RefCell::new(Tally::default()));
    let parts = Parts {
        report: Rc::clone(&report),
        address: *server.ip(),
        plan,
        pool: pool.clone(),
        out: None,
        tally: Rc::clone(&tally),
    };
    let link = Box::new(Replay::new(link, parts));
    let stage = Stage {
        net: stack::Net::new(link, pool, &Secrets::new(SEED), &host(*server.ip()).ok()?),
        files: Files::Nothing,
        config: placed(Config::default(), server.port()).unwrap(),
        start,
        report: Rc::clone(&report),
    };
    stage.play(App::Hello.into()).unwrap();
    let anomalies = report.borrow().anomalies;
    Some((anomalies, tally))
}

#[test]
fn damage_anywhere_is_survived() {
    let mut random: Random = Secrets::new([3; 32]).random("damage");
    let mut played = 0;
    for round in 0..150 {
        let mut file = CAPTURES[round % CAPTURES.len()].to_vec();
        for _ in 0..=random.below(12) {
            let at = random.below(file.len() as u64) as usize;
            file[at] = random.next_u64() as u8;
        }
        if let Some((anomalies, tally)) = play(&file) {
            played += 1;
            let mut text = Vec::new();
            tally.borrow().print(&anomalies, &mut text).unwrap();
        }
    }
    assert!(played > 50, "only {played} could be played at all");
}

#[test]
fn a_whole_one_is_answered() {
    let (_, tally) = play(CAPTURES[2]).unwrap();
    let mut text = Vec::new();
    tally
        .borrow()
        .print(&pcap::Anomalies::default(), &mut text)
        .unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("4 requests, 4 responses"), "{text}");
}
