//! What one client did, what it was told, and what it may therefore rely on.
//!
//! Every operation is logged before it is sent and completed by its answer. One that never got an answer stays
//! without an outcome: it counts as both done and not done until it is asked again.

/// A registered client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    /// Whether a person's consent was acknowledged.
    pub(super) has_consent: bool,
}

/// What a token request gives.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    /// A registration.
    Register,
    /// An authorization with the newest client.
    Authorize,
    /// The redemption of the family's code.
    Redeem,
    /// A refresh with the family's newest token.
    Refresh,
    /// A refresh with the token before the newest one: asks for the newest one again.
    Repeat,
    /// Something that was used up, to be used again.
    Reuse,
    /// The revocation of the family.
    Revoke,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// A client is registered.
    Registered(Client),
    /// A code is issued.
    Code(String),
    /// Tokens are issued.
    Tokens(Tokens),
    /// The family is revoked.
    Revoked,
    /// Nothing is given, with the server's reason.
    Refused(String),
}

/// One line of the log.
#[derive(Debug)]
struct Event {
    operation: Operation,
    /// `None`: unknown.
    outcome: Option<Outcome>,
}

/// A code and everything that came of it.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) client: Client,
    pub(super) code: String,
    /// Acknowledged ones, the oldest first.
    pub(super) tokens: Vec<Tokens>,
}

/// The log of one client, with what follows from it.
#[derive(Debug, Default)]
pub(super) struct History {
    events: Vec<Event>,
    /// Acknowledged registrations, the oldest first.
    pub(super) clients: Vec<Client>,
    /// The family that lives.
    pub(super) family: Option<Family>,
    /// Families whose end was acknowledged.
    pub(super) ended: Vec<Family>,
    /// What the server did and must not.
    pub(super) violations: Vec<String>,
}

impl History {
    /// Logs an operation that is about to be sent.
    pub(super) fn invoke(&mut self, operation: Operation) {
        self.events.push(Event { operation, outcome: None });
    }

    /// Logs the answer to the operation that was sent last.
    pub(super) fn complete(&mut self, outcome: Outcome) {
        let operation = self.events.last().expect("an operation was sent").operation.clone();
        let family = format!("{:?}", self.family);
        if !self.follow(&operation, &outcome) {
            let answer = if let Outcome::Refused(reason) = &outcome { reason } else { "something else" };
            self.violations.push(format!("{operation:?} gave {answer}, with {family}"));
        }
        if let Some(event) = self.events.last_mut() {
            event.outcome = Some(outcome);
        }
    }

    /// The operation whose outcome is unknown, if it is the last one.
    pub(super) fn unknown(&self) -> Option<Operation> {
        self.events.last().filter(|event| event.outcome.is_none()).map(|event| event.operation.clone())
    }

    /// Notes what the answer means from now on; `false` when the server must not answer so.
    fn follow(&mut self, operation: &Operation, outcome: &Outcome) -> bool {
        match (operation, outcome, self.family.as_mut()) {
            (Operation::Register, Outcome::Registered(client), _) => self.clients.push(client.clone()),
            (Operation::Authorize, Outcome::Code(code), None) => return self.begin(code),
            (Operation::Redeem, Outcome::Tokens(tokens), Some(family)) if family.tokens.is_empty() => {
                family.tokens.push(tokens.clone());
            }
            (Operation::Redeem, Outcome::Refused(_), Some(family)) if family.tokens.is_empty() => {
                // Right only when the redemption before had an effect although its answer was lost.
                let is_repeated = self.redemptions() > 1;
                self.family = None;
                return is_repeated;
            }
            (Operation::Refresh, Outcome::Tokens(tokens), Some(family)) => family.tokens.push(tokens.clone()),
            (Operation::Repeat, Outcome::Tokens(tokens), Some(family)) => {
                return family.tokens.last().is_some_and(|newest| newest.refresh == tokens.refresh);
            }
            (Operation::Reuse, Outcome::Refused(_), Some(_))
            | (Operation::Revoke, Outcome::Revoked, Some(_)) => self.ended.extend(self.family.take()),
            _ => {
                // Whatever it is now, nothing follows from it.
                self.family = None;
                return false;
            }
        }
        true
    }

    fn begin(&mut self, code: &str) -> bool {
        let Some(client) = self.clients.last_mut() else { return false };
        client.has_consent = true;
        self.family = Some(Family { client: client.clone(), code: code.to_owned(), tokens: Vec::new() });
        true
    }

    /// How often the family's code was sent.
    fn redemptions(&self) -> usize {
        let of_family = self.events.iter().rev().take_while(|event| event.operation != Operation::Authorize);
        of_family.filter(|event| event.operation == Operation::Redeem).count()
    }
}

/// How much work the kills met.
#[derive(Debug, Default)]
pub(super) struct Tally {
    acknowledged: usize,
    unknown: usize,
    registrations: usize,
    refreshes: usize,
    unknown_refreshes: usize,
    ended_families: usize,
}

impl Tally {
    /// The sum over all clients.
    pub(super) fn of<'a>(histories: impl Iterator<Item = &'a History>) -> Self {
        let mut tally = Self::default();
        for history in histories {
            let count = |is: fn(&Event) -> bool| history.events.iter().filter(|event| is(event)).count();
            tally.acknowledged += count(|event| event.outcome.is_some());
            tally.unknown += count(|event| event.outcome.is_none());
            tally.registrations += history.clients.len();
            tally.refreshes += count(|event| event.operation == Operation::Refresh);
            tally.unknown_refreshes +=
                count(|event| event.operation == Operation::Refresh && event.outcome.is_none());
            tally.ended_families += history.ended.len();
        }
        tally
    }

    /// Whether kills met acknowledged and unanswered operations, and not a server at rest.
    pub(super) fn is_telling(&self) -> bool {
        self.acknowledged > 1000 && self.unknown_refreshes > 20 && self.ended_families > 20
    }
}
