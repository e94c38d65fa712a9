//! The HTTP API of connections as a resource.

use guard::Guard;

use super::{Guarded, Guards};
use crate::config::issuer::Trust;

/// What lets programs in.
pub(super) fn guard(guards: &Guards<'_>) -> anyhow::Result<(Guarded, Guard)> {
    let guarded = Guarded {
        resource: console::indicator(&guards.parts.issuer)?,
        announced: None,
        accepted_audiences: Vec::new(),
        // Whoever is known elsewhere has no connections that could be shown here.
        trust: Trust { own: true, external: Vec::new() },
        tenant: None,
        is_primary: false,
        name: "Connections".to_owned(),
        scope: console::basic_scope(),
    };
    let guard = guards.guard(&guarded);
    Ok((guarded, guard))
}
