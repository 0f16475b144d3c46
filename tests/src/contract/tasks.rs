//! Tasks, time and the end of the program.

use core::cell::RefCell;
use core::future::pending;
use core::time::Duration;
use std::rc::Rc;

use runtime::Error;

use super::{Case, LIMIT, World};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "sleeps end in order, and not early",
            body: |world| Box::pin(sleeps(world)),
        },
        Case {
            name: "a timeout ends what takes too long, and only that",
            body: |world| Box::pin(timeouts(world)),
        },
        Case {
            name: "one task too many is refused and dropped",
            body: |world| Box::pin(too_many(world)),
        },
        Case {
            name: "a stop ends waiting for connections",
            body: |world| Box::pin(stop(world)),
        },
    ]
}

async fn sleeps(world: World) {
    let env = world.client;
    let start = env.clock.now();
    let woken = Rc::new(RefCell::new(Vec::new()));
    for millis in [60, 20, 40] {
        let (woken, task) = (Rc::clone(&woken), env.clone());
        let sleep = async move {
            let duration = Duration::from_millis(millis);
            task.sleep(duration).await;
            assert!(task.clock.now() >= start + duration);
            woken.borrow_mut().push((millis, task.clock.now()));
        };
        env.spawn(sleep).unwrap();
    }
    while woken.borrow().len() < 3 {
        env.sleep(Duration::from_millis(10)).await;
    }
    // A machine that is busy elsewhere may end several in one turn: then none is before the other.
    let mut woken = woken.borrow().clone();
    woken.sort_unstable();
    assert!(woken.is_sorted_by_key(|(_, at)| *at), "{woken:?}");
    assert!(env.clock.unix_time() > Duration::ZERO);
}

async fn timeouts(world: World) {
    let env = world.client;
    let slow = env
        .timeout(Duration::from_millis(20), env.sleep(LIMIT))
        .await;
    assert_eq!(slow, Err(Error::TimedOut));
    let quick = env
        .timeout(LIMIT, env.sleep(Duration::from_millis(20)))
        .await;
    assert_eq!(quick, Ok(()));
    // The inner one is the earlier one, also when it was set later.
    let nested = env.timeout(Duration::from_millis(20), pending::<()>());
    assert_eq!(env.timeout(LIMIT, nested).await, Ok(Err(Error::TimedOut)));
}

async fn too_many(world: World) {
    let env = world.client;
    let held = Rc::new(());
    let refused = loop {
        let kept = Rc::clone(&held);
        let task = async move {
            let _kept = kept;
            pending::<()>().await;
        };
        if let Err(error) = env.spawn(task) {
            break error;
        }
    };
    assert_eq!(refused, Error::NoBuffer);
    // This task is one of them, and holds the first.
    assert_eq!(Rc::strong_count(&held), env.tasks.len());
}

async fn stop(world: World) {
    let env = world.server.clone();
    let mut listener = world.listen();
    assert!(!env.is_stopping());
    let stopper = async move {
        world.client.sleep(Duration::from_millis(20)).await;
        world.client.tasks.stop();
    };
    env.spawn(stopper).unwrap();
    assert!(env.until_shutdown(listener.accept()).await.is_none());
    env.shutdown().await;
    assert!(env.is_stopping());
    // What is ready still counts.
    assert_eq!(env.until_shutdown(async { 7 }).await, Some(7));
}
