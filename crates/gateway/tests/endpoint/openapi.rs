//! APIs whose operations are tools: which bytes reach the API, and what becomes of its answers.

mod answers;
mod arguments;
mod eras;
mod hostile;
pub(crate) mod recorder;
mod search;
