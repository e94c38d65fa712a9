//! What a shared stream has told and not everybody has taken yet. Pure.
//!
//! Nothing is set aside for a listener: what all are told is kept once, and each has a number, the one of the message that
//! it takes next. A message is let go of when the last has taken it, so that a silent stream keeps nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use super::told::Told;

/// How many messages may wait for the slowest.
const MESSAGES: usize = 64;
/// How many bytes, the newest message aside.
const SIZE: usize = 256 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ring {
    /// The number of the message that stands first.
    first: usize,
    messages: VecDeque<Waiting>,
    /// Of all of them, in bytes.
    size: usize,
    /// How many listeners are waited for.
    listeners: usize,
}

#[derive(Debug)]
struct Waiting {
    told: Arc<Told>,
    /// How many have not taken it.
    untaken: usize,
}

/// What there is for a listener.
#[derive(Debug)]
pub(super) enum Next {
    Told(Arc<Told>),
    /// Nothing yet.
    Nothing,
    /// It was not waited for.
    Lost,
}

impl Ring {
    /// The number of the message that a new listener takes first: the next that is told.
    pub(super) fn join(&mut self) -> usize {
        self.listeners += 1;
        self.first + self.messages.len()
    }

    /// The listener who would have taken message `number` next takes no more.
    pub(super) fn leave(&mut self, number: usize) {
        // One that was not waited for is not counted any more.
        let Some(taken) = number.checked_sub(self.first) else { return };
        self.listeners -= 1;
        self.messages.iter_mut().skip(taken).for_each(|message| message.untaken -= 1);
        self.sweep();
    }

    /// Whether nobody is waited for.
    pub(super) fn is_left(&self) -> bool {
        self.listeners == 0
    }

    /// Tells everybody.
    pub(super) fn tell(&mut self, told: Arc<Told>) {
        self.size += told.size();
        self.messages.push_back(Waiting { told, untaken: self.listeners });
        self.sweep();
    }

    /// What stands at `number`, which is then the next one.
    pub(super) fn take(&mut self, number: &mut usize) -> Next {
        let Some(taken) = number.checked_sub(self.first) else { return Next::Lost };
        let Some(message) = self.messages.get_mut(taken) else { return Next::Nothing };
        message.untaken -= 1;
        *number += 1;
        let told = message.told.clone();
        self.sweep();
        Next::Told(told)
    }

    /// Whether the next message has to wait for somebody.
    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= MESSAGES || self.size >= SIZE
    }

    /// Whether there is room for half of what may wait.
    pub(super) fn is_half_empty(&self) -> bool {
        self.messages.len() <= MESSAGES / 2 && self.size <= SIZE / 2
    }

    /// Lets go of the older half. Whoever has not taken it is not waited for any more.
    pub(super) fn make_room(&mut self) {
        for _ in 0..self.messages.len().div_ceil(2) {
            let lost = self.pop();
            self.listeners -= lost;
            self.messages.iter_mut().for_each(|message| message.untaken -= lost);
        }
        self.sweep();
    }

    /// Nobody takes a message later than one that comes after it, so what all have taken stands in front.
    fn sweep(&mut self) {
        while self.messages.front().is_some_and(|message| message.untaken == 0) {
            self.pop();
        }
        if self.messages.is_empty() {
            self.messages = VecDeque::new();
        }
    }

    /// Lets go of the first message; how many had not taken it.
    fn pop(&mut self) -> usize {
        let Some(message) = self.messages.pop_front() else { return 0 };
        self.first += 1;
        self.size -= message.told.size();
        message.untaken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Arc<Told> {
        Arc::new(Told::response(text.as_bytes().to_vec()))
    }

    fn taken(ring: &mut Ring, number: &mut usize) -> String {
        match ring.take(number) {
            Next::Told(told) => String::from_utf8(told.text().to_vec()).unwrap(),
            Next::Nothing => "nothing".to_owned(),
            Next::Lost => "lost".to_owned(),
        }
    }

    #[test]
    fn everybody_takes_everything_from_where_they_joined() {
        let mut ring = Ring::default();
        ring.tell(told("for nobody"));
        let mut one = ring.join();
        ring.tell(told("a"));
        let mut two = ring.join();
        ring.tell(told("b"));
        assert_eq!([taken(&mut ring, &mut one), taken(&mut ring, &mut one)], ["a", "b"]);
        assert_eq!([taken(&mut ring, &mut two), taken(&mut ring, &mut two)], ["b", "nothing"]);
        assert!(ring.messages.is_empty() && ring.size == 0, "nothing is kept that all have taken");
        ring.leave(one);
        assert!(!ring.is_left());
        ring.tell(told("c"));
        ring.leave(two);
        assert!(ring.is_left() && ring.messages.is_empty(), "nor what nobody will take");
    }

    #[test]
    fn gw_15_one_who_does_not_read_is_lost_alone() {
        let mut ring = Ring::default();
        let (mut fast, mut slow, mut silent) = (ring.join(), ring.join(), ring.join());
        for number in 0..MESSAGES {
            assert!(!ring.is_full());
            ring.tell(told(&number.to_string()));
            assert_eq!(taken(&mut ring, &mut fast), number.to_string());
            if number < MESSAGES / 2 {
                taken(&mut ring, &mut slow);
            }
        }
        assert!(ring.is_full());
        ring.make_room();
        assert_eq!((ring.listeners, ring.messages.len()), (2, MESSAGES / 2));
        assert_eq!(taken(&mut ring, &mut silent), "lost");
        assert_eq!(taken(&mut ring, &mut slow), (MESSAGES / 2).to_string());
        ring.tell(told("last"));
        assert_eq!(taken(&mut ring, &mut fast), "last");
        ring.leave(silent);
        assert_eq!(ring.listeners, 2, "one that is lost is not counted twice");
        ring.leave(fast);
        ring.leave(slow);
        assert!(ring.is_left() && ring.messages.is_empty() && ring.size == 0);
    }

    #[test]
    fn gw_17_what_waits_is_bounded_in_bytes() {
        let mut ring = Ring::default();
        let large = "x".repeat(SIZE);
        for _ in 0..10 {
            let mut silent = ring.join();
            ring.tell(told(&large));
            assert!(ring.is_full());
            ring.make_room();
            assert!(ring.size == 0 && ring.is_left());
            assert_eq!(taken(&mut ring, &mut silent), "lost");
        }
    }
}
