//! Telling a provider that a token is not wanted any more (RFC 7009), in its own way where it has one.

use bytes::Bytes;
use client::request;
use http::{Request, StatusCode};
use oauth::client_authentication::write_basic;
use secret::Secret;
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use crate::provider::{
    failure::{self, Failure},
    quirks::RevocationRequest,
    refusal::Refusal,
    speech::{Speech, authorize, delete_json},
};

/// What became of the tokens at the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// They are revoked, or were not valid any more.
    Done,
    /// The provider offers no revocation: they live until they end by themselves.
    NotOffered,
}

impl Speech<'_> {
    /// Revokes what a connection held: by its refresh token, which ends the whole grant (RFC 7009 §2.1), or by its access
    /// token when there is no other, or when the provider knows only that.
    pub async fn revoke(
        &self,
        access_token: &Secret<String>,
        refresh_token: Option<&Secret<String>>,
    ) -> Result<Revoked, Failure> {
        let Some(endpoint) = self.registered.endpoints.revocation.as_deref() else {
            return Ok(Revoked::NotOffered);
        };
        let request = match self.quirks.revocation {
            RevocationRequest::Standard => self.standard(endpoint, access_token, refresh_token),
            RevocationRequest::Bearer => bearer(endpoint, access_token),
            RevocationRequest::Delete => self.delete(endpoint, access_token),
        };
        let response = self.send(request.map_err(Failure::NotSent)?).await?;
        let answer = serde_json::from_slice(response.body()).ok();
        let sent = [access_token, refresh_token.unwrap_or(access_token)];
        let refusal = answer.as_ref().and_then(|answer| Refusal::in_answer(answer, &sent));
        if is_done(response.status(), refusal.as_ref()) {
            return Ok(Revoked::Done);
        }
        Err(failure::judge(response.status(), response.headers(), refusal, self.quirks))
    }

    fn standard(
        &self,
        endpoint: &str,
        access_token: &Secret<String>,
        refresh_token: Option<&Secret<String>>,
    ) -> Result<Request<Bytes>, outbound::Error> {
        let (token, hint) = match refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (access_token, "access_token"),
        };
        self.request(endpoint, vec![("token", token.expose()), ("token_type_hint", hint)])
    }

    fn delete(
        &self,
        endpoint: &str,
        access_token: &Secret<String>,
    ) -> Result<Request<Bytes>, outbound::Error> {
        let client = &self.registered.client;
        let secret = client.client_secret.as_ref().map_or("", |secret| secret.expose().as_str());
        let body = json!({ "access_token": access_token.expose() }).to_string();
        let id: String = byte_serialize(client.client_id.as_bytes()).collect();
        let mut request = delete_json(&endpoint.replace("{client_id}", &id), body.into_bytes())?;
        authorize(&mut request, &write_basic(&client.client_id, secret))?;
        Ok(request)
    }
}

fn bearer(endpoint: &str, token: &Secret<String>) -> Result<Request<Bytes>, outbound::Error> {
    let mut request = request::post_form(endpoint, &[], None)?;
    authorize(&mut request, &Secret::new(format!("Bearer {}", token.expose())))?;
    Ok(request)
}

/// RFC 7009 §2.2: 200 also for a token that was not valid. Providers say the same with other statuses and codes.
fn is_done(status: StatusCode, refusal: Option<&Refusal>) -> bool {
    let knows_it_no_more = || {
        refusal.is_some_and(|refusal| {
            matches!(
                refusal.error.as_str(),
                "invalid_token" | "invalid_grant" | "token_revoked" | "token_expired" | "account_inactive"
            )
        })
    };
    match status {
        status if status.is_success() => refusal.is_none() || knows_it_no_more(),
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => knows_it_no_more(),
        StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => refusal.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn va_21_a_token_that_is_gone_is_revoked() {
        let check = |expect, status, error: Option<&str>| {
            let refusal = error.map(|error| Refusal::new(error, None, &[]));
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_done(status, refusal.as_ref()), expect, "{status} {error:?}");
        };
        check(true, 200, None);
        check(true, 204, None);
        check(true, 400, Some("invalid_token"));
        check(true, 200, Some("token_revoked"));
        check(true, 404, None);
        check(false, 200, Some("not_authed"));
        check(false, 400, Some("invalid_request"));
        check(false, 401, Some("invalid_client"));
        check(false, 401, None);
        check(false, 302, None);
        check(false, 503, None);
    }
}
