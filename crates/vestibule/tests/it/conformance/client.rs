//! The suite as authorization server and MCP server; `vestibule conformance-client` is the client, which
//! goes through the code of `vestibule login` and `vestibule call`.

use std::time::Duration;

use super::{Check, Status, baseline, checks_below, suite};

const ENDS_WITHIN: Duration = Duration::from_secs(90);
const WITH_SESSIONS: &str = "2025-11-25";
const STATELESS: &str = "2026-07-28";

/// One test per scenario, each in the revisions of the protocol that it applies to.
macro_rules! scenarios {
    ($($name:ident: $scenario:literal in [$($revision:ident),+];)+) => {
        pub(super) const SCENARIOS: &[&str] = &[$($scenario),+];
        $(
            #[tokio::test]
            async fn $name() {
                $(passes($scenario, $revision).await;)+
            }
        )+
    };
}

scenarios! {
    metadata_default: "auth/metadata-default" in [WITH_SESSIONS, STATELESS];
    metadata_path_and_openid: "auth/metadata-var1" in [WITH_SESSIONS, STATELESS];
    metadata_at_the_root: "auth/metadata-var2" in [WITH_SESSIONS, STATELESS];
    metadata_at_a_custom_url: "auth/metadata-var3" in [WITH_SESSIONS, STATELESS];
    metadata_issuer_mismatch: "auth/metadata-issuer-mismatch" in [STATELESS];
    client_id_metadata_document: "auth/basic-cimd" in [WITH_SESSIONS, STATELESS];
    scope_from_challenge: "auth/scope-from-www-authenticate" in [WITH_SESSIONS, STATELESS];
    scope_from_metadata: "auth/scope-from-scopes-supported" in [WITH_SESSIONS, STATELESS];
    scope_omitted: "auth/scope-omitted-when-undefined" in [WITH_SESSIONS, STATELESS];
    scope_step_up: "auth/scope-step-up" in [WITH_SESSIONS, STATELESS];
    scope_retry_limit: "auth/scope-retry-limit" in [WITH_SESSIONS, STATELESS];
    client_secret_basic: "auth/token-endpoint-auth-basic" in [WITH_SESSIONS, STATELESS];
    client_secret_post: "auth/token-endpoint-auth-post" in [WITH_SESSIONS, STATELESS];
    public_client: "auth/token-endpoint-auth-none" in [WITH_SESSIONS, STATELESS];
    pre_registration: "auth/pre-registration" in [WITH_SESSIONS, STATELESS];
    resource_mismatch: "auth/resource-mismatch" in [STATELESS];
    offline_access: "auth/offline-access-scope" in [STATELESS];
    offline_access_not_supported: "auth/offline-access-not-supported" in [STATELESS];
    authorization_server_migration: "auth/authorization-server-migration" in [STATELESS];
    iss_supported: "auth/iss-supported" in [STATELESS];
    iss_not_advertised: "auth/iss-not-advertised" in [STATELESS];
    iss_missing: "auth/iss-supported-missing" in [STATELESS];
    iss_wrong: "auth/iss-wrong-issuer" in [STATELESS];
    iss_unexpected: "auth/iss-unexpected" in [STATELESS];
    iss_normalized: "auth/iss-normalized" in [STATELESS];
}

async fn passes(scenario: &str, revision: &str) {
    let results = tempfile::tempdir().expect("a temporary directory can be made");
    let home = tempfile::tempdir().expect("a temporary directory can be made");
    // Without `exec`, the suite's time-out would end a shell and leave the client behind.
    let client = concat!("exec ", env!("CARGO_BIN_EXE_vestibule"), " conformance-client");
    let mut command = suite("client");
    command.args(["--command", client, "--scenario", scenario, "--spec-version", revision, "--output-dir"]);
    command.arg(results.path()).env("HOME", home.path()).env("VESTIBULE_DATA_DIR", home.path());
    let output = tokio::time::timeout(ENDS_WITHIN, command.output()).await.expect("the suite ends in time");
    let output = output.expect("the suite starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let mut checks: Vec<_> = checks_below(results.path()).into_values().flatten().collect();
    assert!(!checks.is_empty(), "{scenario} {revision} was not run\n{said}");
    if !output.status.success() && !checks.iter().any(Check::has_failed) {
        checks.push(the_client_itself(&said));
    }
    baseline::judge(scenario, Some(revision), &checks);
}

/// The suite also fails a scenario when the client exits with an error or takes too long, without a check.
fn the_client_itself(said: &str) -> Check {
    Check {
        id: "client-exit".to_owned(),
        status: Status::Failure,
        description: "the client ends in time and without an error".to_owned(),
        error_message: Some(said.to_owned()),
    }
}
