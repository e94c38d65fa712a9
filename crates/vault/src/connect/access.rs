//! Who may answer a connect request: the very person it was made for, or a manager of the team that will share it.

use std::sync::Arc;

use store::ConnectRequestRecord;

use crate::{
    connect::{
        Person,
        error::{ConnectError, ConnectErrorKind},
    },
    owner::Owner,
    provider::ProviderName,
    providers::Known,
    vault::Vault,
};

/// A request that this person may answer.
pub(super) struct Answerable {
    pub(super) record: ConnectRequestRecord,
    pub(super) known: Arc<Known>,
}

impl Vault {
    /// The request `id`, if `person` may answer it.
    pub(super) async fn answerable(&self, id: &str, person: &Person) -> Result<Answerable, ConnectError> {
        let record = self.settings().store.connect_request(id).await?;
        let record = record.ok_or(ConnectErrorKind::UnknownRequest)?;
        let owner: Owner = record.owner.parse().map_err(|_| ConnectErrorKind::UnknownRequest)?;
        self.may_answer(&owner, person).map_err(|why| why.of(id))?;
        let known = ProviderName::parse(&record.provider).and_then(|name| self.known(&name));
        let known = known.ok_or_else(|| ConnectErrorKind::UnknownProvider.of(id))?;
        Ok(Answerable { record, known })
    }

    /// Whether `person` may connect and disconnect what `owner` has.
    pub(super) fn may_answer(&self, owner: &Owner, person: &Person) -> Result<(), ConnectErrorKind> {
        match owner {
            Owner::User(id) if *id == person.id => Ok(()),
            Owner::User(_) => Err(ConnectErrorKind::OtherUser),
            Owner::Team(name) => match self.team(name) {
                Some(team) if team.is_manager(&person.name) => Ok(()),
                _ => Err(ConnectErrorKind::NotAManager(name.clone())),
            },
            Owner::Subject { .. } => Err(ConnectErrorKind::NotHere(
                "this link was made for somebody who signs in elsewhere and cannot be recognised here; ask whoever runs \
                 this installation for an account here, or for a team's credential",
            )),
            Owner::Client(_) => Err(ConnectErrorKind::NotHere(
                "this link was made for an app that acts for nobody; ask whoever runs this installation to let a team \
                 have the credential, or to configure one",
            )),
            Owner::Installation => Err(ConnectErrorKind::NotConnectable),
        }
    }
}
