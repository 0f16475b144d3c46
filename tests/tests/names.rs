//! The resolver against a name server of a test's own, over our stack in virtual time.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::rc::Rc;

use dns::{Error, Resolver};
use futures_lite::future::{or, zip};
use packet::Secrets;
use parhelion_tests::settings::stack::offloaded;
use runtime::{Config, Datagrams, Entropy, Env, Executor, Instant, Network, Nothing};

const SERVER: &str = "10.0.0.2";
/// In the same network, and not there.
const ABSENT: &str = "10.0.0.77";

/// A question as the server got it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    bytes: Vec<u8>,
    from: SocketAddr,
    at: Instant,
}

/// The name server's host and what it was asked, the client's, and its resolver.
#[derive(Clone)]
struct World {
    server: Env,
    client: Env,
    resolver: Resolver,
    questions: Rc<RefCell<Vec<Question>>>,
}

/// Runs `test` with a resolver that asks `servers`.
fn with<F: Future<Output = ()> + 'static>(servers: &str, test: impl FnOnce(World) -> F) {
    let mut setting = offloaded();
    let executor = Executor::new(64);
    let mut config = Config::default();
    config.set(&format!("dns={servers}")).unwrap();
    let config = Rc::new(config);
    let env = |net: &Rc<dyn Network>| Env {
        net: Rc::clone(net),
        clock: executor.clock().clone(),
        console: Rc::new(Nothing),
        inspect: Rc::new(Nothing),
        storage: Rc::new(Nothing),
        config: Rc::clone(&config),
        entropy: Entropy::new(&Secrets::new([7; 32])),
        tasks: executor.clone(),
    };
    let client = env(&setting.client);
    let world = World {
        server: env(&setting.server),
        resolver: Resolver::new(&client).unwrap(),
        client,
        questions: Rc::default(),
    };
    let done = test(world);
    let place = setting.place.as_mut();
    let ended = runtime::run(place, &setting.drivers, &executor, done, Duration::ZERO);
    assert_eq!(ended, Ok(Some(())), "the test did not end");
}

impl World {
    /// Answers every question with what `answer` makes of it, and how often it was asked before.
    fn serve(&self, answer: impl Fn(&Question, usize) -> Vec<Vec<u8>> + 'static) {
        let world = self.clone();
        let serve = async move {
            let port = world.server.datagrams(53).unwrap();
            loop {
                let question = world.question(&port).await;
                let before = world.asked() - 1;
                for answer in answer(&question, before) {
                    port.send_to(&answer, question.from).await.unwrap();
                }
            }
        };
        self.server.spawn(serve).unwrap();
    }

    async fn question(&self, port: &Datagrams) -> Question {
        let (bytes, from) = port.receive_from().await.unwrap();
        let question = Question {
            bytes: bytes.to_vec(),
            from,
            at: self.server.clock.now(),
        };
        self.questions.borrow_mut().push(question.clone());
        question
    }

    fn asked(&self) -> usize {
        self.questions.borrow().len()
    }

    async fn resolve(&self, name: &str) -> Result<Vec<Ipv4Addr>, Error> {
        self.resolver.resolve(name).await
    }

    async fn sleep(&self, seconds: u64) {
        self.client.sleep(Duration::from_secs(seconds)).await;
    }
}

/// The answer to `question`: 192.0.2.`last`, for a minute.
fn address(question: &[u8], last: u8) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2..4].copy_from_slice(&[0x81, 0x80]);
    answer[7] = 1;
    answer.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02");
    answer.push(last);
    answer
}

fn failure(question: &[u8], flags: [u8; 2]) -> Vec<u8> {
    let mut answer = question.to_vec();
    answer[2..4].copy_from_slice(&flags);
    answer
}

/// No such name, for a minute says the zone.
fn absent(question: &[u8]) -> Vec<u8> {
    let mut answer = failure(question, [0x81, 0x83]);
    answer[9] = 1;
    answer.extend(b"\0\0\x06\0\x01\0\0\0\x3c\0\x16\0\0");
    answer.extend([0; 16]);
    answer.extend(60u32.to_be_bytes());
    answer
}

