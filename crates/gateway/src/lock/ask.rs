//! What a server says about itself now, asked in the way in which requests of clients get there.

use guard::Permit;
use mcp::DiscoverResult;
use mcp::json::{Object, string};
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Definition, Definitions, Thing};
use crate::probe::{self, ProbeError};
use crate::remote_server::RemoteServer;
use crate::upstream::remote::listed::{PROMPTS, TOOLS, each};
use crate::upstream::remote::{Caller, Description, no_capabilities};

/// Asks `server`, which is at `endpoint`, for everything that can be approved.
///
/// # Errors
/// [`ProbeError`]: it cannot be asked, or says something that cannot be pinned.
pub async fn ask(server: &RemoteServer, endpoint: &str, permit: Permit) -> Result<Definitions, ProbeError> {
    let caller = Caller::new(&server.remote, permit);
    probe::reach(&caller, &mut |_| ()).await?;
    let mut definitions = Definitions { endpoint: endpoint.to_owned(), ..Definitions::default() };
    let offered = introduce(&caller, &mut definitions).await?;
    for (thing, capability, list) in [(Thing::Tool, "tools", TOOLS), (Thing::Prompt, "prompts", PROMPTS)] {
        if !offered.contains_key(capability) {
            continue;
        }
        let mut wrong = None;
        each(&caller, list, &mut |entry| {
            if let Err(error) = keep(&mut definitions, thing, entry) {
                wrong.get_or_insert(error);
            }
        })
        .await?;
        if let Some(error) = wrong {
            return Err(error);
        }
    }
    if let Ok(Description::Legacy) = caller.description().await {
        let session = caller.pooled_session(&no_capabilities()).await?;
        caller.end_session(session.headers()).await;
    }
    Ok(definitions)
}

/// What the server says of itself; gives its capabilities.
async fn introduce(
    caller: &Caller,
    definitions: &mut Definitions,
) -> Result<serde_json::Map<String, Value>, ProbeError> {
    let (identity, instructions, capabilities) = match caller.description().await? {
        Description::Modern(raw) => {
            let described: DiscoverResult = serde_json::from_str(raw.get()).map_err(|error| {
                ProbeError::NotMcp(format!("its server/discover cannot be read: {error}"))
            })?;
            let identity = described.server_info().map(|info| info.name);
            (identity, described.instructions, described.capabilities)
        }
        Description::Legacy => {
            let session = caller.pooled_session(&no_capabilities()).await?;
            let described = &session.description;
            let identity = Some(described.server_info.name.clone());
            (identity, described.instructions.clone(), described.capabilities.clone())
        }
    };
    definitions.identity = identity;
    definitions.instructions = instructions.map(|text| Definition::of(&Value::String(text)));
    Ok(capabilities)
}

fn keep(definitions: &mut Definitions, thing: Thing, entry: &RawValue) -> Result<(), ProbeError> {
    let refused = |what: &str| ProbeError::NotMcp(format!("one of its {}s {what}", thing.word()));
    let definition = Definition::read(entry).ok_or_else(|| refused("can be read in two ways"))?;
    let object = Object::read(entry.get(), &["name"]).map_err(|_| refused("cannot be read"))?;
    let name = object.get("name").and_then(string).ok_or_else(|| refused("has no name"))?;
    let known = match thing {
        Thing::Prompt => &mut definitions.prompts,
        Thing::Tool | Thing::Instructions => &mut definitions.tools,
    };
    match known.insert(name.clone().into_owned(), definition.clone()) {
        Some(other) if other != definition => Err(refused("is there twice, and not the same")),
        _ => Ok(()),
    }
}
