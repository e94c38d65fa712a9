//! UP-18: servers behind the gateway whose TLS proves nothing. They are refused before they hear a word, and there is
//! no setting that would let them in.

mod certificates;

use std::{
    fs,
    net::SocketAddr,
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{Router, body::Body};
use futures_util::future::join_all;
use http::{Request, Version};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;
use tower::Service as _;

use self::certificates::{Authority, Shown, leaf, valid};
use crate::{
    acting_client,
    faults::{self, upstream},
    server::{Server, Settings},
};

/// An MCP server on loopback that speaks TLS.
struct Encrypted {
    address: SocketAddr,
    /// Requests that it has heard.
    heard: Arc<AtomicUsize>,
    /// Connections that have brought one.
    connections: Arc<AtomicUsize>,
}

impl Encrypted {
    async fn start(shown: Shown) -> Self {
        Self::speaking(&[], shown).await
    }

    /// One that offers these versions of HTTP (RFC 7301).
    async fn speaking(versions: &[&str], shown: Shown) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(shown.key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(shown.chain, key)
            .unwrap();
        config.alpn_protocols = versions.iter().map(|version| version.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let (counter, router) = (Arc::clone(&heard), upstream::router(upstream::Controls::default()));
        let connections = Arc::new(AtomicUsize::new(0));
        let connected = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, router, counter) = (acceptor.clone(), router.clone(), Arc::clone(&counter));
                let connected = Arc::clone(&connected);
                tokio::spawn(async move {
                    // A client that refuses the certificate ends the handshake.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    connected.fetch_add(1, Ordering::Relaxed);
                    let expected = match stream.get_ref().1.alpn_protocol() {
                        Some(b"h2") => Version::HTTP_2,
                        _ => Version::HTTP_11,
                    };
                    let service = service_fn(|request| {
                        assert_eq!(request.version(), expected);
                        answered(router.clone(), Arc::clone(&counter), request)
                    });
                    let builder = auto::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, heard, connections }
    }
}

async fn answered(
    mut router: Router,
    heard: Arc<AtomicUsize>,
    request: Request<Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    heard.fetch_add(1, Ordering::Relaxed);
    router.call(request.map(Body::new)).await
}

/// A server that answers every hello with this version of TLS; what the client says to that is sent to the test.
async fn of_version(minor: u8) -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (said, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut header = [0; 5];
            stream.read_exact(&mut header).await.unwrap();
            let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            stream.read_exact(&mut hello).await.unwrap();
            stream.write_all(&server_hello(minor)).await.unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            let _ = said.send(answer);
        }
    });
    (address, receiver)
}

/// A `ServerHello` without extensions (RFC 2246 §7.4.1.3): `TLS_RSA_WITH_AES_128_CBC_SHA`, no session.
fn server_hello(minor: u8) -> Vec<u8> {
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    hello.extend([0, 0x00, 0x2f, 0]);
    let length = u8::try_from(hello.len()).unwrap();
    [&[22, 3, minor, 0, length + 4, 2, 0, 0, length][..], &hello].concat()
}

/// A gateway that trusts this authority, as an operator makes it: `SSL_CERT_FILE`.
struct Trusting {
    server: Server,
    directory: TempDir,
}

