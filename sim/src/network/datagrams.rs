//! Questions and answers in datagrams: what comes is whole, and once the network has healed, an answer
//! comes.

use core::net::SocketAddr;
use core::time::Duration;
use std::rc::Rc;

use packet::Secrets;
use runtime::{Datagrams, Env};

use super::Failure;
use super::host::{Host, address};
use super::plan::Dice;
use super::tasks::Ledger;

/// Where every host answers.
const PORT: u16 = 9;

/// Questions of each host, in the first half minute.
const QUESTIONS: u8 = 4;
const LAST: Duration = Duration::from_secs(30);

/// How long an answer is waited for before the question is put again.
const PATIENCE: Duration = Duration::from_secs(3);

/// Starts what one host does.
pub(super) fn start(host: &Host, number: usize, ledger: &Rc<Ledger>) {
    let (env, ledger) = (host.env.clone(), Rc::clone(ledger));
    let port = env.datagrams(PORT).expect("nobody else is bound");
    let answering = answer(env.clone(), port, number, Rc::clone(&ledger));
    ledger.begin(number);
    let asking = ask(env.clone(), number, ledger);
    let spawned = [env.spawn(answering), env.spawn(asking)];
    assert!(spawned.iter().all(Result::is_ok), "room for two tasks");
}

/// Sends back what comes.
async fn answer(env: Env, port: Datagrams, number: usize, ledger: Rc<Ledger>) {
    while let Some(Ok((payload, from))) = env.until_shutdown(port.receive_from()).await {
        if !is_whole(&payload) {
            return fail(&env, number, &ledger, "a question that nobody put");
        }
        // What is lost here is asked again.
        let _ = port.send_to(&payload, from).await;
    }
}

async fn ask(env: Env, number: usize, ledger: Rc<Ledger>) {
    let plan = &ledger.plan;
    let mut seed = [number as u8; 32];
    seed[..8].copy_from_slice(&plan.seed.to_le_bytes());
    let mut dice = Dice(Secrets::new(seed).random("questions"));
    // A host with too little memory has no buffers for more than a page.
    let room = (u64::from(plan.mtu) - 28).min(4096);
    for question in 0..QUESTIONS {
        env.sleep(LAST / QUESTIONS.into() * dice.below(2) as u32)
            .await;
        let others = plan.hosts.len() - 1;
        let server = (number + 1 + dice.below(others as u64) as usize) % plan.hosts.len();
        let gone = plan.vanishes.map(|(host, _)| host);
        if gone == Some(number) || gone == Some(server) {
            continue;
        }
        let len = dice.below(room + 1);
        let payload = payload(number as u8, question, len as usize);
        let remote = SocketAddr::from((address(server), PORT));
        while !is_answered(&env, number, &ledger, remote, &payload).await {}
        *ledger.bytes.borrow_mut() += len;
    }
    ledger.end(number);
}

/// Puts a question once.
async fn is_answered(
    env: &Env,
    number: usize,
    ledger: &Ledger,
    remote: SocketAddr,
    payload: &[u8],
) -> bool {
    let until = env.clock.now() + PATIENCE;
    // Too little memory, no way: for a moment.
    let Ok(port) = env.datagrams(0) else {
        env.sleep_until(until).await;
        return false;
    };
    if port.send_to(payload, remote).await.is_err() {
        env.sleep_until(until).await;
        return false;
    }
    match env.timeout(PATIENCE, port.receive_from()).await {
        Ok(Ok((answer, from))) => {
            if from != remote || *answer != *payload {
                fail(env, number, ledger, "an answer to another question");
            }
            true
        }
        _ => false,
    }
}

/// What a question says: whose it is, which, and bytes in which a change shows.
fn payload(host: u8, question: u8, len: usize) -> Vec<u8> {
    let start = usize::from(host) * 31 + usize::from(question) * 7;
    let rest = (start..).map(|at| (at % 251) as u8);
    [host, question].into_iter().chain(rest).take(len).collect()
}

fn is_whole(bytes: &[u8]) -> bool {
    match *bytes {
        [] | [_] => true,
        [host, question, ..] => *bytes == *payload(host, question, bytes.len()),
    }
}

fn fail(env: &Env, host: usize, ledger: &Ledger, what: &str) {
    ledger.wrong.borrow_mut().get_or_insert(Failure {
        at: env.clock.now(),
        host,
        what: what.to_owned(),
        connection: None,
    });
}
