//! Whom to ask, and how long to wait (RFC 1123, 6.1.3; RFC 5452).

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use runtime::{ConfigError, Either, Env, either};

use crate::asking::Asking;
use crate::cache::Cache;
use crate::message::{self, Addresses, Answer};
use crate::{Error, Name};

const PORT: u16 = 53;

/// The most servers that are asked; more are left out.
const MAX_SERVERS: usize = 3;

/// How long an answer is waited for, in each round over all servers.
const PATIENCE: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// From so many wrong answers on, somebody is guessing: the port is given up as if nobody had answered,
/// and the next try has another one (RFC 5452, 9.1).
const MAX_GUESSES: usize = 20;

/// How long a failure is remembered, so that who asks over and over does not make it worse (RFC 9520,
/// 3.2: one second to five minutes).
const FAILURE: Duration = Duration::from_secs(5);

/// Finds the addresses of names. All clones share what they know.
#[derive(Clone)]
pub struct Resolver {
    env: Env,
    /// As the application's settings say.
    servers: Vec<IpAddr>,
    cache: Rc<RefCell<Cache>>,
    asking: Asking,
}

impl Resolver {
    /// A resolver that asks the servers of the setting `dns` or, without it, those that the network
    /// tells of.
    ///
    /// # Errors
    /// [`ConfigError::Unusable`] when the setting is no list of addresses.
    pub fn new(env: &Env) -> Result<Self, ConfigError> {
        const KEY: &str = "dns";
        let setting = env.config.text(KEY);
        let listed = setting.map(|text| {
            servers(text).ok_or_else(|| ConfigError::Unusable {
                key: KEY.into(),
                value: text.into(),
                why: "it is addresses, with commas between them".into(),
            })
        });
        Ok(Self {
            env: env.clone(),
            servers: listed.transpose()?.unwrap_or_default(),
            cache: Rc::default(),
            asking: Asking::default(),
        })
    }

    /// The IPv4 addresses of `name`, one at least, in the order in which a server gave them. A text
    /// that is an address is its own answer, and `localhost` is this host (RFC 6761, 6.3). Cancel
    /// safe. Asking takes 21 seconds at most.
    ///
    /// # Errors
    /// As [`Error`] says.
    pub async fn resolve(&self, name: &str) -> Result<Vec<Ipv4Addr>, Error> {
        if let Ok(address) = name.parse() {
            return Ok(vec![address]);
        }
        let name: Name = name.parse().map_err(|_| Error::BadName)?;
        let last = name.last().unwrap_or_default();
        if last.eq_ignore_ascii_case(b"localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST]);
        }
        if last.eq_ignore_ascii_case(b"invalid") {
            return Err(Error::NoSuchName);
        }
        let known = loop {
            if let Some(known) = self.cache.borrow().find(self.env.clock.now(), &name) {
                break known.clone();
            }
            if let Some(_turn) = self.asking.turn(&name).await {
                break self.ask(&name).await;
            }
        };
        known.map(|Addresses(addresses)| addresses.to_vec())
    }

    /// Asks one server after the other, and remembers what came of it. Who did not answer is asked
    /// again; who answered that it cannot is not.
    async fn ask(&self, name: &Name) -> Result<Addresses, Error> {
        let mut servers = match &self.servers[..] {
            [] => self.env.net.name_servers(),
            servers => servers.to_vec(),
        };
        servers.truncate(MAX_SERVERS);
        if servers.is_empty() {
            return Err(Error::NoServer);
        }
        let mut last = Error::TimedOut;
        for patience in PATIENCE {
            let mut silent = Vec::new();
            for server in servers {
                let asked = self.ask_one(SocketAddr::new(server, PORT), name);
                let asked = self.env.timeout(patience, asked).await;
                let (known, ttl) = match asked.unwrap_or(Err(Error::TimedOut)) {
                    Ok(Answer::Addresses(addresses, ttl)) => (Ok(addresses), ttl),
                    Ok(Answer::NoSuchName(ttl)) => (Err(Error::NoSuchName), ttl),
                    Ok(Answer::NoAddress(ttl)) => (Err(Error::NoAddress), ttl),
                    // Another server has the same to say.
                    Ok(Answer::Truncated) => (Err(Error::Truncated), FAILURE),
                    Ok(Answer::Failed) => {
                        last = Error::Failed;
                        continue;
                    }
                    Err(error) => {
                        last = error;
                        if error == Error::TimedOut {
                            silent.push(server);
                        }
                        continue;
                    }
                };
                return self.keep(name, known, ttl);
            }
            servers = silent;
        }
        self.keep(name, Err(last), FAILURE)
    }

    /// Asks one server once, from a port and with an id that nobody can guess.
    async fn ask_one(&self, server: SocketAddr, name: &Name) -> Result<Answer, Error> {
        let port = self.env.datagrams(0)?;
        let id = self.env.entropy.next_u64() as u16;
        port.send_to(&message::query(id, name), server).await?;
        for _ in 0..MAX_GUESSES {
            match either(port.receive_from(), port.undelivered()).await {
                Either::First(received) => {
                    let (bytes, from) = received?;
                    if from == server
                        && let Ok(answer) = message::read(&bytes, id, name)
                    {
                        return Ok(answer);
                    }
                }
                Either::Second(undelivered) => {
                    let (to, error) = undelivered?;
                    if to == server {
                        return Err(error.into());
                    }
                }
            }
        }
        Err(Error::TimedOut)
    }

    fn keep(
        &self,
        name: &Name,
        known: Result<Addresses, Error>,
        ttl: Duration,
    ) -> Result<Addresses, Error> {
        let now = self.env.clock.now();
        self.cache.borrow_mut().keep(now, name, &known, ttl);
        known
    }
}

/// The addresses of servers in a list with commas; `None` if that is not what it is.
fn servers(list: &str) -> Option<Vec<IpAddr>> {
    list.split(',')
        .map(|server| server.trim().parse().ok())
        .collect()
}
