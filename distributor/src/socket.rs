//! A connection whose other end must read: whatever is written has to go out at the pace that bodies must come in with. Otherwise
//! whoever asks for much and reads nothing would hold the answer, its file and the connection for ever.

use crate::pace::Pace;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

/// The connection.
pub struct Paced {
    stream: TcpStream,
    pace: Pace,
    waiting: Option<Waiting>,
}

/// The other end takes nothing at the moment.
struct Waiting {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl Paced {
    /// Around a stream.
    pub const fn new(stream: TcpStream, pace: Pace) -> Self {
        Self { stream, pace, waiting: None }
    }

    /// What became of an attempt to write.
    fn written(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match polled {
            Poll::Ready(Ok(bytes)) => {
                let waited = self.waiting.take().map(|waiting| waiting.since.elapsed()).unwrap_or_default();
                self.pace.moved(waited, bytes as u64);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let left = self.pace.left();
                let begin = || Waiting { since: Instant::now(), end: Box::pin(sleep(left)) };
                ready!(self.waiting.get_or_insert_with(begin).end.as_mut().poll(context));
                // What is on its way is of no use any more, and should not stay with the kernel.
                let _ = self.stream.set_zero_linger();
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the answer is read too slowly")))
            }
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