fn one(last: u8) -> Result<Vec<Ipv4Addr>, Error> {
    Ok(vec![Ipv4Addr::new(192, 0, 2, last)])
}

#[test]
fn an_answer_is_remembered_as_long_as_it_holds() {
    with(SERVER, |world| async move {
        world.serve(|question, before| vec![address(&question.bytes, before as u8)]);
        assert_eq!(world.resolve("www.example.org").await, one(0));
        world.sleep(59).await;
        assert_eq!(world.resolve("WWW.example.org.").await, one(0));
        world.sleep(2).await;
        assert_eq!(world.resolve("www.example.org").await, one(1));
        assert_eq!(world.resolve("example.org").await, one(2));
        assert_eq!(world.asked(), 3);
    });
}

#[test]
fn absence_is_remembered_too() {
    with(SERVER, |world| async move {
        world.serve(|question, _| vec![absent(&question.bytes)]);
        for wait in [0, 59, 2] {
            world.sleep(wait).await;
            assert_eq!(world.resolve("a.example").await, Err(Error::NoSuchName));
        }
        assert_eq!(world.asked(), 2);
    });
}

#[test]
fn forged_answers_are_not_believed() {
    with(SERVER, |world| async move {
        let stranger = Rc::new(world.server.datagrams(5353).unwrap());
        let env = world.server.clone();
        world.serve(move |question, _| {
            // From another port.
            let (stranger, from) = (Rc::clone(&stranger), question.from);
            let forged = address(&question.bytes, 66);
            let send = async move { stranger.send_to(&forged, from).await.unwrap() };
            env.spawn(send).unwrap();
            let mut other_id = address(&question.bytes, 66);
            other_id[1] ^= 1;
            let mut other_name = address(&question.bytes, 66);
            other_name[13] ^= 1;
            let noise = b"noise".to_vec();
            let truth = address(&question.bytes, 1);
            vec![other_id, other_name, noise, vec![], truth]
        });
        assert_eq!(world.resolve("www.example.org").await, one(1));
    });
}

#[test]
fn who_guesses_has_to_start_over() {
    with(SERVER, |world| async move {
        world.serve(|question, before| match before {
            // The right one comes too late.
            0 => (1..=50)
                .map(|guess| {
                    let mut wrong = address(&question.bytes, 66);
                    wrong[1] ^= guess;
                    wrong
                })
                .chain([address(&question.bytes, 1)])
                .collect(),
            _ => vec![address(&question.bytes, 2)],
        });
        assert_eq!(world.resolve("www.example.org").await, one(2));
        let questions = world.questions.borrow();
        assert_ne!(questions[0].from, questions[1].from);
    });
}

#[test]
fn every_question_has_another_port_and_id() {
    with(SERVER, |world| async move {
        world.serve(|question, _| vec![address(&question.bytes, 1)]);
        for number in 0..20 {
            world.resolve(&format!("n{number}.example")).await.unwrap();
        }
        let questions = world.questions.borrow();
        let distinct = |mut values: Vec<u16>| {
            values.sort_unstable();
            values.dedup();
            values.len()
        };
        let ports = questions.iter().map(|question| question.from.port());
        let ids = questions
            .iter()
            .map(|question| u16::from_be_bytes([question.bytes[0], question.bytes[1]]));
        assert!(distinct(ports.collect()) >= 19);
        assert!(distinct(ids.collect()) >= 19);
    });
}

#[test]
fn a_silent_server_is_asked_three_times_and_then_left_alone_for_a_while() {
    with(SERVER, |world| async move {
        world.serve(|_, _| vec![]);
        let start = world.client.clock.now();
        assert_eq!(world.resolve("a.example").await, Err(Error::TimedOut));
        let took = world.client.clock.now().since(start);
        assert_eq!(took.as_millis() / 100, 70, "1 + 2 + 4 seconds");
        assert_eq!(world.resolve("a.example").await, Err(Error::TimedOut));
        assert_eq!(world.asked(), 3);
        world.sleep(6).await;
        assert_eq!(world.resolve("a.example").await, Err(Error::TimedOut));
        assert_eq!(world.asked(), 6);
    });
}

