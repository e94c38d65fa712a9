//! Signing in with a password, on the way to a decision or to a page of ours.

use audit::{Event, Kind, Outcome};
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use oauth::{RedirectUri, Timestamp, parameters::Parameters};
use secret::{Secret, Token};
use store::{
    AuthorizationRequestRecord, Batch, ClientRecord, SessionRecord, StoreError, UserRecord, UserState,
    session,
};

use crate::{
    AuthorizationServer,
    answer::retry_after,
    attempts::{TooMany, subscriber},
    authorize::page_url,
    browser::{self, FromBrowser},
    consent::app,
    form::Form,
    grant_code,
    kinds::{Session, Transaction},
    onward,
    page::{self, PageError},
    pages::{CONSENT_PATH, Login, LoginProblem, Waiting},
    waiting_page::{OwnPage, waiting_page},
};

/// Where somebody goes who has signed in.
enum Goal {
    /// On with an authorization request.
    Request(Box<WaitingRequest>),
    /// To a page of ours.
    Page { transaction: String, page: OwnPage },
}

impl Goal {
    async fn load(
        server: &AuthorizationServer,
        from: &FromBrowser,
        unverified_transaction: Option<&str>,
    ) -> Result<Self, PageError> {
        let text = unverified_transaction.unwrap_or_default();
        match waiting_page(server, from, text) {
            Some(page) => Ok(Self::Page { transaction: text.to_owned(), page: page? }),
            None => Ok(Self::Request(Box::new(load_waiting(server, from, Some(text)).await?))),
        }
    }

    fn shown(&self) -> Waiting<'_> {
        match self {
            Self::Request(waiting) => Waiting {
                transaction: waiting.transaction.expose(),
                client: Some(app(&waiting.client, &waiting.record.redirect_uri)),
            },
            Self::Page { transaction, .. } => Waiting { transaction, client: None },
        }
    }

    /// Where the sign-in form may be redirected to, beside our own pages.
    fn form_destination(&self, from: &FromBrowser) -> Option<&RedirectUri> {
        match self {
            Self::Request(waiting) => onward::form_destination(from, &waiting.record.redirect_uri),
            Self::Page { .. } => None,
        }
    }
}

/// An authorization request that waits for a person, and the client that made it.
pub(crate) struct WaitingRequest {
    pub(crate) transaction: Token<Transaction>,
    pub(crate) record: AuthorizationRequestRecord,
    pub(crate) client: ClientRecord,
}

/// GET /login
pub(crate) async fn get(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    RawQuery(query): RawQuery,
) -> Response {
    let result = Goal::load(&server, &from, transaction_of(query.as_deref()).as_deref()).await;
    let result = result.map(|goal| show(&server, &from, &goal, "", None));
    page::answer(&server, &from, result)
}

/// POST /login
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    form: Form,
) -> Response {
    let result = sign_in(&server, &from, &form.parameters).await;
    page::answer(&server, &from, result)
}

async fn sign_in(
    server: &AuthorizationServer,
    from: &FromBrowser,
    parameters: &Parameters,
) -> Result<Response, PageError> {
    if !from.is_own_form {
        return Err(PageError::foreign_form());
    }
    let one = |name| parameters.one(name).ok().flatten().unwrap_or_default();
    let goal = Goal::load(server, from, Some(one("transaction"))).await?;
    let name = one("username");
    let key = [name, &subscriber(from.peer)];
    let now = server.now();
    let failures = &server.attempts().failed_logins;
    if let Err(TooMany { retry_after: after }) = failures.check(&key, now) {
        let response = show(server, from, &goal, name, Some(LoginProblem::LockedFor(after)));
        return Ok(retry_after(response, after));
    }
    let place = server.place_in_audit_log().await?;
    match verify(server, name, Secret::from(one("password"))).await? {
        Verified::Is(user) => {
            let response = begin_session(server, from, &goal, &user).await?;
            place.record(signed_in(server, from, &goal, Some(&user), Outcome::Succeeded));
            Ok(response)
        }
        Verified::IsNot(user) => {
            tracing::info!(peer = ?from.peer, "sign-in failed");
            place.record(signed_in(server, from, &goal, user.as_ref(), Outcome::Refused));
            failures.count(&key, now)?;
            Ok(show(server, from, &goal, name, Some(LoginProblem::WrongCredentials)))
        }
    }
}

/// What the password says of whoever typed a name.
enum Verified {
    /// They are the user.
    Is(UserRecord),
    /// They are not the active user of this name, if there is one.
    IsNot(Option<UserRecord>),
}

