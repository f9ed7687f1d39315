//! What is yet to happen, in order. Of two things at one moment the one foreseen first comes first: latencies
//! are drawn, so every order comes up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub(crate) struct Queue<E> {
    heap: BinaryHeap<Reverse<Scheduled<E>>>,
    next: u64,
}

struct Scheduled<E> {
    at: i64,
    number: u64,
    event: E,
}

impl<E> Queue<E> {
    pub(crate) fn new() -> Self {
        Self { heap: BinaryHeap::with_capacity(64), next: 0 }
    }

    pub(crate) fn push(&mut self, at: i64, event: E) {
        self.next += 1;
        self.heap.push(Reverse(Scheduled { at, number: self.next, event }));
    }

    /// The next event, if it comes at or before that moment.
    pub(crate) fn pop_until(&mut self, until: i64) -> Option<(i64, E)> {
        if self.heap.peek().is_none_or(|next| next.0.at > until) {
            return None;
        }
        self.heap.pop().map(|next| (next.0.at, next.0.event))
    }

    /// Takes out what is like that, in order.
    pub(crate) fn extract(&mut self, is_like: impl Fn(&E) -> bool) -> Vec<E> {
        let (mut out, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.heap).into_vec().into_iter().partition(|s| is_like(&s.0.event));
        self.heap = rest.into();
        out.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        out.into_iter().map(|s| s.0.event).collect()
    }

    /// Moves every event: `f` gives its new time.
    pub(crate) fn reschedule(&mut self, f: impl Fn(i64, &E) -> i64) {
        let events = std::mem::take(&mut self.heap).into_vec();
        self.heap =
            events.into_iter().map(|Reverse(s)| Reverse(Scheduled { at: f(s.at, &s.event), ..s })).collect();
    }
}

impl<E> PartialEq for Scheduled<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Scheduled<E> {}

impl<E> PartialOrd for Scheduled<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Scheduled<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}
