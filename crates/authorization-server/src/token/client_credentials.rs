//! Client credentials (RFC 6749 §4.4): the client acts for itself. Nothing is stored; the token ends by
//! itself or by its `jti`.

use oauth::{ErrorCode, ResourceIndicator, Scope, parameters::Parameters, token::TokenResponse};

use crate::{
    AuthorizationServer, Resource,
    access_token::{self, Holder},
    answer::EndpointError,
    client_authentication::AuthenticatedClient,
};

pub(super) fn issue(
    server: &AuthorizationServer,
    client: &AuthenticatedClient,
    parameters: &Parameters,
) -> Result<TokenResponse, EndpointError> {
    if !client.is_confidential() {
        let description = "client_credentials needs a client with a secret";
        return Err(EndpointError::new(ErrorCode::UnauthorizedClient, description));
    }
    let resources = server.resources();
    let resource = requested_resource(&resources, parameters)?;
    let scope = requested_scope(parameters, &client.record().scope, &resource.scope())?;
    let holder = Holder {
        subject: client.record().id.as_str(),
        user_name: None,
        roles: &[],
        client_id: &client.record().id,
        grant: None,
        resource: &resource.indicator,
        scope,
    };
    Ok(access_token::issue(server, holder, None))
}

fn requested_resource<'a>(
    known: &'a [Resource],
    parameters: &Parameters,
) -> Result<&'a Resource, EndpointError> {
    let invalid =
        || EndpointError::new(ErrorCode::InvalidTarget, "resource must name one resource of this server");
    let mut requested = parameters.all("resource");
    let resource = match (requested.next(), requested.next()) {
        (None, _) => known.iter().find(|resource| resource.is_default),
        (Some(text), None) => {
            let indicator = ResourceIndicator::parse(text).map_err(|_| invalid())?;
            known.iter().find(|resource| resource.indicator == indicator)
        }
        (Some(_), Some(_)) => None,
    };
    resource.ok_or_else(invalid)
}

/// A client that registered no scope may have what the resource knows; one that did, no more than that.
fn requested_scope(
    parameters: &Parameters,
    registered: &Scope,
    known: &Scope,
) -> Result<Scope, EndpointError> {
    let allowed = if registered.is_empty() { known.clone() } else { registered.intersection(known) };
    let Some(text) = parameters.one("scope").ok().flatten() else { return Ok(allowed) };
    let scope =
        Scope::parse(text).map_err(|error| EndpointError::new(ErrorCode::InvalidScope, error.to_string()))?;
    if scope.is_subset_of(&allowed) {
        return Ok(scope);
    }
    Err(EndpointError::new(ErrorCode::InvalidScope, "the scope is wider than this client and resource allow"))
}
