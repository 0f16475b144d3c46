//! What a place shows of its inside.

use std::collections::HashSet;

use runtime::Number;

use super::{Case, SETTLED, World, send};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "an open connection is shown, and gone when both have closed it",
            body: |world| Box::pin(connection(world)),
        },
        Case {
            name: "whoever has seen enough is shown no more connections",
            body: |world| Box::pin(enough(world)),
        },
        Case {
            name: "numbers have names for Prometheus, stand together, and each is shown once",
            body: |world| Box::pin(names(world)),
        },
        Case {
            name: "counters never go back, and limits hold",
            body: |world| Box::pin(counters(world)),
        },
    ]
}

/// The states of connections between the server and the client.
fn states(world: &World) -> Vec<&'static str> {
    let mut states = Vec::new();
    world.server.inspect.connections(&mut |connection| {
        if connection.local == world.remote {
            states.push(connection.state);
        }
        true
    });
    states
}

fn numbers(world: &World) -> Vec<Number> {
    let mut numbers = Vec::new();
    let inspect = &world.server.inspect;
    inspect.numbers(&mut |number| numbers.push(number));
    numbers
}

async fn connection(world: World) {
    let (mut client, server) = world.pair().await;
    send(&mut client, b"hello").await.expect("sent");
    assert_eq!(states(&world), ["ESTABLISHED"]);
    drop(server);
    drop(client);
    world.client.sleep(SETTLED).await;
    assert!(states(&world).is_empty(), "{:?}", states(&world));
}

async fn enough(world: World) {
    let mut listener = world.listen();
    let _first = world.pair_at(&mut listener).await;
    let _second = world.pair_at(&mut listener).await;
    let mut shown = 0;
    world.server.inspect.connections(&mut |_| {
        shown += 1;
        false
    });
    assert_eq!(shown, 1);
}

async fn names(world: World) {
    let numbers = numbers(&world);
    assert!(!numbers.is_empty());
    let mut seen = HashSet::new();
    let mut last = None;
    for number in &numbers {
        for name in [number.name, number.label.map_or("label", |label| label.0)] {
            assert!(is_name(name), "{name}");
        }
        assert!(seen.insert((number.name, number.label)), "{number:?}");
        let is_new = last.replace(number.name) != Some(number.name);
        let others = numbers.iter().filter(|other| other.name == number.name);
        let before = seen.iter().filter(|(name, _)| *name == number.name).count();
        assert!(!is_new || before == 1, "{} is scattered", number.name);
        for other in others {
            assert_eq!(other.help, number.help);
            assert_eq!(other.label.is_some(), number.label.is_some());
        }
    }
}

/// A name of Prometheus' data model, without colons.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

async fn counters(world: World) {
    let before = numbers(&world);
    let pair = world.pair().await;
    let after = numbers(&world);
    drop(pair);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.name, before.label), (after.name, after.label));
        assert!(
            !after.is_counter() || after.value >= before.value,
            "{after:?}"
        );
    }
    let value = |name, label| {
        let mut numbers = after.iter().filter(|number| number.name == name);
        numbers
            .find(|number| number.label == label)
            .map(|number| number.value)
    };
    for (used, limit) in [
        ("table_entries", "table_entries_limit"),
        ("pool_held_bytes", "pool_limit_bytes"),
    ] {
        let of = after.iter().filter(|number| number.name == used);
        let labels: Vec<_> = of.map(|number| number.label).collect();
        assert!(!labels.is_empty());
        for label in labels {
            assert!(value(used, label) <= value(limit, label), "{label:?}");
        }
    }
}
