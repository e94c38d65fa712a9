//! How many instructions a request takes: the same on every machine and however busy it is, so that a regression shows.
//!
//! The server runs in callgrind (of valgrind) twice, once with more requests than the other time. The difference is what
//! the requests took.

use std::{fs, path::Path, process::Command, time::Duration};

use tempfile::TempDir;

use crate::{
    gateway, openapi, person,
    requests::{self, Fixed},
    server::{self, Server},
    table::Table,
    upstream::Upstream,
};

const FEW: u32 = 100;
const MANY: u32 = 1100;
const PATIENCE: Duration = Duration::from_mins(2);

/// Prints all rows, or says why there are none.
pub(crate) async fn measure() {
    let is_there =
        Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success());
    if !is_there {
        println!("| instructions: not counted, there is no valgrind | | | | | | | |");
        return;
    }
    let own = async |server: &Server| {
        let access_token = person::own_token(server, "/mcp/demo", "read").await;
        Fixed::new(requests::tool_call("/mcp/demo", "get_user_profile", &access_token), 200)
    };
    let alone = || server::directory("");
    Table::print_count("instructions: tools/call get_user_profile", per_request(alone, own).await);
    let upstream = Upstream::start().await;
    let before = || server::directory(&gateway::before(upstream.address()));
    let through = per_request(before, gateway::call_through).await;
    Table::print_count("instructions: gateway tools/call", through);
    let ruled = || server::directory(&format!("{}{}", gateway::before(upstream.address()), ten_rules()));
    let through = per_request(ruled, gateway::call_through).await;
    Table::print_count("instructions: gateway tools/call, ten rules with conditions", through);
    let before = || openapi::directory(upstream.address());
    let through = per_request(before, openapi::call_through).await;
    Table::print_count("instructions: openapi tools/call", through);
}

/// Rules whose conditions are all evaluated and all false.
fn ten_rules() -> String {
    let rule = |number: u32| {
        format!(
            "[[policy.rule]]\nname = \"rule {number}\"\neffect = \"deny\"\n\
             when = \"user.name == 'nobody-{number}' || 'role-{number}' in user.roles\"\n"
        )
    };
    (0..10).map(rule).collect()
}

/// `directory` makes one for a server.
async fn per_request(directory: impl Fn() -> TempDir, request: impl AsyncFn(&Server) -> Fixed) -> u64 {
    let few = total(directory(), &request, FEW).await;
    let many = total(directory(), &request, MANY).await;
    (many - few) / u64::from(MANY - FEW)
}

/// The instructions of a server from its start to its end, with that many requests.
async fn total(directory: TempDir, request: impl AsyncFn(&Server) -> Fixed, times: u32) -> u64 {
    let counts = directory.path().join("counts");
    let out_file = format!("--callgrind-out-file={}", counts.display());
    let server = Server::start_in(&["valgrind", "--tool=callgrind", &out_file], directory.path()).await;
    let client = request(&server).await.times(times);
    server.run(vec![client], PATIENCE).await;
    server.stop();
    summary(&counts)
}

fn summary(counts: &Path) -> u64 {
    let text = fs::read_to_string(counts).expect("callgrind writes its counts");
    let line = text.lines().find_map(|line| line.strip_prefix("summary: ")).expect("they have a summary");
    line.trim().parse().expect("it is a number")
}
