//! A network device as the xenstore has it: a folder of ours, and one of the back end's.
//!
//! The texts are the toolstack's and the back end's. Numbers and addresses are read strictly; what is
//! neither counts as not there.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::ops::RangeInclusive;

use log::debug;
use xen::{DomainId, Store, StoreError, Watch};

use crate::dance::Stage;
use crate::rings::{BackEnd, Names, OpenError};

/// Where the devices are.
pub(crate) const DEVICES: &str = "device/vif";

/// Where the toolstack does not say.
const MTU: u16 = 1500;

/// What every host takes (RFC 791, 3.2), up to what the longest frame has room for.
const MTUS: RangeInclusive<u32> = 68..=65_535 - 18;

/// Keys of others that had the device before us, such as a boot loader, which must not stay.
const FOREIGN_KEYS: [&str; 8] = [
    "multi-queue-num-queues",
    "event-channel",
    "event-channel-tx",
    "event-channel-rx",
    "feature-no-csum-offload",
    "feature-ipv6-csum-offload",
    "feature-gso-tcpv6",
    "feature-gso-tcpv4-prefix",
];

/// What one side is doing (`xenbus.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Initialising = 1,
    InitWait = 2,
    Initialised = 3,
    Connected = 4,
    Closing = 5,
    Closed = 6,
}

/// A device that we have, or may have soon.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) number: u32,
    /// The back end's folder, and its domain.
    back: String,
    domain: DomainId,
    pub(crate) mac: [u8; 6],
    pub(crate) mtu: u16,
    /// Tells when the back end's state changes.
    pub(crate) watch: Watch,
    pub(crate) stage: Stage,
}

/// Why a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    Store(StoreError),
    /// This text is missing, or is not what it should be.
    Text(&'static str),
    /// The back end does not copy what it brings, as they all have done for many years.
    NoCopy,
    Open(OpenError),
}

impl State {
    pub(crate) fn of(number: u32) -> Option<Self> {
        let all = [
            Self::Initialising,
            Self::InitWait,
            Self::Initialised,
            Self::Connected,
            Self::Closing,
            Self::Closed,
        ];
        all.into_iter().find(|state| *state as u32 == number)
    }
}

/// The first device of which our side is in a state that counts, and that state.
pub(crate) fn find(
    store: &mut Store,
    counts: impl Fn(Option<State>) -> bool,
) -> Result<Option<(u32, Option<State>)>, StoreError> {
    let names = store.list(DEVICES)?;
    let mut first = None;
    for number in names.iter().filter_map(|name| name.parse().ok()) {
        let state = store.number(&format!("{DEVICES}/{number}/state"))?;
        let state = state.and_then(State::of);
        if counts(state) && first.is_none_or(|(other, _)| number < other) {
            first = Some((number, state));
        }
    }
    Ok(first)
}

impl Device {
    /// Reads what the toolstack says of a device, and begins to watch its back end.
    pub(crate) fn open(store: &mut Store, number: u32) -> Result<Self, Unusable> {
        let key = |name| format!("{DEVICES}/{number}/{name}");
        let back = store.find(&key("backend"))?;
        let back = back.ok_or(Unusable::Text("backend"))?;
        let domain = store.number(&key("backend-id"))?;
        let domain = domain.and_then(|id| u16::try_from(id).ok());
        let mac = store.find(&key("mac"))?;
        let mac = mac.as_deref().and_then(mac_address);
        let mtu = store.number(&key("mtu"))?;
        let mtu = mtu.filter(|mtu| MTUS.contains(mtu));
        Ok(Self {
            number,
            domain: DomainId(domain.ok_or(Unusable::Text("backend-id"))?),
            mac: mac.ok_or(Unusable::Text("mac"))?,
            mtu: mtu.map_or(MTU, |mtu| mtu as u16),
            watch: store.watch(&format!("{back}/state"))?,
            back,
            stage: Stage::Waiting,
        })
    }

