//! What both ends do, whoever's stack they stand on.

use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::rc::Rc;

use runtime::{Clock, Executor, Instant};

use crate::contest::{Goal, Measured, Work};
use crate::place::{self, Side};
use crate::random::Random;
use crate::stream::{Host, Stream};

/// A request, and a response.
pub(crate) const REQUEST: &[u8] = b"Hello, world?";
pub(crate) const RESPONSE: &[u8] = b"Hello, world!";

/// What bulk data is made of: as much as the application `bench` sends at once.
static BODY: [u8; 64 * 1024] = [b'x'; 64 * 1024];

/// Connections to one port, so that the ports of the other end suffice for all.
const A_PORT: usize = 10_000;
const FIRST_PORT: u16 = 80;

/// Connections made at the same time before anything is measured; fewer than any backlog.
const OPENING: usize = 64;

/// Two hosts with their tasks.
struct Ends<H> {
    client: H,
    server: H,
    /// The client's tasks, and the server's.
    tasks: [Executor; 2],
}

/// Connects two hosts, does the work and measures it.
pub(crate) fn run<H: Host>((client, server): (H, H), work: Work, goal: Goal) -> Measured {
    let tasks = [(); 2].map(|()| Executor::new(Executor::MAX_TASKS));
    let side = |host: &H, tasks: &Executor| Side {
        drivers: [host.driver()],
        tasks: tasks.clone(),
    };
    let sides = [side(&client, &tasks[0]), side(&server, &tasks[1])];
    let ends = Ends {
        client,
        server,
        tasks,
    };
    place::run(goal, &sides, async move {
        match work {
            Work::Exchange {
                connections,
                in_flight,
            } => {
                ends.serve(connections, answer);
                let streams = open(&ends, connections).await;
                exchange(streams, &ends.tasks[0], in_flight, goal).await
            }
            Work::Connect { at_once } => connect(&ends, at_once, goal).await,
            Work::Bulk => bulk(&ends, goal).await,
            Work::Idle { connections } => {
                ends.serve(connections, answer);
                idle(&ends, connections).await
            }
        }
    })
}

impl<H: Host> Ends<H> {
    /// Serves `connections`, spread over ports.
    fn serve<F: Future<Output = ()> + 'static>(
        &self,
        connections: usize,
        task: impl Fn(H::Stream) -> F + Clone + 'static,
    ) {
        for (index, port) in (0..connections).step_by(A_PORT).zip(FIRST_PORT..) {
            let at_once = A_PORT.min(connections - index);
            let server = (port, at_once);
            self.server.serve(&self.tasks[1], server, task.clone());
        }
    }

    /// Starts a task of the client's.
    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.tasks[0].spawn(task).expect("room for a task");
    }
}

/// Answers requests until the peer has finished.
async fn answer<S: Stream>(mut stream: S) {
    let mut pending = 0;
    loop {
        match stream.receive().await {
            0 => return,
            count => pending += count,
        }
        while pending >= REQUEST.len() {
            pending -= REQUEST.len();
            stream.write(RESPONSE).await;
        }
    }
}

/// Makes `count` connections.
async fn open<H: Host>(ends: &Ends<H>, count: usize) -> Vec<H::Stream> {
    let streams = Rc::new(RefCell::new(Vec::with_capacity(count)));
    let next = Rc::new(Cell::new(0));
    let done = Countdown::new(OPENING.min(count));
    for _ in 0..OPENING.min(count) {
        let (client, streams, next, done) = (
            ends.client.clone(),
            Rc::clone(&streams),
            Rc::clone(&next),
            done.clone(),
        );
        let task = async move {
            while next.get() < count {
                let port = FIRST_PORT + (next.replace(next.get() + 1) / A_PORT) as u16;
                let stream = client.connect(port).await;
                streams.borrow_mut().push(stream);
            }
            done.one_less();
        };
        ends.spawn(task);
    }
    done.wait().await;
    streams.take()
}

/// Exchanges requests and responses, `in_flight` at the same time.
async fn exchange<S: Stream>(
    streams: Vec<S>,
    tasks: &Executor,
    in_flight: usize,
    goal: Goal,
) -> Measured {
    let course = Rc::new(Course::new(streams.len(), tasks.clock().clone(), goal));
    let done = Countdown::new(streams.len());
    for (index, mut stream) in streams.into_iter().enumerate() {
        let (course, done) = (Rc::clone(&course), done.clone());
        let task = async move {
            while course.turn(index).await {
                stream.write(REQUEST).await;
                let mut missing = RESPONSE.len();
                while missing > 0 {
                    missing -= stream.receive().await;
                }
                course.progress.add(1);
                course.pass();
            }
            done.one_less();
        };
        tasks.spawn(task).expect("room for a task");
    }
    for _ in 0..in_flight {
        course.pass();
    }
    done.wait().await;
    course.progress.finish()
}

/// Opens connections that the server closes, one after the other in each of `at_once` tasks.
async fn connect<H: Host>(ends: &Ends<H>, at_once: usize, goal: Goal) -> Measured {
    // Some of those that end still wait for the last acknowledgement.
    let close = |mut stream: H::Stream| async move {
        stream.finish();
        assert_eq!(stream.receive().await, 0, "the peer only finishes");
    };
    let [client_tasks, server_tasks] = &ends.tasks;
    let server = (FIRST_PORT, 2 * at_once);
    ends.server.serve(server_tasks, server, close);
    let progress = Rc::new(Progress::new(client_tasks.clock().clone(), goal));
    let done = Countdown::new(at_once);
    for _ in 0..at_once {
        let (client, progress, done) = (ends.client.clone(), Rc::clone(&progress), done.clone());
        let task = async move {
            while !progress.is_done() {
                let mut stream = client.connect(FIRST_PORT).await;
                assert_eq!(stream.receive().await, 0, "the peer only finishes");
                stream.finish();
                progress.add(1);
            }
            done.one_less();
        };
        ends.spawn(task);
    }
    done.wait().await;
    progress.finish()
}

