//! The client's side: one request, and its response as it comes.

use alloc::vec::Vec;
use core::fmt::Write as _;

use heapless::String;
use packet::{Chunk, Instant, Transport};

use crate::body::{self, Body};
use crate::connection::Connection;
use crate::control::Control;
use crate::head::{Budget, Reader};
use crate::request::{Method, Version};
use crate::{Error, Fields, Limits, Refusal, Status, Url, grammar};

/// A response whose head has come.
pub struct Download<T> {
    connection: Connection<T>,
    status: Status,
    head: Vec<u8>,
    /// Where the header lines begin in the head.
    fields: usize,
    length: Option<u64>,
    body: Body,
}

/// Responses before the one that counts (RFC 9110, 15.2); more of them are an attack.
const MAX_INTERIM: usize = 8;
/// Room for a request line; a longer target is refused.
const REQUEST: usize = 4096;

/// Asks for `url` on a connection to its host, and waits for the head of the response. Not cancel
/// safe. How long it may wait is the transport's deadline, set by the caller.
///
/// # Errors
/// As the connection fails, or [`Error::Refused`] for a response that is malformed or beyond the
/// limits, in which the request line's limit is that of the status line; [`Error::Misused`] for a
/// URL of more than about 4,000 bytes.
pub async fn get<T: Transport>(
    transport: T,
    url: &Url<'_>,
    limits: &Limits,
) -> Result<Download<T>, Error<T::Error>> {
    let mut connection = Connection::new(transport);
    let mut request = String::<REQUEST>::new();
    write!(
        request,
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: parhelion\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        url.target(),
        url.authority
    )
    .map_err(|_| Error::Misused)?;
    connection.write(request.as_bytes()).await?;
    for _ in 0..=MAX_INTERIM {
        let head = read_head(&mut connection, limits).await?;
        let parsed = Parsed::of(&head, limits)?;
        // 101 would change the protocol, and we have not asked for that.
        if parsed.status.0 == 101 {
            return Err(Refusal::Framing.into());
        }
        if parsed.status.0 >= 200 {
            let Parsed {
                status,
                framing,
                fields,
            } = parsed;
            return Ok(Download {
                connection,
                status,
                fields,
                length: match framing {
                    body::Framing::Length(length) => Some(length),
                    body::Framing::Chunked | body::Framing::UntilClose => None,
                },
                body: Body::new(framing, limits.body),
                head,
            });
        }
    }
    Err(Refusal::Framing.into())
}

impl<T: Transport> Download<T> {
    /// How it went.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    /// How many bytes the body has, where the server said so.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The header lines.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(self.head.get(self.fields..).unwrap_or_default())
    }

    /// Makes every wait fail at `at`.
    pub fn deadline(&mut self, at: Option<Instant>) {
        self.connection.transport.deadline(at);
    }

    /// Takes the next bytes of the body, in the buffer that brought them; `None` at its end. Cancel
    /// safe.
    ///
    /// # Errors
    /// As the connection fails; [`Error::Refused`] for a body that is malformed, too long, or ends
    /// short of what was declared.
    pub async fn receive(&mut self) -> Result<Option<Chunk>, Error<T::Error>> {
        loop {
            if let Some(data) = self.body.take(&mut self.connection.unread)? {
                return Ok(Some(data));
            }
            if self.body.is_done() {
                return Ok(None);
            }
            match self.connection.fill(None).await {
                Err(Error::Refused(Refusal::Truncated)) if self.body.ends_with_connection() => {
                    return Ok(None);
                }
                filled => filled?,
            }
        }
    }
}

async fn read_head<T: Transport>(
    connection: &mut Connection<T>,
    limits: &Limits,
) -> Result<Vec<u8>, Error<T::Error>> {
    let budget = Budget::new(2 * limits.head);
    let mut reader = Reader::new(limits, &budget);
    loop {
        if let Some(head) = reader.push(&mut connection.unread)? {
            return Ok(head.to_vec());
        }
        connection.fill(None).await?;
    }
}

/// What a response's head says.
struct Parsed {
    status: Status,
    framing: body::Framing,
    fields: usize,
}

impl Parsed {
    fn of(head: &[u8], limits: &Limits) -> Result<Self, Refusal> {
        let (lines, line) = grammar::status_line(head).map_err(|_| Refusal::StartLine)?;
        Version::new(line.version)?;
        let status = Status(line.status);
        let (control, _) = Control::read(lines, limits)?;
        let framing = body::response_framing(&control, Method::Get, status)?;
        if matches!(framing, body::Framing::Length(length) if length > limits.body) {
            return Err(Refusal::BodyTooLarge);
        }
        Ok(Self {
            status,
            framing,
            fields: head.len() - lines.len(),
        })
    }
}
