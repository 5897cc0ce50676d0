//! Distributors behind TLS: what is wrong with a certificate, and what to do, is said in words.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

mod common;

use common::Machine;
use common::server::{Response, converse};
use protocol::ProjectList;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::net::TcpListener;
use std::process::Output;
use std::sync::Arc;

/// An authority of one's own, and the parameters to make servers' certificates.
struct Authority {
    certificate: Certificate,
    key: KeyPair,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(host: &str) -> Self {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("authority of {host}"));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let copy = KeyPair::try_from(key.serialize_der()).expect("a key");
        Self { certificate, key, issuer: Issuer::new(params, copy) }
    }

    /// A server at `localhost` with a certificate that `change` may spoil. Gives its address.
    fn serve(&self, host: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut params = CertificateParams::new(vec![host.to_owned()]).expect("parameters");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        serve(certificate.der().clone(), &key)
    }
}

fn serve(certificate: CertificateDer<'static>, key: &KeyPair) -> String {
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate for the key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let stream = std::cell::RefCell::new(StreamOwned::new(connection, stream));
            let empty = |_: &_| Response::json(&ProjectList::default());
            converse(Half(&stream), &mut Half(&stream), &empty);
            stream.borrow_mut().conn.send_close_notify();
            let _ = std::io::Write::flush(&mut *stream.borrow_mut());
        }
    });
    format!("https://localhost:{port}")
}

/// One side of a stream whose two sides are one.
struct Half<'a, S>(&'a std::cell::RefCell<S>);

impl<S: std::io::Read> std::io::Read for Half<'_, S> {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().read(bytes)
    }
}

impl<S: std::io::Write> std::io::Write for Half<'_, S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

fn status(machine: &Machine, address: &str, file: &str) -> (Output, String) {
    let mut command = machine.command(&["status", "--retries", "0", "--distributor", address]);
    let output = command.env("SSL_CERT_FILE", machine.path(file)).output().expect("a run");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn certificates_say_what_is_wrong_and_what_to_do() {
    let (machine, authority, other) = (Machine::new(), Authority::new("localhost"), Authority::new("elsewhere"));
    machine.write("ca.pem", &authority.certificate.pem());
    machine.write("other.pem", &other.certificate.pem());
    machine.write("empty.pem", "");
    let good = authority.serve("localhost", |_| {});
    let (output, said) = status(&machine, &good, "ca.pem");
    assert!(output.status.success(), "{said}");

    let authority_itself = serve(authority.certificate.der().clone(), &authority.key);
    let expired = authority.serve("localhost", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = authority.serve("localhost", |params| params.not_before = date_time_ymd(2090, 1, 1));
    let wrong = authority.serve("grid.example.org", |_| {});
    let client = authority.serve("localhost", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    for (address, file, code, words) in [
        (
            &good,
            "other.pem",
            3,
            &["not signed by an authority that this machine trusts", "other.pem", "SSL_CERT_FILE"][..],
        ),
        (&good, "missing.pem", 1, &["there is no certificate to trust", "missing.pem", "No such file"]),
        (&good, "empty.pem", 1, &["there is no certificate to trust", "empty.pem", "it has no certificate"]),
        (
            &authority_itself,
            "ca.pem",
            3,
            &["is one of an authority, not of a server", "make a server's certificate", "ca.pem"],
        ),
        (&expired, "ca.pem", 3, &["expired", "days ago", "look whether the clock is right"]),
        (&early, "ca.pem", 3, &["valid only in", "days", "look whether the clock is right"]),
        (&wrong, "ca.pem", 3, &["is for", "grid.example.org", "not for localhost"]),
        (&client, "ca.pem", 3, &["is not made for a server"]),
    ] {
        let (output, said) = status(&machine, address, file);
        assert_eq!(output.status.code(), Some(code), "{file}: {said}");
        for word in words {
            assert!(said.contains(word), "no `{word}` in: {said}");
        }
    }
    // Without TLS nobody needs certificates.
    let fake = common::fake::Fake::start();
    let (output, said) = status(&machine, &fake.address, "missing.pem");
    assert!(output.status.success(), "{said}");
}
