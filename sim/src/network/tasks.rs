//! What the applications do: clients that open what the plan says, servers that know who comes.

use core::cell::RefCell;
use core::future::poll_fn;
use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use http::{Limits, Url};
use packet::{Instant, Secrets, Transport as _};
use runtime::{Env, Error, Executor, FlowId, Network as _};
use stack::Net;

use super::host::{Host, address};
use super::plan::{Dice, Kind, Plan, Side, Transfer};
use super::talk::{Ended, Stream, Talk};
use super::{Failure, HOSTS};

/// Where the servers of streams listen; pages are on port 80.
const PORT: u16 = 7;
const PAGES: u16 = 80;

/// How long a conversation may take whose end nobody tells to one of its sides: a reset is lost, a
/// host is gone.
const PATIENCE: Duration = Duration::from_secs(400);

/// How long a client waits before it tries again.
const BREAK: Duration = Duration::from_secs(1);

/// What all tasks of a world share.
pub(super) struct Ledger {
    pub(super) plan: Plan,
    /// Who is at the other end, by the client's address and the server's host: a client may use a
    /// port for several servers.
    callers: RefCell<BTreeMap<(SocketAddrV4, usize), usize>>,
    /// Ends of transfers that are still to come to an end.
    pub(super) open: RefCell<[usize; HOSTS]>,
    pub(super) bytes: RefCell<u64>,
    pub(super) wrong: RefCell<Option<Failure>>,
}

impl Ledger {
    pub(super) fn new(plan: Plan) -> Self {
        Self {
            plan,
            callers: RefCell::default(),
            open: RefCell::default(),
            bytes: RefCell::default(),
            wrong: RefCell::default(),
        }
    }

    pub(super) fn is_all_done(&self) -> bool {
        self.open.borrow().iter().all(|open| *open == 0)
    }

    pub(super) fn begin(&self, host: usize) {
        self.open.borrow_mut()[host] += 1;
    }

    pub(super) fn end(&self, host: usize) {
        self.open.borrow_mut()[host] -= 1;
    }

    fn fail(&self, end: &End, what: String) {
        let connection = end.net.local_address(end.id).and_then(v4);
        self.wrong.borrow_mut().get_or_insert(Failure {
            at: end.executor.clock().now(),
            host: end.side.host,
            what,
            connection: connection.zip(Some(end.remote)),
        });
    }
}

fn v4(address: SocketAddr) -> Option<SocketAddrV4> {
    match address {
        SocketAddr::V4(address) => Some(address),
        SocketAddr::V6(_) => None,
    }
}

/// Starts all that happens at one host.
pub(super) fn start(host: &Host, number: usize, ledger: &Rc<Ledger>) {
    let tasks = &host.executor;
    let spawned = [
        tasks.spawn(serve(
            host.net.clone(),
            host.env.clone(),
            number,
            Rc::clone(ledger),
        )),
        tasks.spawn({
            let env = host.env.clone();
            async move {
                // It ends well when the world does.
                let _ = bench::main(env).await;
            }
        }),
    ];
    assert!(spawned.iter().all(Result::is_ok), "room for the servers");
    for (at, transfer) in ledger.plan.transfers.iter().enumerate() {
        if transfer.client.host != number {
            continue;
        }
        ledger.begin(number);
        let (net, env, ledger) = (host.net.clone(), host.env.clone(), Rc::clone(ledger));
        let client = async move {
            env.sleep_until(ledger.plan.transfers[at].start).await;
            match ledger.plan.transfers[at].kind {
                Kind::Page => fetch(&env, at, &ledger).await,
                Kind::Streams | Kind::Echo => call(&net, &env, at, &ledger).await,
            }
        };
        assert!(tasks.spawn(client).is_ok(), "room for the clients");
    }
}

/// One end of a connection; gives it back when dropped.
struct End {
    net: Net,
    executor: Executor,
    id: FlowId,
    side: Side,
    remote: SocketAddrV4,
}

impl Drop for End {
    fn drop(&mut self) {
        self.net.release(self.id);
    }
}