impl Trusting {
    fn start(authority: &Authority, servers: &[(&str, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("authorities.pem");
        fs::write(&file, authority.pem()).unwrap();
        let section = |(name, url): &(&str, String)| {
            format!("[[server]]\nname = {name:?}\nkind = \"remote\"\nurl = {url:?}\n")
        };
        let settings = Settings {
            configuration: Some(servers.iter().map(section).collect()),
            environment: vec![("SSL_CERT_FILE", file.display().to_string())],
            ..Settings::default()
        };
        Self { server: Server::start(&settings), directory }
    }

    /// The status of a call, and what the caller reads.
    async fn call(&self, name: &str) -> (u16, String) {
        let path = format!("/mcp/{name}");
        let token = acting_client::token(&self.server, &path).await;
        let answer = self.server.send(faults::call(&path, &token)).await;
        (answer.status.as_u16(), String::from_utf8_lossy(&answer.body).into_owned())
    }

    /// A command of the same binary, with the same trust.
    fn command(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(arguments)
            .env("SSL_CERT_FILE", self.directory.path().join("authorities.pem"))
            .env("VESTIBULE_TOKEN_DIR", self.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

fn at(host: &str, address: SocketAddr) -> String {
    format!("https://{host}:{}/mcp", address.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn up_18_a_certificate_that_proves_nothing_is_refused() {
    let (known, unknown) = (Authority::new("Known"), Authority::new("Unknown"));
    let good = Encrypted::start(known.issue(&leaf("localhost"))).await;
    let bad = [
        ("self-signed", "localhost", Shown::self_signed(), "UnknownIssuer"),
        ("unknown", "localhost", unknown.issue(&leaf("localhost")), "UnknownIssuer"),
        ("expired", "localhost", known.issue(&valid(2020, 2021)), "expired"),
        ("early", "localhost", known.issue(&valid(2090, 2091)), "not valid yet"),
        ("host", "localhost", known.issue(&leaf("other.test")), "not valid for name"),
        ("address", "127.0.0.1", known.issue(&leaf("localhost")), "not valid for name"),
        ("no-authority", "localhost", Shown::by_a_server_of(&known), "EndEntityUsedAsCa"),
    ];
    let mut servers = vec![("good", at("localhost", good.address))];
    let mut refused = Vec::new();
    for (name, host, shown, reason) in bad {
        let encrypted = Encrypted::start(shown).await;
        servers.push((name, at(host, encrypted.address)));
        refused.push((name, at(host, encrypted.address), encrypted, reason));
    }
    let gateway = Trusting::start(&known, &servers);
    assert_eq!(gateway.call("good").await.0, 200, "a company's own authority can be trusted");
    assert!(gateway.command(&["server", "test", &servers[0].1]).status.success());
    for (name, url, encrypted, reason) in refused {
        let (status, body) = gateway.call(name).await;
        assert_eq!(status, 502, "{name}: {body}");
        assert!(!body.contains("hello"), "{name}: {body}");
        for arguments in [&["server", "test", &url][..], &["call", &url, "greet"]] {
            let output = gateway.command(arguments);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{name} {arguments:?}: {said}");
            assert!(said.contains("certificate") && said.contains(reason), "{name} {arguments:?}: {said}");
            assert!(said.contains("hint: "), "{name} {arguments:?}: {said}");
        }
        assert_eq!(encrypted.heard.load(Ordering::Relaxed), 0, "{name} has heard a request");
    }
    assert!(gateway.server.log().contains("invalid peer certificate"), "the operator can read why");
}

/// The version of HTTP that TLS agreed upon is spoken. In one connection of HTTP/2 all requests have room.
#[tokio::test(flavor = "multi_thread")]
async fn the_version_that_a_server_offers_is_spoken() {
    let known = Authority::new("Known");
    let both = Encrypted::speaking(&["h2", "http/1.1"], known.issue(&leaf("localhost"))).await;
    let older = Encrypted::speaking(&["http/1.1"], known.issue(&leaf("localhost"))).await;
    let servers = [("both", at("localhost", both.address)), ("older", at("localhost", older.address))];
    let gateway = Trusting::start(&known, &servers);
    for (name, encrypted) in [("both", &both), ("older", &older)] {
        assert_eq!(gateway.call(name).await.0, 200, "{name}");
        let calls = (0..8).map(|_| gateway.call(name));
        for (status, body) in join_all(calls).await {
            assert_eq!(status, 200, "{name}: {body}");
        }
        assert!(encrypted.heard.load(Ordering::Relaxed) > 8, "{name}");
    }
    assert_eq!(both.connections.load(Ordering::Relaxed), 1);
    assert!(older.connections.load(Ordering::Relaxed) <= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn up_18_tls_1_0_and_1_1_are_refused() {
    const PROTOCOL_VERSION: [u8; 2] = [2, 70];
    let (oldest, mut said_to_oldest) = of_version(1).await;
    let (old, mut said_to_old) = of_version(2).await;
    let servers = [("oldest", at("localhost", oldest)), ("old", at("localhost", old))];
    let gateway = Trusting::start(&Authority::new("Known"), &servers);
    for (name, said) in [("oldest", &mut said_to_oldest), ("old", &mut said_to_old)] {
        let (status, body) = gateway.call(name).await;
        assert_eq!(status, 502, "{name}: {body}");
        let said = said.recv().await.unwrap();
        // RFC 5246 §7.2.2: a fatal alert (record type 21), and nothing else.
        assert_eq!((said[0], said.len(), &said[5..]), (21, 7, &PROTOCOL_VERSION[..]), "{name}: {said:?}");
    }
}

/// There is no way to ask for less: such keys and flags do not exist.
#[test]
fn up_18_nothing_switches_verification_off() {
    let directory = tempfile::tempdir().unwrap();
    let file: PathBuf = directory.path().join("vestibule.toml");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
        command.args(arguments).env_remove("VESTIBULE_CONFIG").stdin(Stdio::null()).output().unwrap()
    };
    let checked = |top: &str, in_server: &str| {
        let server = "[[server]]\nname = \"a\"\nkind = \"remote\"\nurl = \"https://a.test/mcp\"\n";
        fs::write(&file, format!("{top}\n{server}{in_server}\n")).unwrap();
        let output = run(&["server", "list", "--config", &file.display().to_string()]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(checked("", "").0, Some(0));
    for (name, off) in [
        ("insecure", "true"),
        ("insecure_skip_verify", "true"),
        ("skip_verify", "true"),
        ("tls_skip_verify", "true"),
        ("verify", "false"),
        ("verify_tls", "false"),
        ("tls_verify", "false"),
        ("danger_accept_invalid_certs", "true"),
        ("accept_invalid_certificates", "true"),
        ("min_tls_version", "\"1.0\""),
    ] {
        let line = format!("{name} = {off}");
        let tables = ["connections", "gateway", "registration", "limits", "tls"];
        let in_tables = tables.map(|table| (format!("[{table}]\n{line}"), String::new()));
        for (top, in_server) in
            in_tables.into_iter().chain([(line.clone(), String::new()), (String::new(), line)])
        {
            let (code, said) = checked(&top, &in_server);
            assert_eq!(code, Some(2), "{top} {in_server}: {said}");
            assert!(said.contains("unknown field"), "{top} {in_server}: {said}");
        }
        let flag = format!("--{}", name.replace('_', "-"));
        for command in [&["serve"][..], &["call", "https://a.test/mcp", "x"], &["server", "test", "a"]] {
            let output = run(&[command, &[&flag]].concat());
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command:?} {flag}: {said}");
            assert!(said.contains("unexpected argument"), "{command:?} {flag}: {said}");
        }
    }
}
