//! What waits for the client of one stream: so many bytes, and then whoever has more waits too.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use mcp::write_event;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many bytes may wait; a larger message waits alone.
const ROOM: u32 = 256 * 1024;
/// What a message takes of the room at least, so that the number of them is bounded too.
const LEAST: u32 = 256;

/// Where messages are put.
pub(super) struct Outbox {
    waiting: Arc<Waiting>,
    room: Arc<Semaphore>,
    stall: Duration,
}

/// An event that waits, and the room that it takes until it is read.
struct Queued {
    event: Bytes,
    room: OwnedSemaphorePermit,
}

/// Where the client takes them from.
pub(super) struct Queue(Arc<Waiting>);

/// What waits; `None` when nobody reads any more. Nearly always it is empty, and there are many: a channel would have
/// two kilobytes ready for what may come.
struct Waiting {
    events: Mutex<Option<VecDeque<Queued>>>,
    arrived: Notify,
}

/// The client does not read, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unread;

impl Outbox {
    /// For a client that is taken to be gone when it makes no room for `stall`.
    pub(super) fn new(stall: Duration) -> (Self, Queue) {
        let events = Mutex::new(Some(VecDeque::new()));
        let waiting = Arc::new(Waiting { events, arrived: Notify::new() });
        let room = Arc::new(Semaphore::new(ROOM as usize));
        (Self { waiting: waiting.clone(), room, stall }, Queue(waiting))
    }

    /// Puts a message in as soon as there is room.
    pub(super) async fn put(&self, message: &[u8]) -> Result<(), Unread> {
        let event = Bytes::from(write_event(&on_one_line(message)));
        let takes = u32::try_from(event.len()).unwrap_or(ROOM).clamp(LEAST, ROOM);
        let room = timeout(self.stall, self.room.clone().acquire_many_owned(takes)).await;
        let room = room.map_err(|_| Unread)?.map_err(|_| Unread)?;
        self.waiting.events().as_mut().ok_or(Unread)?.push_back(Queued { event, room });
        self.waiting.arrived.notify_one();
        Ok(())
    }
}

impl Queue {
    /// The next event, as soon as there is one. Being dropped in between loses nothing.
    pub(super) async fn next(&mut self) -> Bytes {
        loop {
            let queued = self.0.events().as_mut().and_then(VecDeque::pop_front);
            match queued {
                Some(queued) => return queued.read(),
                None => self.0.arrived.notified().await,
            }
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        *self.0.events() = None;
    }
}

impl Waiting {
    fn events(&self) -> MutexGuard<'_, Option<VecDeque<Queued>>> {
        // An event is put in or taken out whole; no panic can leave it half done.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queued {
    /// The event, which is read now and takes no room any more.
    fn read(self) -> Bytes {
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
        queue.next().await;
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
        assert!(queue.next().await.len() > huge.len());
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
        let event = queue.next().await;
        assert_eq!(&*event, b"event: message\ndata: {   \"a\": \"event: endpoint\\n\" }\n\n");
    }
}
