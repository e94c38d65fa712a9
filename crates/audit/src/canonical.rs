//! The canonical JSON of an entry, written as it is hashed. `serde_json` would make the same text of the same types, as
//! a test holds, but it takes every name and every text byte by byte: three times the work, for every tool call.

use oauth::Timestamp;
use serde::Serialize;

use crate::{Decision, Event, Person};

/// Adds the canonical JSON of the entry of these members to `out`, which is UTF-8 then if it was before.
pub(crate) fn write(out: &mut Vec<u8>, event: &Event, node: &str, sequence: i64, time: Timestamp) {
    out.extend_from_slice(b"{\"event\":");
    write_event(out, event);
    write_text(out, b",\"node\":", node);
    write_value(out, b",\"sequence\":", &sequence);
    write_value(out, b",\"time\":", &time);
    out.push(b'}');
}

/// What may be absent and stands before `kind` ends with a comma; what stands behind it begins with one.
fn write_event(out: &mut Vec<u8>, event: &Event) {
    let Event { account, client_id, decision, detail, duration_ms, kind, outcome, person, server, tool } =
        event;
    out.push(b'{');
    if let Some(account) = account {
        write_text(out, b"\"account\":", account);
        out.push(b',');
    }
    if let Some(client_id) = client_id {
        write_text(out, b"\"client_id\":", client_id.as_str());
        out.push(b',');
    }
    if let Some(Decision { rule, verdict }) = decision {
        write_text(out, b"\"decision\":{\"rule\":", rule);
        write_value(out, b",\"verdict\":", verdict);
        out.extend_from_slice(b"},");
    }
    if !detail.is_empty() {
        write_details(out, detail.iter());
    }
    if let Some(milliseconds) = duration_ms {
        write_value(out, b"\"duration_ms\":", milliseconds);
        out.push(b',');
    }
    write_value(out, b"\"kind\":", kind);
    write_value(out, b",\"outcome\":", outcome);
    if let Some(person) = person {
        write_person(out, person);
    }
    if let Some(server) = server {
        write_text(out, b",\"server\":", server);
    }
    if let Some(tool) = tool {
        write_text(out, b",\"tool\":", tool);
    }
    out.push(b'}');
}

fn write_details<'a>(out: &mut Vec<u8>, details: impl Iterator<Item = (&'a String, &'a String)>) {
    out.extend_from_slice(b"\"detail\":{");
    for (index, (name, value)) in details.enumerate() {
        write_text(out, if index == 0 { b"" } else { b"," }, name);
        write_text(out, b":", value);
    }
    out.extend_from_slice(b"},");
}

fn write_person(out: &mut Vec<u8>, Person { issuer, subject, user_name }: &Person) {
    write_text(out, b",\"person\":{\"issuer\":", issuer.as_str());
    write_text(out, b",\"subject\":", subject);
    if let Some(user_name) = user_name {
        write_text(out, b",\"user_name\":", user_name);
    }
    out.push(b'}');
}

fn write_text(out: &mut Vec<u8>, before: &[u8], text: &str) {
    // Without a way out of the loop the compiler takes many bytes at once.
    let is_special = |byte| u8::from(byte < b' ' || byte == b'"' || byte == b'\\');
    if text.bytes().fold(0, |any, byte| any | is_special(byte)) != 0 {
        return write_value(out, before, text);
    }
    out.extend_from_slice(before);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn write_value(out: &mut Vec<u8>, before: &[u8], value: &(impl Serialize + ?Sized)) {
    out.extend_from_slice(before);
    serde_json::to_writer(out, value).expect("a text, a name or a number, and memory takes what is written");
}

#[cfg(test)]
mod tests {
    use oauth::{ClientId, Issuer};
    use proptest::{option, prelude::*};

    use super::*;
    use crate::{Kind, Outcome, Verdict};

    /// What the text is by definition.
    #[derive(Serialize)]
    struct Derived<'a> {
        event: &'a Event,
        node: &'a str,
        sequence: i64,
        time: Timestamp,
    }

    fn written(event: &Event, node: &str, sequence: i64, time: Timestamp) -> String {
        let mut out = Vec::new();
        write(&mut out, event, node, sequence, time);
        String::from_utf8(out).unwrap()
    }

    /// Texts that are written as they are, and such that are not.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,40}",
            ".{0,10}",
            Just("\u{0}\u{1f} \"\\/\u{7f}\u{80}\u{2028}é😀\n\r\t\u{8}\u{c}".to_owned()),
            Just("x".repeat(300)),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        let decision = option::of((text(), prop::bool::ANY));
        let detail = prop::collection::btree_map(text(), text(), 0..4);
        let person = option::of((text(), option::of(text())));
        let rest = (option::of(text()), option::of(text()), option::of(text()), option::of(0..1_u64 << 53));
        (option::of(text()), decision, detail, person, rest).prop_map(
            |(client_id, decision, detail, person, (account, server, tool, duration_ms))| {
                let mut event = Event::new(Kind::RefreshTokenReused, Outcome::Abandoned);
                (event.account, event.duration_ms) = (account, duration_ms);
                event.detail = detail.into();
                if let Some(id) = client_id {
                    event = event.client(&ClientId::from_unverified(id));
                }
                if let Some((rule, is_allowed)) = decision {
                    event = event.decision(if is_allowed { Verdict::Allowed } else { Verdict::Denied }, rule);
                }
                if let Some((subject, user_name)) = person {
                    let issuer = Issuer::parse("https://v.test").unwrap();
                    event = event.person(Person::new(&issuer, &subject, user_name.as_deref()));
                }
                event.server = server.as_deref().map(Into::into);
                Event { tool, ..event }
            },
        )
    }

    proptest! {
        #[test]
        fn the_text_is_what_the_types_say(
            event in event(), node in text(), sequence in any::<i64>(), milliseconds in any::<i64>(),
        ) {
            let time = Timestamp::from_milliseconds(milliseconds);
            let derived = Derived { event: &event, node: &node, sequence, time };
            prop_assert_eq!(
                written(&event, &node, sequence, time), serde_json::to_string(&derived).unwrap()
            );
        }
    }

    #[test]
    fn every_kind_and_every_outcome_has_its_name() {
        use Kind::*;
        let kinds = [
            (ToolCall, "tool_call"),
            (ServerRequest, "server_request"),
            (Definition, "definition"),
            (Redaction, "redaction"),
            (SignIn, "sign_in"),
            (Consent, "consent"),
            (CodeRedeemed, "code_redeemed"),
            (CodeReplayed, "code_replayed"),
            (RefreshTokenReused, "refresh_token_reused"),
            (Revocation, "revocation"),
            (Registration, "registration"),
            (ClientAuthentication, "client_authentication"),
            (SetUp, "set_up"),
            (ConnectionMade, "connection_made"),
            (ConnectionRefused, "connection_refused"),
            (ConnectionEnded, "connection_ended"),
            (ConnectionBroken, "connection_broken"),
            (CredentialRefresh, "credential_refresh"),
        ];
        let outcomes = [
            (Outcome::Succeeded, "succeeded"),
            (Outcome::Refused, "refused"),
            (Outcome::Failed, "failed"),
            (Outcome::Abandoned, "abandoned"),
        ];
        for (kind, kind_name) in kinds {
            for (outcome, outcome_name) in outcomes {
                let text = written(&Event::new(kind, outcome), "n", 1, Timestamp::from_seconds(0));
                let expect = format!(
                    r#"{{"event":{{"kind":"{kind_name}","outcome":"{outcome_name}"}},"node":"n","sequence":1,"time":0}}"#
                );
                assert_eq!(text, expect);
            }
        }
    }
}
