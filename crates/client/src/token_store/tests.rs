use super::*;

fn binding(issuer: &str, resource: &str) -> Binding {
    Binding { issuer: issuer.to_owned(), resource: ResourceIndicator::parse(resource).unwrap() }
}

fn tokens(access_token: &str) -> Tokens {
    Tokens {
        client_id: "client".to_owned(),
        access_token: Secret::from(access_token),
        refresh_token: Some(Secret::from("refresh")),
        expires_at: Some(Timestamp::from_seconds(1)),
        scope: Scope::parse("read").unwrap(),
    }
}

#[tokio::test]
async fn cl_11_tokens_are_found_only_under_their_issuer_and_resource() {
    let directory = tempfile::tempdir().unwrap();
    let store = TokenStore::at(directory.path().join("new"));
    let kept = binding("https://as.test", "https://a.test/mcp");
    store
        .update({
            let kept = kept.clone();
            move |contents| contents.keep(&kept, tokens("A"))
        })
        .await
        .unwrap();
    let contents = TokenStore::at(directory.path().join("new")).read().unwrap();
    assert_eq!(contents.tokens(&kept).unwrap().access_token.expose(), "A");
    for other in [
        binding("https://as.test", "https://b.test/mcp"),
        binding("https://as.test", "https://a.test"),
        binding("https://as.test/", "https://a.test/mcp"),
        binding("https://other.test", "https://a.test/mcp"),
    ] {
        assert!(contents.tokens(&other).is_none(), "{other:?}");
    }
}

#[tokio::test]
async fn concurrent_updates_are_all_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    let updates: Vec<_> = (0..32)
        .map(|number| {
            let store = TokenStore::at(&path);
            tokio::spawn(async move {
                let binding = binding("https://as.test", &format!("https://{number}.test/mcp"));
                store.update(move |contents| contents.keep(&binding, tokens("A"))).await
            })
        })
        .collect();
    for update in updates {
        update.await.unwrap().unwrap();
    }
    assert_eq!(TokenStore::at(&path).read().unwrap().tokens["https://as.test"].len(), 32);
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_is_not_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    let store = TokenStore::at(&path);
    store.update(|_| ()).await.unwrap();
    fs::write(path.join(FILE), b"{\"servers\": 7").unwrap();
    assert!(matches!(store.update(|_| ()).await, Err(StoreError::Damaged(_))));
    assert_eq!(fs::read(path.join(FILE)).unwrap(), b"{\"servers\": 7");
}

#[cfg(unix)]
#[tokio::test]
async fn file_and_directory_are_for_the_user_alone() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tokens");
    let store = TokenStore::at(&path);
    store.update(|_| ()).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join(FILE))), (0o700, 0o600));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(store.update(|_| ()).await, Err(StoreError::Exposed(_))));
}

#[test]
fn secrets_are_not_printed() {
    assert!(!format!("{:?}", tokens("canary")).contains("canary"));
}
