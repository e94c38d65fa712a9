use axum::{Json, Router, routing::get};
use http::header;
use oauth::{metadata::ProtectedResourceMetadata, well_known};

use crate::Guard;

/// Serves the metadata of every guarded resource at its path-inserted well-known URL (RFC 9728 §3.1), and at
/// the root too when there is exactly one primary resource and no other document is there.
pub fn metadata_router<'a>(guards: impl IntoIterator<Item = &'a Guard>) -> Router {
    let guards: Vec<_> = guards.into_iter().collect();
    let mut documents: Vec<_> = guards
        .iter()
        .flat_map(|guard| guard.metadata_paths().into_iter().map(|path| (path, guard.metadata())))
        .collect();
    if let [only] = guards.iter().filter(|guard| guard.is_primary()).collect::<Vec<_>>()[..]
        && documents.iter().all(|(path, _)| path != well_known::PROTECTED_RESOURCE)
    {
        documents.push((well_known::PROTECTED_RESOURCE.to_owned(), only.metadata()));
    }
    documents.into_iter().fold(Router::new(), |router, (path, metadata)| serve(router, &path, metadata))
}

fn serve(router: Router, path: &str, metadata: ProtectedResourceMetadata) -> Router {
    // Public and the same for everybody, so that clients in a browser may read it from any origin.
    let headers =
        [(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"), (header::CACHE_CONTROL, "public, max-age=300")];
    router.route(path, get(move || async move { (headers, Json(metadata)) }))
}
