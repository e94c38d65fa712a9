//! The raw bytes of one event of a stream.

/// Reconnecting more often than this (milliseconds) is refused on behalf of clients.
const SHORTEST_RETRY: u64 = 100;

/// Whether an event has a field, which stands at the beginning of a line.
pub(super) fn has_field(raw: &[u8], field: &[u8]) -> bool {
    lines(raw).any(|line| is_field(line, field))
}

fn is_field(line: &[u8], field: &[u8]) -> bool {
    line.strip_prefix(field).is_some_and(|rest| matches!(rest, [] | [b':' | b'\r' | b'\n', ..]))
}

/// The event without a `retry` that would make clients hammer.
pub(super) fn calmed(raw: Vec<u8>) -> Vec<u8> {
    let hammers = |line: &[u8]| {
        let value = is_field(line, b"retry").then(|| line.get(6..).unwrap_or_default().trim_ascii());
        let value = value.and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
        value.is_some_and(|value| value < SHORTEST_RETRY)
    };
    if lines(&raw).any(hammers) {
        return lines(&raw).filter(|line| !hammers(line)).flatten().copied().collect();
    }
    raw
}

/// The lines of an event, each with its end; a carriage return that ends one is an end too.
fn lines(raw: &[u8]) -> impl Iterator<Item = &[u8]> {
    raw.split_inclusive(|byte| matches!(byte, b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gw_17_no_server_makes_clients_hammer() {
        for (event, calm) in [
            ("retry: 0\ndata: x\n\n", "data: x\n\n"),
            ("id: 1\rretry:99\r\r", "id: 1\r\r"),
            ("retry: 100\n\n", "retry: 100\n\n"),
            ("data: retry: 0\n\n", "data: retry: 0\n\n"),
            ("retry\n\n", "retry\n\n"),
        ] {
            assert_eq!(calmed(event.as_bytes().to_vec()), calm.as_bytes(), "{event:?}");
        }
        assert!(has_field(b"data: x\r\nid\r\n\r\n", b"id") && !has_field(b"data: x\nidle: 1\n\n", b"id"));
    }
}
