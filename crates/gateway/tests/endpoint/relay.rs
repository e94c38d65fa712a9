//! Servers elsewhere: what reaches them, and what comes back, in both eras.

mod across;
mod asked;
mod faults;
mod http_sse;
mod interviews;
mod legacy;
mod listening;
mod modern;
mod parameters;
mod processes;
pub(crate) mod questions;
pub(crate) mod upstream;
