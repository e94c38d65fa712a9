//! How fast the real binary is, beside what the same core of the same machine can do at most.
//!
//! `cargo bench -p vestibule` prints one table; `cargo bench -p vestibule -- refresh` only its rows named so.
//!
//! 1. The server, and whatever it is held against, runs on core 0 with one worker thread; the load comes from
//!    core 1, over loopback connections that are kept open.
//! 2. Every row is measured three times, each time right after its limit, so that a machine that slows down
//!    slows down both; what is printed are medians.
//! 3. Every answer is checked: a benchmark of errors would be a fast one.

mod gateway;
mod import;
mod instructions;
mod limits;
mod load;
mod machine;
mod openapi;
mod person;
mod requests;
mod rows;
mod server;
mod table;
mod upstream;

use std::env;

use self::{rows::World, table::Table};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, which, rest @ ..] = arguments.as_slice()
        && first == limits::ARGUMENT
    {
        limits::serve(which, rest);
        return;
    }
    machine::pin_this_process();
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter.as_str()));
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(measure(&is_wanted));
}

async fn measure(is_wanted: &dyn Fn(&str) -> bool) {
    let mut table = Table::new();
    if is_wanted("start") {
        rows::start_and_memory(&mut table).await;
    }
    let world = World::new().await;
    for name in rows::ROWS.into_iter().filter(|name| is_wanted(name)) {
        table.print(&world.measure(name).await);
    }
    table.print_memory("memory after the load", world.server.resident_memory(), None);
    drop(world);
    if is_wanted("gateway") {
        gateway::measure(&mut table).await;
    }
    if is_wanted("openapi: tools/call") {
        openapi::measure(&mut table).await;
    }
    if is_wanted("openapi: import") {
        import::measure(&mut table);
    }
    if is_wanted("instructions") {
        instructions::measure().await;
    }
    table.finish();
}
