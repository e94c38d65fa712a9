//! The token endpoint (RFC 6749 §3.2): authenticates the client and hands over to the grant type's own file.

mod authorization_code;
mod client_credentials;
mod refresh_token;

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use oauth::{ErrorCode, GrantType, ResourceIndicator, parameters::Parameters};

use crate::{
    AuthorizationServer,
    answer::{EndpointError, no_store},
    client_authentication::{Freshness, authenticate},
    form::Form,
};

/// POST /token
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    form: Form,
) -> Result<Response, EndpointError> {
    let grant_type = form.parameters.one("grant_type").ok().flatten();
    let grant_type = grant_type.ok_or_else(|| missing("grant_type"))?;
    let grant_type = GrantType::parse(grant_type).ok_or_else(|| {
        let description = "grant_type is authorization_code, refresh_token or client_credentials";
        EndpointError::new(ErrorCode::UnsupportedGrantType, description)
    })?;
    let freshness = match grant_type {
        GrantType::ClientCredentials => Freshness::Recent,
        GrantType::AuthorizationCode | GrantType::RefreshToken => Freshness::Now,
    };
    let issued = issue(&server, grant_type, freshness, &form, peer.map(|extension| extension.0.0.ip())).await;
    // For whoever counts answers by grant type.
    let mut response = issued.into_response();
    response.extensions_mut().insert(grant_type);
    Ok(response)
}

async fn issue(
    server: &AuthorizationServer,
    grant_type: GrantType,
    freshness: Freshness,
    form: &Form,
    peer: Option<IpAddr>,
) -> Result<Response, EndpointError> {
    let client = authenticate(server, form, peer, freshness).await?;
    if !may_use(client.record(), grant_type) {
        let description = "this client is not registered for this grant type";
        return Err(EndpointError::new(ErrorCode::UnauthorizedClient, description));
    }
    let response = match grant_type {
        GrantType::AuthorizationCode => authorization_code::exchange(server, &client, &form.parameters).await,
        GrantType::RefreshToken => refresh_token::refresh(server, &client, &form.parameters).await,
        GrantType::ClientCredentials => client_credentials::issue(server, &client, &form.parameters),
    }?;
    Ok(no_store(StatusCode::OK, &response))
}

/// A refresh token is only ever given to a client that may use it, so holding one is permission enough.
fn may_use(client: &store::ClientRecord, grant_type: GrantType) -> bool {
    grant_type == GrantType::RefreshToken || client.grant_types.contains(&grant_type)
}

fn missing(name: &'static str) -> EndpointError {
    EndpointError::new(ErrorCode::InvalidRequest, format!("the parameter {name} is missing"))
}

/// RFC 8707 §2.2: a token request may only name the resource that was authorized.
fn check_resource(parameters: &Parameters, granted: &ResourceIndicator) -> Result<(), EndpointError> {
    let is_granted = |text: &str| ResourceIndicator::parse(text).is_ok_and(|resource| resource == *granted);
    if parameters.all("resource").all(is_granted) {
        return Ok(());
    }
    let description = "resource is not the one that was authorized";
    Err(EndpointError::new(ErrorCode::InvalidTarget, description))
}