/// Receives as much as the server can send.
async fn bulk<H: Host>(ends: &Ends<H>, goal: Goal) -> Measured {
    let endless = |mut stream: H::Stream| async move {
        loop {
            stream.send(&BODY).await;
        }
    };
    let [client_tasks, server_tasks] = &ends.tasks;
    ends.server.serve(server_tasks, (FIRST_PORT, 1), endless);
    let mut stream = ends.client.connect(FIRST_PORT).await;
    let progress = Progress::new(client_tasks.clock().clone(), goal);
    while !progress.is_done() {
        progress.add(stream.receive().await as u64);
    }
    progress.finish()
}

/// Looks at the memory before and after.
async fn idle<H: Host>(ends: &Ends<H>, connections: usize) -> Measured {
    // What is made once and what one connection touches does not count.
    let first = open(ends, OPENING).await;
    let before = place::resident();
    let streams = open(ends, connections - OPENING).await;
    for mut stream in first.into_iter().chain(streams) {
        let wait = async move {
            stream.receive().await;
        };
        ends.spawn(wait);
    }
    let resident = place::resident().saturating_sub(before);
    Measured {
        operations: (connections - OPENING) as u64,
        resident,
        ..Measured::default()
    }
}

/// Who may send next: tokens that go from connection to connection in random order.
struct Course {
    progress: Progress,
    runners: RefCell<Vec<Runner>>,
    /// The order of this round, and the random numbers for the next.
    order: RefCell<(Vec<usize>, Random)>,
}

#[derive(Default)]
struct Runner {
    tokens: usize,
    waker: Option<Waker>,
}

impl Course {
    fn new(runners: usize, clock: Clock, goal: Goal) -> Self {
        Self {
            progress: Progress::new(clock, goal),
            runners: RefCell::new((0..runners).map(|_| Runner::default()).collect()),
            order: RefCell::new((Vec::new(), Random::new(1))),
        }
    }

    /// Waits for a token; `false` once enough was done.
    async fn turn(&self, index: usize) -> bool {
        poll_fn(|cx| {
            if self.progress.is_done() {
                return Poll::Ready(false);
            }
            let runner = &mut self.runners.borrow_mut()[index];
            if let Some(left) = runner.tokens.checked_sub(1) {
                runner.tokens = left;
                return Poll::Ready(true);
            }
            runner.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Passes a token on. Once enough was done, everybody is told.
    fn pass(&self) {
        let mut runners = self.runners.borrow_mut();
        if self.progress.is_done() {
            for runner in runners.iter_mut() {
                runner.waker.take().into_iter().for_each(Waker::wake);
            }
            return;
        }
        let (order, random) = &mut *self.order.borrow_mut();
        if order.is_empty() {
            order.extend(0..runners.len());
            random.shuffle(order);
        }
        let next = order.pop().and_then(|next| runners.get_mut(next));
        if let Some(runner) = next {
            runner.tokens += 1;
            runner.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}

/// How much was done. The first tenth of the time is not counted: caches and tables grow in it.
struct Progress {
    clock: Clock,
    goal: Goal,
    begun: Cell<(Instant, Duration)>,
    warm: Cell<bool>,
    operations: Cell<u64>,
    elapsed: Cell<Option<Duration>>,
}

impl Progress {
    fn new(clock: Clock, goal: Goal) -> Self {
        Self {
            begun: Cell::new((clock.now(), place::cpu(goal))),
            clock,
            goal,
            warm: Cell::new(false),
            operations: Cell::new(0),
            elapsed: Cell::new(None),
        }
    }

    fn add(&self, operations: u64) {
        self.operations.set(self.operations.get() + operations);
        let now = self.clock.now();
        let elapsed = now.since(self.begun.get().0);
        match self.goal {
            Goal::Operations(goal) if self.operations.get() >= goal => self.end(),
            Goal::Time(goal) if self.warm.get() && elapsed >= goal => self.end(),
            Goal::Time(goal) if !self.warm.get() && elapsed >= goal / 10 => {
                self.warm.set(true);
                self.begun.set((now, place::cpu(self.goal)));
                self.operations.set(0);
            }
            _ => {}
        }
    }

    fn end(&self) {
        if self.elapsed.get().is_none() {
            let (_, cpu) = self.begun.get();
            self.elapsed.set(Some(place::cpu(self.goal) - cpu));
        }
    }

    fn is_done(&self) -> bool {
        self.elapsed.get().is_some()
    }

    fn finish(&self) -> Measured {
        Measured {
            operations: self.operations.get(),
            elapsed: self.elapsed.get().unwrap_or_default(),
            resident: 0,
        }
    }
}

/// Waits for a number of tasks.
#[derive(Clone)]
struct Countdown(Rc<Cell<usize>>, Rc<Cell<Option<Waker>>>);

impl Countdown {
    fn new(count: usize) -> Self {
        Self(Rc::new(Cell::new(count)), Rc::default())
    }

    fn one_less(&self) {
        self.0.set(self.0.get() - 1);
        if self.0.get() == 0 {
            self.1.take().into_iter().for_each(Waker::wake);
        }
    }

    async fn wait(&self) {
        poll_fn(|cx| {
            if self.0.get() == 0 {
                return Poll::Ready(());
            }
            self.1.set(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}
