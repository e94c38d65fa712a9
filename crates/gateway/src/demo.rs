//! The demo server: six tools and a resource API over the same items, per user, on the real storage.
//!
//! Tools and API are two ways to the same [`DemoServer::perform`], so they cannot differ: a tool's text is the API's
//! body, and a tool fails exactly where the API's status is not a success.

mod arguments;
pub(crate) mod bare;
mod items;
pub(crate) mod resource_api;
mod tools;

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::Response;
use guard::Permit;
use http::StatusCode;
use mcp::Tool;
use oauth::{Clock, Scope};
use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use store::Store;

use crate::endpoint::json as json_response;
use crate::upstream::{ToolOutcome, UpstreamUnavailable};
use arguments::{NewItem, Operation};
use items::{Change, Items};
use tools::DemoTool;

/// The server behind `/mcp/demo`.
pub(crate) struct DemoServer {
    items: Items,
    clock: Arc<dyn Clock>,
}

/// An answer of the resource API.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    body: Box<RawValue>,
}

impl DemoServer {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { items: Items::new(store, clock.clone()), clock }
    }

    /// Its tools, with the scopes that each needs.
    pub(crate) fn tools() -> Vec<(Tool, Scope)> {
        DemoTool::ALL.into_iter().map(|tool| (tool.definition(), tool.needed_scope())).collect()
    }

    /// Every scope that one of its tools needs.
    pub(crate) fn offered_scope() -> Scope {
        DemoTool::ALL.iter().fold(Scope::default(), |offered, tool| offered.union(&tool.needed_scope()))
    }

    /// Calls a tool by its name.
    pub(crate) async fn call(
        &self,
        permit: Permit,
        tool: &str,
        arguments: Option<&RawValue>,
    ) -> Result<ToolOutcome, UpstreamUnavailable> {
        // A name that is no tool was already refused by whoever looked it up in `tools`.
        let operation = DemoTool::named(tool).ok_or(UpstreamUnavailable)?.operation(arguments);
        let reply = match operation {
            Ok(operation) => self.perform(permit, operation).await?,
            // A mistake that a model can mend is the tool's answer, not a protocol error (2025-11-25, Tools).
            Err(error) => Reply::error(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        Ok(ToolOutcome { is_error: !reply.status.is_success(), body: reply.body })
    }

    /// Does what is asked, for the user of the permit and nobody else.
    async fn perform(&self, permit: Permit, operation: Operation<'_>) -> Result<Reply, UpstreamUnavailable> {
        let owner = &*owner(&permit);
        match operation {
            Operation::Authenticate => Ok(self.authorization(&permit)),
            Operation::Profile => Ok(profile(&permit)),
            Operation::List => Ok(list(&self.items.list(owner).await?)),
            Operation::Create(NewItem { name, value }) => {
                let item = self.items.create(owner, &name, value).await?;
                Ok(Reply::new(
                    StatusCode::CREATED,
                    &Changed { item: &item, created: Some(true), updated: None },
                ))
            }
            Operation::Update(id, NewItem { name, value }) => {
                Ok(match self.items.update(owner, id, &name, value).await? {
                    Change::Done(item) => Reply::new(
                        StatusCode::OK,
                        &Changed { item: &item, created: None, updated: Some(true) },
                    ),
                    Change::NotFound => Reply::not_found(),
                })
            }
            Operation::Delete(id) => Ok(match self.items.delete(owner, id).await? {
                Change::Done(()) => Reply::new(StatusCode::OK, &json!({ "id": id, "deleted": true })),
                Change::NotFound => Reply::not_found(),
            }),
        }
    }

    /// What the caller's own token says; never the token, and never another one.
    fn authorization(&self, permit: &Permit) -> Reply {
        #[derive(Serialize)]
        struct Authorization<'a> {
            authenticated: bool,
            issuer: &'a str,
            subject: &'a str,
            username: Option<&'a str>,
            client_id: &'a str,
            scope: &'a Scope,
            /// Seconds.
            expires_in: u64,
        }
        Reply::new(
            StatusCode::OK,
            &Authorization {
                authenticated: true,
                issuer: permit.issuer().as_str(),
                subject: permit.subject(),
                username: permit.user_name(),
                client_id: permit.client_id().as_str(),
                scope: permit.scope(),
                expires_in: permit.expires_at().since(self.clock.now()).as_secs(),
            },
        )
    }
}

impl Reply {
    fn new<T: Serialize>(status: StatusCode, body: &T) -> Self {
        let body = to_raw_value(body).expect("replies have string keys and cannot fail to serialise");
        Self { status, body }
    }

    fn error(status: StatusCode, message: &str) -> Self {
        Self::new(status, &json!({ "error": message }))
    }

    fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "Item not found")
    }

    fn into_response(self) -> Response {
        json_response(self.status, String::from(Box::<str>::from(self.body)).into_bytes())
    }
}

/// An item and what became of it.
#[derive(Serialize)]
struct Changed<'a> {
    #[serde(flatten)]
    item: &'a items::Item,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<bool>,
}

fn list(items: &[items::Item]) -> Reply {
    #[derive(Serialize)]
    struct List<'a> {
        data: &'a [items::Item],
        total: usize,
    }
    Reply::new(StatusCode::OK, &List { data: items, total: items.len() })
}

/// Whose items they are. A subject of another issuer can be called like one of ours.
fn owner(permit: &Permit) -> Cow<'_, str> {
    if permit.is_external() {
        Cow::Owned(format!("{}@{}", permit.subject(), permit.issuer()))
    } else {
        Cow::Borrowed(permit.subject())
    }
}

fn profile(permit: &Permit) -> Reply {
    #[derive(Serialize)]
    struct Profile<'a> {
        id: &'a str,
        username: &'a str,
        client_id: &'a str,
        scope: &'a Scope,
    }
    Reply::new(
        StatusCode::OK,
        &Profile {
            id: permit.subject(),
            username: permit.user_name().unwrap_or(permit.subject()),
            client_id: permit.client_id().as_str(),
            scope: permit.scope(),
        },
    )
}
