//! Messages between tasks, and waiting for whichever comes first.

use core::cell::RefCell;
use core::future::pending;
use core::time::Duration;
use std::rc::Rc;

use runtime::{Either, Error, channel, either};

use super::{Case, SETTLED, World, send};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "a channel holds what it holds, and its senders wait their turn",
            body: |world| Box::pin(turns(world)),
        },
        Case {
            name: "a channel tells a task's result, or that there is none",
            body: |world| Box::pin(results(world)),
        },
        Case {
            name: "a send to nobody is refused",
            body: |world| Box::pin(closed(world)),
        },
        Case {
            name: "who waits for a peer and for a message loses neither",
            body: |world| Box::pin(both(world)),
        },
    ]
}

async fn turns(world: World) {
    const SENDERS: u32 = 8;
    let env = world.client;
    let (sender, mut receiver) = channel(2);
    let sent = Rc::new(RefCell::new(0));
    for number in 0..SENDERS {
        let (sender, sent) = (sender.clone(), Rc::clone(&sent));
        let task = async move {
            for round in 0..3 {
                sender.send((round, number)).await.unwrap();
                *sent.borrow_mut() += 1;
            }
        };
        env.spawn(task).unwrap();
    }
    drop(sender);
    env.sleep(SETTLED).await;
    assert_eq!(*sent.borrow(), 2, "it holds two");
    let mut received = Vec::new();
    while let Some(message) = receiver.receive().await {
        received.push(message);
    }
    let first = |number| received.iter().position(|message| *message == (0, number));
    let places: Vec<usize> = (0..SENDERS).filter_map(first).collect();
    // The first has sent two when the others come; then everybody has a turn before anybody again.
    assert_eq!(places, [0, 3, 4, 5, 6, 7, 8, 9], "{received:?}");
    received.sort_unstable();
    let each = |round| (0..SENDERS).map(move |number| (round, number));
    assert!(received.into_iter().eq((0..3).flat_map(each)));
}

async fn results(world: World) {
    let env = world.client;
    let (sender, mut result) = channel(1);
    let task = env.clone();
    let work = async move {
        task.sleep(Duration::from_millis(10)).await;
        sender.try_send(6 * 7).unwrap();
    };
    env.spawn(work).unwrap();
    assert_eq!(result.receive().await, Some(42));
    assert_eq!(result.receive().await, None);
    let (sender, mut result) = channel::<()>(1);
    env.spawn(async move { drop(sender) }).unwrap();
    assert_eq!(result.receive().await, None);
}

async fn closed(world: World) {
    let env = world.client;
    let (sender, receiver) = channel(1);
    sender.send(1).await.unwrap();
    let closer = env.clone();
    let close = async move {
        closer.sleep(Duration::from_millis(10)).await;
        drop(receiver);
    };
    env.spawn(close).unwrap();
    assert_eq!(sender.send(2).await, Err(Error::Closed));
    assert_eq!(sender.try_send(3), Err(Error::Closed));
}

async fn both(world: World) {
    use packet::Transport as _;

    const ROUNDS: usize = 20;
    let (mut client, mut server) = world.pair().await;
    let (sender, mut news) = channel(1);
    let env = world.server.clone();
    let tell = async move {
        for _ in 0..ROUNDS {
            sender.send(()).await.unwrap();
            env.sleep(Duration::from_millis(1)).await;
        }
        pending::<()>().await;
        drop(sender);
    };
    world.server.spawn(tell).unwrap();
    let env = world.client.clone();
    let talk = async move {
        for _ in 0..ROUNDS {
            send(&mut client, b"x").await.unwrap();
            env.sleep(Duration::from_millis(1)).await;
        }
        pending::<()>().await;
    };
    world.client.spawn(talk).unwrap();
    let (mut bytes, mut messages) = (0, 0);
    while bytes < ROUNDS || messages < ROUNDS {
        match either(server.receive(), news.receive()).await {
            Either::First(chunk) => bytes += chunk.unwrap().unwrap().len(),
            Either::Second(message) => messages += usize::from(message.is_some()),
        }
    }
    assert_eq!((bytes, messages), (ROUNDS, ROUNDS));
}
