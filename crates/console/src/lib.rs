//! Where people see and change what is kept for them: the pages and the HTTP API of connections.

pub mod pages;
