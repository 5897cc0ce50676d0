//! As much of HTTP/1.1 as the client speaks: one request a connection.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub body: Vec<u8>,
}

pub struct Response {
    pub status: u16,
    pub media: &'static str,
    pub body: Vec<u8>,
    /// Whether it speaks the protocol.
    pub ours: bool,
}

impl Response {
    /// An answer of somebody who is no distributor.
    pub fn stranger(status: u16, body: &str) -> Self {
        Self { status, media: "text/html", body: body.as_bytes().to_vec(), ours: false }
    }

    pub fn json(value: &impl serde::Serialize) -> Self {
        Self { status: 200, media: "application/json", body: serde_json::to_vec(value).expect("JSON"), ours: true }
    }

    pub fn bytes(body: Vec<u8>) -> Self {
        Self { status: 200, media: "application/octet-stream", body, ours: true }
    }

    pub fn problem(cause: protocol::Cause, detail: &str) -> Self {
        let problem = protocol::Problem::new(cause, detail);
        let body = serde_json::to_vec(&problem).expect("JSON");
        Self { status: problem.status, media: protocol::PROBLEM_JSON, body, ours: true }
    }
}

/// Serves until the process ends. Gives the address.
pub fn serve(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || talk(stream, answer.as_ref()));
        }
    });
    address
}

fn talk(mut stream: TcpStream, answer: &(dyn Fn(&Request) -> Response + Send + Sync)) {
    let reader = stream.try_clone().expect("a stream");
    converse(reader, &mut stream, answer);
}

/// Reads one request and answers it.
pub fn converse(from: impl Read, to: &mut impl Write, answer: &(dyn Fn(&Request) -> Response + Send + Sync)) {
    let mut reader = BufReader::new(from);
    let mut line = String::new();
    // Whoever breaks the connection off wants no answer.
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    let (mut length, mut authorization) = (0, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).expect("a header");
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().expect("a length"),
            "authorization" => authorization = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let request = Request { method, path: path.to_owned(), query: query.to_owned(), authorization, body };
    let response = answer(&request);
    let head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: {}\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n",
        response.status,
        response.media,
        response.body.len(),
        if response.ours { "cairn-protocol: 3\r\n" } else { "" }
    );
    // The client may be gone.
    let _ = to.write_all(head.as_bytes()).and_then(|()| to.write_all(&response.body)).and_then(|()| to.flush());
}
