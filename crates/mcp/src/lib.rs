//! The wire vocabulary of the Model Context Protocol: messages, both eras, headers, tools and error codes.
//!
//! Two eras speak over one URL. *Legacy* (revisions up to 2025-11-25) opens with an `initialize` handshake;
//! *modern* (2026-07-28) has no handshake and says version, client and capabilities in every request's `_meta`.
//! This crate knows how a message of either era looks; what to do with it is the gateway's and the client's.
//!
//! How a received body becomes a checked request:
//! 1. [`json`] proves the whole document strict: no repeated member name, no lone surrogate, depth at most 64;
//! 2. [`Message::parse`] tells requests, notifications and responses apart and keeps what it does not know;
//! 3. [`Params::read`] reads `_meta`, and each method's own parameters (for instance [`CallToolParams::read`]);
//! 4. [`Era::of`] decides the era, [`headers::check`] holds a modern request's headers against its body.
//!
//! Nothing here does I/O, reads a clock or allocates where it can borrow. Members that are not interpreted stay
//! raw text, so a message that is sent on says exactly what was checked.

pub mod headers;
pub mod json;

mod compose;
mod discover;
mod era;
mod error;
mod event_stream;
mod initialize;
mod input;
mod log_level;
mod message;
mod meta;
mod parameter_headers;
mod params;
mod result;
mod subscription;
mod tools;
mod version;

pub use compose::{failure, notification, request, success};
pub use discover::DiscoverResult;
pub use era::Era;
pub use error::{ErrorCode, ErrorObject};
pub use event_stream::{Event, EventStream, write_event};
pub use initialize::{Implementation, InitializeParams, InitializeResult};
pub use input::{InputRequest, InputRequired, UrlElicitation};
pub use log_level::LogLevel;
pub use message::{InvalidMessage, Message, Notification, Request, RequestId, Response};
pub use meta::{Meta, RequestMeta};
pub use parameter_headers::{InvalidParameterHeader, ParameterHeaders};
pub use params::{InvalidParams, Params};
pub use result::{CacheScope, ResultType};
pub use subscription::{SUBSCRIPTION_ID, SubscriptionFilter};
pub use tools::{CallToolParams, CallToolResult, Content, ListToolsResult, Tool};
pub use version::ProtocolVersion;