#[test]
fn another_server_is_asked_when_the_first_is_not_there() {
    let servers = format!("{ABSENT}, {SERVER}");
    with(&servers, |world| async move {
        world.serve(|question, _| vec![address(&question.bytes, 1)]);
        let start = world.client.clock.now();
        assert_eq!(world.resolve("a.example").await, one(1));
        let took = world.client.clock.now().since(start);
        assert_eq!(took.as_secs(), 1);
    });
}

#[test]
fn a_refusal_is_heard_at_once() {
    with(SERVER, |world| async move {
        let start = world.client.clock.now();
        let refused = Err(Error::Network(runtime::Error::Refused));
        assert_eq!(world.resolve("a.example").await, refused);
        assert!(world.client.clock.now().since(start) < Duration::from_millis(100));
    });
}

#[test]
fn what_a_server_cannot_do_is_said() {
    with(SERVER, |world| async move {
        world.serve(|question, before| {
            let flags = [[0x83, 0x80], [0x81, 0x82], [0x81, 0x80]][before];
            vec![failure(&question.bytes, flags)]
        });
        assert_eq!(world.resolve("a.example").await, Err(Error::Truncated));
        assert_eq!(world.resolve("b.example").await, Err(Error::Failed));
        assert_eq!(world.resolve("c.example").await, Err(Error::NoAddress));
        assert_eq!(world.asked(), 3, "nobody is asked again about it");
    });
}

#[test]
fn what_is_no_question_is_asked_of_nobody() {
    with(SERVER, |world| async move {
        let localhost = Ok(vec![Ipv4Addr::LOCALHOST]);
        assert_eq!(world.resolve("192.0.2.1").await, one(1));
        assert_eq!(world.resolve("localhost").await, localhost);
        assert_eq!(world.resolve("a.LocalHost.").await, localhost);
        assert_eq!(world.resolve("a.invalid").await, Err(Error::NoSuchName));
        for wrong in ["", "a..b", "10.1", "::1", "a b"] {
            assert_eq!(world.resolve(wrong).await, Err(Error::BadName), "{wrong}");
        }
        assert_eq!(world.asked(), 0);
    });
}

#[test]
fn two_with_one_question_ask_once() {
    with(SERVER, |world| async move {
        world.serve(|question, _| vec![address(&question.bytes, 1)]);
        let both = zip(world.resolve("a.example"), world.resolve("A.example"));
        assert_eq!(both.await, (one(1), one(1)));
        assert_eq!(world.asked(), 1);
    });
}

#[test]
fn who_gives_up_leaves_the_question_to_who_waits() {
    with(SERVER, |world| async move {
        world.serve(|question, before| match before {
            0 => vec![],
            _ => vec![address(&question.bytes, 1)],
        });
        let ended = Rc::new(Cell::new(false));
        let second = {
            let (world, ended) = (world.clone(), Rc::clone(&ended));
            async move {
                // After the first has asked.
                world.sleep(0).await;
                assert_eq!(world.resolve("a.example").await, one(1));
                ended.set(true);
            }
        };
        let gives_up = async { world.client.sleep(Duration::from_millis(500)).await };
        let first = async { drop(world.resolve("a.example").await) };
        world.client.spawn(second).unwrap();
        or(first, gives_up).await;
        assert!(!ended.get());
        world.client.sleep(Duration::from_millis(100)).await;
        assert!(ended.get(), "it asks for itself, at once");
        assert_eq!(world.asked(), 2);
    });
}

#[test]
fn without_servers_nobody_is_asked() {
    with(SERVER, |world| async move {
        let env = Env {
            config: Rc::default(),
            ..world.client.clone()
        };
        let resolver = Resolver::new(&env).unwrap();
        let asked = resolver.resolve("a.example").await;
        assert_eq!(asked, Err(Error::NoServer));
        let mut config = Config::default();
        config.set("dns=example.org").unwrap();
        let env = Env {
            config: Rc::new(config),
            ..env
        };
        let wrong = Resolver::new(&env).err().unwrap();
        let why =
            "setting dns cannot be \"example.org\": it is addresses, with commas between them";
        assert_eq!(wrong.to_string(), why);
    });
}
