//! Operations of all three dialects, and one to test others with.

use http::Method;

use super::*;

/// An operation that has nothing but a method and a path.
pub(crate) fn operation(place: &str) -> Operation {
    let (method, path) = place.split_once(' ').unwrap();
    Operation {
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        path: path.to_owned(),
        operation_id: None,
        tags: Vec::new(),
        summary: None,
        description: None,
        deprecated: false,
        parameters: Vec::new(),
        body: None,
        response: Vec::new(),
        security: Vec::new(),
        servers: Vec::new(),
    }
}
