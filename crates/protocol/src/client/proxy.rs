//! Proxies, as the environment names them.

/// The variables that are looked at, `NO_PROXY` left aside.
const VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// Which proxies are set, without their passwords; empty if none is.
pub(super) fn note() -> String {
    let set = VARIABLES.iter().filter_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some(format!("{name}={}", redact(&value)))
    });
    let set: Vec<String> = set.collect();
    if set.is_empty() {
        String::new()
    } else {
        format!(" (a proxy is set: {})", crate::text::printable(&set.join(", "), 300))
    }
}

/// Whether a proxy is spoken to in TLS, so that certificates are needed whatever the distributor's address is.
pub(super) fn is_encrypted() -> bool {
    VARIABLES.iter().any(|name| std::env::var(name).is_ok_and(|value| value.starts_with("https:")))
}

/// A text without names and passwords in addresses.
pub(super) fn redact(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    // An address may be given without its scheme.
    if !text.contains("://")
        && let Some((_, host)) = text.rsplit_once('@')
    {
        return format!("…@{host}");
    }
    while let Some(begin) = rest.find("://").map(|at| at + 3) {
        let (head, tail) = rest.split_at(begin);
        out.push_str(head);
        let end = tail
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | ')' | ',' | '"' | '`'))
            .unwrap_or(tail.len());
        let (authority, after) = tail.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                out.push_str("…@");
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_do_not_show() {
        for (text, shown) in [
            ("http://me:secret@proxy:3128", "http://…@proxy:3128"),
            ("socks5h://me:se@cret@proxy:1080/", "socks5h://…@proxy:1080/"),
            ("me:secret@proxy:3128", "…@proxy:3128"),
            ("cannot reach http://a:b@c/d and http://e/f", "cannot reach http://…@c/d and http://e/f"),
            ("proxy:3128", "proxy:3128"),
            ("connection refused", "connection refused"),
        ] {
            assert_eq!(redact(text), shown);
        }
    }
}
