//! Servers elsewhere: what reaches them, and what comes back, in both eras.

mod across;
mod faults;
mod legacy;
mod modern;
pub(crate) mod upstream;
