//! Server-sent events (WHATWG HTML §9.2.6), as far as MCP uses them: the data of each event.

/// Turns the bytes of a stream into the data of its events.
#[derive(Default)]
pub(super) struct EventStream {
    buffer: Vec<u8>,
    data: Option<String>,
}

impl EventStream {
    /// Takes the next bytes of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The data of the next complete event, if its end has been received.
    pub(super) fn next_event(&mut self) -> Option<String> {
        while let Some(line) = self.next_line() {
            if line.is_empty() {
                if let Some(data) = self.data.take() {
                    return Some(data);
                }
            } else if let Some(value) = line.strip_prefix("data") {
                self.append(value);
            }
        }
        None
    }

    /// One line without its end. A carriage return that stands last may be half of an end, so it waits.
    fn next_line(&mut self) -> Option<String> {
        let end = self.buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let length = match self.buffer[end..] {
            [b'\r'] => return None,
            [b'\r', b'\n', ..] => 2,
            _ => 1,
        };
        let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + length);
        Some(line)
    }

    /// The value behind `data`, when `data` is the whole name of the field.
    fn append(&mut self, rest: &str) {
        let value = match rest.strip_prefix(':') {
            Some(value) => value.strip_prefix(' ').unwrap_or(value),
            None if rest.is_empty() => "",
            None => return,
        };
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(value);
            }
            None => self.data = Some(value.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&str]) -> Vec<String> {
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
        let rows: [(&[&str], &[&str]); 9] = [
            (&["data: one\n\n"], &["one"]),
            (&["data:one\r\n\r\ndata: two\n\n"], &["one", "two"]),
            (&["event: message\nid: 7\ndata: {\ndata: }\n\n"], &["{\n}"]),
            (&[": keep-alive\n\n", "data: x\n\n"], &["x"]),
            (&["da", "ta: x", "\n", "\n"], &["x"]),
            (&["data: x\r", "\n\r", "\n"], &["x"]),
            (&["data: never ends\n"], &[]),
            (&["database: x\n\ndata\n\n"], &[""]),
            (&["id: 1\nretry: 5\n\n"], &[]),
        ];
        for (pieces, expected) in rows {
            assert_eq!(events(pieces), expected, "{pieces:?}");
        }
    }
}
