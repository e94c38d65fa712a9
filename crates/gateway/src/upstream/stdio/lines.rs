//! Lines of a process that may write anything.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// A buffer that one large line left behind is given back above this size, in bytes.
const KEPT: usize = 64 * 1024;

/// Reads lines without ever holding more than `limit` bytes of one.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    limit: usize,
    line: Vec<u8>,
    /// The rest of the last line is still to be skipped.
    is_inside: bool,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'l> {
    /// A line without its end. The last one may lack an end.
    Whole(&'l [u8]),
    /// The first bytes of a line that is longer than the limit.
    Long(&'l [u8]),
    /// There is nothing more.
    End,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self { reader: BufReader::new(reader), limit, line: Vec::new(), is_inside: false }
    }

    /// The next line.
    pub(super) async fn next(&mut self) -> io::Result<Line<'_>> {
        self.line.clear();
        self.line.shrink_to(KEPT);
        loop {
            let available = self.reader.fill_buf().await?;
            if available.is_empty() {
                return Ok(if self.line.is_empty() { Line::End } else { Line::Whole(&self.line) });
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let part = &available[..end.unwrap_or(available.len())];
            let consumed = part.len() + usize::from(end.is_some());
            let is_skipped = self.is_inside;
            self.is_inside &= end.is_none();
            if !is_skipped {
                let room = self.limit - self.line.len();
                self.line.extend_from_slice(&part[..part.len().min(room)]);
                self.is_inside = part.len() > room && end.is_none();
                if part.len() > room {
                    self.reader.consume(consumed);
                    return Ok(Line::Long(&self.line));
                }
            }
            self.reader.consume(consumed);
            if end.is_some() && !is_skipped {
                return Ok(Line::Whole(&self.line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_told_apart_and_never_larger_than_the_limit() {
        let text = format!("a\n\n12345\n{}\nb\n{}", "x".repeat(100_000), "last");
        let mut lines = Lines::new(text.as_bytes(), 5);
        for expected in [
            Line::Whole(b"a"),
            Line::Whole(b""),
            Line::Whole(b"12345"),
            Line::Long(b"xxxxx"),
            Line::Whole(b"b"),
            Line::Whole(b"last"),
            Line::End,
        ] {
            assert_eq!(lines.next().await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_long_line_that_ends_in_the_same_read_is_skipped_to_its_end() {
        let mut lines = Lines::new(&b"123456\nb\n"[..], 5);
        assert_eq!(lines.next().await.unwrap(), Line::Long(b"12345"));
        assert_eq!(lines.next().await.unwrap(), Line::Whole(b"b"));
    }
}
