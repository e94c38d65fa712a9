//! What Vestibule remembers, and the only place where SQL is written.
//!
//! A flow loads records with the reading methods of [`Store`], decides without a database, and commits its
//! decision as one [`Batch`] of conditional [`Statement`]s:
//!
//! ```no_run
//! # use oauth::Timestamp;
//! # use secret::Digest;
//! use store::{Batch, CommitError, GrantRecord, RefreshTokenRecord, Store};
//! use store::{authorization_code, grant, refresh_token};
//!
//! /// Whether this call was the one that redeemed the code.
//! async fn exchange(
//!     store: &Store,
//!     code: &Digest,
//!     now: Timestamp,
//!     grant: &GrantRecord,
//!     first: &RefreshTokenRecord,
//! ) -> Result<bool, CommitError> {
//!     let batch = Batch::new()
//!         .then(authorization_code::redeem(code, now))
//!         .then(grant::insert(grant))
//!         .then(refresh_token::insert(first));
//!     match store.commit(batch).await {
//!         Ok(()) => Ok(true),
//!         Err(CommitError::Refused("authorization_code.redeem")) => Ok(false),
//!         Err(error) => Err(error),
//!     }
//! }
//! ```
//!
//! Whatever may happen only once is decided by the row count of one such statement, never by an earlier
//! read: that holds for any number of tasks, processes and nodes.
//!
//! There are two engines behind one dialect of SQL. The embedded one is a `SQLite` file with one writer
//! thread that commits in groups; the other is a PostgreSQL. Secrets are stored as digests or sealed.

mod column;
mod engine;
mod error;
mod garbage;
mod location;
mod migration;
mod observer;
mod record;
mod row;
mod statement;
mod store;
mod value;

pub use error::{CommitError, LocationError, StoreError};
pub use location::Location;
pub use observer::Commit;
pub use record::{
    access_key::{self, AccessKeyRecord},
    audit_segment::{self, AuditCheckpointRecord, AuditSegmentRecord},
    authorization_code::{self, AuthorizationCodeRecord},
    authorization_request::{self, AuthorizationRequestRecord},
    client::{self, ClientOrigin, ClientRecord},
    connect_attempt::{self, ConnectAttemptRecord},
    connect_request::{self, ConnectRequestRecord, ConnectState},
    connection::{self, ConnectionChangeRecord, ConnectionRecord},
    connection_lease::{self, ConnectionLeaseRecord, LeaseMode},
    consent::{self, ConsentRecord},
    credential::{self, Claim, CredentialRecord, HeldCredential, SealedCredential},
    demo_item::{self, DemoItemRecord},
    grant::{self, GrantRecord},
    invitation::{self, InvitationRecord},
    provider_client::{self, ProviderClientRecord},
    provider_revocation::{self, ProviderRevocationRecord},
    refresh_token::{self, PresentedRefreshToken, RefreshTokenRecord},
    revocation::{self, RevocationKey, RevocationRecord},
    sealed::{self, SealedColumn, SealedValue},
    session::{self, SessionRecord},
    setting,
    signing_key::{self, SigningKeyRecord},
    user::{self, UserRecord, UserState},
};
pub use statement::{Batch, Expect, Sql, Statement};
pub use store::Store;
pub use value::Value;
