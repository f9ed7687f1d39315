//! Time, users, and the token endpoint with its outage.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;

/// Lifetime of an access token, ms.
pub(crate) const LIFETIME_MS: i64 = 3_600_000;
/// From a token request to its answer, good or bad.
const ANSWER_MS: i64 = 100;
/// A user at work makes a call every so many ms on average, at random.
const CALL_EVERY_MS: f64 = 20_000.0;
const OUTAGE_FROM_MS: i64 = 600_000;
const OUTAGE_TO_MS: i64 = 1_200_000;
const END_MS: i64 = 3_000_000;
const STEP_S: usize = 5;

/// What the endpoint does in its bad ten minutes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outage {
    /// 503 at once.
    Plain,
    /// Nobody there: no answer at all.
    Silent,
    /// 503 with `Retry-After`: the very second in which it will be back, the same for all.
    Told,
}

impl Outage {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Silent, Self::Told];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Silent => "silent",
            Self::Told => "told",
        }
    }
}

/// An answer of the token endpoint.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    Tokens,
    /// None came.
    Lost,
    /// Failed; `Retry-After` as a time, ms.
    Failed(Option<i64>),
}

/// What a session wants of the world after an input.
#[derive(Default)]
pub(crate) struct Wants {
    pub(crate) requests: u32,
    /// To be woken at this time, ms; takes the place of what was wanted before.
    pub(crate) wake_at: Option<i64>,
    /// Its caller went away empty-handed.
    pub(crate) call_failed: bool,
}

pub(crate) trait Fleet {
    /// A sign-in that long before the beginning.
    fn sign_in(&mut self, session: usize, at: i64) -> Wants;
    fn wake(&mut self, session: usize, at: i64) -> Wants;
    fn call(&mut self, session: usize, at: i64) -> Wants;
    fn answer(&mut self, session: usize, at: i64, answer: Answer) -> Wants;
    /// When a token lasts this long, how often is there a request, in ms?
    fn period_ms(&self) -> i64;
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Answer,
    Call,
    Wake,
}

pub(crate) struct Report {
    steady: f64,
    per_second: Vec<u32>,
    /// For each user who waited at the end of the outage: until there was a token, ms.
    recovered: Vec<i64>,
    waiting: usize,
}

pub(crate) fn simulate(
    fleet: &mut dyn Fleet,
    sessions: usize,
    at_work_percent: u32,
    outage: Outage,
) -> Report {
    let mut random = fastrand::Rng::with_seed(7);
    let mut queue = BinaryHeap::new();
    let mut wake_at = vec![i64::MAX; sessions];
    let mut waiting: Vec<bool> = vec![false; sessions];
    let mut per_second = vec![0u32; (END_MS / 1000) as usize];
    let mut recovered = Vec::new();
    let mut owed: Vec<bool> = Vec::new();
    let period = fleet.period_ms();
    let pause = |random: &mut fastrand::Rng| (-(1.0 - random.f64()).ln() * CALL_EVERY_MS) as i64 + 1;

    let begin = |session: usize, wants: Wants, queue: &mut BinaryHeap<_>, wake_at: &mut Vec<i64>| {
        if let Some(at) = wants.wake_at {
            wake_at[session] = at;
            queue.push(Reverse((at, session as u32, Event::Wake)));
        }
    };
    for session in 0..sessions {
        let wants = fleet.sign_in(session, -random.i64(0..period));
        begin(session, wants, &mut queue, &mut wake_at);
        // Spread over all ages alike.
        if random.u32(0..100) < at_work_percent {
            queue.push(Reverse((pause(&mut random), session as u32, Event::Call)));
        }
    }
    while let Some(Reverse((at, number, event))) = queue.pop() {
        if at >= END_MS {
            break;
        }
        if at >= OUTAGE_TO_MS && owed.is_empty() {
            owed.clone_from(&waiting);
        }
        let session = number as usize;
        let wants = match event {
            Event::Wake if wake_at[session] != at => continue,
            Event::Wake => {
                wake_at[session] = i64::MAX;
                fleet.wake(session, at)
            }
            Event::Call => {
                queue.push(Reverse((at + pause(&mut random), number, Event::Call)));
                fleet.call(session, at)
            }
            Event::Answer => {
                let arrived = at - ANSWER_MS / 2;
                let answer = match (OUTAGE_FROM_MS..OUTAGE_TO_MS).contains(&arrived) {
                    false => Answer::Tokens,
                    true if outage == Outage::Silent => Answer::Lost,
                    true => Answer::Failed((outage == Outage::Told).then_some(OUTAGE_TO_MS)),
                };
                if matches!(answer, Answer::Tokens) {
                    waiting[session] = false;
                    if owed.get_mut(session).is_some_and(std::mem::take) {
                        recovered.push(at - OUTAGE_TO_MS);
                    }
                }
                fleet.answer(session, at, answer)
            }
        };
        if wants.call_failed {
            waiting[session] = true;
        }
        for _ in 0..wants.requests {
            let arrives = at + ANSWER_MS / 2;
            if let Some(count) = usize::try_from(arrives / 1000).ok().and_then(|s| per_second.get_mut(s)) {
                *count += 1;
            }
            queue.push(Reverse((at + ANSWER_MS, number, Event::Answer)));
        }
        match wants.wake_at {
            Some(next) if next != wake_at[session] => {
                wake_at[session] = next;
                queue.push(Reverse((next, number, Event::Wake)));
            }
            Some(_) => {}
            None => wake_at[session] = i64::MAX,
        }
    }
    let steady = sessions as f64 * 1000.0 / period as f64;
    let waiting = recovered.len() + owed.iter().filter(|waits| **waits).count();
    Report { steady, per_second, recovered, waiting }
}

