//! Which tool a body calls, by the one strict reading of it: what is judged here is what the server behind reads.

use std::borrow::Cow;

use mcp::{CallToolParams, InvalidMessage, InvalidParams, Message, Params};

/// Why nobody can say which tool a body calls.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It is no message of JSON-RPC.
    #[error(transparent)]
    Message(#[from] InvalidMessage),
    /// Its parameters are not those of a call.
    #[error(transparent)]
    Params(#[from] InvalidParams),
}

/// The tool that the message in `body` calls; `None` when it is another message.
pub(crate) fn called(body: &[u8]) -> Result<Option<Cow<'_, str>>, Unreadable> {
    let (method, params) = match Message::parse(body)? {
        Message::Request(request) => (request.method, request.params),
        Message::Notification(notification) => (notification.method, notification.params),
        Message::Response(_) => return Ok(None),
    };
    let params = Params::read(params)?;
    if method != "tools/call" {
        return Ok(None);
    }
    Ok(Some(CallToolParams::read(&params)?.name))
}
