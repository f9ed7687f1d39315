//! The fleet: as many sessions as asked for, with one-hour tokens, and a token endpoint that goes away for ten
//! minutes. What does it see in each second, and when have the users who wait recovered? Ours is the real core; the
//! others follow what the source of the peers does. Writes JSON for bench/sections/fleet.mjs.
//!
//! Usage: tokenwell-fleet [SESSIONS]

mod ours;
mod peers;
mod world;

use std::fmt::Write as _;

use world::{Fleet, Outage, Report, simulate};

fn main() {
    let sessions = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut json = String::from("[");
    for outage in Outage::ALL {
        let _ = write!(
            json,
            "{}{{\"id\":\"{}\",\"policies\":[",
            if json.len() > 1 { "," } else { "" },
            outage.name()
        );
        let mut first = true;
        let mut add = |name: &str, ours: bool, report: Report| {
            let comma = if std::mem::take(&mut first) { "" } else { "," };
            let _ = write!(json, "{comma}{}", report.json(name, ours));
        };
        for percent in [10, 20] {
            let report = simulate(&mut ours::Ours::new(sessions), sessions, percent, outage);
            add(&format!("tokenwell, {percent} % of users at work"), true, report);
        }
        // What the peers do is the same in all of them.
        let peers = if outage == Outage::Plain { &peers::Policy::ALL[..] } else { &[] };
        for &policy in peers {
            let mut fleet = peers::Peers::new(policy, sessions);
            let report = simulate(&mut fleet as &mut dyn Fleet, sessions, 10, outage);
            add(policy.name(), false, report);
        }
        json.push_str("]}");
    }
    println!("{json}]");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the figures are about, held by a test: a fleet that is small enough for one, and minutes in place of seconds.
    #[test]
    fn an_outage_of_ten_minutes_brings_no_minute_of_four_times_the_steady_rate_and_all_who_wait_recover_in_30_s()
     {
        let sessions = 6_000;
        for outage in Outage::ALL {
            let report = simulate(&mut ours::Ours::new(sessions), sessions, 10, outage);
            let worst = report.worst_minute();
            assert!(worst < 4.0, "{}: {worst:.2} times the steady rate", outage.name());
            let (waited, late_ms) = report.waited();
            assert!(waited > 20, "{}: {waited} waited", outage.name());
            assert!(late_ms.is_some_and(|ms| ms <= 30_000), "{}: {late_ms:?} ms", outage.name());
        }
    }
}