#[cfg(test)]
impl Report {
    /// Requests in the worst minute, in times of the steady rate.
    pub(crate) fn worst_minute(&self) -> f64 {
        let minutes = self.per_second.chunks(60).map(|minute| minute.iter().sum::<u32>());
        f64::from(minutes.max().unwrap_or(0)) / 60.0 / self.steady
    }

    /// How many waited at the end of the outage, and how long the last of them, ms; `None`: one waits still.
    pub(crate) fn waited(&self) -> (usize, Option<i64>) {
        let all = self.recovered.len() == self.waiting;
        (self.waiting, self.recovered.iter().copied().max().filter(|_| all))
    }
}

impl Report {
    pub(crate) fn json(mut self, name: &str, ours: bool) -> String {
        self.recovered.sort_unstable();
        let late = |share: f64| {
            let place = (self.recovered.len() as f64 * share).ceil() as usize;
            self.recovered.get(place.saturating_sub(1)).map_or(0.0, |ms| *ms as f64 / 1000.0)
        };
        let seconds = |from: i64, to: i64| &self.per_second[(from / 1000) as usize..(to / 1000) as usize];
        let peak = |counts: &[u32]| f64::from(counts.iter().copied().max().unwrap_or(0)) / self.steady;
        let total: u64 = self.per_second.iter().map(|n| u64::from(*n)).sum();
        // Each point of the chart is the worst second of its few.
        let series: Vec<String> = self
            .per_second
            .chunks(STEP_S)
            .map(|some| format!("{:.2}", f64::from(some.iter().copied().max().unwrap_or(0)) / self.steady))
            .collect();
        let mut json = String::new();
        let _ = write!(
            json,
            "{{\"name\":\"{name}\",\"ours\":{ours},\"steady\":{:.1},\"peak\":{:.2},\"peakDuring\":{:.2},\"peakAfter\":{:.2},\
             \"waiting\":{},\"recovered\":{},\"recovered99S\":{:.1},\"recoveredS\":{:.1},\"requests\":{total},\
             \"seriesStepS\":{STEP_S},\"series\":[{}]}}",
            self.steady,
            peak(&self.per_second),
            peak(seconds(OUTAGE_FROM_MS, OUTAGE_TO_MS)),
            peak(seconds(OUTAGE_TO_MS, END_MS)),
            self.waiting,
            self.recovered.len(),
            late(0.99),
            late(1.0),
            series.join(",")
        );
        json
    }
}
