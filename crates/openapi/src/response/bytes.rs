//! Bodies that are not text.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mcp::Content;
use serde_json::{Map, Value, json};

use super::media_type::{Kind, MediaType};

/// Images and sound as such; everything else as a resource, which has no address that could be read again.
pub(super) fn content(tool: &str, media_type: &MediaType, body: &[u8]) -> Content {
    let data = BASE64_STANDARD.encode(body);
    let name = if media_type.name.is_empty() { "application/octet-stream" } else { &media_type.name };
    let content = match media_type.kind() {
        Kind::Image => json!({ "type": "image", "data": data, "mimeType": name }),
        Kind::Audio => json!({ "type": "audio", "data": data, "mimeType": name }),
        _ => {
            let resource = json!({ "uri": format!("answer:{tool}"), "mimeType": name, "blob": data });
            json!({ "type": "resource", "resource": resource })
        }
    };
    let Value::Object(content) = content else { return Content::Other(Map::new()) };
    Content::Other(content)
}
