//! Asking an issuer about a token (RFC 7662).

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use oauth::{Clock, Issuer, Timestamp, client_authentication};
use outbound::{Client, Limits};
use secret::Secret;
use serde_json::{Map, Value};
use tokio::{
    sync::{Mutex, Semaphore},
    time::timeout,
};
use url::form_urlencoded::Serializer;

use super::{Unavailable, discovery};

/// How an issuer is asked.
pub struct Introspection {
    /// Who we are there.
    pub client_id: String,
    /// What proves it (`client_secret_basic`).
    pub client_secret: Secret<String>,
    /// Where, if its metadata does not say.
    pub endpoint: Option<String>,
}

/// Without the secret.
impl fmt::Debug for Introspection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Introspection").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// How many questions may be open at an issuer at the same time, and how long one may wait for its turn: a flood of
/// invented tokens is one here and not there.
const QUESTIONS: usize = 16;
const TURN: Duration = Duration::from_secs(2);
/// What is kept of an answer is as large as the answer.
const ANSWER: Limits = Limits { bytes: 64 * 1024, ..Limits::DOCUMENT };
/// How long a discovered endpoint is used, and how long nobody looks again after one was not found.
const ENDPOINT: Duration = Duration::from_mins(5);
const FLOOR: Duration = Duration::from_secs(10);

/// Asks one issuer.
pub(super) struct Introspector {
    issuer: Issuer,
    how: Introspection,
    client: Client,
    clock: Arc<dyn Clock>,
    questions: Semaphore,
    discovered: Mutex<Option<(Timestamp, Option<String>)>>,
}

impl Introspector {
    pub(super) fn new(issuer: Issuer, how: Introspection, client: Client, clock: Arc<dyn Clock>) -> Self {
        let questions = Semaphore::new(QUESTIONS);
        Self { issuer, how, client, clock, questions, discovered: Mutex::new(None) }
    }

    /// What the issuer says about a token; `None` when it is not active.
    pub(super) async fn introspect(&self, token: &str) -> Result<Option<Map<String, Value>>, Unavailable> {
        let turn = timeout(TURN, self.questions.acquire()).await.map_err(|_| Unavailable)?;
        let _turn = turn.map_err(|_| Unavailable)?;
        let endpoint = self.endpoint().await.ok_or(Unavailable)?;
        let answer = self.ask(&endpoint, token).await.map_err(|reason| {
            tracing::warn!(issuer = %self.issuer, reason, "an issuer does not answer about a token");
            Unavailable
        })?;
        match answer.get("active") {
            Some(Value::Bool(true)) => Ok(Some(answer)),
            Some(Value::Bool(false)) => Ok(None),
            _ => Err(Unavailable),
        }
    }

    async fn ask(&self, endpoint: &str, token: &str) -> Result<Map<String, Value>, String> {
        let form = Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        let request = Request::post(endpoint)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(header::AUTHORIZATION, self.authorization()?)
            .body(Bytes::from(form))
            .map_err(|_| "its introspection endpoint is no URL".to_owned())?;
        let response = self.client.send(request, ANSWER).await.map_err(|error| error.to_string())?;
        match response.status() {
            StatusCode::OK => {
                serde_json::from_slice(response.body()).map_err(|_| "its answer is not JSON".to_owned())
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err("it does not take the configured client_id and client_secret".to_owned())
            }
            status => Err(format!("it answers with status {status}")),
        }
    }

    fn authorization(&self) -> Result<HeaderValue, String> {
        let value = client_authentication::write_basic(&self.how.client_id, self.how.client_secret.expose());
        let mut value = HeaderValue::from_str(value.expose()).map_err(|error| error.to_string())?;
        value.set_sensitive(true);
        Ok(value)
    }

    async fn endpoint(&self) -> Option<String> {
        if let Some(endpoint) = &self.how.endpoint {
            return Some(endpoint.clone());
        }
        let mut discovered = self.discovered.lock().await;
        let now = self.clock.now();
        if let Some((at, found)) = &*discovered {
            let holds = if found.is_some() { ENDPOINT } else { FLOOR };
            if now.since(*at) < holds {
                return found.clone();
            }
        }
        let metadata = discovery::metadata(&self.client, &self.issuer).await;
        let found = match metadata.map(|metadata| metadata.introspection_endpoint) {
            Ok(Some(endpoint)) => Some(endpoint),
            Ok(None) => {
                tracing::warn!(issuer = %self.issuer, "the metadata of an issuer names no introspection_endpoint");
                None
            }
            Err(error) => {
                tracing::warn!(issuer = %self.issuer, %error, "the metadata of an issuer cannot be fetched");
                None
            }
        };
        // What was found before is better than nothing while the issuer cannot be reached.
        let former = discovered.take().and_then(|(_, former)| former);
        let endpoint = found.or(former);
        *discovered = Some((now, endpoint.clone()));
        endpoint
    }
}
