//! A connect request as its page, whatever has become of it.

use authorization_server::{
    App, FromBrowser,
    page::{Page, PageError},
};
use axum::response::Response;
use http::StatusCode;
use oauth::Issuer;
use vault::{
    ConnectRequest, NeedReason, Provider, RequestState,
    provider::{ProviderKind, Source},
};

use crate::{
    connect::Waiting,
    pages::{
        AccountChanged, Asker, Connect, Connected, Entry, Outcome, OutcomeKind, Problem, Reason, ScopeLine,
        Waits,
    },
    settings::Console,
};

/// The page of a connect request.
pub(crate) async fn request(
    console: &Console,
    from: &FromBrowser,
    waiting: &Waiting,
    problem: Option<Problem<'_>>,
) -> Result<Response, PageError> {
    let request = &waiting.request;
    let Some(provider) = console.vault().provider(&request.provider) else {
        return Ok(outcome(console, from, StatusCode::NOT_FOUND, OutcomeKind::Closed, None));
    };
    let asker = asker(console, request).await?;
    let problem = problem.or_else(|| problem_of(&request.state));
    let answer = |html| Page::new(StatusCode::OK, html).answer(console.issuer());
    match &request.state {
        RequestState::Connected { account, missing } => {
            let missing = missing.to_string();
            let view = Connected {
                provider: &provider.title,
                account: account.as_deref(),
                missing: &missing,
                asker: asker.as_ref(),
            };
            let page = Page::new(StatusCode::OK, view.render(from.language));
            Ok(page.with_script().answer(console.issuer()))
        }
        RequestState::AccountChanged { former, received } => {
            let view = AccountChanged {
                id: &request.id,
                provider: &provider.title,
                former: former.as_deref(),
                received: received.as_deref(),
            };
            Ok(answer(view.render(from.language)))
        }
        RequestState::Working => {
            let kind = OutcomeKind::Working { provider: &provider.title };
            Ok(outcome(console, from, StatusCode::OK, kind, None))
        }
        RequestState::Declined => {
            let kind = OutcomeKind::Declined { provider: &provider.title };
            Ok(outcome(console, from, StatusCode::OK, kind, None))
        }
        _ if request.expires_at <= console.clock().now() => {
            Ok(outcome(console, from, StatusCode::GONE, OutcomeKind::Closed, None))
        }
        _ => Ok(question(console, from, waiting, &Asked { provider: &provider, asker, problem })),
    }
}

/// What is asked, beside the request.
struct Asked<'a> {
    provider: &'a Provider,
    asker: Option<Asker>,
    problem: Option<Problem<'a>>,
}

fn question(console: &Console, from: &FromBrowser, waiting: &Waiting, asked: &Asked<'_>) -> Response {
    let (request, provider) = (&waiting.request, asked.provider);
    let transaction = console.server().transaction_of(&waiting.page, from);
    let host = host(provider);
    let entry = match &provider.kind {
        ProviderKind::ApiKey(key) => Entry::Key(key.made_at.as_deref()),
        ProviderKind::Basic(_) => Entry::Password,
        _ => Entry::Elsewhere(host.as_deref()),
    };
    let scopes = scopes(request);
    let view = Connect {
        id: &request.id,
        asker: asked.asker.as_ref(),
        waits: request
            .asked_by
            .as_ref()
            .map(|by| Waits { server: &by.server_title, tool: by.tool.as_deref() }),
        provider: &provider.title,
        entry,
        reason: reason(&request.reason),
        former_account: request.account_hint.as_deref(),
        scopes: &scopes,
        user_name: waiting.who.user_name(),
        transaction: transaction.as_deref(),
        problem: asked.problem,
    };
    let page = Page::new(status(asked.problem), view.render(from.language));
    let page = match entry {
        Entry::Elsewhere(_) => page.leading_to(anywhere_secure(console.issuer())),
        Entry::Key(_) | Entry::Password => page,
    };
    page.answer(console.issuer())
}

/// A page that ends something.
pub(crate) fn outcome(
    console: &Console,
    from: &FromBrowser,
    status: StatusCode,
    kind: OutcomeKind<'_>,
    transaction: Option<&str>,
) -> Response {
    let html = Outcome { kind, transaction }.render(from.language);
    Page::new(status, html).answer(console.issuer())
}

/// Browsers hold `form-action` against every redirect after the form, and providers redirect on to hosts that nobody can
/// list (decision 0028). The form of this page has nothing in it but a name and a yes.
fn anywhere_secure(issuer: &Issuer) -> String {
    if issuer.is_plain_http() { "https: http:".to_owned() } else { "https:".to_owned() }
}

fn status(problem: Option<Problem<'_>>) -> StatusCode {
    match problem {
        None => StatusCode::OK,
        Some(Problem::Secret { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
        Some(Problem::Failed { .. }) => StatusCode::BAD_GATEWAY,
        Some(Problem::Refused { .. }) => StatusCode::BAD_REQUEST,
    }
}

/// Who asked, as they are registered here today.
async fn asker(console: &Console, request: &ConnectRequest) -> Result<Option<Asker>, PageError> {
    let Some(by) = &request.asked_by else { return Ok(None) };
    let app: Option<App> = console.server().app(&by.client_id).await?;
    let unverified_name = by.client_name.as_deref().unwrap_or(by.client_id.as_str());
    Ok(Some(Asker::of(app.as_ref(), unverified_name)))
}

fn problem_of(state: &RequestState) -> Option<Problem<'_>> {
    match state {
        RequestState::Refused { error, description } => {
            Some(Problem::Refused { error, description: description.as_deref() })
        }
        RequestState::Failed { told } => Some(Problem::Failed { told }),
        _ => None,
    }
}

fn reason(reason: &NeedReason) -> Reason {
    match reason {
        NeedReason::Never => Reason::Never,
        NeedReason::Scope(_) => Reason::More,
        NeedReason::Reconnect(_) => Reason::Again,
    }
}

fn scopes(request: &ConnectRequest) -> Vec<ScopeLine<'_>> {
    let missing = match &request.reason {
        NeedReason::Scope(missing) => Some(missing),
        _ => None,
    };
    let is_new = |scope: &str| missing.is_some_and(|missing| missing.contains(scope));
    request.scope.tokens().map(|scope| ScopeLine { scope, is_new: is_new(scope) }).collect()
}

/// The host that the person goes on to, as far as it is known before it is asked.
fn host(provider: &Provider) -> Option<String> {
    let url = match &provider.authorization_server()?.source {
        Source::Configured(registered) => registered.endpoints.authorization.as_str(),
        Source::Issuer { issuer, .. } => issuer,
        Source::Server { server, .. } => server.as_str(),
    };
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}
