//! What a server tells of its own accord, for clients of the other era.
//!
//! A modern client asks for it with `subscriptions/listen`. Before a legacy server, it hears what is said on the stream of
//! the session that its requests run in. A legacy client opens a stream with `GET` and subscribes with
//! requests. Before a modern server, one `subscriptions/listen` stands behind that stream, and is opened again whenever
//! the client's subscriptions change.
//!
//! Modern clients of one modern server who ask for the same share one stream of it (`together`).

mod announcements;
mod before_legacy;
mod before_modern;
mod redaction;
mod together;

use std::time::Duration;

use mcp::json::Object;
use mcp::{RequestId, SUBSCRIPTION_ID};
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

pub(super) use announcements::with_announcements;
pub(super) use before_legacy::before_legacy;
pub(super) use before_modern::before_modern;
pub(super) use together::{Hubs, together};

/// How often a client hears that a stream on which nothing happens is still there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(25);

/// The resource that a notification is about.
fn uri_of(params: Option<&RawValue>) -> Option<String> {
    #[derive(Deserialize)]
    struct About {
        uri: String,
    }
    serde_json::from_str::<About>(params?.get()).ok().map(|about| about.uri)
}

/// The notification with the id of a subscription, or without.
fn in_subscription(method: &str, params: Option<&RawValue>, id: Option<&RequestId<'_>>) -> Option<Vec<u8>> {
    let mut params = Object::read(params.map_or("{}", RawValue::get), &["_meta"]).ok()?;
    let mut meta = match params.take("_meta") {
        Some(meta) => Object::read(meta.get(), &[SUBSCRIPTION_ID]).ok()?,
        None => Object::default(),
    };
    meta.take(SUBSCRIPTION_ID);
    let id = id.map(to_raw_value).transpose().ok()?;
    if let Some(id) = &id {
        meta.set(SUBSCRIPTION_ID, id);
    }
    let meta = to_raw_value(&meta).ok()?;
    if meta.get() != "{}" {
        params.set("_meta", &meta);
    }
    Some(mcp::notification(method, &params))
}
