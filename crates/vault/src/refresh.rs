//! Renewing credentials: at most once per end, however many callers, processes and nodes want it.
//!
//! 1. A credential in memory that is not due is given out; nothing below happens ([`Vault::credential`]).
//! 2. One *flight* per owner and provider in this process does the rest for everybody who waits (`flight.rs`). It is a
//!    task of its own: a caller that goes away changes nothing.
//! 3. The row is read. What is fresh there, because another node renewed it, is taken (`step.rs` decides).
//! 4. The credential is *taken*: one conditional statement, by the database's time, that counts up the fence and writes
//!    down what is about to be presented. It shows that the database can be written to before anything is sent. Whoever
//!    cannot take it waits a little and goes back to 3.
//! 5. The provider is asked, for less time than the lease lasts (`attempt.rs`).
//! 6. What it gave is stored by fence and generation. A holder that was fenced out stores it all the same when nobody has
//!    stored anything since; otherwise the other's stays (`stored.rs`).
//! 7. What went wrong is judged by its class (`verdict.rs`). Only a clear word of the provider, about the very generation
//!    that is still stored, ends a connection. Everything else is tried again later, and what was given out before is
//!    used as long as it is valid.
//!
//! A refresh whose outcome nobody knows, because the answer was lost or its holder died, leaves its intent in the row. It
//! is settled by whoever comes next, or by [`Vault::settle_intents`] at the start: presented once more where the provider
//! takes that well, and otherwise the person has to connect again. A silent loop is not possible.

mod attempt;
mod flight;
mod forms;
mod made;
mod settle;
mod step;
mod stored;
mod verdict;

pub(crate) use self::flight::{Flights, Wanted};
pub use self::settle::Settled;
