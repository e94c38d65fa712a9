//! The stylesheet, the icon and the one script, under names that change with their content.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use rust_embed::Embed;

/// A file that the pages refer to.
#[derive(Clone, Debug)]
pub struct Asset {
    name: Cow<'static, str>,
    url: String,
    /// The media type, with its character set.
    pub content_type: &'static str,
    /// The content.
    pub bytes: Bytes,
    /// The entity tag, in quotes as in the header.
    pub etag: String,
}

#[derive(Embed)]
#[folder = "assets"]
struct Files;

static ASSETS: LazyLock<Vec<Asset>> =
    LazyLock::new(|| Files::iter().filter_map(|name| load(name.clone(), Files::get(&name)?)).collect());

/// The asset at this path, such as `/assets/style.0123456789abcdef.css`.
pub fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.url == path)
}

/// Serves the assets below `/assets/`. They never change under their name, so a browser may keep them for good.
pub fn assets_router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(serve))
}

/// The path of the asset whose file has this name.
pub(super) fn url(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.url)
}

async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let mut response = Response::default();
    let Some(asset) = asset(&format!("/assets/{name}")) else {
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let fields = response.headers_mut();
    fields.insert(
        header::CACHE_CONTROL,
        header::HeaderValue::from_static("public, max-age=31536000, immutable"),
    );
    fields.insert(header::X_CONTENT_TYPE_OPTIONS, header::HeaderValue::from_static("nosniff"));
    fields.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(asset.content_type));
    if let Ok(etag) = header::HeaderValue::from_str(&asset.etag) {
        fields.insert(header::ETAG, etag);
    }
    if is_fresh(&headers, &asset.etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(asset.bytes.clone());
    }
    response
}

/// Whether the browser already has it (RFC 9110 §13.1.2).
fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag)
}

fn load(name: Cow<'static, str>, file: rust_embed::EmbeddedFile) -> Option<Asset> {
    let (stem, extension) = name.rsplit_once('.')?;
    let content_type = match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    let hash = file.metadata.sha256_hash()[..8].iter().fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    });
    let url = format!("/assets/{stem}.{hash}.{extension}");
    let bytes = Bytes::from(file.data.into_owned());
    Some(Asset { name, url, content_type, bytes, etag: format!("\"{hash}\"") })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode, header};
    use tower::ServiceExt as _;

    use super::{Files, asset, assets_router, url};

    #[test]
    fn every_file_has_a_url_that_leads_back_to_it() {
        let mut count = 0;
        for name in Files::iter() {
            let asset = asset(url(&name)).unwrap_or_else(|| panic!("{name} is not served"));
            assert_eq!(asset.bytes[..], Files::get(&name).unwrap().data[..]);
            count += 1;
        }
        assert_eq!(count, 3);
        assert!(asset("").is_none() && asset("/assets/style.css").is_none() && url("nothing").is_empty());
    }

    #[tokio::test]
    async fn the_router_serves_them_for_good() {
        let get = |path: &str, etag: &str| {
            let request = Request::get(path).header(header::IF_NONE_MATCH, etag).body(Body::empty()).unwrap();
            assets_router::<()>().oneshot(request)
        };
        let first = get(url("style.css"), "\"else\"").await.unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert!(first.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));

        let etag = first.headers()[header::ETAG].to_str().unwrap();
        assert_eq!(get(url("style.css"), etag).await.unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(get("/assets/style.css", "").await.unwrap().status(), StatusCode::NOT_FOUND);
        assert_eq!(get("/assets/..%2fCargo.toml", "").await.unwrap().status(), StatusCode::NOT_FOUND);
    }
}
