//! Sockets: accepts connections, watches how slowly heads come, and stops in an orderly way.

use crate::app::App;
use crate::routes::router;
use crate::source::Peer;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that a request's head may have. A last read may go beyond, so up to twice as much can pass.
const HEAD_BYTES: usize = 64 << 10;

/// Serves until `stop` is ready; then ends what is under way, and returns.
///
/// # Errors
/// If the socket fails for good.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
    let service = TowerToHyperService::new(router(app.clone()));
    let places = Arc::new(Semaphore::new(app.settings.max_connections));
    let graceful = GracefulShutdown::new();
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(app.settings.idle()).max_buf_size(HEAD_BYTES);
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer, place) = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &places) => accepted?,
        };
        let connection = http.serve_connection(TokioIo::new(stream), FromPeer { peer, service: service.clone() });
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection broke");
            }
            drop(place);
        });
    }
    drop(listener);
    finish(&app, graceful).await;
    Ok(())
}

/// Tells the requests of a connection where they come from.
struct FromPeer {
    peer: Peer,
    service: TowerToHyperService<Router>,
}

impl Service<Request<Incoming>> for FromPeer {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.service.call(request)
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Without it small answers wait for nothing; a failure costs time only.
                let _ = stream.set_nodelay(true);
                return Ok((stream, Peer(address.ip()), place));
            }
            // Out of file descriptors, or the client is gone already: neither is the end.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
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
