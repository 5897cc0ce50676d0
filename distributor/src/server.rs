//! Sockets: accepts connections within their senders' shares, watches how slowly heads come and answers go, and stops in an
//! orderly way.

use crate::app::App;
use crate::pace::Pace;
use crate::routes::router;
use crate::share::{Full, Hold, Owner};
use crate::socket::Paced;
use crate::source::{Peer, Source};
use crate::upkeep;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use protocol::{Cause, HEADER_PROTOCOL, PROBLEM_JSON, PROTOCOL_VERSION, Problem};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Seconds after which a client comes back whose connection had no place.
const RETRY_PLACE: u64 = 5;

/// Bytes that a request's head may have. A last read may go beyond, so up to twice as much can pass.
const HEAD_BYTES: usize = 64 << 10;

/// Serves until `stop` is ready; then ends what is under way, and returns.
///
/// # Errors
/// If the socket fails for good.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let service = TowerToHyperService::new(router(app.clone()));
    app.tasks.spawn(upkeep::run(app.clone()));
    let graceful = GracefulShutdown::new();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(app.settings.idle()).max_buf_size(HEAD_BYTES);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&app, &listener) => accepted,
        };
        let service = Connected { app: app.clone(), peer, service: service.clone() };
        let stream = Paced::new(stream, Pace::new(&app.settings));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(peer = %peer.0, %error, "connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    finish(&app, graceful).await;
    Ok(())
}

/// What is done with each request of a connection before it is looked at.
struct Connected {
    app: App,
    peer: Peer,
    service: TowerToHyperService<Router>,
}

impl Service<Request<Incoming>> for Connected {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.app.settings.path_prefix.cut(request.uri_mut());
        self.service.call(request)
    }
}

/// The next connection that is within its sender's share.
async fn accept(app: &App, listener: &TcpListener) -> (TcpStream, Peer, Hold) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Without it small answers wait for nothing; a failure costs time only.
                let _ = stream.set_nodelay(true);
                match place(app, address.ip()) {
                    Ok(place) => return (stream, Peer(address.ip()), place),
                    Err(full) => {
                        tracing::debug!(client = %address.ip(), %full, "a connection had no place");
                        refuse(stream, full);
                    }
                }
            }
            // Out of file descriptors, or the client is gone already: neither is the end.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// A place for a connection. All clients of a trusted proxy come over its connections, so those have no share of their own.
fn place(app: &App, address: IpAddr) -> Result<Hold, Full> {
    if app.settings.trusted_proxies.contain(address) {
        return app.limits.connections.take_trusted(1);
    }
    app.limits.connections.take(Owner { key: None, source: Source::of(address) }, 1)
}

/// Says why, if that needs no waiting, and closes.
fn refuse(stream: TcpStream, full: Full) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(&no_place(full));
    }
}

/// What a connection that has no place is told.
fn no_place(full: Full) -> Vec<u8> {
    let detail = format!("too many connections are open: {full}; try again in a moment");
    let mut problem = Problem::new(Cause::Busy, detail);
    problem.retry_after = Some(RETRY_PLACE);
    let body = serde_json::to_string(&problem).unwrap_or_default();
    format!(
        "HTTP/1.1 {} Service Unavailable\r\ncontent-type: {PROBLEM_JSON}\r\nretry-after: {RETRY_PLACE}\r\n\
         {HEADER_PROTOCOL}: {PROTOCOL_VERSION}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        problem.status,
        body.len()
    )
    .into_bytes()
}

/// Lets requests and verifications end, for a while.
async fn finish(app: &App, graceful: GracefulShutdown) {
    app.stopping.cancel();
    app.tasks.close();
    let limit = Duration::from_secs(app.settings.shutdown_seconds);
    let done = async {
        graceful.shutdown().await;
        app.tasks.wait().await;
    };
    if tokio::time::timeout(limit, done).await.is_err() {
        tracing::warn!(seconds = limit.as_secs(), "some requests did not end in time; donors will send them again");
    }
    app.store.close().await;
}
