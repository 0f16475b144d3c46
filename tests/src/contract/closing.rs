//! How connections end.

use embedded_io_async::{BufRead as _, Write as _};
use futures_lite::future::zip;
use packet::{Chunk, Transport};
use runtime::Error;

use super::{Case, PATTERN, SETTLED, World, fill, read_to_end, send};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "the client finishes first and still reads",
            body: |world| Box::pin(client_finishes_first(world)),
        },
        Case {
            name: "the server finishes first and still reads",
            body: |world| Box::pin(server_finishes_first(world)),
        },
        Case {
            name: "after finish nothing can be sent",
            body: |world| Box::pin(send_after_finish(world)),
        },
        Case {
            name: "an abort is seen as a reset",
            body: |world| Box::pin(abort(world)),
        },
        Case {
            name: "an abort ends a send that waits",
            body: |world| Box::pin(abort_while_sending(world)),
        },
        Case {
            name: "an abort ends draining",
            body: |world| Box::pin(abort_while_draining(world)),
        },
        Case {
            name: "dropped with lent bytes unread: reset",
            body: |world| Box::pin(drop_with_lent_bytes(world)),
        },
        Case {
            name: "dropped with received bytes unread: reset",
            body: |world| Box::pin(drop_with_received_bytes(world)),
        },
        Case {
            name: "dropped at once, what was sent still goes out",
            body: |world| Box::pin(drop_after_send(world)),
        },
        Case {
            name: "drained: the peer has everything",
            body: |world| Box::pin(drained(world)),
        },
    ]
}

async fn client_finishes_first(world: World) {
    let (mut client, mut server) = world.pair().await;
    send(&mut client, b"all I say").await.unwrap();
    client.finish();
    assert_eq!(read_to_end(&mut server).await.unwrap(), b"all I say");
    // The other direction lives on.
    for _ in 0..3 {
        send(&mut server, b"still here ").await.unwrap();
    }
    server.finish();
    assert_eq!(
        read_to_end(&mut client).await.unwrap(),
        b"still here ".repeat(3)
    );
    assert_eq!(
        client.receive().await.unwrap().as_deref(),
        None,
        "the end stays the end"
    );
    zip(client.drained(), server.drained()).await.0.unwrap();
}

async fn server_finishes_first(world: World) {
    let (mut client, mut server) = world.pair().await;
    server.finish();
    assert_eq!(read_to_end(&mut client).await.unwrap(), b"");
    send(&mut client, &PATTERN).await.unwrap();
    client.finish();
    assert!(read_to_end(&mut server).await.unwrap() == PATTERN);
}

async fn send_after_finish(world: World) {
    let (mut client, mut server) = world.pair().await;
    client.finish();
    assert_eq!(send(&mut client, b"late").await, Err(Error::Closed));
    assert_eq!(client.write(b"late").await, Err(Error::Closed));
    assert_eq!(read_to_end(&mut server).await.unwrap(), b"");
}

async fn abort(world: World) {
    let (client, mut server) = world.pair().await;
    client.abort();
    assert_eq!(server.receive().await.err(), Some(Error::Reset));
    assert_eq!(
        server.receive().await.err(),
        Some(Error::Reset),
        "it stays reset"
    );
    assert_eq!(send(&mut server, b"late").await, Err(Error::Reset));
    assert_eq!(server.drained().await, Err(Error::Reset));
}

async fn abort_while_sending(world: World) {
    let (client, mut server) = world.pair().await;
    fill(&world.server, &mut server).await;
    let abort = async {
        world.client.sleep(SETTLED).await;
        client.abort();
    };
    let mut chunk = Some(Chunk::Static(&PATTERN));
    let send = async {
        // One may still be accepted before the reset is noticed.
        while let Some(bytes) = chunk.take() {
            server.send(bytes.clone()).await?;
            chunk = Some(bytes);
        }
        Ok(())
    };
    assert_eq!(zip(send, abort).await.0, Err(Error::Reset));
}

async fn abort_while_draining(world: World) {
    let (client, mut server) = world.pair().await;
    fill(&world.server, &mut server).await;
    server.finish();
    let abort = async {
        world.client.sleep(SETTLED).await;
        client.abort();
    };
    assert_eq!(zip(server.drained(), abort).await.0, Err(Error::Reset));
}

async fn drop_with_lent_bytes(world: World) {
    let (mut client, mut server) = world.pair().await;
    send(&mut client, b"unread").await.unwrap();
    assert!(!server.fill_buf().await.unwrap().is_empty());
    drop(server);
    assert_eq!(client.receive().await.err(), Some(Error::Reset));
}

async fn drop_with_received_bytes(world: World) {
    let (mut client, server) = world.pair().await;
    send(&mut client, b"unread").await.unwrap();
    // Acknowledged, so they are there.
    client.drained().await.unwrap();
    drop(server);
    assert_eq!(client.receive().await.err(), Some(Error::Reset));
}

async fn drop_after_send(world: World) {
    let (mut client, mut server) = world.pair().await;
    client.write_all(b"head ").await.unwrap();
    send(&mut client, &PATTERN).await.unwrap();
    drop(client);
    let received = read_to_end(&mut server).await.unwrap();
    assert!(received.starts_with(b"head ") && received[5..] == PATTERN);
}

async fn drained(world: World) {
    let (mut client, mut server) = world.pair().await;
    assert_eq!(client.drained().await, Ok(()), "nothing was sent");
    let sent = fill(&world.client, &mut client).await;
    client.finish();
    let early = world.client.timeout(SETTLED, client.drained()).await;
    assert_eq!(early, Err(Error::TimedOut), "the peer's window is closed");
    let (drained, received) = zip(client.drained(), read_to_end(&mut server)).await;
    drained.unwrap();
    assert!(received.unwrap().len() >= sent);
}
