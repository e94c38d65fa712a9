use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const RESOURCE: &str = "https://gw.test/mcp/demo";

fn claims() -> Value {
    json!({
        "iss": "https://idp.test/", "sub": "user_1", "aud": RESOURCE, "exp": NOW.seconds() + 600, "iat": NOW.seconds(),
        "client_id": "agent", "scope": "read write", "preferred_username": "ada",
        "roles": ["dev"], "groups": ["/staff"],
    })
}

fn read(claims: &Value, names: &ClaimNames) -> Result<AccessTokenClaims, Unacceptable> {
    let issuer = Issuer::of_another("https://idp.test/").unwrap();
    let expected = Expected {
        issuer: &issuer,
        audiences: &["api://gateway".to_owned()],
        resource: &[RESOURCE, "https://gw.test/api"],
        names,
        token: "t",
    };
    expected.access_token(claims.as_object().unwrap(), NOW)
}

fn with(change: impl FnOnce(&mut Value)) -> Result<AccessTokenClaims, Unacceptable> {
    let mut changed = claims();
    change(&mut changed);
    read(&changed, &ClaimNames::default())
}

#[test]
fn tk_37_names_are_qualified_with_their_issuer() {
    let read = with(|_| {}).unwrap();
    assert_eq!(read.iss.as_str(), "https://idp.test/");
    assert_eq!(read.sub, "user_1");
    assert_eq!(read.preferred_username.as_deref(), Some("ada@https://idp.test/"));
    assert_eq!(read.client_id.as_str(), "agent@https://idp.test/");
    assert_eq!(read.scope.to_string(), "read write");
    assert_eq!((read.roles, read.groups), (vec!["dev".to_owned()], vec!["/staff".to_owned()]));
    assert_eq!(read.grant_id, None);
    assert!(read.jti.as_str().starts_with("external:"), "no revocation of ours is about it");
}

#[test]
fn claims_are_found_where_issuers_put_them() {
    let okta = with(|claims| {
        let object = claims.as_object_mut().unwrap();
        object.remove("client_id");
        object.remove("scope");
        claims["cid"] = "okta".into();
        claims["scp"] = json!(["read", "write"]);
    })
    .unwrap();
    assert_eq!(
        (okta.client_id.as_str(), okta.scope.to_string().as_str()),
        ("okta@https://idp.test/", "read write")
    );
    let names = ClaimNames {
        roles: vec!["/realm_access/roles".to_owned()],
        groups: vec!["/https:~1~1idp.test~1groups".to_owned()],
        user_name: vec!["upn".to_owned()],
        ..ClaimNames::default()
    };
    let mut keycloak = claims();
    keycloak["realm_access"] = json!({ "roles": ["admin"] });
    keycloak["https://idp.test/groups"] = json!(["g"]);
    let keycloak = read(&keycloak, &names).unwrap();
    assert_eq!((keycloak.roles, keycloak.groups), (vec!["admin".to_owned()], vec!["g".to_owned()]));
    assert_eq!(keycloak.preferred_username, None, "the name is only where it was said to be");
}

#[test]
fn ei_05_only_an_audience_that_means_us() {
    for ours in
        [json!(RESOURCE), json!("https://gw.test/api"), json!("api://gateway"), json!(["x", RESOURCE])]
    {
        let read = with(|claims| claims["aud"] = ours.clone()).unwrap();
        assert_eq!(read.aud.as_str(), RESOURCE, "{ours}");
    }
    for other in [
        json!("https://gw.test/mcp/demo/"),
        json!("https://gw.test"),
        json!("https://gw.test/mcp/demo-evil"),
        json!("agent"),
        json!([]),
        json!([[RESOURCE]]),
        json!(format!("x {RESOURCE}")),
        json!(null),
    ] {
        assert_eq!(with(|claims| claims["aud"] = other.clone()), Err(Unacceptable::Audience), "{other}");
    }
    assert_eq!(
        with(|claims| drop(claims.as_object_mut().unwrap().remove("aud"))),
        Err(Unacceptable::Audience)
    );
}

