//! What is said to a provider's token endpoint: one function that sends for each thing; what comes back is judged by
//! [`token_response`](super::token_response) and [`failure`](super::failure), which are pure.
//!
//! Requests go out through `outbound`: within limits, to no address that the provider's egress does not allow, and no
//! redirect is followed.

use std::time::Duration;

use bytes::Bytes;
use client::{credentials, request};
use http::{HeaderValue, Method, Request, Response, header};
use oauth::{Clock, GrantType, Scope};
use outbound::Limits;
use secret::Secret;
use serde_json::{Map, Value};

use crate::provider::{
    account::AccountSource,
    endpoints::Registered,
    failure::Failure,
    quirks::Quirks,
    token_response::{self, Expected, Tokens},
};

/// The name that requests carry; some interfaces refuse those without one.
const USER_AGENT: HeaderValue = HeaderValue::from_static("vestibule");

/// `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693 §2.1).
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// Everything that a conversation with a provider needs.
#[derive(Clone, Copy)]
pub struct Speech<'a> {
    /// The way out.
    pub http: &'a outbound::Client,
    /// Who is spoken to, and who we are there.
    pub registered: &'a Registered,
    /// In what the provider is peculiar.
    pub quirks: &'a Quirks,
    /// Where it tells whose account it is.
    pub accounts: &'a AccountSource,
    /// Tells when an answer came.
    pub clock: &'a dyn Clock,
    /// The longest time for one answer.
    pub time: Duration,
}

/// An authorization code with what belongs to it (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(crate) struct CodeExchange<'a> {
    pub(crate) code: &'a Secret<String>,
    pub(crate) redirect_uri: &'a str,
    /// Empty when the provider does no PKCE.
    pub(crate) verifier: &'a Secret<String>,
    pub(crate) scope: &'a Scope,
}

/// A token that is exchanged for one of another system (RFC 8693 §2.1).
#[derive(Clone, Copy)]
pub struct Exchange<'a> {
    /// The token that says for whom.
    pub subject_token: &'a Secret<String>,
    /// What kind of token it is.
    pub subject_token_type: &'a str,
    /// Whom the new token is for, if the server wants to know.
    pub audience: Option<&'a str>,
    /// What it is for.
    pub scope: &'a Scope,
}

