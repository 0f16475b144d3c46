//! An application, and what is told of it while it runs.

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::future::poll_fn;
use core::pin::Pin;

use runtime::{Env, Failure};
use stack::{Cidr, Net, Tenant};

use crate::say;

/// An application that has not been started.
pub(crate) struct Application {
    pub(crate) name: &'static str,
    /// An archive of its files, if it has any.
    pub(crate) content: Option<&'static [u8]>,
    pub(crate) main: Box<dyn FnOnce(Env) -> Main>,
}

/// Its first task.
pub(crate) type Main = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

impl Application {
    /// Runs it, and tells where it serves once it does, and what becomes of an address that is lent.
    pub(crate) async fn run(self, env: Env, net: Net, fixed: Option<Cidr>) -> Result<(), Failure> {
        let (clock, config) = (env.clock.clone(), Rc::clone(&env.config));
        let mut tenant = Tenant::new(&net, "the network");
        let mut main = (self.main)(env);
        let mut is_announced = false;
        poll_fn(|cx| {
            let result = main.as_mut().poll(cx);
            tenant.tell(clock.now(), cx, |line| {
                say(format_args!("Parhelion: {line}"));
            });
            let address = fixed.map(|fixed| fixed.address()).or(tenant.address());
            if let Some(address) = address.filter(|_| net.is_listening() && !is_announced) {
                let port = config.text("port").filter(|port| *port != "80");
                let (colon, port) = port.map_or(("", ""), |port| (":", port));
                let name = self.name;
                say(format_args!(
                    "Parhelion serves {name} at http://{address}{colon}{port}/"
                ));
                is_announced = true;
            }
            result
        })
        .await
    }
}
