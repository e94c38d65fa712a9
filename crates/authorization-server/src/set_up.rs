//! Accepting a set-up or invitation link: a name and a password, once.

use std::sync::Arc;

use audit::{Event, Kind, Outcome};
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use oauth::parameters::Parameters;
use secret::{Secret, Token, password};
use store::{Batch, InvitationRecord, invitation};

use crate::{
    AuthorizationServer,
    browser::FromBrowser,
    form::Form,
    kinds::Invitation,
    page::{self, PageError},
    pages::{ErrorKind, Occasion, SetUp, SetUpDone, SetUpProblem, UserName},
    user::{self, NewUser, UserError},
};

/// GET /set-up
pub(crate) async fn get(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    RawQuery(query): RawQuery,
) -> Response {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).ok();
    let token = parameters.as_ref().and_then(|parameters| parameters.one("token").ok().flatten());
    let result = load(&server, token).await.map(|link| show(&server, &from, &link, "", None));
    page::answer(&server, &from, result)
}

/// POST /set-up
pub(crate) async fn post(
    State(server): State<AuthorizationServer>,
    from: FromBrowser,
    form: Form,
) -> Response {
    let result = accept(&server, &from, &form.parameters).await;
    page::answer(&server, &from, result)
}

/// A link that can still be used.
struct Link {
    token: Token<Invitation>,
    record: InvitationRecord,
}

async fn load(server: &AuthorizationServer, unverified_token: Option<&str>) -> Result<Link, PageError> {
    let invalid = || PageError::new(ErrorKind::InvalidSetUpLink, StatusCode::BAD_REQUEST);
    let token = Token::<Invitation>::parse(unverified_token.unwrap_or_default()).map_err(|_| invalid())?;
    let record = server.store().invitation(&token.digest()).await?;
    let record = record.filter(|record| record.used_at.is_none() && record.expires_at > server.now());
    Ok(Link { token, record: record.ok_or_else(invalid)? })
}

async fn accept(
    server: &AuthorizationServer,
    from: &FromBrowser,
    parameters: &Parameters,
) -> Result<Response, PageError> {
    if !from.is_own_form {
        return Err(PageError::foreign_form());
    }
    let one = |name| parameters.one(name).ok().flatten().unwrap_or_default();
    let link = load(server, Some(one("token"))).await?;
    let name = link.record.user_name.as_deref().unwrap_or_else(|| one("username"));
    let chosen = Secret::from(one("password"));
    if chosen.expose() != one("password_again") {
        return Ok(show(server, from, &link, name, Some(SetUpProblem::PasswordsDiffer)));
    }
    match create(server, &link, name, chosen).await? {
        Ok(()) => {
            let done = SetUpDone { user_name: name };
            Ok(page::show(server.issuer(), StatusCode::OK, done.render(from.language), None))
        }
        Err(problem) => Ok(show(server, from, &link, name, Some(problem))),
    }
}

/// The link is used up and the user made in one batch: neither happens without the other.
async fn create(
    server: &AuthorizationServer,
    link: &Link,
    name: &str,
    chosen: Secret<String>,
) -> Result<Result<(), SetUpProblem>, PageError> {
    if let Err(error) = user::check_password(&chosen) {
        return problem(error).map(Err);
    }
    let now = server.now();
    let new = NewUser {
        name,
        display_name: "",
        password: None,
        is_operator: link.record.makes_operator,
        roles: &[],
    };
    let hash = server.passwords().hash(Arc::clone(&server.settings().random), chosen).await?;
    let record = match user::record(server.random(), now, &new, Some(hash)) {
        Ok(record) => record,
        Err(error) => return problem(error).map(Err),
    };
    let place = server.place_in_audit_log().await?;
    let batch = Batch::new().then(invitation::consume(&link.token.digest(), now));
    match user::insert(server.store(), batch, &record).await {
        Ok(()) => {
            let event = Event::new(Kind::SetUp, Outcome::Succeeded).person(server.person(&record));
            place.record(event.detail("is_operator", record.is_operator));
            Ok(Ok(()))
        }
        Err(error) => problem(error).map(Err),
    }
}

fn problem(error: UserError) -> Result<SetUpProblem, PageError> {
    match error {
        UserError::InvalidName => Ok(SetUpProblem::UserNameInvalid),
        UserError::NameTaken => Ok(SetUpProblem::UserNameTaken),
        UserError::PasswordLength => Ok(SetUpProblem::PasswordTooShort),
        UserError::PasswordTooCommon => Ok(SetUpProblem::PasswordTooCommon),
        // A set-up gives no roles.
        UserError::Unknown | UserError::InvalidRole | UserError::RolesChanged => {
            Err(PageError::new(ErrorKind::InvalidSetUpLink, StatusCode::FORBIDDEN))
        }
        UserError::Store(error) => Err(error.into()),
    }
}

fn show(
    server: &AuthorizationServer,
    from: &FromBrowser,
    link: &Link,
    typed_name: &str,
    problem: Option<SetUpProblem>,
) -> Response {
    let (occasion, user_name) = match &link.record.user_name {
        Some(name) => (Occasion::Invitation, UserName::Fixed(name)),
        None if link.record.makes_operator => (Occasion::FirstOperator, UserName::Chosen(typed_name)),
        None => (Occasion::Invitation, UserName::Chosen(typed_name)),
    };
    let minimum_password_length = u16::try_from(password::MINIMUM_CHARACTERS).unwrap_or(u16::MAX);
    let view = SetUp { occasion, token: link.token.expose(), user_name, minimum_password_length, problem };
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page::show(server.issuer(), status, view.render(from.language), None)
}