impl End {
    /// Talks as the plan says.
    async fn talk(&self, at: usize, is_client: bool, ledger: &Ledger) -> Result<Ended, String> {
        let plan = &ledger.plan;
        let transfer = &plan.transfers[at];
        if transfer.is_aborted() || plan.is_doomed(transfer) {
            let until = self.executor.clock().now() + PATIENCE;
            self.net.deadline(self.id, Some(until));
        }
        let up = Stream::new(2 * at as u64, transfer.up);
        let is_echo = transfer.kind == Kind::Echo;
        let back = if is_echo {
            2 * at as u64
        } else {
            2 * at as u64 + 1
        };
        let down = Stream::new(back, transfer.down);
        let (out, coming) = if is_client { (up, down) } else { (down, up) };
        let mut seed = [at as u8; 32];
        seed[..8].copy_from_slice(&plan.seed.to_le_bytes());
        let purpose = if is_client { "client" } else { "server" };
        let mut talk = Talk {
            net: &self.net,
            executor: &self.executor,
            id: self.id,
            side: &self.side,
            dice: Dice(Secrets::new(seed).random(purpose)),
            out,
            coming,
            echo: (is_echo && !is_client).then(VecDeque::new),
            kept: VecDeque::new(),
            reads_from: Instant::ZERO,
            has_finished: false,
            has_ended: false,
            lingers: transfer.lingers,
        };
        let ended = poll_fn(|cx| talk.poll(cx)).await;
        *ledger.bytes.borrow_mut() += talk.bytes_read();
        ended
    }

    /// Whether a conversation may end like this.
    fn judge(&self, ended: Result<Ended, String>, transfer: &Transfer, ledger: &Ledger) {
        let excused = transfer.is_aborted() || ledger.plan.is_doomed(transfer);
        match ended {
            Ok(Ended::Whole | Ended::Aborted) => {}
            Ok(Ended::Failed(error)) if excused && error != Error::NoBuffer => {}
            Ok(Ended::Failed(error)) => {
                ledger.fail(self, format!("the connection failed: {error}"));
            }
            Err(what) => ledger.fail(self, what),
        }
    }
}

/// Opens a connection, tries again where the network is to blame, and talks.
async fn call(net: &Net, env: &Env, at: usize, ledger: &Ledger) {
    let transfer = &ledger.plan.transfers[at];
    let host = transfer.client.host;
    let remote = SocketAddrV4::new(address(transfer.server.host), PORT);
    let mut tries = 0;
    let end = loop {
        tries += 1;
        match connect(net, env, at, remote, ledger).await {
            Ok(end) => break end,
            Err(Error::Unreachable | Error::TimedOut)
                if tries < 10 || !ledger.plan.is_doomed(transfer) =>
            {
                env.sleep(BREAK).await;
            }
            Err(Error::Unreachable | Error::TimedOut) => return ledger.end(host),
            // The server throws away at once what it is to throw away after no byte at all.
            Err(Error::Reset) if transfer.server.aborts_after == Some(0) => {
                return ledger.end(host);
            }
            Err(error) => {
                ledger.wrong.borrow_mut().get_or_insert(Failure {
                    at: env.clock.now(),
                    host,
                    what: format!("cannot connect: {error}"),
                    connection: None,
                });
                return ledger.end(host);
            }
        }
    };
    let ended = end.talk(at, true, ledger).await;
    let lingers = transfer.lingers && ended == Ok(Ended::Whole);
    end.judge(ended, transfer, ledger);
    ledger.end(host);
    if lingers {
        env.shutdown().await;
    }
}

async fn connect(
    net: &Net,
    env: &Env,
    at: usize,
    remote: SocketAddrV4,
    ledger: &Ledger,
) -> Result<End, Error> {
    let end = End {
        net: net.clone(),
        executor: env.tasks.clone(),
        id: net.connect(remote.into())?,
        side: ledger.plan.transfers[at].client.clone(),
        remote,
    };
    let local = net
        .local_address(end.id)
        .and_then(v4)
        .ok_or(Error::Closed)?;
    let caller = (local, ledger.plan.transfers[at].server.host);
    ledger.callers.borrow_mut().insert(caller, at);
    let connected = poll_fn(|cx| net.poll_connect(end.id, cx)).await;
    if connected.is_err() {
        ledger.callers.borrow_mut().remove(&caller);
    }
    connected.map(|()| end)
}

