use packet::Transport as _;

use runtime::StorageError;

use super::*;

/// Says what it was asked, and prints it; reads its console first.
async fn echo(env: Env) -> Result<(), Failure> {
    let port = env.config.value("port", 7)?;
    let mut listener = env.listen(port)?;
    while let Some(line) = env.line().await {
        env.console.print(format_args!("typed {line}"));
    }
    while let Some(accepted) = env.until_shutdown(listener.accept()).await {
        let (mut flow, _) = accepted?;
        while let Some(chunk) = flow.receive().await? {
            env.console.print(format_args!("{} bytes", chunk.len()));
            flow.send(chunk).await?;
        }
    }
    env.console.print(format_args!("asked to stop"));
    Ok(())
}

async fn say(visitor: Visitor, port: u16) -> Result<Vec<u8>, runtime::Error> {
    let mut flow = visitor.connect(port).await?;
    flow.send(b"hello"[..].into()).await?;
    flow.finish();
    let mut heard = Vec::new();
    while let Some(chunk) = flow.receive().await? {
        heard.extend_from_slice(&chunk);
    }
    Ok(heard)
}

#[test]
fn a_visitor_talks_to_the_application() {
    let mut simulation = Simulation::new(1);
    simulation.config.set("port=9").unwrap();
    simulation.typed = vec!["one".to_owned(), "two".to_owned()];
    let outcome = simulation.run(echo, |visitor| say(visitor, 9));
    assert_eq!(outcome.visit, Some(Ok(b"hello".to_vec())));
    assert_eq!(outcome.ended, Some(Ok(())));
    assert_eq!(
        outcome.lines,
        ["typed one", "typed two", "5 bytes", "asked to stop"]
    );
}

#[test]
fn a_bad_network_takes_time_and_the_same_seed_the_same() {
    let run = |seed| {
        let mut simulation = Simulation::new(seed);
        let profile = "loss=30%,delay=20ms".parse().unwrap();
        simulation.faults.outward = profile;
        simulation.faults.inward = profile;
        let outcome = simulation.run(echo, |visitor| say(visitor, 7));
        assert_eq!(outcome.visit, Some(Ok(b"hello".to_vec())));
        outcome.took
    };
    let times: Vec<Duration> = (0..4).map(run).collect();
    assert!(
        times.iter().all(|took| *took > Duration::from_millis(120)),
        "{times:?}"
    );
    assert_eq!(times, (0..4).map(run).collect::<Vec<_>>());
    assert!(times.iter().any(|took| *took != times[0]), "{times:?}");
}

#[test]
fn who_never_ends_is_given_up() {
    let stubborn = |env: Env| async move {
        let _listener = env.listen(7)?;
        core::future::pending().await
    };
    let waits = |visitor: Visitor| async move {
        let mut flow = visitor.connect(7).await?;
        flow.receive().await.map(|chunk| chunk.is_some())
    };
    let outcome = Simulation::new(1).run(stubborn, waits);
    assert_eq!(outcome.visit, None);
    assert_eq!(outcome.ended, None);
    let busy = |_: Env| async move {
        loop {
            yielding().await;
        }
    };
    let outcome = Simulation::new(1).run(busy, |_| async {});
    assert_eq!((outcome.visit, outcome.ended), (Some(()), None));
}

/// Gives the others a turn, for ever ready.
async fn yielding() {
    let mut is_second = false;
    core::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        match core::mem::replace(&mut is_second, true) {
            true => core::task::Poll::Ready(()),
            false => core::task::Poll::Pending,
        }
    })
    .await;
}

#[test]
fn a_page_is_fetched() {
    let outcome = Simulation::new(1).run(bench::main, |visitor| async move {
        (visitor.get("/none").await, visitor.connect(9).await.err())
    });
    let (page, refused) = outcome.visit.unwrap();
    assert_eq!(page.unwrap().status, 404);
    assert_eq!(refused, Some(runtime::Error::Refused));
}

#[test]
fn files_are_read_and_stale_names_recognised() {
    let reads = |env: Env| async move {
        let file = env.open("a/b").await?;
        let first = file.read(0..file.metadata().len).await?;
        let rest = file.read(first.len() as u64..5000).await?;
        let missing = env.open("c").await.err();
        let folder = env.open("a").await.err();
        env.console.print(format_args!(
            "{} {} {missing:?} {folder:?}",
            first.len(),
            rest.len()
        ));
        Ok(())
    };
    let mut simulation = Simulation::new(1);
    simulation.storage = Rc::new(Files::new(&[("a/b", &[7; 5000])]));
    let outcome = simulation.run(
        reads,
        |visitor| async move { visitor.env.sleep(GRACE).await },
    );
    assert_eq!(outcome.ended, Some(Ok(())));
    assert_eq!(outcome.lines, ["4096 904 Some(NotFound) Some(IsDirectory)"]);
    let files = Files::new(&[("a", b"1"), ("b", b"2")]);
    let stale = files.open("a").unwrap();
    files.close(stale);
    let other = files.open("b").unwrap();
    files.close(stale);
    assert_eq!(files.contents(stale), Err(StorageError::Io));
    assert_eq!(files.contents(other), Ok(&b"2"[..]));
}
