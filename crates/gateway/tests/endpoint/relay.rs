//! Servers elsewhere: what reaches them, and what comes back, in both eras.

mod across;
mod asked;
mod batches;
mod both_eras;
mod credentials;
mod faults;
mod http_sse;
mod interviews;
mod legacy;
mod listening;
mod lock;
mod modern;
mod parameters;
mod processes;
pub(crate) mod questions;
mod redaction;
mod together;
mod trace_context;
pub(crate) mod upstream;
