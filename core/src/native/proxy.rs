//! Which proxy a request goes through, if any: the variables that curl and Go read, by the rules the two agree on.
//!
//! The HTTP client has rules of its own (`ALL_PROXY` before all others, `HTTP_PROXY` for https, no networks and no ports
//! in `NO_PROXY`, and straight past a variable it cannot read), so it is handed a finished answer.

use core::net::IpAddr;
use std::{env, format, string::String};

use ureq::{Proxy, ProxyProtocol, http::Uri};

/// A variable that cannot be used: its name, and why, without its value. A proxy's URL may hold a password.
pub(super) struct Unusable {
    pub(super) variable: &'static str,
    pub(super) why: String,
}

/// Returns the proxy that this process's environment names for a URL.
pub(super) fn from_environment(url: &Uri) -> Result<Option<Proxy>, Unusable> {
    find(url, |name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// Where a proxy for https is looked up. Lower case first, like curl; an empty variable is as good as none. `HTTP_PROXY`
/// is for plain http, which we speak to loopback only, and that is never asked through a proxy. (A CGI server sets
/// `HTTP_PROXY` from a header of a stranger's request: CVE-2016-5385.)
const PROXIES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

fn find(url: &Uri, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, Unusable> {
    let first = |names: &'static [&'static str]| {
        let set = |name: &'static str| Some((name, variable(name).filter(|value| !value.trim().is_empty())?));
        names.iter().copied().find_map(set)
    };
    let target = Target::of(url);
    if target.is_loopback() {
        return Ok(None);
    }
    let Some((name, value)) = first(&PROXIES) else { return Ok(None) };
    if first(&EXCEPTIONS).is_some_and(|(_, list)| target.is_excepted(&list)) {
        return Ok(None);
    }
    parse(value.trim()).map(Some).map_err(|why| Unusable { variable: name, why: why.into() })
}

/// Reads a proxy's URL. Without a scheme it is an http proxy, as everywhere.
fn parse(value: &str) -> Result<Proxy, &'static str> {
    let value = if value.contains("://") { value.into() } else { format!("http://{value}") };
    let proxy = Proxy::new(&value).map_err(|_| "not the URL of a proxy")?;
    // A port that is none passes as the default one.
    let authority = proxy.uri().authority().map(|authority| authority.as_str()).unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    let port = place.strip_prefix(proxy.host()).unwrap_or_default();
    let has_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    if proxy.host().is_empty() || !has_port {
        return Err("not the URL of a proxy");
    }
    let is_http = matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https);
    is_http.then_some(proxy).ok_or("a SOCKS proxy, which is not supported: name an http or https proxy")
}

/// Whom a request is for.
struct Target<'a> {
    host: &'a str,
    address: Option<IpAddr>,
    port: u16,
}

impl<'a> Target<'a> {
    fn of(url: &'a Uri) -> Self {
        let host = bare(url.host().unwrap_or_default());
        let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
        Self { host: host.strip_suffix('.').unwrap_or(host), address: host.parse().ok(), port }
    }

    fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost") || self.address.is_some_and(|address| address.is_loopback())
    }

    fn is_excepted(&self, list: &str) -> bool {
        list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| self.matches(entry))
    }

    /// Returns whether an entry of `NO_PROXY` means this host. One that cannot be understood means nobody.
    fn matches(&self, entry: &str) -> bool {
        if entry == "*" {
            return true;
        }
        if let Some((network, bits)) = entry.split_once('/') {
            let network = bare(network).parse::<IpAddr>().ok().zip(bits.parse().ok());
            return network
                .zip(self.address)
                .is_some_and(|((network, bits), address)| contains(network, bits, address));
        }
        let (host, port) = split_port(entry);
        if port.is_some_and(|port| port != self.port) {
            return false;
        }
        match (bare(host).parse::<IpAddr>(), self.address) {
            (Ok(address), Some(own)) => address == own,
            (Ok(_), None) | (Err(_), Some(_)) => false,
            (Err(_), None) => self.is_in(host.trim_start_matches('*').trim_start_matches('.')),
        }
    }

    /// Returns whether the host is a domain or one below it.
    fn is_in(&self, domain: &str) -> bool {
        let Some(start) = self.host.len().checked_sub(domain.len()) else { return false };
        let (above, tail) = (self.host.get(..start), self.host.get(start..));
        !domain.is_empty()
            && tail.is_some_and(|tail| tail.eq_ignore_ascii_case(domain))
            && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }
}

