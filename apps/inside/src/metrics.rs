//! Numbers as text for Prometheus (its exposition format, version 0.0.4).

use alloc::string::String;
use core::fmt::Write as _;

use runtime::Number;

/// The media type of the text.
pub(crate) const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every name begins so.
const PREFIX: &str = "parhelion_";

/// The text of the numbers that `numbers` shows: those with one name one after the other.
pub(crate) fn text(numbers: impl FnOnce(&mut dyn FnMut(Number))) -> String {
    let mut text = String::new();
    let mut last = "";
    numbers(&mut |number| {
        // Writing to a string does not fail.
        let _ = write(
            &mut text,
            &number,
            core::mem::replace(&mut last, number.name),
        );
    });
    text
}

fn write(text: &mut String, number: &Number, last: &str) -> core::fmt::Result {
    let Number {
        name, help, value, ..
    } = number;
    if *name != last {
        let kind = if number.is_counter() {
            "counter"
        } else {
            "gauge"
        };
        writeln!(text, "# HELP {PREFIX}{name} {help}")?;
        writeln!(text, "# TYPE {PREFIX}{name} {kind}")?;
    }
    match number.label {
        None => writeln!(text, "{PREFIX}{name} {value}"),
        Some((label, which)) => writeln!(text, "{PREFIX}{name}{{{label}=\"{which}\"}} {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_explained_once() {
        let text = text(|show| {
            show(Number::new("up_seconds", "How long.", 7));
            let drops = Number::new("drops_total", "Thrown away.", 1);
            show(drops.labelled("reason", "checksum"));
            show(drops.labelled("reason", "no_port"));
        });
        assert_eq!(
            text,
            "# HELP parhelion_up_seconds How long.\n\
             # TYPE parhelion_up_seconds gauge\n\
             parhelion_up_seconds 7\n\
             # HELP parhelion_drops_total Thrown away.\n\
             # TYPE parhelion_drops_total counter\n\
             parhelion_drops_total{reason=\"checksum\"} 1\n\
             parhelion_drops_total{reason=\"no_port\"} 1\n"
        );
    }
}
