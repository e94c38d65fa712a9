//! One module per record: its struct, its SQL, the statements that change it, the reads of [`crate::Store`].

pub mod access_key;
pub mod audit_segment;
pub mod authorization_code;
pub mod authorization_request;
pub mod client;
pub mod connect_attempt;
pub mod connect_request;
pub mod connection;
pub mod connection_lease;
pub mod consent;
pub mod credential;
pub mod demo_item;
pub mod grant;
pub mod invitation;
pub mod provider_client;
pub mod provider_revocation;
pub mod refresh_token;
pub mod revocation;
pub mod sealed;
pub mod session;
pub mod setting;
pub mod signing_key;
pub mod user;

use crate::statement::Sql;

/// Every SQL text of every record.
pub(crate) fn registered() -> impl Iterator<Item = &'static Sql> {
    [
        access_key::REGISTERED,
        audit_segment::REGISTERED,
        authorization_code::REGISTERED,
        authorization_request::REGISTERED,
        client::REGISTERED,
        connect_attempt::REGISTERED,
        connect_request::REGISTERED,
        connection::REGISTERED,
        connection_lease::REGISTERED,
        consent::REGISTERED,
        credential::REGISTERED,
        demo_item::REGISTERED,
        grant::REGISTERED,
        invitation::REGISTERED,
        provider_client::REGISTERED,
        provider_revocation::REGISTERED,
        refresh_token::REGISTERED,
        revocation::REGISTERED,
        sealed::REGISTERED,
        session::REGISTERED,
        setting::REGISTERED,
        signing_key::REGISTERED,
        user::REGISTERED,
    ]
    .into_iter()
    .flatten()
    .copied()
}
