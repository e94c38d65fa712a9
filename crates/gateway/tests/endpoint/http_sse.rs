//! The older transport, HTTP with SSE, as its clients and their attackers meet it.

mod admission;
mod client;
mod end;
mod far;
mod session;
