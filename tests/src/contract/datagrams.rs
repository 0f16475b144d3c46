//! Datagrams: whole or not at all, in bounded queues, and what is heard of those that did not arrive.

use core::future::poll_fn;
use core::net::SocketAddr;
use core::time::Duration;

use futures_lite::future::zip;
use packet::Chunk;
use runtime::{Datagrams, Error};

use super::{Case, PATTERN, SETTLED, World};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "a datagram comes whole, from its sender's address, and is answered there",
            body: |world| Box::pin(there_and_back(world)),
        },
        Case {
            name: "a port is bound for datagrams once, and free again afterwards",
            body: |world| Box::pin(in_use(world)),
        },
        Case {
            name: "TCP's ports are not those of datagrams",
            body: |world| Box::pin(two_protocols(world)),
        },
        Case {
            name: "port 0 is another free port each time",
            body: |world| Box::pin(ephemeral(world)),
        },
        Case {
            name: "a datagram that fits into no packet is refused, and the next one sent",
            body: |world| Box::pin(too_large(world)),
        },
        Case {
            name: "nobody is bound there: the sender hears so, and receives as before",
            body: |world| Box::pin(refused(world)),
        },
        Case {
            name: "who receives nothing loses datagrams, and nothing else",
            body: |world| Box::pin(slow_receiver(world)),
        },
        Case {
            name: "a receive that is given up takes no datagram with it",
            body: |world| Box::pin(cancelled_receive(world)),
        },
        Case {
            name: "a send that is given up sends nothing, and one that is done is sent once",
            body: |world| Box::pin(cancelled_send(world)),
        },
        Case {
            name: "a wait ends when its port is given back",
            body: |world| Box::pin(unbound(world)),
        },
        Case {
            name: "a stale name of a port is closed",
            body: |world| Box::pin(stale_names(world)),
        },
    ]
}

/// A datagram that every place can carry.
const FITS: usize = 512;

impl World {
    /// The server's port and a client's.
    fn ports(&self) -> (Datagrams, Datagrams) {
        let server = self.server.datagrams(self.remote.port());
        let client = self.client.datagrams(0);
        (server.expect("the port is free"), client.expect("a port"))
    }
}

/// What has come, in order, once nothing more does.
async fn all(world: &World, port: &Datagrams) -> Vec<Chunk> {
    let mut came = Vec::new();
    while let Ok(received) = world.client.timeout(SETTLED, port.receive_from()).await {
        came.push(received.expect("received").0);
    }
    came
}

async fn there_and_back(world: World) {
    let (server, client) = world.ports();
    for len in [0, 1, FITS] {
        let sent = client.send_to(&PATTERN[..len], world.remote);
        let (sent, received) = zip(sent, server.receive_from()).await;
        let (question, from) = received.unwrap();
        assert_eq!((sent, &*question), (Ok(()), &PATTERN[..len]));
        assert_eq!(from.port(), client.port());
        server.send_to(&question, from).await.unwrap();
        let (answer, from) = client.receive_from().await.unwrap();
        assert_eq!((&*answer, from), (&PATTERN[..len], world.remote));
    }
}

async fn in_use(world: World) {
    let port = world.remote.port();
    let first = world.server.datagrams(port).unwrap();
    assert_eq!(first.port(), port);
    assert_eq!(world.server.datagrams(port).err(), Some(Error::InUse));
    drop(first);
    let (server, client) = world.ports();
    client.send_to(b"again", world.remote).await.unwrap();
    assert_eq!(&*server.receive_from().await.unwrap().0, b"again");
}

async fn two_protocols(world: World) {
    let (server, client) = world.ports();
    let (_flow, _) = world.pair().await;
    client.send_to(b"beside", world.remote).await.unwrap();
    assert_eq!(&*server.receive_from().await.unwrap().0, b"beside");
}

async fn ephemeral(world: World) {
    let ports: Vec<Datagrams> = (0..20)
        .map(|_| world.client.datagrams(0).unwrap())
        .collect();
    let mut numbers: Vec<u16> = ports.iter().map(Datagrams::port).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 20);
    assert!(numbers[0] >= 1024);
}

async fn too_large(world: World) {
    let (server, client) = world.ports();
    // IPv4 has no larger datagram than 65,507 bytes.
    let large = client.send_to(&PATTERN[..65_508], world.remote).await;
    assert_eq!(large, Err(Error::TooLarge));
    client.send_to(b"small", world.remote).await.unwrap();
    let (received, _) = server.receive_from().await.unwrap();
    assert_eq!(&*received, b"small");
    let unheard = world.client.timeout(SETTLED, client.undelivered()).await;
    assert_eq!(unheard, Err(Error::TimedOut), "it was never sent");
}

