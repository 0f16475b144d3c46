//! Listening, connecting, accepting, and names that are not valid any more.

use core::future::poll_fn;

use futures_lite::future::zip;
use packet::Transport;
use runtime::{Error, Flow, Peer};

use super::{Case, SETTLED, World, read_to_end, send};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "nobody listens: refused",
            body: |world| Box::pin(refused(world)),
        },
        Case {
            name: "a port can be listened on once",
            body: |world| Box::pin(in_use(world)),
        },
        Case {
            name: "a port is free again after its listener",
            body: |world| Box::pin(listen_again(world)),
        },
        Case {
            name: "without its listener a port refuses, and who was not accepted is reset",
            body: |world| Box::pin(unlisten(world)),
        },
        Case {
            name: "the peer's address is the client's",
            body: |world| Box::pin(addresses(world)),
        },
        Case {
            name: "who connects before accept is accepted later",
            body: |world| Box::pin(accept_later(world)),
        },
        Case {
            name: "a stale name is closed",
            body: |world| Box::pin(stale_names(world)),
        },
        Case {
            name: "many connections at once",
            body: |world| Box::pin(many(world)),
        },
    ]
}

async fn refused(world: World) {
    let flow = world.client.connect(world.vacant).await;
    assert_eq!(flow.err(), Some(Error::Refused));
}

async fn in_use(world: World) {
    let _listener = world.listen();
    let again = world.server.listen(world.remote.port());
    assert_eq!(again.err(), Some(Error::InUse));
}

async fn listen_again(world: World) {
    drop(world.listen());
    let (mut client, mut server) = world.pair().await;
    send(&mut client, b"again").await.unwrap();
    client.finish();
    assert_eq!(read_to_end(&mut server).await.unwrap(), b"again");
}

async fn unlisten(world: World) {
    let listener = world.listen();
    let mut client = world.client.connect(world.remote).await.unwrap();
    drop(listener);
    assert_eq!(client.receive().await.err(), Some(Error::Reset));
    let late = world.client.connect(world.remote).await;
    assert_eq!(late.err(), Some(Error::Refused));
}

async fn addresses(world: World) {
    let mut listener = world.listen();
    let client = world.client.net.connect(world.remote).unwrap();
    let connected = poll_fn(|cx| world.client.net.poll_connect(client, cx));
    let (connected, accepted) = zip(connected, listener.accept()).await;
    assert_eq!(connected, Ok(()));
    let (_server, Peer { address }) = accepted.unwrap();
    assert_eq!(world.client.net.local_address(client), Some(address));
    world.client.net.release(client);
}

async fn accept_later(world: World) {
    let mut listener = world.listen();
    let mut clients: Vec<Flow> = Vec::new();
    for _ in 0..3 {
        clients.push(world.client.connect(world.remote).await.unwrap());
    }
    for client in &mut clients {
        send(client, b"hello").await.unwrap();
        client.finish();
    }
    world.client.sleep(SETTLED).await;
    for _ in &clients {
        let (mut server, _) = listener.accept().await.unwrap();
        assert_eq!(read_to_end(&mut server).await.unwrap(), b"hello");
    }
}

async fn stale_names(world: World) {
    let net = &world.client.net;
    let listener = world.listen();
    let stale = net.connect(world.remote).unwrap();
    poll_fn(|cx| net.poll_connect(stale, cx)).await.unwrap();
    net.release(stale);
    // Whoever has the slot now must not notice.
    let mut other = world.client.connect(world.remote).await.unwrap();
    net.abort(stale);
    net.finish(stale);
    net.release(stale);
    net.deadline(stale, Some(runtime::Instant::ZERO));
    assert_eq!(net.local_address(stale), None);
    let connect = poll_fn(|cx| net.poll_connect(stale, cx)).await;
    let receive = poll_fn(|cx| net.poll_receive(stale, cx)).await;
    let write = poll_fn(|cx| net.poll_write(stale, b"x", cx)).await;
    let drained = poll_fn(|cx| net.poll_drained(stale, cx)).await;
    assert_eq!(connect, Err(Error::Closed));
    assert_eq!(receive.err(), Some(Error::Closed));
    assert_eq!(write, Err(Error::Closed));
    assert_eq!(drained, Err(Error::Closed));
    send(&mut other, b"still there").await.unwrap();

    drop(listener);
    let server = &world.server.net;
    let stale = server.listen(world.remote.port()).unwrap();
    server.unlisten(stale);
    let _again = world.listen();
    server.unlisten(stale);
    let accept = poll_fn(|cx| server.poll_accept(stale, cx)).await;
    assert_eq!(accept.err(), Some(Error::Closed));
    assert!(world.client.connect(world.remote).await.is_ok());
}

async fn many(world: World) {
    const CONNECTIONS: usize = 200;
    let mut listener = world.listen();
    let server = world.server.clone();
    let serve = async {
        for _ in 0..CONNECTIONS {
            let (mut flow, _) = listener.accept().await.unwrap();
            let echo = async move {
                while let Ok(Some(chunk)) = flow.receive().await {
                    flow.send(chunk).await.unwrap();
                }
                flow.finish();
                flow.drained().await.unwrap();
            };
            server.spawn(echo).unwrap();
        }
    };
    let ask = async {
        // All of them are open before the first says anything.
        let mut flows = Vec::new();
        for _ in 0..CONNECTIONS {
            flows.push(world.client.connect(world.remote).await.unwrap());
        }
        for flow in &mut flows {
            send(flow, b"to all").await.unwrap();
            flow.finish();
        }
        for flow in &mut flows {
            assert_eq!(read_to_end(flow).await.unwrap(), b"to all");
        }
    };
    zip(serve, ask).await;
}
