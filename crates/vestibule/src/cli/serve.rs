//! `vestibule serve`: configuration, storage, keys, socket, wiring, what the first start needs, accept loop.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use audit::Auditor;
use authorization_server::invitation::{self, NewInvitation};
use clap::builder::BoolishValueParser;
use tokio::signal;

use crate::{
    audit::{Node, Queue},
    clock::SystemClock,
    config::{Configuration, Flags, server::ServerKind},
    core_dumps,
    demo::{self, Password},
    entropy::SystemEntropy,
    jobs, keyring,
    listener::Listener,
    metrics::Metrics,
    open_files, openapi_document,
    reload::Reload,
    storage, telemetry,
    traces::Traces,
    wiring::{Parts, Wiring},
};

/// How long refreshes under way may take at the end: longer than a provider has to answer.
const REFRESHES_END_WITHIN: Duration = Duration::from_secs(25);

/// `vestibule serve`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    flags: Flags,
    /// Seed a demo user and serve the demo MCP server, on this computer only.
    #[arg(
        long, env = "VESTIBULE_DEMO", value_name = "BOOL", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", hide_possible_values = true, value_parser = BoolishValueParser::new(),
    )]
    demo: Option<bool>,
    /// Check the configuration and end.
    #[arg(long)]
    check_config: bool,
}

/// Runs the server until it is asked to end.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let configuration = Configuration::load(&arguments.flags, arguments.demo)?;
    let filter = telemetry::filter(&configuration.telemetry.filter)?;
    if arguments.check_config {
        openapi_document::check(&configuration.servers)?;
        eprintln!("the configuration is fine");
        return Ok(());
    }
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = configuration.connections.threads {
        runtime.worker_threads(threads.get());
    }
    let runtime = runtime.enable_all().build().context("the runtime cannot start")?;
    let traces = configuration.telemetry.traces.as_ref();
    let traces = traces.map(|endpoint| Traces::start(endpoint, runtime.handle())).transpose()?;
    telemetry::start(filter, configuration.telemetry.format, traces.as_ref());
    open_files::raise_limit();
    core_dumps::forbid();
    runtime.block_on(async {
        let outcome = serve(arguments, configuration).await;
        if let Some(traces) = traces {
            traces.end().await;
        }
        outcome
    })
}

async fn serve(arguments: &Arguments, configuration: Configuration) -> anyhow::Result<()> {
    let (end, end_at_once) = (asked_to_end(1)?, asked_to_end(2)?);
    let reload = Reload::new(&arguments.flags, arguments.demo)?;
    let clock = Arc::new(SystemClock);
    let random = Arc::new(SystemEntropy::new());
    let store = storage::open(&configuration.storage).await?;
    let keyring = keyring::open(&configuration.storage.data_dir, &store, &*random).await?;
    let listener = Listener::bind(configuration.network.listen).await?;
    let issuer = configuration.network.issuer(listener.address())?;
    let node = Node::claim(&configuration.storage.data_dir, &*random)?;
    let (queue, waiting) = Queue::new(clock.clone());
    let metrics = configuration.telemetry.metrics.map(|_| Metrics::new(&store, queue.backlog()));
    let auditor: Arc<dyn Auditor> = match &metrics {
        Some(metrics) => metrics.counting(Arc::new(queue)),
        None => Arc::new(queue),
    };
    let traced = configuration.telemetry.traces.is_some();
    let (keyring, name) = (Arc::new(keyring), Some(node.name().to_owned()));
    let parts = Parts { store, keyring, issuer, clock, random, auditor, metrics, traced, node: name };
    let mut wiring = Wiring::open(&parts, &configuration).await?;
    let mut revocations = wiring.revocations();
    // Before the first request: what was revoked before a restart stays revoked.
    revocations.catch_up().await?;
    // Refreshes that a former process began and whose outcome nobody knows.
    wiring.vault().settle_intents().await?;
    let welcome = welcome(&parts, &configuration).await?;
    let audit_log = parts.audit_writer(node, wiring.sign()).await?.start(waiting);
    let mut jobs = jobs::start(parts.store.clone(), revocations, wiring.vault(), Arc::clone(&parts.clock));
    let data_dir = &configuration.storage.data_dir;
    jobs::follow_keyring(&mut jobs, data_dir, Arc::clone(&parts.keyring), parts.store.clone());

    let _metrics = match (configuration.telemetry.metrics, &parts.metrics) {
        (Some(address), Some(metrics)) => Some(metrics.serve(address, &configuration.connections).await?),
        _ => None,
    };
    println!("listening on http://{}", listener.address());
    if let Some(welcome) = welcome {
        eprintln!("{welcome}");
    }
    let (routes, event_streams) = (wiring.routes().clone(), wiring.event_streams());
    // Streams have no end of their own that the listener could wait for.
    let end = async {
        end.await;
        event_streams.drain();
    };
    tokio::select! {
        () = listener.serve(&routes, &configuration.connections, end) => {}
        () = end_at_once => tracing::warn!("asked to end twice; requests under way are cut off"),
        never = reload.follow(&configuration, &mut wiring) => match never {},
    }
    wiring.end().await;
    if !wiring.vault().drain(REFRESHES_END_WITHIN).await {
        tracing::warn!("a refresh is under way whose outcome the next start has to find out");
    }
    audit_log.stop().await;
    Ok(())
}

/// What a person has to know to begin: the demo's guide, or the set-up link while there is no operator.
async fn welcome(parts: &Parts, configuration: &Configuration) -> anyhow::Result<Option<String>> {
    if configuration.network.demo {
        let password = Password::choose(&*parts.random)?;
        let lifetime = configuration.lifetimes.access_token;
        demo::seed(&parts.store, &*parts.random, parts.clock.now(), &password, lifetime).await?;
        let server = configuration.servers.iter().find(|server| server.kind == ServerKind::Demo);
        let server = server.map_or("demo", |server| &server.name);
        return Ok(Some(demo::guide(&parts.issuer, server, &password)));
    }
    if parts.store.user_by_name(demo::USER).await?.is_some_and(|user| user.state == store::UserState::Active)
    {
        tracing::warn!(
            "the user {:?} can sign in; if demo mode made it, use another data directory",
            demo::USER
        );
    }
    if parts.store.has_operator().await? {
        return Ok(None);
    }
    let new =
        NewInvitation { user_name: None, makes_operator: true, lifetime: configuration.lifetimes.invitation };
    let token = invitation::create(&parts.store, &*parts.random, parts.clock.now(), new).await?;
    let url = invitation::url(&parts.issuer, &token);
    Ok(Some(format!(
        "\nnobody administers this server yet; open this link once to become its operator:\n  {url}"
    )))
}

/// Resolves when the process was asked to end this many times. The handlers are in place at once.
#[cfg(unix)]
fn asked_to_end(times: usize) -> anyhow::Result<impl Future<Output = ()>> {
    use signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be handled")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be handled")?;
    Ok(async move {
        for _ in 0..times {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
    })
}

#[cfg(not(unix))]
fn asked_to_end(times: usize) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal::windows::ctrl_c().context("Ctrl-C cannot be handled")?;
    Ok(async move {
        for _ in 0..times {
            interrupt.recv().await;
        }
    })
}
