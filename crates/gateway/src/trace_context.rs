//! The trace context in a message's `_meta` (MCP, Basic, `_meta`: `traceparent`, `tracestate` and `baggage`), which comes
//! from strangers and goes to others (UP-21).
//!
//! `traceparent` goes on when it is one, and `tracestate` beside it when it is short. `baggage` never does: it holds
//! whatever its sender wants to tell the whole way, and nobody asked the people whose data that may be.

use mcp::Params;
use mcp::json::{Object, string};
use serde_json::value::{RawValue, to_raw_value};

const TRACE_PARENT: &str = "traceparent";
const TRACE_STATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";
/// W3C Trace Context §3.3.1.5: "Vendors SHOULD propagate at least 512 characters".
const MAXIMUM_STATE: usize = 512;

/// The span of one call of the server, inside of that of the request. Its target is off unless traces are sent.
pub(crate) fn upstream_span(server: &str) -> tracing::Span {
    tracing::trace_span!(target: "traces", "upstream", otel.kind = "client", server)
}

/// The parameters without what may not go on; `None` when all of it may.
pub(crate) fn bounded(params: &Params<'_>) -> Option<Box<RawValue>> {
    let members = &params.meta().members;
    let refused: Vec<_> = members.iter().filter(|(name, value)| !may_go_on(name, value, members)).collect();
    if refused.is_empty() {
        return None;
    }
    let mut meta = members.clone();
    for (name, _) in refused {
        meta.take(name);
    }
    let meta = to_raw_value(&meta).expect("raw members cannot fail to serialise");
    Some(params.with("_meta", &meta))
}

/// Names that differ only in case are the same to a server that ignores case.
fn may_go_on(name: &str, value: &RawValue, all: &Object<'_>) -> bool {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is(TRACE_PARENT) {
        return name == TRACE_PARENT && is_trace_parent(value);
    }
    if is(TRACE_STATE) {
        let has_parent = all.get(TRACE_PARENT).is_some_and(is_trace_parent);
        return name == TRACE_STATE && has_parent && is_short(value);
    }
    !is(BAGGAGE)
}

/// W3C Trace Context §3.2: version 00, trace, parent and flags in lower-case hexadecimal; neither identifier is zero.
fn is_trace_parent(value: &RawValue) -> bool {
    let Some(text) = string(value) else { return false };
    let is_hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_identifier = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    match text.split('-').collect::<Vec<_>>()[..] {
        ["00", trace, parent, flags] => {
            is_identifier(trace, 32) && is_identifier(parent, 16) && is_hex(flags, 2)
        }
        _ => false,
    }
}

fn is_short(value: &RawValue) -> bool {
    let is_printable = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    string(value).is_some_and(|text| text.len() <= MAXIMUM_STATE && is_printable(&text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    /// The `_meta` that goes on.
    fn goes_on(meta: &str) -> Value {
        let raw = RawValue::from_string(format!(r#"{{"name":"x","_meta":{meta},"z":1.0}}"#)).unwrap();
        let sent = bounded(&Params::read(Some(&raw)).unwrap()).unwrap_or(raw.clone());
        let sent: Value = serde_json::from_str(sent.get()).unwrap();
        assert_eq!((&sent["name"], &sent["z"]), (&json!("x"), &json!(1.0)));
        sent["_meta"].clone()
    }

    #[test]
    fn up_21_the_trace_context_is_bounded_and_baggage_stays_here() {
        let state = "x".repeat(MAXIMUM_STATE);
        let whole = json!({ "traceparent": PARENT, "tracestate": state, "io.example/own": { "a": [1] } });
        assert_eq!(goes_on(&whole.to_string()), whole);
        let baggage =
            format!(r#"{{"traceparent":"{PARENT}","baggage":"user=ada","Baggage":"x","\u0062aggagE":1}}"#);
        assert_eq!(goes_on(&baggage), json!({ "traceparent": PARENT }));
        for refused in [
            "\"\"".to_owned(),
            "1".to_owned(),
            format!("\"{PARENT}-more\""),
            format!("\"{}\"", PARENT.to_uppercase()),
            format!("\"{}\"", PARENT.replace("00-0", "ff-0")),
            format!("\"{}\"", PARENT.replace("b7ad6b7169203331", "0000000000000000")),
            format!("\"{}\"", "a".repeat(64 * 1024)),
        ] {
            let meta = format!(r#"{{"traceparent":{refused},"tracestate":"a=b","progressToken":1}}"#);
            assert_eq!(goes_on(&meta), json!({ "progressToken": 1 }), "{refused}");
        }
        for refused in ["x".repeat(MAXIMUM_STATE + 1), "é".to_owned()] {
            let meta = json!({ "traceparent": PARENT, "tracestate": refused });
            assert_eq!(goes_on(&meta.to_string()), json!({ "traceparent": PARENT }));
        }
        let disguised = format!(r#"{{"TraceParent":"{PARENT}","TRACESTATE":"a=b"}}"#);
        assert_eq!(goes_on(&disguised), json!({}));
    }
}
