//! What a server sends, without the secrets that are known here.

use audit::{Event as Recorded, Kind, Outcome, Person};
use bytes::Bytes;
use mcp::Event;

use super::stream::Relayed;
use crate::settings::Front;
use crate::upstream::remote::Caller;

impl Relayed {
    /// An event of a stream; its other fields stay.
    pub(super) async fn redacted_event(&mut self, event: Event) -> Event {
        let Some(redacted) = event.data.as_deref().and_then(|data| self.without_secrets(data)) else {
            return event;
        };
        Box::pin(self.record_redaction()).await;
        Event { raw: with_data(&event.raw, &redacted), data: Some(redacted) }
    }

    /// A whole answer.
    pub(super) async fn redacted(&mut self, body: Bytes) -> Bytes {
        let redacted = std::str::from_utf8(&body).ok().and_then(|text| self.without_secrets(text));
        let Some(redacted) = redacted else { return body };
        Box::pin(self.record_redaction()).await;
        redacted.into()
    }

    fn without_secrets(&self, message: &str) -> Option<String> {
        without_secrets(self.conversation.caller(), &self.front.issuer, message)
    }

    /// Once for an answer, however much of it was taken out.
    async fn record_redaction(&mut self) {
        if std::mem::replace(&mut self.is_redacted, true) {
            return;
        }
        record_redaction(&self.front, self.conversation.caller()).await;
    }
}

/// The message without the secrets of the server and of the credential that it was asked with; `None` when it has none.
pub(super) fn without_secrets(caller: &Caller, issuer: &str, message: &str) -> Option<String> {
    let redacted = caller.remote().redactor().redacted(message, issuer);
    let of_credential = caller
        .presented()
        .and_then(|presented| presented.redacted(redacted.as_deref().unwrap_or(message), issuer));
    of_credential.or(redacted)
}

/// Something was taken out of what `caller` is answered.
pub(super) async fn record_redaction(front: &Front, caller: &Caller) {
    let (permit, server) = (caller.permit(), caller.remote().name());
    tracing::warn!(server, "a secret was taken out of what a server sent");
    let event = Recorded::new(Kind::Redaction, Outcome::Succeeded)
        .person(Person::new(permit.issuer(), permit.subject(), permit.user_name()))
        .client(permit.client_id())
        .server(server);
    match front.auditor.reserve().await {
        Ok(place) => place.record(event),
        Err(error) => tracing::warn!(server, %error, "a redaction is not in the audit log"),
    }
}

/// The event with other data, where its data was.
fn with_data(raw: &[u8], data: &str) -> Vec<u8> {
    let (mut event, mut is_written) = (Vec::with_capacity(raw.len()), false);
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let is_data =
            line.strip_prefix(b"data").is_some_and(|rest| matches!(rest, [] | [b':' | b'\r' | b'\n', ..]));
        if !is_data {
            event.extend_from_slice(line);
        } else if !std::mem::replace(&mut is_written, true) {
            for line in data.split('\n') {
                event.extend_from_slice(format!("data: {line}\n").as_bytes());
            }
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use mcp::EventStream;

    use super::*;

    #[test]
    fn other_fields_of_an_event_stay() {
        for (raw, expected) in [
            ("id: 7\ndata: {\"a\":\ndata: 1}\nretry: 500\n\n", "id: 7\ndata: {}\ndata: x\nretry: 500\n\n"),
            ("event: message\r\ndata:1\r\n\r\n", "event: message\r\ndata: {}\ndata: x\n\r\n"),
        ] {
            let redacted = with_data(raw.as_bytes(), "{}\nx");
            assert_eq!(String::from_utf8(redacted.clone()).unwrap(), expected);
            let mut stream = EventStream::default();
            stream.push(&redacted);
            assert_eq!(stream.next_event().and_then(|event| event.data).as_deref(), Some("{}\nx"));
        }
    }
}
