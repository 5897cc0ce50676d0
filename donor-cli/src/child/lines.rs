//! Lines of a process that nobody trusts: no longer than a limit, however long they are.

use std::io;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// What to do with a line that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooLong {
    /// It is an error.
    Fails,
    /// Its end is left out.
    IsCut,
}

/// Reads lines.
#[derive(Debug)]
pub struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    most: usize,
    too_long: TooLong,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Of at most so many bytes.
    pub fn new(reader: R, most: usize, too_long: TooLong) -> Self {
        Self { reader: BufReader::new(reader), line: Vec::new(), most, too_long }
    }

    /// The next line, without its end; `None` at the end of all. What is no UTF-8 is replaced. May be dropped while it waits
    /// without losing anything.
    ///
    /// # Errors
    /// If nothing can be read, or the line is too long.
    pub async fn next(&mut self) -> io::Result<Option<String>> {
        loop {
            let bytes = self.reader.fill_buf().await?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            let over = bytes.is_empty();
            let room = self.most - self.line.len();
            if piece.len() > room && self.too_long == TooLong::Fails {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a line of more than {} bytes", self.most),
                ));
            }
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            let used = piece.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() || (over && !self.line.is_empty()) {
                let line = String::from_utf8_lossy(&self.line).into_owned();
                self.line.clear();
                return Ok(Some(line));
            }
            if over {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(text: &[u8], most: usize, too_long: TooLong) -> io::Result<Vec<String>> {
        let (mut lines, mut all) = (Lines::new(text, most, too_long), Vec::new());
        while let Some(line) = lines.next().await? {
            all.push(line);
        }
        Ok(all)
    }

    #[tokio::test]
    async fn lines_come_one_by_one() {
        assert_eq!(
            all(b"one\n\ntwo\nth\xffree", 10, TooLong::Fails).await.expect("read"),
            ["one", "", "two", "th\u{fffd}ree"]
        );
        assert_eq!(all(b"", 10, TooLong::Fails).await.expect("read"), [""; 0]);
    }

    #[tokio::test]
    async fn a_line_without_end_takes_no_memory() {
        let endless = vec![b'x'; 1 << 20];
        let error = all(&endless, 1000, TooLong::Fails).await.expect_err("too long");
        assert!(error.to_string().contains("more than 1000 bytes"), "{error}");
        let mut lines = Lines::new(&*endless, 1000, TooLong::IsCut);
        assert_eq!(lines.next().await.expect("read").map(|line| line.len()), Some(1000));
        assert!(lines.line.capacity() < 4096);
        assert_eq!(all(b"12345678\nab\n", 4, TooLong::IsCut).await.expect("read"), ["1234", "ab"]);
    }
}
