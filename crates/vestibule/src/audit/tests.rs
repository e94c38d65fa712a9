use audit::{Kind, Outcome, Report};
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
    let (queue, mut waiting) = Queue::with_limits(clock, 2, Duration::from_millis(20));
    record(&queue, 1).await;
    let place = queue.reserve().await.unwrap();
    assert_eq!(queue.reserve().await.unwrap_err(), Overloaded);
    drop(place);
    record(&queue, 1).await;
    assert_eq!(queue.reserve().await.unwrap_err(), Overloaded);
    assert!(waiting.try_recv().is_ok() && waiting.try_recv().is_ok());
    record(&queue, 2).await;
}
