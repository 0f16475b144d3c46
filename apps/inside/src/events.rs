//! What the page shows, once a second: server-sent events, each of one line of JSON.
//!
//! All viewers look at whole seconds, so one look serves them all. Whoever takes too long to get an event
//! is let go rather than waited for: a browser comes back by itself.

use alloc::rc::Rc;
use alloc::string::String;
use core::fmt::{self, Write as _};
use core::time::Duration;

use http::{Error, Exchange, Response, Status};
use packet::{Instant, Transport};
use runtime::Connection;

use crate::Inside;

/// The most connections that are shown; there may be many thousands.
const ROWS: usize = 64;

/// How long a viewer may take to get an event.
const PATIENCE: Duration = Duration::from_secs(5);

impl Inside {
    /// Sends events until the viewer or the program goes.
    pub(crate) async fn watch<T: Transport>(
        &self,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let Some(_seat) = self.sit() else {
            return exchange.reply_status(Status::SERVICE_UNAVAILABLE).await;
        };
        let response = Response::new(Status::OK).content_type("text/event-stream");
        exchange.respond(response).await?;
        while exchange.wants_body() {
            let second = self.env.clock.now().as_millis() / 1000;
            let sample = self.sample(second);
            exchange.write(sample.as_bytes()).await?;
            let taken = self.env.timeout(PATIENCE, exchange.delivered()).await;
            taken.map_err(|_| Error::Aborted)??;
            // A slow one has missed some.
            let now = self.env.clock.now().as_millis() / 1000;
            let next = self.env.sleep_until(Instant::from_millis((now + 1) * 1000));
            if self.env.until_shutdown(next).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// What is shown in this second, the same for all.
    fn sample(&self, second: u64) -> Rc<str> {
        let mut sample = self.sample.borrow_mut();
        if sample.0 != Some(second) {
            let mut event = String::new();
            // Writing to a string does not fail.
            let _ = self.write_event(&mut event);
            *sample = (Some(second), event.into());
        }
        Rc::clone(&sample.1)
    }

    fn write_event(&self, event: &mut String) -> fmt::Result {
        let millis = self.env.clock.unix_time().as_millis();
        let place = self.env.config.text("place").unwrap_or("Parhelion");
        write!(event, "data: {{\"at\":{millis},\"place\":{}", Json(place))?;
        event.push_str(",\"numbers\":[");
        let mut separator = "";
        self.numbers(&mut |number| {
            let label = number.label.map_or("", |(_, which)| which);
            let (name, value) = (Json(number.name), number.value);
            let _ = write!(event, "{separator}[{name},{},{value}]", Json(label));
            separator = ",";
        });
        event.push_str("],\"connections\":[");
        let mut rows = 0;
        self.env.inspect.connections(&mut |connection| {
            if rows > 0 {
                event.push(',');
            }
            let _ = write_row(event, connection);
            rows += 1;
            rows < ROWS
        });
        event.push_str("]}\n\n");
        Ok(())
    }
}

/// In the order of the page's columns: times in microseconds, all else as it is; `null` where nobody
/// knows.
fn write_row(event: &mut String, connection: &Connection) -> fmt::Result {
    let Connection {
        local,
        remote,
        state,
        ..
    } = connection;
    write!(event, "[\"{local}\",\"{remote}\",{}", Json(state))?;
    for value in [
        connection.srtt.map(|srtt| srtt.as_micros() as u64),
        Some(connection.rto.as_micros() as u64),
        Some(connection.cwnd),
        Some(connection.in_flight),
        Some(connection.resent),
        connection.send_window,
        connection.receive_window,
        connection.queued,
        connection.unread,
    ] {
        match value {
            Some(value) => write!(event, ",{value}")?,
            None => event.push_str(",null"),
        }
    }
    event.push(']');
    Ok(())
}

/// Text as JSON has it (RFC 8259, 7).
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                '\0'..='\x1f' => write!(f, "\\u{:04x}", u32::from(character))?,
                _ => f.write_char(character)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn text_stays_text() {
        let text = Json("a \"b\" \\ c\nd \u{7}\u{e9}").to_string();
        assert_eq!(text, "\"a \\\"b\\\" \\\\ c\\u000ad \\u0007\u{e9}\"");
    }
}
