//! What is wrong with a certificate, where it was looked for, and what to do.

use crate::text::printable;
use rustls::CertificateError;
use std::error::Error;
use std::path::Path;

/// Names the file of trusted certificates, in place of the system's.
const FILE: &str = "SSL_CERT_FILE";

/// Names folders of them.
const FOLDER: &str = "SSL_CERT_DIR";

/// What to do about a certificate, if that is what an error is about.
pub(super) fn certificate(error: &(dyn Error + 'static)) -> Option<String> {
    let rustls::Error::InvalidCertificate(error) = find(error)? else { return None };
    Some(explain(error))
}

/// The error of the TLS library in a chain of errors.
fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An I/O error does not count what it wraps as its source.
        let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

fn explain(error: &CertificateError) -> String {
    use CertificateError as E;
    let clock = "by this machine's clock; look whether the clock is right";
    match error {
        E::UnknownIssuer => format!(
            "its certificate is not signed by an authority that this machine trusts ({}). If it is the distributor's own, put the \
             certificate of its authority into a file and name that with {FILE}",
            trusted()
        ),
        E::Expired => format!("its certificate has expired {clock}, or tell the operator"),
        E::ExpiredContext { time, not_after } => {
            let past = time.as_secs().saturating_sub(not_after.as_secs());
            format!("its certificate expired {} ago {clock}, or tell the operator", days(past))
        }
        E::NotValidYet => format!("its certificate is not valid yet {clock}"),
        E::NotValidYetContext { time, not_before } => {
            let ahead = not_before.as_secs().saturating_sub(time.as_secs());
            format!("its certificate is valid only in {} {clock}", days(ahead))
        }
        E::NotValidForName => "its certificate is for another host name; look whether the address is right".to_owned(),
        E::NotValidForNameContext { expected, presented } => {
            let names: Vec<String> = presented.iter().take(8).map(|name| printable(name, 100)).collect();
            let names = if names.is_empty() { "no host at all".to_owned() } else { names.join(", ") };
            format!(
                "its certificate is for {names}, not for {}; look whether the address is right",
                printable(&expected.to_str(), 255)
            )
        }
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => NO_SERVER.to_owned(),
        E::Other(other) if format!("{other:?}").contains("EkuError") => NO_SERVER.to_owned(),
        E::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => format!(
            "its certificate is one of an authority, not of a server. Its operator has to make a server's certificate, signed by \
             that authority; the authority's own belongs into the file that {FILE} names ({})",
            trusted()
        ),
        E::Revoked => "its certificate was revoked; tell the operator".to_owned(),
        E::BadSignature => "the signature of its certificate does not hold: somebody may be in between".to_owned(),
        other => format!("its certificate is not accepted: {}", printable(&format!("{other:?}"), 200)),
    }
}

/// What is wrong with a certificate for another purpose.
const NO_SERVER: &str = "its certificate is not made for a server; its operator needs one for the purpose `serverAuth`";

fn days(seconds: u64) -> String {
    match seconds {
        0..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Which certificates are trusted, and whether they can be read.
fn trusted() -> String {
    match (std::env::var_os(FILE), std::env::var_os(FOLDER)) {
        (None, None) => "it trusts the system's certificates".to_owned(),
        (file, folder) => {
            let place = |name: &str, value: Option<std::ffi::OsString>| {
                value.map(|value| format!("{name}={}{}", Path::new(&value).display(), state(Path::new(&value))))
            };
            let places: Vec<String> = [place(FILE, file), place(FOLDER, folder)].into_iter().flatten().collect();
            format!("it trusts those of {}", places.join(" and "))
        }
    }
}

fn state(path: &Path) -> String {
    let problem = if path.is_dir() {
        std::fs::read_dir(path).err().map(|error| error.to_string())
    } else {
        match std::fs::read(path) {
            Err(error) => Some(error.to_string()),
            Ok(bytes) if !bytes.windows(11).any(|part| part == b"-----BEGIN ") => {
                Some("it has no certificate".to_owned())
            }
            Ok(_) => None,
        }
    };
    problem.map_or_else(String::new, |problem| format!(", which does not work: {problem}"))
}

/// Why no certificates are trusted at all.
pub(super) fn no_roots() -> String {
    if std::env::var_os(FILE).is_some() || std::env::var_os(FOLDER).is_some() {
        return format!(
            "there is no certificate to trust ({}). Name a file with certificates in PEM form, or unset the variable to use the \
             system's",
            trusted()
        );
    }
    format!(
        "this system has no certificates of authorities. Install its package `ca-certificates`, or name a file in PEM form with {FILE}"
    )
}
