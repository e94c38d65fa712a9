//! The table as it is printed.

use std::time::Duration;

use crate::machine::Pace;

/// One thing that was measured.
pub(crate) struct Row {
    name: &'static str,
    limit_name: &'static str,
    pace: Pace,
    /// Per second.
    limit: f64,
    ratio: f64,
    goal: Option<f64>,
}

impl Row {
    pub(crate) fn new(name: &'static str, limit_name: &'static str) -> Self {
        Self {
            name,
            limit_name,
            pace: Pace { per_second: 0.0, microseconds: 0.0 },
            limit: 0.0,
            ratio: 0.0,
            goal: None,
        }
    }

    /// The least ratio to the limit.
    pub(crate) fn with_goal(self, goal: Option<f64>) -> Self {
        Self { goal, ..self }
    }

    pub(crate) fn filled(self, pace: Pace, limit: f64, ratio: f64) -> Self {
        Self { pace, limit, ratio, ..self }
    }
}

/// Prints rows as they come, and remembers whether a goal was missed.
pub(crate) struct Table {
    missed: usize,
}

impl Table {
    /// Begins with the heading.
    pub(crate) fn new() -> Self {
        println!("| what | per second | core, µs | limit | limit, per second | ratio | goal | |");
        println!("|---|--:|--:|---|--:|--:|--:|---|");
        Self { missed: 0 }
    }

    pub(crate) fn print(&mut self, row: &Row) {
        let Row { name, limit_name, pace: Pace { per_second, microseconds }, limit, ratio, goal } = row;
        let verdict = self.verdict(goal.map(|goal| *ratio >= goal));
        let goal = goal.map_or_else(String::new, |goal| format!("≥ {goal:.2}"));
        println!(
            "| {name} | {per_second:.0} | {microseconds:.0} | {limit_name} | {limit:.0} | {ratio:.2} | {goal} | {verdict} |"
        );
    }

    pub(crate) fn print_start(&mut self, name: &str, time: Duration, goal: Option<Duration>) {
        let verdict = self.verdict(goal.map(|goal| time <= goal));
        let goal = goal.map_or_else(String::new, |goal| format!("≤ {} ms", goal.as_millis()));
        println!("| {name} | {} ms | | | | | {goal} | {verdict} |", time.as_millis());
    }

    /// Microseconds.
    pub(crate) fn print_time(&mut self, name: &str, time: f64, goal: Option<f64>) {
        let verdict = self.verdict(goal.map(|goal| time <= goal));
        let goal = goal.map_or_else(String::new, |goal| format!("≤ {goal:.0} µs"));
        println!("| {name} | {time:.0} µs | | | | | {goal} | {verdict} |");
    }

    pub(crate) fn print_count(name: &str, count: u64) {
        println!("| {name} | {count} | | | | | | |");
    }

    /// KiB for each of many.
    pub(crate) fn print_share(&mut self, name: &str, share: f64, goal: f64) {
        let verdict = self.verdict(Some(share <= goal));
        println!("| {name} | {share:.1} KiB | | | | | ≤ {goal:.0} KiB | {verdict} |");
    }

    /// Memory in MiB.
    pub(crate) fn print_memory(&mut self, name: &str, memory: f64, goal: Option<f64>) {
        let verdict = self.verdict(goal.map(|goal| memory <= goal));
        let goal = goal.map_or_else(String::new, |goal| format!("≤ {goal:.0} MiB"));
        println!("| {name} | {memory:.1} MiB | | | | | {goal} | {verdict} |");
    }

    pub(crate) fn finish(&self) {
        match self.missed {
            0 => println!("\nevery goal is met"),
            missed => println!("\ngoals missed: {missed}"),
        }
    }

    fn verdict(&mut self, is_met: Option<bool>) -> &'static str {
        match is_met {
            None => "",
            Some(true) => "PASS",
            Some(false) => {
                self.missed += 1;
                "MISS"
            }
        }
    }
}
