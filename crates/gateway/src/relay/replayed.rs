//! Responses on a stream that answers no request: what a client that lost a stream asks for again with `Last-Event-ID`
//! (2025-11-25, Resumability and Redelivery). They pass by the rules by which they would have passed in time: a server
//! that breaks a stream off must not get around them.

use guard::Permit;
use mcp::RequestId;
use mcp::json::Object;

use super::RelayEndpoint;
use super::listing::Listing;
use super::passage::{Eras, Kind, Passage, Passed};
use crate::upstream::remote::envelope::{Envelope, id_of};

/// The methods whose results the policy or the review looks at.
const LISTS: [&str; 4] = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

/// One passage for each list, and one for everything else.
pub(super) struct Replayed(Vec<Passage>);

impl Replayed {
    pub(super) fn of(endpoint: &RelayEndpoint, permit: &Permit) -> Self {
        let lists = LISTS.iter().filter_map(|method| Listing::of(endpoint, permit, method).map(Some));
        let passage = |list| Passage {
            asked_as: RequestId::Integer(0),
            answered_as: RequestId::Integer(0),
            list,
            asked: Kind::Other,
            eras: Eras::Same { knows_links: true },
            allowed: endpoint.remote.allowed(),
            // Its clients are of an era without caches.
            is_personal: false,
        };
        Self(lists.chain([None]).map(passage).collect())
    }

    /// What becomes of a response. Which request it answers is not known here; what it says shows what was asked.
    pub(super) fn pass(&mut self, envelope: &Envelope<'_>) -> Passed {
        let Some(id) = envelope.id.and_then(id_of) else { return Passed::Malformed };
        let result = envelope.result().and_then(|result| Object::read(result.get(), &[]).ok());
        let is_it = |passage: &&mut Passage| match (&passage.list, &result) {
            (Some(list), Some(result)) => result.get(list.member()).is_some(),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let Some(passage) = self.0.iter_mut().find(is_it) else { return Passed::Malformed };
        (passage.asked_as, passage.answered_as) = (id.clone(), id);
        passage.pass(envelope)
    }
}