impl Speech<'_> {
    /// Redeems an authorization code.
    pub(crate) async fn exchange_code(&self, exchange: &CodeExchange<'_>) -> Result<Tokens, Failure> {
        let mut parameters = vec![
            ("grant_type", GrantType::AuthorizationCode.as_str()),
            ("code", exchange.code.expose().as_str()),
            ("redirect_uri", exchange.redirect_uri),
        ];
        if !exchange.verifier.expose().is_empty() {
            parameters.push(("code_verifier", exchange.verifier.expose()));
        }
        let endpoint = &self.registered.endpoints.token;
        self.ask(endpoint, parameters, exchange.scope, &[exchange.code, exchange.verifier]).await
    }

    /// Refreshes (RFC 6749 §6). `scope` is what the connection has.
    pub async fn refresh(&self, token: &Secret<String>, scope: &Scope) -> Result<Tokens, Failure> {
        let asked = self.quirks.scope_text(scope);
        let mut parameters = vec![
            ("grant_type", GrantType::RefreshToken.as_str()),
            ("refresh_token", token.expose().as_str()),
        ];
        if self.quirks.scope_on_refresh && !asked.is_empty() {
            parameters.push(("scope", &asked));
        }
        self.ask(self.registered.endpoints.refresh(), parameters, scope, &[token]).await
    }

    /// Gets a token for ourselves (RFC 6749 §4.4).
    pub async fn client_credentials(&self, scope: &Scope) -> Result<Tokens, Failure> {
        let asked = self.quirks.scope_text(scope);
        let mut parameters = vec![("grant_type", GrantType::ClientCredentials.as_str())];
        if !asked.is_empty() {
            parameters.push((&self.quirks.scope_parameter, &asked));
        }
        self.ask(&self.registered.endpoints.token, parameters, scope, &[]).await
    }

    /// Exchanges one token for another (RFC 8693 §2.1).
    pub async fn exchange_token(&self, exchange: &Exchange<'_>) -> Result<Tokens, Failure> {
        let asked = self.quirks.scope_text(exchange.scope);
        let mut parameters = vec![
            ("grant_type", TOKEN_EXCHANGE),
            ("subject_token", exchange.subject_token.expose().as_str()),
            ("subject_token_type", exchange.subject_token_type),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        parameters.extend(exchange.audience.map(|audience| ("audience", audience)));
        if !asked.is_empty() {
            parameters.push(("scope", &asked));
        }
        let endpoint = &self.registered.endpoints.token;
        self.ask(endpoint, parameters, exchange.scope, &[exchange.subject_token]).await
    }

    /// Sends one token request, and has the answer judged.
    async fn ask<'a>(
        &'a self,
        endpoint: &str,
        mut parameters: Vec<(&'a str, &'a str)>,
        asked: &Scope,
        secrets: &[&Secret<String>],
    ) -> Result<Tokens, Failure> {
        parameters.extend(self.registered.resource.as_ref().map(|resource| ("resource", resource.as_str())));
        let more = self.quirks.token_parameters.iter();
        parameters.extend(more.map(|(name, value)| (name.as_str(), value.as_str())));
        let request = self.request(endpoint, parameters).map_err(Failure::NotSent)?;
        let response = self.send(request).await?;
        let mut sent = secrets.to_vec();
        sent.extend(&self.registered.client.client_secret);
        let expected = Expected { quirks: self.quirks, asked, accounts: self.accounts, sent: &sent };
        token_response::judge(&response, &expected, self.clock.now())
    }

    /// A request with our credentials, as a form or, where the provider wants it, as JSON.
    pub(super) fn request<'a>(
        &'a self,
        endpoint: &str,
        mut parameters: Vec<(&'a str, &'a str)>,
    ) -> Result<Request<Bytes>, outbound::Error> {
        let credentials = credentials(&self.registered.client);
        parameters.extend(&credentials.parameters);
        let authorization = credentials.header.as_ref();
        if !self.quirks.json_request {
            return request::post_form(endpoint, &parameters, authorization);
        }
        let members: Map<String, Value> =
            parameters.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        let body = Value::Object(members).to_string().into_bytes();
        let mut request = request::post_json(endpoint, body)?;
        if let Some(authorization) = authorization {
            authorize(&mut request, authorization)?;
        }
        Ok(request)
    }

    /// Fetches the document that says whose account the access token is for.
    pub(crate) async fn user_info(&self, url: &str, token: &Secret<String>) -> Result<Value, Failure> {
        let mut request = request::get(url).map_err(Failure::NotSent)?;
        authorize(&mut request, &Secret::new(format!("Bearer {}", token.expose())))
            .map_err(Failure::NotSent)?;
        let response = self.send(request).await?;
        match serde_json::from_slice(response.body()) {
            Ok(document) if response.status().is_success() => Ok(document),
            _ => Err(super::failure::judge(response.status(), response.headers(), None, self.quirks)),
        }
    }

    /// Sends, with the limits of a token request.
    pub(super) async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, Failure> {
        request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        let limits = Limits { headers: self.time, total: self.time, ..request::ENDPOINT };
        self.http.send(request, limits).await.map_err(Failure::of_sending)
    }
}

/// Puts `value` into `Authorization`.
pub(super) fn authorize(request: &mut Request<Bytes>, value: &Secret<String>) -> Result<(), outbound::Error> {
    let mut value = HeaderValue::from_str(value.expose())
        .map_err(|_| outbound::Error::InvalidUrl("the credentials do not fit into a header"))?;
    value.set_sensitive(true);
    request.headers_mut().insert(header::AUTHORIZATION, value);
    Ok(())
}

/// `DELETE` of a JSON document.
pub(super) fn delete_json(url: &str, body: Vec<u8>) -> Result<Request<Bytes>, outbound::Error> {
    let mut request = request::post_json(url, body)?;
    *request.method_mut() = Method::DELETE;
    Ok(request)
}
