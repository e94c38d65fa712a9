//! What waits for the client of one stream: so many bytes, and then whoever has more waits too.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mcp::write_event;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

/// How many bytes may wait; a larger message waits alone.
const ROOM: u32 = 256 * 1024;
/// What a message takes of the room at least, so that the number of them is bounded too.
const LEAST: u32 = 256;

/// Where messages are put.
pub(super) struct Outbox {
    queue: mpsc::UnboundedSender<Queued>,
    room: Arc<Semaphore>,
    stall: Duration,
}

/// An event that waits, and the room that it takes until it is read.
pub(super) struct Queued {
    event: Bytes,
    room: OwnedSemaphorePermit,
}

/// Where the client takes them from.
pub(super) type Queue = mpsc::UnboundedReceiver<Queued>;

/// The client does not read, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unread;

impl Outbox {
    /// For a client that is taken to be gone when it makes no room for `stall`.
    pub(super) fn new(stall: Duration) -> (Self, Queue) {
        let (queue, waiting) = mpsc::unbounded_channel();
        (Self { queue, room: Arc::new(Semaphore::new(ROOM as usize)), stall }, waiting)
    }

    /// Puts a message in as soon as there is room.
    pub(super) async fn put(&self, message: &[u8]) -> Result<(), Unread> {
        let event = Bytes::from(write_event(&on_one_line(message)));
        let takes = u32::try_from(event.len()).unwrap_or(ROOM).clamp(LEAST, ROOM);
        let room = timeout(self.stall, self.room.clone().acquire_many_owned(takes)).await;
        let room = room.map_err(|_| Unread)?.map_err(|_| Unread)?;
        self.queue.send(Queued { event, room }).map_err(|_| Unread)
    }
}

impl Queued {
    /// The event, which is read now and takes no room any more.
    pub(super) fn read(self) -> Bytes {
        drop(self.room);
        self.event
    }
}

/// Line breaks in JSON stand between its tokens, where spaces mean the same; in an event they would end the line.
fn on_one_line(message: &[u8]) -> Vec<u8> {
    message.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::task::unconstrained;

    #[tokio::test]
    async fn gw_15_what_waits_for_a_slow_reader_is_bounded() {
        let (outbox, mut queue) = Outbox::new(Duration::from_mins(1));
        let large = vec![b'x'; ROOM as usize / 4];
        let mut put = 0;
        while unconstrained(outbox.put(&large)).now_or_never().is_some() {
            put += 1;
        }
        assert_eq!(put, 3, "with what an event is wrapped in, a fourth is too large");
        queue.recv().await.unwrap();
        assert!(outbox.put(&large).now_or_never().is_some(), "what was read makes room");

        let (outbox, _queue) = Outbox::new(Duration::from_mins(1));
        let small = std::iter::repeat_with(|| unconstrained(outbox.put(b"{}")).now_or_never());
        assert_eq!(small.take_while(Option::is_some).count(), (ROOM / LEAST) as usize);
    }

    #[tokio::test]
    async fn a_message_larger_than_the_room_waits_alone() {
        let (outbox, mut queue) = Outbox::new(Duration::from_mins(1));
        let huge = vec![b'x'; ROOM as usize * 2];
        assert_eq!(outbox.put(&huge).now_or_never(), Some(Ok(())));
        assert_eq!(outbox.put(b"{}").now_or_never(), None);
        assert!(queue.recv().await.unwrap().read().len() > huge.len());
        assert_eq!(outbox.put(b"{}").now_or_never(), Some(Ok(())));
    }

    #[tokio::test]
    async fn gw_15_a_client_that_never_reads_is_given_up() {
        let (outbox, queue) = Outbox::new(Duration::from_millis(10));
        outbox.put(&vec![b'x'; ROOM as usize]).await.unwrap();
        assert_eq!(outbox.put(b"{}").await, Err(Unread));
        drop(queue);
        assert_eq!(outbox.put(b"{}").await, Err(Unread));
    }

    #[tokio::test]
    async fn gw_17_a_message_is_one_line() {
        let (outbox, mut queue) = Outbox::new(Duration::from_mins(1));
        outbox.put(b"{\r\n \"a\": \"event: endpoint\\n\"\n}").await.unwrap();
        let event = queue.recv().await.unwrap().read();
        assert_eq!(&*event, b"event: message\ndata: {   \"a\": \"event: endpoint\\n\" }\n\n");
    }
}
