//! Bytes arrive, whole and in order, both ways.

use embedded_io_async::{BufRead as _, Read as _, Write as _};
use futures_lite::future::zip;
use packet::Transport;
use runtime::Flow;

use super::{Case, PATTERN, World, read_to_end, send};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "an echo",
            body: |world| Box::pin(echo(world)),
        },
        Case {
            name: "a mebibyte each way at once",
            body: |world| Box::pin(mebibyte_each_way(world)),
        },
        Case {
            name: "written and sent bytes keep their order",
            body: |world| Box::pin(order(world)),
        },
        Case {
            name: "reading lends, consuming takes",
            body: |world| Box::pin(lending(world)),
        },
    ]
}

async fn echo(world: World) {
    let (mut client, mut server) = world.pair().await;
    for _ in 0..10 {
        client.write_all(b"question").await.unwrap();
        let mut question = [0; 8];
        server.read_exact(&mut question).await.unwrap();
        assert_eq!(&question, b"question");
        send(&mut server, b"an answer").await.unwrap();
        let mut answer = [0; 9];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"an answer");
    }
    client.finish();
    server.finish();
    let (from_server, from_client) = zip(read_to_end(&mut client), read_to_end(&mut server)).await;
    assert_eq!(from_server.unwrap(), b"");
    assert_eq!(from_client.unwrap(), b"");
}

async fn mebibyte_each_way(world: World) {
    /// Sends 16 times 64 KiB while it reads as much; the end that is set up is used for both ways.
    async fn talk(flow: &mut Flow) -> Vec<u8> {
        let mut received = Vec::new();
        for round in 1..=16 {
            send(flow, &PATTERN).await.unwrap();
            while received.len() < round * PATTERN.len() {
                received.extend_from_slice(&flow.receive().await.unwrap().unwrap());
            }
        }
        flow.finish();
        received.extend(read_to_end(flow).await.unwrap());
        received
    }
    let (mut client, mut server) = world.pair().await;
    let (from_server, from_client) = zip(talk(&mut client), talk(&mut server)).await;
    assert!(from_server == PATTERN.repeat(16), "server to client");
    assert!(from_client == PATTERN.repeat(16), "client to server");
}

async fn order(world: World) {
    let (mut client, mut server) = world.pair().await;
    let mut expected = Vec::new();
    // Sizes on both sides of every size of buffer that there is.
    let sizes = [
        1, 2, 100, 255, 256, 257, 2047, 2048, 4095, 4096, 4097, 20_000, 65_536,
    ];
    let write = async {
        for size in sizes {
            client.write_all(&PATTERN[..size]).await.unwrap();
            send(&mut client, &PATTERN[PATTERN.len() - size..])
                .await
                .unwrap();
            send(&mut client, b"").await.unwrap();
        }
        client.finish();
    };
    for size in sizes {
        expected.extend_from_slice(&PATTERN[..size]);
        expected.extend_from_slice(&PATTERN[PATTERN.len() - size..]);
    }
    let ((), received) = zip(write, read_to_end(&mut server)).await;
    assert!(received.unwrap() == expected);
}

async fn lending(world: World) {
    let (mut client, mut server) = world.pair().await;
    send(&mut client, b"GET / HTTP/1.1").await.unwrap();
    client.finish();
    let first = server.fill_buf().await.unwrap().to_vec();
    assert_eq!(
        server.fill_buf().await.unwrap(),
        first,
        "nothing was consumed"
    );
    server.consume(4);
    assert_eq!(server.fill_buf().await.unwrap(), &first[4..]);
    let mut rest = first[..4].to_vec();
    rest.extend(read_to_end(&mut server).await.unwrap());
    assert_eq!(rest, b"GET / HTTP/1.1");
    assert_eq!(
        server.fill_buf().await.unwrap(),
        b"",
        "the end stays the end"
    );
}
