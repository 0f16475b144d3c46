//! The setting `ip`: `dhcp`, which is the default, or `10.0.0.2/24,gw=10.0.0.1`.

use alloc::format;
use alloc::string::{String, ToString};
use core::net::Ipv4Addr;

use stack::{Cidr, Config};

/// What a host is told of its address by this text.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub(crate) fn config(text: &str) -> Result<Config, String> {
    if text == "dhcp" {
        return Ok(Config::dhcp());
    }
    let wrong =
        |why: &str| format!("ip={text}: {why}: write ip=ADDRESS/LENGTH[,gw=ADDRESS], or ip=dhcp");
    let mut parts = text.split(',');
    let ours: Cidr = parts
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|error: stack::ParseCidrError| wrong(&error.to_string()))?;
    if !ours.is_host() {
        return Err(wrong("this is not the address of one host on a link"));
    }
    let mut config = Config::new(ours);
    for part in parts {
        let gateway = part
            .strip_prefix("gw=")
            .ok_or_else(|| wrong("what is behind the comma?"))?;
        let gateway: Ipv4Addr = gateway.parse().map_err(|_| wrong("gw is no address"))?;
        if gateway == ours.address() || ours.is_group(gateway) || !ours.contains(gateway) {
            return Err(wrong("gw is none of our neighbours"));
        }
        config.gateway = Some(gateway);
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_and_without_a_gateway() {
        let plain = config("10.0.0.2/24").unwrap();
        assert_eq!(plain.address.unwrap().to_string(), "10.0.0.2/24");
        assert_eq!(plain.gateway, None);
        let gateway = config("10.0.0.2/24,gw=10.0.0.1").unwrap().gateway;
        assert_eq!(gateway, Some(Ipv4Addr::new(10, 0, 0, 1)));
        assert!(config("dhcp").unwrap().address.is_none());
    }

    #[test]
    fn mistakes_are_told() {
        for text in [
            "",
            "10.0.0.2",
            "10.0.0.2/33",
            "10.0.0.0/24",
            "127.0.0.1/8",
            "10.0.0.2/24,",
            "10.0.0.2/24,10.0.0.1",
            "10.0.0.2/24,gw=",
            "10.0.0.2/24,gw=10.0.1.1",
            "10.0.0.2/24,gw=10.0.0.2",
            "10.0.0.2/24,gw=10.0.0.255",
        ] {
            let why = config(text).unwrap_err();
            assert!(why.starts_with(&format!("ip={text}: ")), "{why}");
        }
    }
}
