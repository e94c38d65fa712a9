//! The client against an authorization server and MCP server of our own on loopback, which misbehave on demand. Tests
//! that stand for a row of the attack catalogue bear its name.

#![expect(clippy::unwrap_used, reason = "what a test cannot set up ends the test")]

mod attacks;
mod fake;
mod flows;
mod refresh;
mod world;
