//! How requests to authorization servers are put together, and what they may cost.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use outbound::Limits;
use secret::Secret;
use url::{Url, form_urlencoded};

/// A token, registration or revocation response: at most 64 KiB within thirty seconds.
pub const ENDPOINT: Limits =
    Limits { bytes: 64 * 1024, headers: Duration::from_secs(30), total: Duration::from_secs(30) };

/// `GET` of a JSON document.
pub fn get(url: &str) -> Result<Request<Bytes>, outbound::Error> {
    request(Method::GET, url, None, Bytes::new())
}

/// `POST` of a form, perhaps with an `Authorization` header.
pub fn post_form(
    url: &str,
    parameters: &[(&str, &str)],
    authorization: Option<&Secret<String>>,
) -> Result<Request<Bytes>, outbound::Error> {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let mut request = request(Method::POST, url, Some("application/x-www-form-urlencoded"), body.into())?;
    if let Some(authorization) = authorization {
        let mut value = HeaderValue::from_str(authorization.expose())
            .map_err(|_| outbound::Error::InvalidUrl("the credentials do not fit into a header"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    Ok(request)
}

/// `POST` of a JSON document.
pub fn post_json(url: &str, body: Vec<u8>) -> Result<Request<Bytes>, outbound::Error> {
    request(Method::POST, url, Some("application/json"), body.into())
}

fn request(
    method: Method,
    url: &str,
    content_type: Option<&'static str>,
    body: Bytes,
) -> Result<Request<Bytes>, outbound::Error> {
    let invalid = outbound::Error::InvalidUrl("it is not an absolute URL");
    let url = Url::parse(url).map_err(|_| invalid.clone())?;
    let mut builder =
        Request::builder().method(method).uri(url.as_str()).header(header::ACCEPT, "application/json");
    if let Some(content_type) = content_type {
        builder = builder.header(header::CONTENT_TYPE, content_type);
    }
    builder.body(body).map_err(|_| invalid)
}
