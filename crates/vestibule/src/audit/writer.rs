//! The task that writes the chain of this node.

use std::{mem, sync::Arc, time::Duration};

use audit::{Chain, Checkpoint, Head, Segment, SignedCheckpoint};
use oauth::{Clock, Timestamp};
use secret::Random;
use store::{AuditCheckpointRecord, AuditSegmentRecord, Batch, Store, StoreError, audit_segment};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::{Node, Recorded, Waiting, reader::head};

/// How long the first entry of a group waits for others, at most. Nobody waits for the commit, but a third of a
/// millisecond of a core goes with it, whatever is in it: at 18,000 calls a second that is 2 µs of each call with ten
/// milliseconds, and one with twenty. It is not longer because what is gathered is lost when the process is killed.
const GATHERED_FOR: Duration = Duration::from_millis(20);
/// Entries after which a checkpoint is signed, at the latest.
const SIGNED_EVERY: i64 = 1000;
/// Time after which a checkpoint is signed, if anything happened.
const SIGNED_WITHIN: Duration = Duration::from_mins(1);
/// Pause before a commit that failed is tried again, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long the end of the process waits for what is still to be written.
const FLUSHED_WITHIN: Duration = Duration::from_secs(10);

/// Signs how far the chain is.
pub(crate) type Sign = Box<dyn Fn(&Checkpoint) -> SignedCheckpoint + Send + Sync>;

/// Writes what waits, in the order in which it came.
pub(crate) struct Writer {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    sign: Sign,
    node: Node,
    chain: Chain,
    signed_to: i64,
}

impl Writer {
    /// Continues the chain of `node` where it ends in the database.
    pub(crate) async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        node: Node,
        sign: Sign,
    ) -> Result<Self, StoreError> {
        let head = head(&store, node.name()).await?;
        let signed_to = store.audit_checkpoints(node.name()).await?.last().map_or(0, |last| last.sequence);
        let chain = Chain::new(node.name(), head);
        Ok(Self { store, clock, random, sign, node, chain, signed_to })
    }

    /// Starts the task.
    pub(crate) fn start(self, waiting: Waiting) -> Running {
        let (stop, stopped) = oneshot::channel();
        Running { stop, task: tokio::spawn(self.run(waiting, stopped)) }
    }

    async fn run(mut self, waiting: Waiting, mut stopped: oneshot::Receiver<()>) {
        let mut ticks = interval(SIGNED_WITHIN);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut group = Vec::new();
        let mut is_ending = false;
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped, if !is_ending => {
                    waiting.close();
                    is_ending = true;
                }
                _ = ticks.tick() => self.write(&[], true).await,
                has_some = waiting.any() => {
                    if !has_some {
                        break;
                    }
                    if !waiting.is_closed() {
                        waiting.gather(GATHERED_FOR).await;
                    }
                    waiting.take(&mut group);
                    self.write(&group, false).await;
                    group.clear();
                }
            }
        }
        self.write(&[], true).await;
    }

    /// Writes the group, however long it takes: until then the queue holds what comes after it.
    async fn write(&mut self, group: &[Recorded], sign: bool) {
        let mut pause = FIRST_PAUSE;
        loop {
            let (chain, batch, signed_to) = self.next(group, sign);
            let Err(error) = self.store.commit(batch).await else {
                (self.chain, self.signed_to) = (chain, signed_to);
                return;
            };
            tracing::error!(%error, entries = group.len(), "the audit log is not written now; it is tried again");
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            // The commit may have succeeded although its answer was lost: the database knows.
            match head(&self.store, self.chain.node()).await {
                Ok(stored) if stored == chain.head() && !group.is_empty() => self.chain = chain,
                Ok(stored) if stored == self.chain.head() => continue,
                Ok(_) => {
                    self.leave_chain();
                    continue;
                }
                Err(_) => continue,
            }
            return;
        }
    }

    /// The chain with the group at its end, and the batch that makes it so.
    fn next(&self, group: &[Recorded], sign: bool) -> (Chain, Batch, i64) {
        let mut chain = self.chain.clone();
        let segment = chain.append_all(group.iter().map(|(time, event)| (*time, event)));
        let mut batch: Batch =
            segment.map(|segment| audit_segment::insert(row(segment))).into_iter().collect();
        let head = chain.head();
        let unsigned = head.sequence - self.signed_to;
        if unsigned < 1 || unsigned < SIGNED_EVERY && !sign {
            return (chain, batch, self.signed_to);
        }
        let time = self.clock.now();
        let checkpoint = Checkpoint { node: chain.node().to_owned(), head, time };
        batch = batch.then(audit_segment::insert_checkpoint(&checkpoint_row((self.sign)(&checkpoint), time)));
        (chain, batch, head.sequence)
    }

    /// Somebody else writes the chain of this node, perhaps on a copy of its data directory: this process begins
    /// another one.
    fn leave_chain(&mut self) {
        let left = mem::replace(&mut self.node, Node::mint(&*self.random));
        tracing::error!(
            left = left.name(),
            node = self.node.name(),
            "another process writes the audit log under the name of this node; give every node a data directory \
             of its own, not a copy"
        );
        self.chain = Chain::new(self.node.name(), Head::default());
        self.signed_to = 0;
    }
}

/// The task that writes.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Writes what still waits, signs it, and ends.
    pub(crate) async fn stop(self) {
        // The task is there as long as nobody stops it.
        let _ = self.stop.send(());
        if timeout(FLUSHED_WITHIN, self.task).await.is_err() {
            tracing::error!("the end of the audit log could not be written in time");
        }
    }
}

fn row(segment: Segment) -> AuditSegmentRecord {
    let Segment { node, first, last, previous_hash, hashes, entries, until } = segment;
    AuditSegmentRecord {
        node,
        first_sequence: first,
        last_sequence: last,
        previous_hash,
        hashes,
        entries,
        until,
    }
}

fn checkpoint_row(signed: SignedCheckpoint, at: Timestamp) -> AuditCheckpointRecord {
    AuditCheckpointRecord { node: signed.node, sequence: signed.sequence, jws: signed.jws, at }
}