/// Returns whether an address is in a network. Those of two families never are.
fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            bits <= 32 && (network.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or_default() == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            bits <= 128 && (network.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or_default() == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Splits a port off: `host:443`, `[::1]:443`, and not `::1`.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((host, port)) = entry.rsplit_once(':')
        && (host.ends_with(']') || !host.contains(':'))
        && let Ok(port) = port.parse()
    {
        return (host, Some(port));
    }
    (entry, None)
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the proxy's host and port, or the variable that is at fault.
    fn found(url: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| String::from(*value));
        let proxy = find(&url.parse().unwrap(), variable);
        let shown = |proxy: Proxy| format!("{}:{}", proxy.host(), proxy.port());
        proxy.map(|proxy| proxy.map(shown)).map_err(|unusable| format!("{}: {}", unusable.variable, unusable.why))
    }

    fn is_proxied(url: &str, no_proxy: &str) -> bool {
        found(url, &[("HTTPS_PROXY", "http://proxy.test:3128"), ("NO_PROXY", no_proxy)]).unwrap().is_some()
    }

    #[test]
    fn https_has_its_own_variable_and_then_the_one_for_all() {
        let all = ("ALL_PROXY", "http://all.test:1");
        let upper = ("HTTPS_PROXY", "http://upper.test:2");
        let lower = ("https_proxy", "http://lower.test:3");
        let http = ("HTTP_PROXY", "http://http.test:4");

        for (variables, expected) in [
            (&[][..], None),
            (&[http], None),
            (&[http, all], Some("all.test:1")),
            (&[all, upper], Some("upper.test:2")),
            (&[all, upper, lower], Some("lower.test:3")),
            (&[("https_proxy", ""), upper], Some("upper.test:2")),
            (&[("HTTPS_PROXY", "bare.test:5")], Some("bare.test:5")),
            (&[("HTTPS_PROXY", "https://tls.test")], Some("tls.test:443")),
        ] {
            assert_eq!(found("https://id.test/token", variables), Ok(expected.map(Into::into)), "{variables:?}");
        }
    }

    #[test]
    fn loopback_is_never_proxied() {
        for url in ["http://localhost:1/", "https://127.0.0.1/", "https://127.9.9.9/", "https://[::1]:1/"] {
            assert_eq!(found(url, &[("ALL_PROXY", "http://proxy.test:1")]), Ok(None), "{url}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_understood_is_named_without_its_password() {
        for (value, why) in [
            ("http://user:secret-1@", "not the URL of a proxy"),
            ("ftp://user:secret-1@proxy.test", "not the URL of a proxy"),
            ("http://user:secret-1@proxy.test:port", "not the URL of a proxy"),
            ("socks5://user:secret-1@proxy.test", "a SOCKS proxy, which is not supported: name an http or https proxy"),
        ] {
            let fault = found("https://id.test/", &[("HTTPS_PROXY", value), ("ALL_PROXY", "http://all.test")]);

            assert_eq!(fault, Err(format!("HTTPS_PROXY: {why}")), "{value}");
        }
    }

    #[test]
    fn name_and_password_are_for_the_proxy() {
        let proxy = parse("http://user:p%40ss@proxy.test:3128").ok().unwrap();

        assert_eq!((proxy.username(), proxy.password()), (Some("user"), Some("p@ss")));
    }

    #[test]
    fn no_proxy_names_domains_with_all_below_them() {
        for entry in ["id.test", "ID.test", ".id.test", "*.id.test", "test", "*", "a.test, id.test", "a.test id.test"] {
            assert!(!is_proxied("https://id.test/", entry), "{entry}");
            assert!(!is_proxied("https://login.id.test/", entry), "{entry}");
        }
        for entry in ["", "d.test", "login.id.test", "id.test.example", "http://id.test", "id.*"] {
            assert!(is_proxied("https://id.test/", entry), "{entry}");
        }
    }

    #[test]
    fn no_proxy_names_ports() {
        assert!(!is_proxied("https://id.test/", "id.test:443"));
        assert!(!is_proxied("https://id.test:8443/", "id.test:8443"));
        assert!(!is_proxied("https://[fd00::1]:8443/", "[fd00::1]:8443"));
        assert!(is_proxied("https://id.test/", "id.test:8443"));
        assert!(is_proxied("https://[fd00::1]/", "[fd00::1]:8443"));
    }

    #[test]
    fn no_proxy_names_addresses_and_networks() {
        for entry in ["10.1.2.3", "10.0.0.0/8", "10.1.2.3/32", "0.0.0.0/0", "x,10.1.2.0/23"] {
            assert!(!is_proxied("https://10.1.2.3/", entry), "{entry}");
        }
        for entry in ["10.1.2.4", "10.1.2.4/32", "10.2.0.0/16", "10.0.0.0/33", "10.0.0.0/x", "::/0", "3", "2.3"] {
            assert!(is_proxied("https://10.1.2.3/", entry), "{entry}");
        }
        for entry in ["fd00::1", "[fd00::1]", "fd00::/8", "fd00::1/128", "::/0"] {
            assert!(!is_proxied("https://[fd00::1]/", entry), "{entry}");
        }
        assert!(is_proxied("https://[fd00::1]/", "fc00::/8"));
        // A name is not looked up for this: nobody asks a resolver that a proxy may stand in for.
        assert!(is_proxied("https://id.test/", "0.0.0.0/0"));
    }
}
