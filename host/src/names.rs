//! What this machine knows of names: who to ask (resolv.conf(5)), and what is in its own list (hosts(5)).

use core::net::IpAddr;
use std::fs;

/// The most that is read of either file: lists of hosts that are to be out of reach have some MiB.
const MOST: u64 = 16 << 20;

/// The name servers of this machine; none where it names none.
pub(crate) fn servers() -> Vec<IpAddr> {
    servers_in(&text_of("/etc/resolv.conf"))
}

/// The addresses that this machine's own list has for `name`.
pub(crate) fn listed(name: &str) -> Vec<IpAddr> {
    listed_in(&text_of("/etc/hosts"), name)
}

/// A file that cannot be read says nothing.
fn text_of(path: &str) -> String {
    let is_small = fs::metadata(path).is_ok_and(|metadata| metadata.len() <= MOST);
    let bytes = if is_small { fs::read(path).ok() } else { None };
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

fn servers_in(text: &str) -> Vec<IpAddr> {
    lines(text)
        .filter_map(|mut words| match words.next() {
            Some("nameserver") => words.next()?.parse().ok(),
            _ => None,
        })
        .collect()
}

fn listed_in(text: &str, name: &str) -> Vec<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    lines(text)
        .filter_map(|mut words| {
            let address = words.next()?.parse().ok()?;
            words
                .any(|word| word.eq_ignore_ascii_case(name))
                .then_some(address)
        })
        .collect()
}

/// The words of each line, without comments.
fn lines(text: &str) -> impl Iterator<Item = core::str::SplitWhitespace<'_>> {
    text.lines()
        .map(|line| line.split(['#', ';']).next().unwrap_or_default())
        .map(str::split_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read() {
        let text = "; made by hand\n# nameserver 9.9.9.9\nsearch example.org\n\
                    nameserver 192.0.2.53\n\tnameserver  2001:db8::53 # the other\n\
                    nameserver\nnameserver fe80::1%eth0\nnameservers 192.0.2.9\n";
        let servers: [IpAddr; 2] = [
            "192.0.2.53".parse().unwrap(),
            "2001:db8::53".parse().unwrap(),
        ];
        assert_eq!(servers_in(text), servers);
        assert!(servers_in("").is_empty());
    }

    #[test]
    fn the_machines_own_names_are_read() {
        let text = "127.0.0.1 localhost\n::1\tlocalhost ip6-localhost\n\
                    192.0.2.7 web.example web # web2\n192.0.2.8 other Web\n";
        let addresses = |name: &str| -> Vec<String> {
            let listed = listed_in(text, name);
            listed.iter().map(ToString::to_string).collect()
        };
        assert_eq!(addresses("LOCALHOST."), ["127.0.0.1", "::1"]);
        assert_eq!(addresses("web"), ["192.0.2.7", "192.0.2.8"]);
        assert!(addresses("web2").is_empty());
        assert!(addresses("192.0.2.7").is_empty());
    }
}
