//! How much may be in flight (RFC 5681). The answer to losses is `recovery`'s to call for.

mod reno;

pub(crate) use reno::Reno;
