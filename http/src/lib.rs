//! HTTP/1.1: RFC 9112 (messages) and what a server needs of RFC 9110 (semantics).
//!
//! An application implements [`Handler`] and gives each connection to [`Server::serve`]. A request
//! is parsed in the buffer that brought it; a response's head is copied once, its body never. The
//! rules themselves (grammar, framing, conditions, ranges, dates, paths) are plain functions over
//! bytes, and know no connection. [`client`] is the other side.
//!
//! Strict: what the RFCs allow a recipient to forgive is refused where it could be read in two ways.
//!
//! Not here: TLS, HTTP/2, compressing (what is compressed already is chosen), several ranges in one response (answered whole, as
//! RFC 9110, 14.2 allows), caching, CONNECT, Upgrade.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod body;
mod chunked;
pub mod client;
mod coding;
mod conditions;
mod connection;
mod control;
mod date;
mod exchange;
mod fields;
mod grammar;
mod head;
mod limits;
pub mod media;
mod path;
mod range;
mod request;
mod response;
mod serve;
mod status;
mod url;

pub use coding::choose as choose_coding;
pub use conditions::{Etag, Precondition, Validators};
pub use date::Date;
pub use exchange::Exchange;
pub use fields::Fields;
pub use limits::Limits;
pub use path::FilePath;
pub use range::Selection;
pub use request::{Method, Request, Version};
pub use response::Response;
pub use serve::{Answered, Handler, Server};
pub use status::{Error, Refusal, Status};
pub use url::{BadUrl, Url};
