//! One message of a stream that many listen to: the same text for each, but for the id of the request it belongs to. Pure.

use std::ops::Range;

use bytes::Bytes;
use mcp::json::{Object, is_object};
use mcp::{ErrorCode, ErrorObject, RequestId, SUBSCRIPTION_ID, write_event};
use serde_json::value::RawValue;

use super::super::super::passage::only;
use crate::upstream::remote::UpstreamError;
use crate::upstream::remote::envelope::Envelope;

/// The id of our own request at the server.
pub(super) const OURS: RequestId<'static> = RequestId::Integer(1);

/// What a message is to those who get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Kind {
    /// No message, but an event without one: a sign of life.
    Comment,
    /// What the server tells from now on.
    Acknowledgement,
    /// Something has changed.
    Notification,
    /// The last one.
    Response,
}

/// See the module.
#[derive(Debug)]
pub(in super::super) struct Told {
    kind: Kind,
    text: Bytes,
    /// Where the id of our own request stands in it, one after another.
    ids: Vec<Range<usize>>,
    is_redacted: bool,
}

impl Told {
    /// An event without a message. Whatever else the server has written in it (a comment, an `id`) is for nobody.
    pub(super) fn comment() -> Self {
        Self { kind: Kind::Comment, text: Bytes::from_static(b":\n\n"), ids: Vec::new(), is_redacted: false }
    }

    /// A message, and what was read of it; an error when it is not clear which ids it has.
    pub(super) fn read(kind: Kind, text: &str, envelope: &Envelope<'_>) -> Result<Self, UpstreamError> {
        let response = envelope.id.filter(|_| kind == Kind::Response);
        let subscription = match envelope.params.or(envelope.result()) {
            Some(inside) => subscription_in(inside)?,
            None => None,
        };
        let ids = response.into_iter().chain(subscription).map(|id| place_of(id, text));
        let mut ids = ids.collect::<Option<Vec<_>>>().ok_or(UpstreamError::Malformed)?;
        ids.sort_by_key(|id| id.start);
        // Between the tokens of a JSON text, where alone it can have one, a line break is as good as a space.
        let text = text.replace('\n', " ").into();
        Ok(Self { kind, text, ids, is_redacted: false })
    }

    /// The response when there is none.
    pub(super) fn failure(message: &str) -> Self {
        let error = ErrorObject::new(ErrorCode::INTERNAL_ERROR, message.to_owned());
        Self::response(mcp::failure(Some(&OURS), &error))
    }

    /// A response that was written here, for our own request.
    pub(super) fn response(body: Vec<u8>) -> Self {
        let text = String::from_utf8(body).unwrap_or_default();
        let told = Envelope::read(text.as_bytes())
            .and_then(|envelope| Self::read(Kind::Response, &text, &envelope).ok());
        told.unwrap_or(Self { kind: Kind::Response, text: text.into(), ids: Vec::new(), is_redacted: false })
    }

    /// The same, of which something was taken out.
    pub(super) fn redacted(self, is_redacted: bool) -> Self {
        Self { is_redacted, ..self }
    }

