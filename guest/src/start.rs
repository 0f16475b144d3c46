//! The first Rust: from bare memory to a running application.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::fmt;
use core::ops::Range;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use alloc::string::String;
use packet::{Limits, Pool, Secrets};
use runtime::{Config, Console, Driver, Entropy, Env, Executor, Failure, Nothing};

use crate::place::Bare;
use crate::start_info::{self, Machine};
use crate::unplugged::Unplugged;
use crate::{HEAP, end, entropy, exceptions, image, paging, say};

/// How long running responses may take once the guest is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

type Main = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

/// Runs an application on the machine that the loader left: [`boot!`](crate::boot) calls it.
pub fn start<F>(
    start_info: u32,
    name: &'static str,
    main: impl FnOnce(Env) -> F + 'static,
    content: Option<&'static [u8]>,
) -> !
where
    F: Future<Output = Result<(), Failure>> + 'static,
{
    let _ = (name, content);
    // SAFETY: this is the first Rust to run, and it runs once.
    let machine = unsafe { set_up(start_info) };
    run(&machine, Box::new(|env| Box::pin(main(env))))
}

/// Makes of what the loader left a machine on which Rust can run.
///
/// # Safety
/// To be called once, before anything else.
unsafe fn set_up(start_info: u32) -> Machine {
    // SAFETY: once, says the caller.
    unsafe { exceptions::catch() };
    // SAFETY: the address is the loader's, `boot.s` has mapped 4 GiB, and nothing has been written
    // to memory outside of the image, which the loader keeps apart from what it tells.
    let Some(machine) = (unsafe { start_info::read(start_info) }) else {
        panic!("no start information at {start_info:#x}");
    };
    // SAFETY: once, on the tables of `boot.s`.
    unsafe { paging::protect(&machine.map) };
    for memory in free(&machine, 4096..4 << 30) {
        // SAFETY: memory that is mapped for data, outside of the image, and nobody has it yet.
        unsafe { HEAP.claim(memory) };
    }
    // SAFETY: once, after `protect`.
    unsafe { paging::map_high(&machine.map) };
    for memory in free(&machine, 4 << 30..paging::HIGHEST) {
        // SAFETY: as above.
        unsafe { HEAP.claim(memory) };
    }
    machine
}

/// The memory between these addresses that is nobody's.
fn free(machine: &Machine, between: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let image = image::whole();
    let ram = machine.map.iter().filter(|region| region.is_ram);
    let pieces = ram.flat_map(move |region| {
        let Range { start, end } = region.addresses;
        [start..end.min(image.start), start.max(image.end)..end]
    });
    pieces
        .map(move |piece| piece.start.max(between.start)..piece.end.min(between.end))
        .filter(|piece| !piece.is_empty())
}

fn run(machine: &Machine, main: Box<dyn FnOnce(Env) -> Main>) -> ! {
    let command_line = machine.command_line();
    say(format_args!(
        "Parhelion {}: hello from a PVH guest with {} KiB of memory, booted with {:?}",
        env!("CARGO_PKG_VERSION"),
        machine.memory() / 1024,
        command_line,
    ));
    let mut config = Config::default();
    for word in command_line.split_whitespace() {
        if let Err(error) = config.set(word) {
            refuse(format_args!("command line: {error}"));
        }
    }
    let secrets = match (entropy::strong(), config.text("entropy")) {
        (Some(seed), _) => Secrets::new(seed),
        (None, Some("weak")) => Secrets::new(entropy::weak()),
        (None, _) => refuse(format_args!(
            "this processor gives no random numbers (RDSEED, RDRAND): have the hypervisor pass them \
             on, or say entropy=weak on the command line, and a stranger may guess our secrets"
        )),
    };
    let pool = Pool::new(Limits::for_memory(machine.memory() / 2));
    let net = stack::Net::new(
        Box::new(Unplugged::new()),
        pool,
        &secrets,
        &stack::Config::dhcp(),
    );
    let executor = Executor::new(1024);
    let env = Env {
        net: Rc::new(net.clone()),
        clock: executor.clock().clone(),
        console: Rc::new(Direct),
        inspect: Rc::new(net.clone()),
        storage: Rc::new(Nothing),
        config: Rc::new(config),
        entropy: Entropy::new(&secrets),
        tasks: executor.clone(),
    };
    let drivers: [Rc<dyn Driver>; 1] = [Rc::new(net)];
    match runtime::run(&mut Bare, &drivers, &executor, main(env), GRACE) {
        Ok(None | Some(Ok(()))) => end::power_off(),
        Ok(Some(Err(failure))) => refuse(format_args!("the application ended: {failure}")),
        Err(error) => refuse(format_args!("cannot start: {error}")),
    }
}

/// Says why this guest cannot go on, and ends it.
fn refuse(why: fmt::Arguments<'_>) -> ! {
    say(format_args!("Parhelion: {why}"));
    end::crash()
}

/// Lines as they come.
struct Direct;

impl Console for Direct {
    fn print(&self, line: fmt::Arguments<'_>) {
        say(line);
    }

    fn poll_line(&self, _: &mut Context<'_>) -> Poll<Option<String>> {
        Poll::Ready(None)
    }
}
