//! What a browser brings: cookies, language, where the request came from. Everything is optional and nothing
//! is trusted: a cookie only points to a record.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use oauth::Issuer;
use secret::{Digest, Token, TokenKind};

use crate::{
    AuthorizationServer,
    kinds::{Browser, Session},
    pages::Language,
};

/// A request that a person's browser made.
pub struct FromBrowser {
    /// The language to answer in.
    pub language: Language,
    /// The browser's own cookie, if it has one of ours.
    pub(crate) browser: Option<Token<Browser>>,
    /// The session cookie, if it has one of ours.
    pub(crate) session: Option<Token<Session>>,
    /// Where the connection comes from.
    pub(crate) peer: Option<IpAddr>,
    /// Whether a person is looking: browsers say so, programs do not.
    pub(crate) is_navigation: bool,
    /// Whether a form in this request was sent from our own page.
    pub is_own_form: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for FromBrowser
where
    AuthorizationServer: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let server = AuthorizationServer::from_ref(state);
        let headers = &parts.headers;
        let accept_language = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let secure = !server.issuer().is_plain_http();
        Ok(Self {
            language: Language::negotiate(accept_language),
            browser: cookie(headers, secure, BROWSER_COOKIE),
            session: cookie(headers, secure, SESSION_COOKIE),
            peer: parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
            is_navigation: headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate"),
            is_own_form: is_own_form(headers, server.issuer()),
        })
    }
}

const BROWSER_COOKIE: &str = "vestibule_browser";
const SESSION_COOKIE: &str = "vestibule_session";

/// `Set-Cookie` that names this browser until it is closed.
pub(crate) fn set_browser(issuer: &Issuer, token: &Token<Browser>) -> HeaderValue {
    set_cookie(issuer, BROWSER_COOKIE, token.expose(), "")
}

/// `Set-Cookie` that begins a session.
pub(crate) fn set_session(issuer: &Issuer, token: &Token<Session>) -> HeaderValue {
    set_cookie(issuer, SESSION_COOKIE, token.expose(), "")
}

/// `Set-Cookie` that ends the session.
pub(crate) fn clear_session(issuer: &Issuer) -> HeaderValue {
    set_cookie(issuer, SESSION_COOKIE, "", "; Max-Age=0")
}

/// `__Host-` binds a cookie to this host, this path and https (RFC 6265bis §4.1.3.2). On plain http, which is
/// only this computer, browsers would refuse it, so the name is plain there.
fn set_cookie(issuer: &Issuer, name: &str, value: &str, suffix: &str) -> HeaderValue {
    let (prefix, secure) = if issuer.is_plain_http() { ("", "") } else { ("__Host-", "; Secure") };
    let text = format!("{prefix}{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{suffix}");
    HeaderValue::from_str(&text).expect("tokens and names are visible ASCII")
}

/// The cookie of this name, only if there is exactly one and it is well-formed: a second one may have been
/// tossed in from elsewhere (CO-05).
fn cookie<K: TokenKind>(headers: &HeaderMap, secure: bool, name: &str) -> Option<Token<K>> {
    let prefix = if secure { "__Host-" } else { "" };
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = pairs.flat_map(|pairs| pairs.split(';')).filter_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found.strip_prefix(prefix)? == name).then_some(value)
    });
    match (values.next(), values.next()) {
        (Some(value), None) => Token::parse(value).ok(),
        _ => None,
    }
}

/// Browsers send `Origin` and `Sec-Fetch-Site` with every form; a program that sends neither has no victim's
/// cookies to abuse.
fn is_own_form(headers: &HeaderMap, issuer: &Issuer) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin_is_ours = origins.all(|origin| origin.as_bytes() == issuer.origin().as_bytes());
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let site_is_ours = sites.all(|site| site == "same-origin" || site == "none");
    origin_is_ours && site_is_ours
}

impl FromBrowser {
    /// Which browser it is, if it has our cookie: what was begun here can be ended only here.
    pub fn digest(&self) -> Option<Digest> {
        self.browser.as_ref().map(Token::digest)
    }

    /// Whether the stored `digest` is this browser's.
    pub(crate) fn is(&self, digest: &Digest) -> bool {
        self.browser.as_ref().is_some_and(|token| token.digest() == *digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed;
    impl secret::Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(5);
        }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn co_05_odd_cookies_are_nobodys() {
        let token = Token::<Session>::mint(&Fixed);
        let one = format!("a=b; vestibule_session={}", token.expose());
        let read =
            |cookies: &[(&'static str, &str)]| cookie::<Session>(&headers(cookies), false, SESSION_COOKIE);
        assert_eq!(read(&[("cookie", &one)]).unwrap().digest(), token.digest());
        assert!(read(&[("cookie", &one), ("cookie", &one)]).is_none());
        assert!(read(&[("cookie", &format!("{one}; {one}"))]).is_none());
        assert!(read(&[("cookie", "vestibule_session=garbage")]).is_none());
        assert!(read(&[("cookie", &"x".repeat(5000))]).is_none());
        assert!(
            cookie::<Session>(&headers(&[("cookie", &one)]), true, SESSION_COOKIE).is_none(),
            "not __Host-"
        );
    }

    #[test]
    fn az_17_and_26_forms_from_elsewhere() {
        let issuer = Issuer::parse("https://as.test/t1").unwrap();
        let own = |pairs: &[(&'static str, &str)]| is_own_form(&headers(pairs), &issuer);
        assert!(own(&[("origin", "https://as.test"), ("sec-fetch-site", "same-origin")]));
        assert!(own(&[]));
        for foreign in [
            &[("origin", "https://evil.test")][..],
            &[("origin", "null")],
            &[("origin", "http://as.test")],
            &[("origin", "https://as.test"), ("origin", "https://evil.test")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://as.test"), ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!own(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn cookies_are_bound_to_the_host() {
        let token = Token::<Session>::mint(&Fixed);
        let https = set_session(&Issuer::parse("https://as.test").unwrap(), &token);
        let https = https.to_str().unwrap();
        assert!(https.starts_with("__Host-vestibule_session=vst_se_"));
        assert!(https.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"));
        let http = clear_session(&Issuer::parse("http://127.0.0.1:8080").unwrap());
        assert_eq!(http.to_str().unwrap(), "vestibule_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }
}
