//! smoltcp without tasks, wakers and loop: the least that exchanges over it can cost.

use core::time::Duration;

use runtime::Instant;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp::{Socket, State};

use crate::contest::{Goal, Measured, Work};
use crate::place;
use crate::random::Random;
use crate::smol::{self, Inner, Smoltcp};
use crate::tasks::{REQUEST, RESPONSE};

const PORT: u16 = 80;

/// Exchanges requests and responses in rounds of `in_flight`, each on connections of its own.
pub(crate) fn exchange(connections: usize, in_flight: usize, goal: Goal) -> Measured {
    let work = Work::Exchange {
        connections,
        in_flight,
    };
    let (Smoltcp(client), Smoltcp(server)) = smol::pair(work);
    let (client, server) = (&mut *client.borrow_mut(), &mut *server.borrow_mut());
    let start = std::time::Instant::now();
    let now = || Instant::from_millis(1_000) + start.elapsed();
    let servers: Vec<_> = (0..connections).map(|_| listen(server)).collect();
    let clients: Vec<_> = (0..connections)
        .map(|_| {
            let handle = client.socket();
            client.connect(handle, PORT);
            while socket(client, handle).state() != State::Established {
                turn(client, now());
                turn(server, now());
            }
            handle
        })
        .collect();

    let mut random = Random::new(1);
    let mut order: Vec<usize> = (0..connections).collect();
    let (mut begun, mut cpu, mut operations, mut warm) = (now(), place::cpu(goal), 0, false);
    loop {
        random.shuffle(&mut order);
        for some in order.chunks(in_flight) {
            let some: Vec<_> = some.iter().map(|index| clients[*index]).collect();
            round((client, &some), (server, &servers), now);
            operations += some.len() as u64;
        }
        let elapsed = now().since(begun);
        let enough = match goal {
            Goal::Operations(enough) => operations >= enough,
            Goal::Time(time) if !warm => {
                if elapsed >= time / 10 {
                    (begun, cpu, operations, warm) = (now(), place::cpu(goal), 0, true);
                }
                false
            }
            Goal::Time(time) => elapsed >= time,
        };
        if enough {
            return measured(operations, place::cpu(goal) - cpu);
        }
    }
}

fn measured(operations: u64, elapsed: Duration) -> Measured {
    Measured {
        operations,
        elapsed,
        resident: 0,
    }
}

fn listen(server: &mut Inner) -> SocketHandle {
    let handle = server.socket();
    let listening = socket(server, handle).listen(PORT);
    listening.expect("a socket that is free");
    handle
}

/// One exchange on each of `clients`.
fn round(
    (client, clients): (&mut Inner, &[SocketHandle]),
    (server, servers): (&mut Inner, &[SocketHandle]),
    now: impl Fn() -> Instant,
) {
    for handle in clients {
        write(socket(client, *handle), REQUEST);
    }
    let mut missing = clients.len();
    while missing > 0 {
        turn(client, now());
        receive(server, now());
        for handle in servers {
            let socket = socket(server, *handle);
            if socket.can_recv() {
                read(socket);
                write(socket, RESPONSE);
            }
        }
        send(server, now());
        receive(client, now());
        for handle in clients {
            let socket = socket(client, *handle);
            if socket.can_recv() {
                read(socket);
                missing -= 1;
            }
        }
    }
}

fn socket(host: &mut Inner, handle: SocketHandle) -> &mut Socket<'static> {
    host.sockets.get_mut(handle)
}

fn write(socket: &mut Socket<'_>, bytes: &[u8]) {
    let sent = socket.send_slice(bytes);
    assert_eq!(sent, Ok(bytes.len()), "an empty buffer has room");
}

fn read(socket: &mut Socket<'_>) {
    let mut missing = REQUEST.len();
    // Twice where the buffer's end divides a message.
    while missing > 0 {
        let read = socket.recv(|bytes| (bytes.len(), bytes.len()));
        missing -= read.expect("a message is a segment");
    }
}

fn turn(host: &mut Inner, now: Instant) {
    receive(host, now);
    send(host, now);
}

fn receive(host: &mut Inner, now: Instant) {
    while host.receive(now) {}
}

/// One pass is enough: no socket has more than one segment. What found no room in the queue goes
/// with the next.
fn send(host: &mut Inner, now: Instant) {
    let (interface, device) = (&mut host.interface, &mut host.device);
    interface.poll_egress(smol::time(now), device, &mut host.sockets);
}
