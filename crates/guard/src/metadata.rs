use axum::{Json, Router, routing::get};
use http::header;
use oauth::{metadata::ProtectedResourceMetadata, well_known};

use crate::Guard;

/// Serves the metadata of every guarded resource at its path-inserted well-known URL (RFC 9728 §3.1), and at
/// the root too when there is exactly one primary resource.
pub fn metadata_router<'a>(guards: impl IntoIterator<Item = &'a Guard>) -> Router {
    let guards: Vec<_> = guards.into_iter().collect();
    let mut router = Router::new();
    for guard in &guards {
        router = serve(router, &guard.metadata_path(), guard.metadata());
    }
    if let [only] = guards.iter().filter(|guard| guard.is_primary()).collect::<Vec<_>>()[..] {
        router = serve(router, well_known::PROTECTED_RESOURCE, only.metadata());
    }
    router
}

fn serve(router: Router, path: &str, metadata: ProtectedResourceMetadata) -> Router {
    // Public and the same for everybody, so that clients in a browser may read it from any origin.
    let headers =
        [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::CACHE_CONTROL, "public, max-age=300")];
    router.route(path, get(move || async move { (headers, Json(metadata)) }))
}
