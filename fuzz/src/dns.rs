//! Answers to a question for an address.

use dns::{Answer, MAX_ADDRESSES, Name, NotAnAnswer, query, read};
use packet::Duration;

use crate::input::Input;

pub(crate) const NAME: &str = "www.example.org";
pub(crate) const ID: u16 = 0x1234;

/// The most that an answer may say of its time.
const DAY: Duration = Duration::from_secs(86_400);

/// Reads an answer. The first byte tells whether the bytes are all of it (0), or what follows the
/// question, behind the header's flags and counts.
pub fn dns(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let Ok(name) = NAME.parse::<Name>() else {
        unreachable!("a host's name");
    };
    let message = match input.byte() {
        0 => input.rest().to_vec(),
        _ => {
            let mut message = query(ID, &name).to_vec();
            for at in [2, 3, 6, 7, 8, 9] {
                message[at] = input.byte();
            }
            message.extend(input.rest());
            message
        }
    };
    let answer = read(&message, ID, &name);
    assert_eq!(read(&message, ID, &name), answer);
    if answer.is_ok() {
        assert_eq!(message[..2], ID.to_be_bytes());
        assert_eq!(message[2] >> 7, 1, "a question is no answer");
        assert_eq!(read(&message, !ID, &name), Err(NotAnAnswer));
    }
    match answer {
        Ok(Answer::Addresses(addresses, ttl)) => {
            assert!((1..=MAX_ADDRESSES).contains(&addresses.0.len()) && ttl <= DAY);
            for address in addresses.0 {
                let is_there = message.windows(4).any(|four| four == address.octets());
                assert!(is_there, "{address} is made up");
            }
        }
        Ok(Answer::NoSuchName(ttl) | Answer::NoAddress(ttl)) => assert!(ttl <= DAY),
        Ok(Answer::Truncated | Answer::Failed) | Err(NotAnAnswer) => {}
    }
}
