//! Servers that take the credential of whoever calls them, on a real vault whose provider answers what a test says.

mod apis;
mod ended;
mod hub;
mod ladder;
mod legacy;
mod refused;
mod waiting_room;
mod whose;
