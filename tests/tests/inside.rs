//! The look inside of an application, over our own stack in virtual time.
#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

use core::future::Future;
use core::time::Duration;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use embedded_io_async::Write as _;
use packet::{Secrets, Transport as _};
use parhelion_tests::settings::stack::offloaded;
use runtime::{Config, Entropy, Env, Executor, Flow, Network, Nothing};

/// As many as may look at the same time.
const VIEWERS: usize = 16;

/// What a test works with: a client's environment, and where the server is.
struct Client {
    env: Env,
    server: core::net::SocketAddr,
}

/// Runs `hello`, and `test` as its client; then the server is stopped and must end by itself.
fn with<F: Future<Output = ()> + 'static>(test: impl FnOnce(Rc<Client>) -> F) {
    let mut setting = offloaded();
    let executor = Executor::new(256);
    let env = |net: &Rc<dyn Network>, settings: &[&str]| {
        let mut config = Config::default();
        for setting in settings {
            config.set(setting).unwrap();
        }
        Env {
            net: Rc::clone(net),
            clock: executor.clock().clone(),
            console: Rc::new(Nothing),
            inspect: Rc::clone(&setting.inspect),
            storage: Rc::new(Nothing),
            config: Rc::new(config),
            entropy: Entropy::new(&Secrets::new([7; 32])),
            tasks: executor.clone(),
        }
    };
    let server = env(&setting.server, &["inside=everyone", "place=a \"test\""]);
    let client = Client {
        env: env(&setting.client, &[]),
        server: setting.remote,
    };
    let (stop, done) = (executor.clone(), test(Rc::new(client)));
    server
        .tasks
        .spawn(async move {
            done.await;
            stop.stop();
        })
        .unwrap();
    let grace = Duration::from_secs(5);
    let main = hello::main(server);
    let place = setting.place.as_mut();
    let ended = runtime::run(place, &setting.drivers, &executor, main, grace);
    assert_eq!(ended, Ok(Some(Ok(()))));
}

impl Client {
    /// Asks; the answer is to be read.
    async fn ask(&self, path: &str) -> Flow {
        let mut flow = self.env.connect(self.server).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        flow.write_all(request.as_bytes()).await.unwrap();
        flow
    }

    /// The head and the body of a response whose length is known.
    async fn get(&self, path: &str) -> (String, String) {
        let mut flow = self.ask(path).await;
        let mut bytes = Vec::new();
        loop {
            bytes.extend_from_slice(&flow.receive().await.unwrap().unwrap());
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                continue;
            };
            let (head, body) = bytes.split_at(end + 4);
            let head = String::from_utf8_lossy(head);
            let (_, length) = head.split_once("Content-Length: ").expect("its length");
            let length = length.lines().next().unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                let body = String::from_utf8_lossy(body);
                return (head.into_owned(), body.into_owned());
            }
        }
    }

    async fn number(&self, name: &str) -> u64 {
        let (_, text) = self.get("/_/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.expect(name).trim().parse().unwrap()
    }
}

#[test]
fn metrics_are_what_prometheus_reads() {
    with(|client| async move {
        client.get("/").await;
        let (head, text) = client.get("/_/metrics").await;
        assert!(
            head.contains("Content-Type: text/plain; version=0.0.4"),
            "{head}"
        );
        let mut kinds = BTreeMap::new();
        let (mut explained, mut series) = ("", HashSet::new());
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                explained = help.split_once(' ').unwrap().0;
                continue;
            }
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert_eq!(name, explained);
                assert!(kinds.insert(name, kind).is_none(), "{name} is typed twice");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
                assert!(["counter", "gauge"].contains(&kind));
                continue;
            }
            let (key, value) = line.rsplit_once(' ').unwrap();
            let name = key.split('{').next().unwrap();
            assert_eq!(name, explained, "its HELP and TYPE come right before it");
            assert!(value.parse::<u64>().is_ok(), "{line}");
            assert!(series.insert(key), "{key} is there twice");
            let label = key.strip_prefix(name).unwrap();
            if !label.is_empty() {
                let label = label.strip_prefix('{').and_then(|l| l.strip_suffix("\"}"));
                let (label, value) = label.and_then(|label| label.split_once("=\"")).unwrap();
                assert!(label.chars().all(|c| c.is_ascii_lowercase()), "{line}");
                assert!(!value.contains(['"', '\\', '\n']), "{line}");
            }
        }
        assert!(
            text.contains("\nparhelion_http_responses_total 1\n"),
            "{text}"
        );
        // Not one for each connection, or whatever else there may be many of.
        assert!((50..150).contains(&series.len()), "{} series", series.len());
    });
}

#[test]
fn events_come_once_a_second_and_end_with_the_server() {
    with(|client| async move {
        let mut flow = client.ask("/_/events").await;
        let began = client.env.clock.now();
        let mut text = String::new();
        while text.matches("data: ").count() < 4 {
            let chunk = flow.receive().await.unwrap().unwrap();
            text.push_str(&String::from_utf8_lossy(&chunk));
        }
        let took = client.env.clock.now().since(began);
        assert!((2..=3).contains(&took.as_secs()), "{took:?}");
        assert!(text.contains("Content-Type: text/event-stream"), "{text}");
        assert!(text.contains(r#""place":"a \"test\"","#), "{text}");
        assert!(text.contains(r#""10.0.0.1:"#), "{text}");
        // Outlives the test: the server ends the stream, and this sees the end.
        let env = client.env.clone();
        env.spawn(async move { while let Ok(Some(_)) = flow.receive().await {} })
            .unwrap();
    });
}

#[test]
fn there_is_room_for_some_viewers_and_for_others_when_they_go() {
    with(|client| async move {
        let mut viewers = Vec::new();
        for _ in 0..VIEWERS {
            let mut flow = client.ask("/_/events").await;
            flow.receive().await.unwrap().unwrap();
            viewers.push(flow);
        }
        let (head, _) = client.get("/_/events").await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        let (head, _) = client.get("/_/trace.pcapng").await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        drop(viewers);
        client.env.sleep(Duration::from_secs(2)).await;
        assert_eq!(client.number("parhelion_inside_viewers").await, 0);
        let (head, trace) = client.get("/_/trace.pcapng").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(trace.contains("SYN-RECEIVED to ESTABLISHED"));
    });
}

#[test]
fn who_takes_nothing_is_let_go() {
    with(|client| async move {
        // It never reads: what its host takes for it is all that it may cost, and time.
        let idler = client.ask("/_/events").await;
        client.env.sleep(Duration::from_secs(2)).await;
        assert_eq!(client.number("parhelion_inside_viewers").await, 1);
        let mut waited = 0;
        while client.number("parhelion_inside_viewers").await > 0 {
            client.env.sleep(Duration::from_secs(10)).await;
            waited += 10;
            assert!(waited < 600, "it is still there");
        }
        drop(idler);
    });
}

#[test]
fn nothing_else_is_below_it() {
    with(|client| async move {
        for (path, code) in [("/_/", "200"), ("/_/x", "404"), ("/_", "404"), ("/", "200")] {
            let (head, body) = client.get(path).await;
            assert!(
                head.starts_with(&format!("HTTP/1.1 {code} ")),
                "{path}: {head}"
            );
            assert_eq!(body.contains("new EventSource"), path == "/_/", "{path}");
        }
    });
}