#[test]
fn what_is_required_is_there_and_right() {
    let now = NOW.seconds();
    for (name, value, expect) in [
        ("iss", json!("https://idp.test"), Unacceptable::Issuer),
        ("iss", json!(null), Unacceptable::Issuer),
        ("exp", json!(now), Unacceptable::Expired),
        ("exp", json!(null), Unacceptable::Claim("exp")),
        ("exp", json!("tomorrow"), Unacceptable::Claim("exp")),
        ("exp", json!(1e300), Unacceptable::Claim("exp")),
        ("exp", json!(-1), Unacceptable::Claim("exp")),
        ("nbf", json!(now + 61), Unacceptable::NotYetValid),
        ("iat", json!(now + 61), Unacceptable::NotYetValid),
        ("sub", json!(""), Unacceptable::Claim("sub")),
        ("sub", json!(["ada"]), Unacceptable::Claim("sub")),
        ("sub", json!("a\nb"), Unacceptable::Claim("sub")),
        ("client_id", json!(7), Unacceptable::Claim("client_id")),
        ("scope", json!("re\"ad"), Unacceptable::Claim("scope")),
        ("scope", json!({}), Unacceptable::Claim("scope")),
        ("roles", json!("dev"), Unacceptable::Claim("roles")),
        ("groups", json!([1]), Unacceptable::Claim("groups")),
        ("groups", json!(vec!["g"; 513]), Unacceptable::Claim("groups")),
        ("cnf", json!({ "jkt": "x" }), Unacceptable::Bound),
    ] {
        assert_eq!(with(|claims| claims[name] = value.clone()), Err(expect), "{name} = {value}");
    }
    assert_eq!(with(|claims| claims["exp"] = json!(1_800_000_001.5)).unwrap().exp, now + 1);
    let long = with(|claims| claims["exp"] = json!(now + 86_400)).unwrap();
    assert_eq!(long.exp, now + 600, "a permit ends, however long the token lives");
}

#[test]
fn ei_10_other_kinds_of_tokens() {
    for (name, value) in [
        ("nonce", json!("n")),
        ("at_hash", json!("h")),
        ("c_hash", json!("h")),
        ("token_use", json!("id")),
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
        ("typ", json!(7)),
    ] {
        let mut claims = claims();
        claims[name] = value;
        assert_eq!(refuse_other_kinds(claims.as_object().unwrap()), Err(Unacceptable::OtherKind), "{name}");
    }
    for (name, value) in [("token_use", "access"), ("typ", "Bearer")] {
        let mut claims = claims();
        claims[name] = value.into();
        assert_eq!(refuse_other_kinds(claims.as_object().unwrap()), Ok(()), "{name}");
    }
}

#[test]
fn what_an_issuer_answers_about_a_token() {
    let issuer = Issuer::of_another("https://idp.test/").unwrap();
    let names = ClaimNames::default();
    let expected =
        Expected { issuer: &issuer, audiences: &[], resource: &[RESOURCE], names: &names, token: "t" };
    let answer = json!({
        "active": true, "sub": "user_1", "aud": RESOURCE, "client_id": "agent", "username": "ada", "token_type": "bearer",
    });
    let introspected = |name: &str, value: Value| {
        let mut answer = answer.clone();
        answer[name] = value;
        expected.introspected(answer.as_object().unwrap(), NOW)
    };
    let read = introspected("scope", json!("read")).unwrap();
    assert_eq!(read.preferred_username.as_deref(), Some("ada@https://idp.test/"));
    assert_eq!(read.exp, NOW.seconds() + 600);
    for (name, value, expect) in [
        ("iss", json!("https://other.test"), Unacceptable::Issuer),
        ("aud", json!("https://other.test"), Unacceptable::Audience),
        ("aud", json!(null), Unacceptable::Audience),
        ("exp", json!(NOW.seconds()), Unacceptable::Expired),
        ("token_type", json!("DPoP"), Unacceptable::Bound),
        ("cnf", json!({}), Unacceptable::Bound),
        ("sub", json!(null), Unacceptable::Claim("sub")),
    ] {
        assert_eq!(introspected(name, value), Err(expect), "{name}");
    }
}