async fn verify(
    server: &AuthorizationServer,
    name: &str,
    password: Secret<String>,
) -> Result<Verified, PageError> {
    let user = match server.store().user_by_name(name).await {
        Ok(user) => user.filter(|user| user.state == UserState::Active),
        // A name with a NUL cannot be stored, so nobody has it.
        Err(StoreError::NulCharacter { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let is_right = server.passwords().verify(password, hash).await?;
    Ok(match user {
        Some(user) if is_right => Verified::Is(user),
        other => Verified::IsNot(other),
    })
}

/// A name that is nobody's is not recorded: people type passwords into that field.
fn signed_in(
    server: &AuthorizationServer,
    from: &FromBrowser,
    goal: &Goal,
    user: Option<&UserRecord>,
    outcome: Outcome,
) -> Event {
    let event = Event::new(Kind::SignIn, outcome);
    let event = match goal {
        Goal::Request(waiting) => event.client(&waiting.client.id),
        Goal::Page { .. } => event,
    };
    let event = match from.peer {
        Some(peer) => event.detail("peer", peer),
        None => event,
    };
    match user {
        Some(user) => event.person(server.person(user)),
        None => event,
    }
}

/// The session's identifier is new with every sign-in, and the one before it is dead (AZ-25).
async fn begin_session(
    server: &AuthorizationServer,
    from: &FromBrowser,
    goal: &Goal,
    user: &UserRecord,
) -> Result<Response, PageError> {
    let now = server.now();
    let token = Token::<Session>::mint(server.random());
    let record = new_session(server, &token, user, now);
    let mut batch = Batch::new().then(session::insert(&record));
    if let Some(old) = &from.session {
        batch = batch.then(session::delete(&old.digest()));
    }
    server.store().commit(batch).await?;
    tracing::info!(user = %user.id, "signed in");
    let to_page = |url: &str| page::see_other(server.issuer(), url);
    let response = match goal {
        Goal::Page { page, .. } => to_page(&server.issuer().url(page.path())),
        Goal::Request(waiting) if grant_code::is_remembered(server, user, &waiting.record).await? => {
            let url = grant_code::grant_decided(server, from, &waiting.record, (user, now)).await?;
            onward::to_client(server, from, waiting, &url)
        }
        Goal::Request(waiting) => to_page(&page_url(server, CONSENT_PATH, &waiting.transaction)),
    };
    Ok(page::with_cookie(response, browser::set_session(server.issuer(), &token)))
}

fn new_session(
    server: &AuthorizationServer,
    token: &Token<Session>,
    user: &UserRecord,
    now: Timestamp,
) -> SessionRecord {
    SessionRecord {
        digest: token.digest(),
        user_id: user.id.clone(),
        credentials_generation: user.credentials_generation,
        created_at: now,
        expires_at: now + server.settings().lifetimes.session,
    }
}

fn show(
    server: &AuthorizationServer,
    from: &FromBrowser,
    goal: &Goal,
    user_name: &str,
    problem: Option<LoginProblem>,
) -> Response {
    let waiting = goal.shown();
    let view = Login { waiting: Some(waiting), user_name, problem };
    let status = match problem {
        None => StatusCode::OK,
        Some(LoginProblem::WrongCredentials) => StatusCode::UNAUTHORIZED,
        Some(LoginProblem::LockedFor(_)) => StatusCode::TOO_MANY_REQUESTS,
    };
    page::show(server.issuer(), status, view.render(from.language), goal.form_destination(from))
}

/// The transaction that a page's query names.
pub(crate) fn transaction_of(query: Option<&str>) -> Option<String> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).ok()?;
    parameters.one("transaction").ok().flatten().map(str::to_owned)
}

/// Loads the request that waits, if it still does and this is the browser that brought it.
pub(crate) async fn load_waiting(
    server: &AuthorizationServer,
    from: &FromBrowser,
    unverified_transaction: Option<&str>,
) -> Result<WaitingRequest, PageError> {
    let unknown = || PageError::expired_transaction(StatusCode::BAD_REQUEST);
    let transaction =
        Token::<Transaction>::parse(unverified_transaction.unwrap_or_default()).map_err(|_| unknown())?;
    let record = server.store().authorization_request(&transaction.digest()).await?.ok_or_else(unknown)?;
    if !from.is(&record.browser_digest) {
        return Err(PageError::foreign_form());
    }
    if record.decided_at.is_some() {
        return Err(PageError::expired_transaction(StatusCode::FORBIDDEN));
    }
    if record.expires_at <= server.now() {
        return Err(unknown());
    }
    let client = server.store().client(&record.client_id).await?.ok_or_else(unknown)?;
    Ok(WaitingRequest { transaction, record, client })
}
