//! Servers elsewhere: what reaches them, and what comes back, in both eras.

mod across;
mod asked;
mod faults;
mod http_sse;
mod legacy;
mod modern;
pub(crate) mod upstream;