/// Takes whoever comes.
async fn serve(net: Net, env: Env, number: usize, ledger: Rc<Ledger>) {
    let Ok(listener) = net.listen(PORT) else {
        return;
    };
    loop {
        let accept = poll_fn(|cx| net.poll_accept(listener, cx));
        let Some(Ok((id, peer))) = env.until_shutdown(accept).await else {
            break;
        };
        let (net, tasks) = (net.clone(), env.tasks.clone());
        let (env, ledger) = (env.clone(), Rc::clone(&ledger));
        let remote = v4(peer.address);
        // A client that has given up meanwhile has taken its name away.
        let find = |remote| ledger.callers.borrow().get(&(remote, number)).copied();
        let caller = remote.and_then(find);
        let (Some(at), Some(remote)) = (caller, remote) else {
            net.release(id);
            continue;
        };
        ledger.begin(number);
        let executor = tasks.clone();
        let answer = async move {
            let transfer = &ledger.plan.transfers[at];
            let side = transfer.server.clone();
            let end = End {
                net,
                executor,
                id,
                side,
                remote,
            };
            let ended = end.talk(at, false, &ledger).await;
            let lingers = transfer.lingers && ended == Ok(Ended::Whole);
            // Unless the client has given up this attempt in the meantime.
            if ledger.callers.borrow().contains_key(&(remote, number)) {
                end.judge(ended, transfer, &ledger);
            }
            ledger.end(number);
            if lingers {
                env.shutdown().await;
            }
        };
        assert!(tasks.spawn(answer).is_ok(), "room for a caller");
    }
    net.unlisten(listener);
}

/// Fetches a page until it has it. While the network is bad an attempt may fail, for servers have
/// limits of time; once it has healed none may.
async fn fetch(env: &Env, at: usize, ledger: &Ledger) {
    let transfer = &ledger.plan.transfers[at];
    let host = transfer.client.host;
    loop {
        let begun = env.clock.now();
        match page(env, transfer.server.host).await {
            Ok(bytes) => {
                *ledger.bytes.borrow_mut() += bytes;
                break;
            }
            Err(_) if ledger.plan.is_doomed(transfer) => break,
            Err(_) if begun < ledger.plan.heals_at + PATIENCE => env.sleep(BREAK).await,
            Err(what) => {
                ledger.wrong.borrow_mut().get_or_insert(Failure {
                    at: env.clock.now(),
                    host,
                    what,
                    connection: None,
                });
                break;
            }
        }
    }
    ledger.end(host);
}

async fn page(env: &Env, server: usize) -> Result<u64, String> {
    let name = format!("http://{}/1k", address(server));
    let url = Url::parse(&name).map_err(|error| error.to_string())?;
    let remote = SocketAddr::from((address(server), PAGES));
    let flow = env.connect(remote);
    let mut flow = flow.await.map_err(|error| format!("no page: {error}"))?;
    flow.deadline(Some(env.clock.now() + PATIENCE));
    let wrong = |error: http::Error<Error>| format!("no page: {error}");
    let mut download = http::client::get(flow, &url, &Limits::default())
        .await
        .map_err(wrong)?;
    let mut count = 0;
    while let Some(chunk) = download.receive().await.map_err(wrong)? {
        // As `bench` makes it: lines of 64 characters.
        let expected = (count..).map(|at: u64| match at % 64 {
            63 => b'\n',
            column => b'0' + (column % 42) as u8,
        });
        if !chunk.iter().copied().eq(expected.take(chunk.len())) {
            return Err(format!("a page with wrong bytes behind {count}"));
        }
        count += chunk.len() as u64;
    }
    match count {
        1024 => Ok(count),
        _ => Err(format!("a page of {count} bytes")),
    }
}