    /// What the back end is doing; `None` if there is none any more.
    pub(crate) fn back_state(&self, store: &mut Store) -> Result<Option<State>, StoreError> {
        let state = store.number(&format!("{}/state", self.back))?;
        Ok(state.and_then(State::of))
    }

    /// Says what we are doing, if it is not said already and the device is still there: a folder that
    /// the toolstack has removed is not made anew. If it cannot be said, the toolstack waits in vain,
    /// and gives up.
    pub(crate) fn say(&self, store: &mut Store, state: State) {
        let (key, state) = (self.key("state"), state as u32);
        let said = match store.find(&key) {
            Ok(Some(text)) if text.parse() != Ok(state) => {
                store.write(&key, format_args!("{state}"))
            }
            there => there.map(drop),
        };
        if let Err(error) = said {
            debug!("vif {}: {error}", self.number);
        }
    }

    /// Whether the toolstack has not removed it.
    pub(crate) fn is_there(&self, store: &mut Store) -> Result<bool, StoreError> {
        Ok(store.find(&self.key("state"))?.is_some())
    }

    /// Lets go of its watch.
    pub(crate) fn forget(self, store: &mut Store) {
        if let Err(error) = store.unwatch(self.watch) {
            debug!("vif {}: {error}", self.number);
        }
    }

    /// What the back end can do.
    pub(crate) fn back_end(&self, store: &mut Store) -> Result<BackEnd, Unusable> {
        let mut has = |feature| {
            let value = store.number(&format!("{}/feature-{feature}", self.back))?;
            Ok::<bool, StoreError>(value == Some(1))
        };
        if !has("rx-copy")? {
            return Err(Unusable::NoCopy);
        }
        let gathers = has("sg")?;
        let sums = !has("no-csum-offload")?;
        Ok(BackEnd {
            domain: self.domain,
            gathers,
            sums,
            // Each segment needs a checksum, and a super-frame many slots.
            cuts: gathers && sums && has("gso-tcpv4")?,
            splits: has("split-event-channels")?,
        })
    }

    /// Tells the back end where the rings are and what we take, and that it may begin. What we take
    /// is the same each time: a back end may have kept what it heard first.
    pub(crate) fn publish(&self, store: &mut Store, names: &Names) -> Result<(), StoreError> {
        store.transaction(|all| {
            let mut write = |name, value: u32| all.write(&self.key(name), format_args!("{value}"));
            write("tx-ring-ref", names.tx_ring)?;
            write("rx-ring-ref", names.rx_ring)?;
            if names.bells.is_split() {
                write("event-channel-tx", names.bells.tx.0)?;
                write("event-channel-rx", names.bells.rx.0)?;
            } else {
                write("event-channel", names.bells.rx.0)?;
            }
            for feature in [
                "request-rx-copy",
                "feature-rx-notify",
                "feature-sg",
                "feature-gso-tcpv4",
            ] {
                write(feature, 1)?;
            }
            write("state", State::Connected as u32)
        })
    }

    /// Removes what others have published before us.
    pub(crate) fn clean(&self, store: &mut Store) -> Result<(), StoreError> {
        let mut keys = FOREIGN_KEYS.into_iter();
        keys.try_for_each(|name| store.remove(&self.key(name)))
    }

    /// The path of a key in our folder.
    fn key(&self, name: &str) -> String {
        format!("{DEVICES}/{}/{name}", self.number)
    }
}

/// `00:16:3e:01:02:03`: of one device, not of a group, and not all zeros.
fn mac_address(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut octets = text.split(':');
    for octet in &mut mac {
        let digits = octets.next().filter(|digits| digits.len() == 2)?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        *octet = u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    }
    let is_whole = octets.next().is_none();
    (is_whole && mac[0] & 1 == 0 && mac != [0; 6]).then_some(mac)
}

impl From<StoreError> for Unusable {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Text(name) => {
                write!(f, "\"{name}\" in the xenstore is missing or makes no sense")
            }
            Self::NoCopy => f.write_str("its back end does not copy (feature-rx-copy)"),
            Self::Open(error) => error.fmt(f),
        }
    }
}
