//! The gateway as clients and attackers meet it: requests in, responses out, on a real store.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that does not hold")]
#![expect(clippy::needless_pass_by_value, reason = "so that calls read `json!(…)`, not `&json!(…)`")]

mod admission;
mod authorization;
mod bare;
mod hostile;
mod http_sse;
mod legacy;
mod modern;
mod openapi;
mod policy;
mod quota;
mod recorded;
mod relay;
mod resource_api;
mod virtual_server;
mod world;