async fn refused(world: World) {
    let (server, client) = world.ports();
    for _ in 0..2 {
        client.send_to(b"anybody?", world.vacant).await.unwrap();
        let heard = client.undelivered().await;
        assert_eq!(heard, Ok((world.vacant, Error::Refused)));
        client.send_to(b"you", world.remote).await.unwrap();
        let (_, from) = server.receive_from().await.unwrap();
        server.send_to(b"yes", from).await.unwrap();
        assert_eq!(&*client.receive_from().await.unwrap().0, b"yes");
    }
}

async fn slow_receiver(world: World) {
    const SENT: usize = 2000;
    let (server, client) = world.ports();
    for number in 0..SENT {
        let mut payload = PATTERN[..FITS].to_vec();
        payload[..2].copy_from_slice(&(number as u16).to_be_bytes());
        client.send_to(&payload, world.remote).await.unwrap();
    }
    let came = all(&world, &server).await;
    assert!((1..SENT).contains(&came.len()), "{} came", came.len());
    let number = |payload: &Chunk| u16::from_be_bytes([payload[0], payload[1]]);
    assert!(came.is_sorted_by(|a, b| number(a) < number(b)), "each once");
    assert!(came.iter().all(|payload| payload[2..] == PATTERN[2..FITS]));
    drop(came);
    client.send_to(b"now", world.remote).await.unwrap();
    assert_eq!(&*server.receive_from().await.unwrap().0, b"now");
}

async fn cancelled_receive(world: World) {
    const SENT: usize = 20;
    let (server, client) = world.ports();
    let mut came = 0;
    for number in 0..SENT {
        // Given up before anything is there, and (the first polls of others) while it comes.
        for wait in [Duration::ZERO, Duration::from_micros(10)] {
            if let Ok(received) = world.server.timeout(wait, server.receive_from()).await {
                received.unwrap();
                came += 1;
            }
        }
        let payload = [number as u8; 9];
        client.send_to(&payload, world.remote).await.unwrap();
    }
    came += all(&world, &server).await.len();
    assert_eq!(came, SENT);
}

async fn cancelled_send(world: World) {
    let (server, client) = world.ports();
    let mut sent: Vec<u8> = Vec::new();
    for number in 0..100 {
        let payload = [number; FITS];
        let send = client.send_to(&payload, world.remote);
        // Where a send has to wait, it is given up.
        if let Ok(done) = world.client.timeout(Duration::ZERO, send).await {
            done.unwrap();
            sent.push(number);
        }
        // The receiver keeps up: what was sent is not lost.
        if number % 16 == 15 {
            let came = all(&world, &server).await;
            let came: Vec<u8> = came.iter().map(|payload| payload[0]).collect();
            assert_eq!(came, sent);
            sent.clear();
        }
    }
}

async fn unbound(world: World) {
    let net = world.server.net.clone();
    let id = net.bind(world.remote.port()).unwrap();
    let receive = poll_fn(|cx| net.poll_receive_from(id, cx));
    let listen = poll_fn(|cx| net.poll_undelivered(id, cx));
    let give_back = async {
        world.client.sleep(SETTLED).await;
        net.unbind(id);
    };
    let (received, (heard, ())) = zip(receive, zip(listen, give_back)).await;
    assert_eq!(received.err(), Some(Error::Closed));
    assert_eq!(heard, Err(Error::Closed));
}

async fn stale_names(world: World) {
    let net = &world.server.net;
    let stale = net.bind(world.remote.port()).unwrap();
    net.unbind(stale);
    // Whoever has the slot now must not notice.
    let (server, client) = world.ports();
    let somewhere: SocketAddr = world.vacant;
    assert_eq!(net.bound_port(stale), None);
    let receive = poll_fn(|cx| net.poll_receive_from(stale, cx)).await;
    let send = poll_fn(|cx| net.poll_send_to(stale, b"x", somewhere, cx)).await;
    let listen = poll_fn(|cx| net.poll_undelivered(stale, cx)).await;
    net.unbind(stale);
    assert_eq!(receive.err(), Some(Error::Closed));
    assert_eq!(send, Err(Error::Closed));
    assert_eq!(listen, Err(Error::Closed));
    client.send_to(b"still there", world.remote).await.unwrap();
    assert_eq!(&*server.receive_from().await.unwrap().0, b"still there");
}
