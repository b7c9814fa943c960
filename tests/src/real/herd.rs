//! A herd: processes that use a token until it ends, and then all want the next one.

use std::{collections::BTreeSet, fmt};

use super::{Call, Command, Got, Scene, Stats, Worker, clock};

/// Processes that use a token until it ends, and then all want the next one.
pub struct Herd {
    pub processes: usize,
    pub threads: usize,
    pub rotations: u64,
    /// The life of a token in seconds. Whoever asks later than half of it begins the next rotation.
    pub ttl: u64,
    /// The server's, in milliseconds.
    pub latency: u64,
    /// The milliseconds between two arrivals.
    pub apart: u64,
}

/// How long the last one waited beyond the server's answer or its own arrival, in milliseconds.
pub struct Served {
    pub herd: Herd,
    pub median: u64,
    pub worst: u64,
    /// The processes that did a rotation.
    pub winners: usize,
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { herd: Herd { processes, threads, rotations, latency, apart, .. }, median, worst, winners } = self;
        write!(
            f,
            "{processes} x {threads} callers, {rotations} rotations at {latency} ms, {apart} ms apart: the last one is "
        )?;
        write!(f, "served {median} ms (worst {worst}) after the answer or its own arrival, {winners} winners")
    }
}

/// More than a coarse clock is ever behind: an earlier caller may rightly get the old token.
const TICK: u64 = 25;

impl Herd {
    /// Fails unless everybody gets each new token for one request.
    pub fn run(self) -> Served {
        let processes = self.processes;
        self.run_with(|scene| scene.workers(processes))
    }

    /// Like [`run`](Self::run), with workers of the caller's, as many as there are processes.
    pub fn run_with(self, workers: impl FnOnce(&Scene) -> Vec<Worker>) -> Served {
        let scene = Scene::new(&["--ttl", &self.ttl.to_string(), "--latency", &self.latency.to_string()]);
        let mut workers = workers(&scene);
        // An interpreter takes its time to start.
        workers.iter().for_each(Worker::is_open);
        let mut slowest = Vec::new();
        let mut begin = clock::now() + 500;

        for rotation in 1..=self.rotations {
            // Another one is first each time.
            workers.rotate_left(5);
            let arrivals = (0..).map(|number| begin + number * self.apart);
            let calls: Vec<Call> = workers
                .iter_mut()
                .zip(arrivals)
                .map(|(worker, at)| worker.order(Command::Get { at, threads: self.threads }))
                .collect();
            let got: Vec<Got> = workers.iter().zip(calls).flat_map(|(worker, call)| worker.answers(call)).collect();

            let current = scene.provider.access_token();
            let strays: Vec<&Got> = got.iter().filter(|got| got.outcome != current).collect();
            if !strays.is_empty() || got.len() != self.processes * self.threads {
                scene.fail(&format!("rotation {rotation} gave {current:?}, but some got {strays:?}"));
            }
            let served = got.iter().map(|got| got.done_at).max().unwrap_or_default();
            let last_arrival = begin + (self.processes as u64 - 1) * self.apart;
            slowest.push(served.saturating_sub(last_arrival.max(begin + self.latency)));
            begin = got.iter().map(|got| got.ends_at).max().unwrap_or_default() - self.ttl * 500 + TICK;
        }

        assert_eq!(scene.provider.stats(), Stats::rotations(self.rotations));
        slowest.sort_unstable();
        let (median, worst) = (slowest[slowest.len() / 2], slowest[slowest.len() - 1]);
        Served { median, worst, winners: winners(&scene), herd: self }
    }
}

/// Returns how many processes did a rotation.
fn winners(scene: &Scene) -> usize {
    let log = scene.provider.log();
    let agents = log.iter().filter(|line| line["kind"] == "rotation").map(|line| line["agent"].as_str());
    agents.collect::<BTreeSet<_>>().len()
}
