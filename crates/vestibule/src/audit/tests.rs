use std::{sync::Arc, time::Duration};

use audit::{Auditor as _, Event, Kind, Outcome, Overloaded, Report};
use futures_util::FutureExt as _;
use oauth::jws::{SigningKey, VerifyingKey};
use store::{Location, Store};
use tempfile::TempDir;

use super::{reader::report_on, writer::Running, *};
use crate::{clock::SystemClock, entropy::SystemEntropy};

/// A database, and the key that its checkpoints are signed with.
struct World {
    directory: TempDir,
    store: Store,
    key: Arc<SigningKey>,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = format!("sqlite:{}", directory.path().join("v.sqlite3").display());
        let store = Store::open(Location::parse(&location).unwrap()).unwrap();
        store.migrate().await.unwrap();
        Self { directory, store, key: Arc::new(SigningKey::generate().0) }
    }

    fn node(&self) -> Node {
        Node::claim(self.directory.path(), &SystemEntropy::new()).unwrap()
    }

    async fn writer(&self, node: Node) -> Writer {
        let key = Arc::clone(&self.key);
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemEntropy::new()));
        let sign = Box::new(move |checkpoint: &audit::Checkpoint| checkpoint.sign(&key));
        Writer::open(self.store.clone(), clock, random, node, sign).await.unwrap()
    }

    /// A process that writes as `node`.
    async fn process(&self, node: Node) -> (Queue, Running) {
        let (queue, waiting) = Queue::new(Arc::new(SystemClock));
        (queue, self.writer(node).await.start(waiting))
    }

    async fn reports(&self) -> Vec<Report> {
        let keys = [VerifyingKey::from_jwk(self.key.jwk()).unwrap()];
        let mut reports = Vec::new();
        for node in self.store.audit_nodes().await.unwrap() {
            reports.push(report_on(&self.store, &node, &keys).await.unwrap());
        }
        reports
    }
}

async fn record(queue: &Queue, times: usize) {
    for _ in 0..times {
        queue.reserve().await.unwrap().record(Event::new(Kind::SignIn, Outcome::Succeeded));
    }
}

#[tokio::test]
async fn a_restart_continues_the_chain() {
    let world = World::new().await;
    for _ in 0..2 {
        let (queue, running) = world.process(world.node()).await;
        record(&queue, 1500).await;
        running.stop().await;
        assert_eq!(queue.reserve().await.unwrap_err(), Overloaded, "nothing is taken that is not written");
    }
    let reports = world.reports().await;
    let [report] = &reports[..] else { panic!("one node has one chain: {reports:?}") };
    assert_eq!((report.entries, report.verified_to, report.signed_to), (3000, 3000, 3000));
    assert_eq!(report.faults, []);
}

#[tokio::test]
async fn two_processes_under_one_name_write_two_sound_chains() {
    let world = World::new().await;
    let node = world.node();
    let copied = std::fs::read(world.directory.path().join("node")).unwrap();
    let copy = tempfile::tempdir().unwrap();
    std::fs::write(copy.path().join("node"), copied).unwrap();
    let (one, running_one) = world.process(node).await;
    let other = Node::claim(copy.path(), &SystemEntropy::new()).unwrap();
    let (two, running_two) = world.process(other).await;
    record(&one, 10).await;
    running_one.stop().await;
    record(&two, 10).await;
    running_two.stop().await;
    let reports = world.reports().await;
    assert_eq!(reports.iter().map(|report| report.entries).collect::<Vec<_>>(), [10, 10]);
    assert!(reports.iter().all(Report::is_sound), "{reports:?}");
}

#[tokio::test]
async fn a_full_queue_refuses_after_a_while_and_loses_nothing() {
    let clock = Arc::new(SystemClock);
    let (queue, waiting) = Queue::with_limits(clock, 2, Duration::from_millis(20));
    record(&queue, 1).await;
    let place = queue.reserve().await.unwrap();
    assert_eq!(queue.reserve().await.unwrap_err(), Overloaded);
    drop(place);
    record(&queue, 1).await;
    assert_eq!(queue.reserve().await.unwrap_err(), Overloaded);
    let mut group = Vec::new();
    waiting.take(&mut group);
    assert_eq!(group.len(), 2);
    record(&queue, 2).await;
}

#[tokio::test]
async fn whoever_waits_for_a_place_gets_the_next_one() {
    let (queue, waiting) = Queue::with_limits(Arc::new(SystemClock), 1, Duration::from_mins(1));
    let place = queue.reserve().await.unwrap();
    let (next, ()) = tokio::join!(queue.reserve(), async { drop(place) });
    next.unwrap().record(Event::new(Kind::SignIn, Outcome::Succeeded));
    let (next, ()) = tokio::join!(queue.reserve(), async { waiting.take(&mut Vec::new()) });
    assert_eq!((next.is_ok(), queue.backlog().waiting(), queue.backlog().capacity()), (true, 1, 1));
    drop(next);
    assert_eq!(queue.backlog().waiting(), 0);
}

#[tokio::test]
async fn the_end_waits_for_everybody_who_has_a_place() {
    let world = World::new().await;
    let (queue, running) = world.process(world.node()).await;
    let [used, unused] = [queue.reserve().await.unwrap(), queue.reserve().await.unwrap()];
    let ((), ()) = tokio::join!(running.stop(), async {
        while queue.reserve().await.is_ok() {
            tokio::task::yield_now().await;
        }
        used.record(Event::new(Kind::SignIn, Outcome::Succeeded));
        tokio::task::yield_now().await;
        drop(unused);
    });
    let reports = world.reports().await;
    assert_eq!(reports.iter().map(|report| (report.entries, report.signed_to)).collect::<Vec<_>>(), [(1, 1)]);
}

#[tokio::test]
async fn nobody_who_waits_for_a_place_holds_up_the_end() {
    let world = World::new().await;
    let (queue, waiting) = Queue::with_limits(Arc::new(SystemClock), 1, Duration::from_mins(1));
    let running = world.writer(world.node()).await.start(waiting);
    let place = queue.reserve().await.unwrap();
    // It is theirs as soon as it is free; they go away without having been told.
    let mut next = queue.reserve();
    assert!((&mut next).now_or_never().is_none());
    drop(place);
    drop(next);
    running.stop().await;
    assert_eq!(queue.backlog().waiting(), 0);
    assert_eq!(queue.reserve().await.unwrap_err(), Overloaded);
}

#[tokio::test]
async fn more_than_a_group_is_written_in_its_order() {
    let world = World::new().await;
    let (queue, waiting) = Queue::new(Arc::new(SystemClock));
    record(&queue, 2500).await;
    world.writer(world.node()).await.start(waiting).stop().await;
    let node = world.store.audit_nodes().await.unwrap().remove(0);
    let segments = world.store.audit_segments(&node, 0, reader::BEGINNING, 10).await.unwrap();
    let ends: Vec<_> = segments.iter().map(|segment| segment.last_sequence).collect();
    assert_eq!(ends, [1024, 2048, 2500]);
    assert!(world.reports().await[0].is_sound());
}
