//! Who does not read stops who sends, and a deadline ends every wait.

use core::time::Duration;

use futures_lite::future::zip;
use packet::Transport;
use runtime::Error;

use super::{Case, PATTERN, World, fill, read_to_end, send};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "a reader that does not read bounds its sender",
            body: |world| Box::pin(backpressure(world)),
        },
        Case {
            name: "a reader that reads again lets its sender go on",
            body: |world| Box::pin(going_on(world)),
        },
        Case {
            name: "a deadline ends receiving, and can be moved",
            body: |world| Box::pin(deadline_of_receive(world)),
        },
        Case {
            name: "a deadline ends sending and draining",
            body: |world| Box::pin(deadline_of_send(world)),
        },
        Case {
            name: "a deadline that is taken away ends nothing",
            body: |world| Box::pin(no_deadline(world)),
        },
    ]
}

async fn backpressure(world: World) {
    let (mut client, mut server) = world.pair().await;
    let sent = fill(&world.client, &mut client).await;
    assert!(sent < world.most_buffered, "{sent} bytes were accepted");
    assert!(sent > 0);
    client.finish();
    let received = read_to_end(&mut server).await.unwrap();
    assert!(received.len() >= sent);
    let whole = received
        .chunks(PATTERN.len())
        .all(|piece| PATTERN.starts_with(piece));
    assert!(whole, "bytes were lost or doubled");
}

async fn going_on(world: World) {
    let (mut client, mut server) = world.pair().await;
    fill(&world.client, &mut client).await;
    let go_on = async {
        // Far more than was ever buffered.
        for _ in 0..2 * world.most_buffered / PATTERN.len() {
            send(&mut client, &PATTERN).await?;
        }
        client.finish();
        Ok::<_, Error>(())
    };
    let read = async {
        let mut count = 0;
        while let Some(chunk) = server.receive().await? {
            count += chunk.len();
        }
        Ok::<_, Error>(count)
    };
    let (sent, received) = zip(go_on, read).await;
    sent.unwrap();
    assert!(received.unwrap() >= 2 * world.most_buffered);
}

const SOON: Duration = Duration::from_millis(50);

async fn deadline_of_receive(world: World) {
    let (mut client, mut server) = world.pair().await;
    let clock = &world.client.clock;
    let start = clock.now();
    client.deadline(Some(start + SOON));
    assert_eq!(client.receive().await.err(), Some(Error::TimedOut));
    assert!(clock.now() >= start + SOON, "too early");
    assert!(clock.now() < start + 20 * SOON, "far too late");
    assert_eq!(
        client.receive().await.err(),
        Some(Error::TimedOut),
        "it stays so"
    );
    // A later one gives the connection another chance, as for a last response.
    client.deadline(Some(clock.now() + 100 * SOON));
    send(&mut client, b"too slow").await.unwrap();
    client.finish();
    assert_eq!(read_to_end(&mut server).await.unwrap(), b"too slow");
    send(&mut server, b"sorry").await.unwrap();
    drop(server);
    assert_eq!(read_to_end(&mut client).await.unwrap(), b"sorry");
}

async fn deadline_of_send(world: World) {
    let (mut client, _server) = world.pair().await;
    fill(&world.client, &mut client).await;
    client.deadline(Some(world.client.clock.now() + SOON));
    let error = loop {
        if let Err(error) = send(&mut client, &PATTERN).await {
            break error;
        }
    };
    assert_eq!(error, Error::TimedOut);
    assert_eq!(client.drained().await, Err(Error::TimedOut));
}

async fn no_deadline(world: World) {
    let (mut client, mut server) = world.pair().await;
    client.deadline(Some(world.client.clock.now() + SOON));
    client.deadline(None);
    let answer = async {
        world.server.sleep(3 * SOON).await;
        send(&mut server, b"late, but welcome").await.unwrap();
        server.finish();
    };
    let (received, ()) = zip(read_to_end(&mut client), answer).await;
    assert_eq!(received.unwrap(), b"late, but welcome");
}