    pub(in super::super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn is_last(&self) -> bool {
        self.kind == Kind::Response
    }

    pub(super) fn is_redacted(&self) -> bool {
        self.is_redacted
    }

    /// In bytes.
    pub(super) fn size(&self) -> usize {
        self.text.len()
    }

    /// As it came, with the id of our own request.
    pub(in super::super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// As the listener gets it whose request has this id (`id` is JSON).
    pub(super) fn message(&self, id: &str) -> Vec<u8> {
        let mut message = Vec::with_capacity(self.text.len() + self.ids.len() * id.len());
        let mut copied = 0;
        for place in &self.ids {
            message.extend_from_slice(&self.text[copied..place.start]);
            message.extend_from_slice(id.as_bytes());
            copied = place.end;
        }
        message.extend_from_slice(&self.text[copied..]);
        message
    }

    /// The same as an event.
    pub(super) fn event(&self, id: &str) -> Bytes {
        match self.kind {
            Kind::Comment => self.text.clone(),
            _ => write_event(&self.message(id)).into(),
        }
    }
}

/// The id of the subscription in parameters or a result, if there is one.
fn subscription_in(inside: &RawValue) -> Result<Option<&RawValue>, UpstreamError> {
    match member(inside, "_meta")? {
        Some(meta) => member(meta, SUBSCRIPTION_ID),
        None => Ok(None),
    }
}

/// The member of this name, if it is an object and has one: it must not have two, nor one that looks like it.
fn member<'a>(object: &'a RawValue, name: &str) -> Result<Option<&'a RawValue>, UpstreamError> {
    if !is_object(object) {
        return Ok(None);
    }
    let object = Object::read(object.get(), &[name]).map_err(|_| UpstreamError::Malformed)?;
    match object.get(name) {
        None => Ok(None),
        Some(_) => only(&object, name).map(Some).ok_or(UpstreamError::Malformed),
    }
}

/// Where a part stands in the text that it was read from.
fn place_of(part: &RawValue, text: &str) -> Option<Range<usize>> {
    let start = part.get().as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let place = start..start + part.get().len();
    (text.get(place.clone())? == part.get()).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(kind: Kind, text: &str) -> Result<Told, UpstreamError> {
        Told::read(kind, text, &Envelope::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn only_the_id_is_another() {
        const ID: &str = r#""io.modelcontextprotocol/subscriptionId""#;
        let row = |kind, text: &str, expected: &str| {
            let message = told(kind, &text.replace("ID", ID)).unwrap().message(r#""a\"1""#);
            assert_eq!(String::from_utf8(message).unwrap(), expected.replace("ID", ID), "{text}");
        };
        row(
            Kind::Notification,
            r#"{"z":1.0, "params" : {"b":1,"_meta":{"x":1,ID : 1 ,"y":1},"a":1},"method":"m","jsonrpc":"2.0"}"#,
            r#"{"z":1.0, "params" : {"b":1,"_meta":{"x":1,ID : "a\"1" ,"y":1},"a":1},"method":"m","jsonrpc":"2.0"}"#,
        );
        row(
            Kind::Response,
            r#"{"result":{"resultType":"complete","_meta":{ID:1}},"id":1}"#,
            r#"{"result":{"resultType":"complete","_meta":{ID:"a\"1"}},"id":"a\"1"}"#,
        );
        row(
            Kind::Response,
            r#"{"id":1,"error":{"code":1,"message":"id 1"}}"#,
            r#"{"id":"a\"1","error":{"code":1,"message":"id 1"}}"#,
        );
        for same in [
            r#"{"method":"m"}"#,
            r#"{"method":"m","params":[1]}"#,
            r#"{"method":"m","params":{"_meta":1}}"#,
            r#"{"method":"m","params":{"_meta":{"progressToken":1}}}"#,
            r#"{"method":"m","id":1,"params":{"subscriptionId":1}}"#,
        ] {
            row(Kind::Notification, same, same);
        }
        row(Kind::Notification, "{\"method\":\n\"m\"}", "{\"method\": \"m\"}");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_told() {
        for text in [
            r#"{"method":"m","params":{"_meta":{},"_meta":{}}}"#,
            r#"{"method":"m","params":{"_META":{}}}"#,
            r#"{"method":"m","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":1,"io.modelcontextprotocol/subscriptionId":1}}}"#,
        ] {
            assert!(told(Kind::Notification, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_failure_is_the_response_to_each() {
        let event = Told::failure("no").event("7");
        assert_eq!(
            std::str::from_utf8(&event).unwrap(),
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"no\"}}\n\n"
        );
        assert_eq!(Told::comment().event("7").as_ref(), b":\n\n");
    }
}
