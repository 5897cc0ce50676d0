//! As much of HTTP/1.1 as the client speaks: one request a connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

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
}

impl Response {
    pub fn json(value: &impl serde::Serialize) -> Self {
        Self { status: 200, media: "application/json", body: serde_json::to_vec(value).expect("JSON") }
    }

    pub fn bytes(body: Vec<u8>) -> Self {
        Self { status: 200, media: "application/octet-stream", body }
    }

    pub fn problem(cause: protocol::Cause, detail: &str) -> Self {
        let problem = protocol::Problem::new(cause, detail);
        let body = serde_json::to_vec(&problem).expect("JSON");
        Self { status: problem.status, media: protocol::PROBLEM_JSON, body }
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

fn talk(stream: TcpStream, answer: &(dyn Fn(&Request) -> Response + Send + Sync)) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a request line");
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
    let mut stream = stream;
    let head = format!(
        "HTTP/1.1 {} X\r\ncontent-type: {}\r\ncontent-length: {}\r\ncairn-protocol: 2\r\nconnection: close\r\n\r\n",
        response.status,
        response.media,
        response.body.len()
    );
    // The client may be gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&response.body));
}
