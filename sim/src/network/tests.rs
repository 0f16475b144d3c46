use super::*;

/// A world, or a failure that says all there is to say.
fn lived(seed: u64, memory: &Memory) -> Outcome {
    simulate(seed, memory).unwrap_or_else(|failure| {
        let report = explain(seed, memory, &failure);
        panic!("{report}{}", report.plan());
    })
}

/// On two threads, as many as the smallest machine has cores.
#[test]
fn a_thousand_worlds_end_well() {
    let halves = [0..500, 500..1000u64];
    let threads = halves.map(|seeds| {
        std::thread::spawn(move || {
            let memory = Memory::new();
            seeds.map(|seed| lived(seed, &memory).bytes).sum::<u64>()
        })
    });
    let bytes: u64 = threads
        .into_iter()
        .map(|thread| thread.join().expect("no world that fails"))
        .sum();
    assert!(bytes > 1_000_000, "{bytes} bytes in all");
}

#[test]
fn the_same_seed_is_the_same_world() {
    let memory = Memory::new();
    let first: Vec<Outcome> = (0..20).map(|seed| lived(seed, &memory)).collect();
    // In other memory, and in another order.
    let memory = Memory::new();
    for seed in (0..20).rev() {
        assert_eq!(lived(seed, &memory), first[seed as usize]);
    }
    assert_ne!(first[0].hash, first[1].hash);
}

#[test]
fn a_failure_is_shown_in_the_words_of_a_script() {
    let memory = Memory::new();
    let failure = Failure {
        at: Instant::from_millis(100_000),
        host: 0,
        what: "as an example".to_owned(),
        connection: None,
    };
    let report = explain(3, &memory, &failure);
    let text = report.to_string();
    assert!(
        text.starts_with("seed 3: host 0 at 100.000000 s: as an example\n"),
        "{text}"
    );
    assert!(text.contains(" S 0:0(0) win "), "{text}");
    assert!(text.contains(" > ") && text.contains(" < "), "{text}");
    let mut capture = Vec::new();
    report.write_capture(&mut capture).unwrap();
    assert!(capture.len() > 500);
}
