//! Holds a restarted server to what it acknowledged.

use std::net::SocketAddr;

use super::{
    endpoints::{Endpoints, Refusal},
    flow::{Flow, Unanswered},
    history::{Client, Family, Operation},
};

/// Asks again what is unknown, and then for whatever the client may rely on.
pub(super) async fn check(mut flow: Flow, address: SocketAddr) -> Flow {
    let result = match Endpoints::open(address).await {
        Some(mut endpoints) => check_flow(&mut flow, &mut endpoints).await,
        None => Err(Unanswered),
    };
    if let Err(Unanswered) = result {
        flow.history.violations.push("a server that nobody killed does not answer".into());
    }
    flow
}

/// Asks for everything that was ever registered and everything that ever ended.
pub(super) async fn audit(mut flow: Flow, address: SocketAddr) -> Flow {
    let mut endpoints = Endpoints::open(address).await.expect("the server listens");
    let mut found = Vec::new();
    for client in &flow.history.clients {
        found.extend(exists(client, &mut endpoints).await.expect("the server answers").err());
    }
    for family in &flow.history.ended {
        found.extend(is_over(family, &mut endpoints).await.expect("the server answers").err());
    }
    flow.history.violations.extend(found);
    flow
}

async fn check_flow(flow: &mut Flow, endpoints: &mut Endpoints) -> Result<(), Unanswered> {
    // A registration or a code that nobody was told of binds nobody. Anything else can be asked again.
    if let Some(operation) = flow.history.unknown()
        && ![Operation::Register, Operation::Authorize].contains(&operation)
    {
        flow.perform(operation, endpoints).await?;
    }
    if let Some(client) = flow.history.clients.last() {
        let found = exists(client, endpoints).await?;
        flow.history.violations.extend(found.err());
    }
    if let Some(family) = flow.history.ended.last() {
        let found = is_over(family, endpoints).await?;
        flow.history.violations.extend(found.err());
    }
    for operation in relied_on(flow) {
        if let Some(family) = &flow.history.family {
            let found = is_active(family, endpoints).await?;
            flow.history.violations.extend(found.err());
            flow.perform(operation, endpoints).await?;
        }
    }
    Ok(())
}

/// What must work now, or, for what was used up, must not. Not always the same: a repetition is only possible
/// before the newest token is used, and a reuse ends the family.
fn relied_on(flow: &mut Flow) -> Vec<Operation> {
    let Some(family) = &flow.history.family else { return Vec::new() };
    match (family.tokens.len(), flow.dice.roll(8)) {
        (0, _) => vec![Operation::Redeem],
        (1, 0) => vec![Operation::Refresh, Operation::Reuse],
        (1, _) => vec![Operation::Refresh],
        (_, 0) => vec![Operation::Repeat, Operation::Refresh, Operation::Reuse],
        (_, 1..5) => vec![Operation::Repeat, Operation::Refresh],
        (_, _) => vec![Operation::Refresh],
    }
}

async fn exists(client: &Client, endpoints: &mut Endpoints) -> Result<Result<(), Refusal>, Unanswered> {
    let active = endpoints.introspect(client, "nobody's token").await.ok_or(Unanswered)?;
    Ok(active.map(drop).map_err(|refusal| format!("a registration is lost: {refusal}")))
}

async fn is_active(family: &Family, endpoints: &mut Endpoints) -> Result<Result<(), Refusal>, Unanswered> {
    let Some(newest) = family.tokens.last() else { return Ok(Ok(())) };
    let active = endpoints.introspect(&family.client, &newest.access).await.ok_or(Unanswered)?;
    Ok(if active == Ok(true) { Ok(()) } else { Err(format!("{active:?} of an access token of {family:?}")) })
}

/// Nothing that came of the code is good for anything, and neither is the code.
async fn is_over(family: &Family, endpoints: &mut Endpoints) -> Result<Result<(), Refusal>, Unanswered> {
    let Some(newest) = family.tokens.last() else { return Ok(Ok(())) };
    let refreshed = endpoints.refresh(&family.client, &newest.refresh).await.ok_or(Unanswered)?;
    let redeemed = endpoints.redeem(&family.client, &family.code).await.ok_or(Unanswered)?;
    let active = endpoints.introspect(&family.client, &newest.access).await.ok_or(Unanswered)?;
    let is_over = refreshed.is_err() && redeemed.is_err() && active == Ok(false);
    Ok(if is_over { Ok(()) } else { Err(format!("what ended is not over: {family:?}")) })
}
