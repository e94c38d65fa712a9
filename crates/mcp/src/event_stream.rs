//! Server-sent events (WHATWG HTML §9.2.6), as far as MCP uses them: the data of each event, and the bytes it came in.

/// Turns the bytes of a stream into its events. Holds no more than what has not been taken yet; how much that may be
/// is for the caller to bound, with [`EventStream::pending`].
#[derive(Debug, Default)]
pub struct EventStream {
    buffer: Vec<u8>,
    /// Where the line begins that is read next.
    line: usize,
    /// How far that line was searched for its end.
    searched: usize,
    data: Option<String>,
    has_begun: bool,
}

/// "Streams must be decoded using the UTF-8 decode algorithm", which strips one of these from the beginning; a reader
/// that does not would miss the first event.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A complete event, or comments that stood alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The bytes as they were received, the end of the event included.
    pub raw: Vec<u8>,
    /// Its data; `None` when it had none, which browsers do not dispatch.
    pub data: Option<String>,
}

impl EventStream {
    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// How many bytes wait for the rest of their event.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// The next event whose end has been received. Comments before an event are not held back until it ends: they are
    /// there to keep the connection alive.
    pub fn next_event(&mut self) -> Option<Event> {
        if !self.has_begun && !self.begin() {
            return None;
        }
        while let Some((end, next)) = self.next_line() {
            let line = &self.buffer[self.line..end];
            let is_first = self.line == 0;
            if line.is_empty() || is_first && line.starts_with(b":") {
                return Some(self.cut(next));
            }
            if let Some(value) = line.strip_prefix(b"data") {
                append(&mut self.data, value);
            }
            (self.line, self.searched) = (next, next);
        }
        None
    }

    /// Skips a byte order mark; `false` while it cannot be told whether there is one.
    fn begin(&mut self) -> bool {
        if self.buffer.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&self.buffer) {
            return false;
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.buffer.drain(..BYTE_ORDER_MARK.len());
        }
        self.has_begun = true;
        true
    }

    /// The end of the current line and the beginning of the next. A carriage return that stands last may be half of a
    /// line's end, so it waits.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        let found = self.buffer[self.searched..].iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let end = self.searched + found.unwrap_or(self.buffer.len() - self.searched);
        self.searched = end;
        match self.buffer[end..] {
            [] | [b'\r'] => None,
            [b'\r', b'\n', ..] => Some((end, end + 2)),
            _ => Some((end, end + 1)),
        }
    }

    fn cut(&mut self, end: usize) -> Event {
        (self.line, self.searched) = (0, 0);
        Event { raw: self.buffer.drain(..end).collect(), data: self.data.take() }
    }
}

/// An event of the type `message` with this data, which has no line breaks (as JSON on one line has none).
pub fn write_event(data: &[u8]) -> Vec<u8> {
    [b"event: message\ndata: ", data, b"\n\n"].concat()
}

/// Adds the value behind `data`, when `data` is the whole name of the field.
fn append(data: &mut Option<String>, rest: &[u8]) {
    let value = match rest.strip_prefix(b":") {
        Some(value) => value.strip_prefix(b" ").unwrap_or(value),
        None if rest.is_empty() => rest,
        None => return,
    };
    let value = String::from_utf8_lossy(value);
    match data {
        Some(data) => {
            data.push('\n');
            data.push_str(&value);
        }
        None => *data = Some(value.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> Vec<Event> {
        let mut stream = EventStream::default();
        let mut events = Vec::new();
        for piece in pieces {
            stream.push(piece.as_bytes());
            events.extend(std::iter::from_fn(|| stream.next_event()));
        }
        events
    }

    #[test]
    fn the_data_of_events() {
        let rows: [(&[&str], &[&str]); 11] = [
            (&["data: one\n\n"], &["one"]),
            (&["data:one\r\n\r\ndata: two\n\n"], &["one", "two"]),
            (&["event: message\nid: 7\ndata: {\ndata: }\n\n"], &["{\n}"]),
            (&[": keep-alive\n\n", "data: x\n\n"], &["x"]),
            (&["da", "ta: x", "\n", "\n"], &["x"]),
            (&["data: x\r", "\n\r", "\n"], &["x"]),
            (&["data: never ends\n"], &[]),
            (&["database: x\n\ndata\n\n"], &[""]),
            (&["id: 1\nretry: 5\n\n"], &[]),
            (&["\u{feff}data: x\n\n", "data: y\n\n"], &["x", "y"]),
            (&["data: x\n\n", "\u{feff}data: y\n\n"], &["x"]),
        ];
        for (pieces, expected) in rows {
            let found: Vec<_> = read(pieces).into_iter().filter_map(|event| event.data).collect();
            assert_eq!(found, expected, "{pieces:?}");
        }
    }

    #[test]
    fn every_byte_belongs_to_one_event() {
        let text = ": hello\nid: 1\r\ndata: \r\n\r\n\ndata: {\"a\":1}\n: inside\ndata\n\n";
        for size in 1..text.len() {
            let pieces: Vec<_> =
                text.as_bytes().chunks(size).map(|piece| std::str::from_utf8(piece).unwrap()).collect();
            let events = read(&pieces);
            let raw: Vec<u8> = events.iter().flat_map(|event| event.raw.clone()).collect();
            assert_eq!(String::from_utf8(raw).unwrap(), text);
            let data: Vec<_> = events.into_iter().map(|event| event.data).collect();
            assert_eq!(data, [None, Some(String::new()), None, Some("{\"a\":1}\n".to_owned())], "{size}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let event = write_event(b"{}");
        let text = String::from_utf8(event.clone()).unwrap();
        assert_eq!(read(&[&text]), [Event { raw: event, data: Some("{}".to_owned()) }]);
    }
}
