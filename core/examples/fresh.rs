//! Measures what a fresh token costs: nanoseconds per `get_token`, beside the clocks it reads.
//!
//! `cargo run --release --example fresh --features native`

#[cfg(feature = "native")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    measure::all()
}

#[cfg(not(feature = "native"))]
fn main() {}

#[cfg(feature = "native")]
#[expect(clippy::disallowed_methods, reason = "a stop watch")]
mod measure {
    use std::{error::Error, fs, hint::black_box, thread, time::Instant};

    use tokenward::{Config, TokenSource};

    pub(crate) fn all() -> Result<(), Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let store = folder.path().join("auth.json");
        let credential = r#"{"version":1,"access_token":"access-token-1","refresh_token":"refresh-token-1",
            "issued_at":"2026-11-21T00:00:00Z","expires_at":"2999-01-01T00:00:00Z"}"#;
        fs::write(&store, credential)?;
        let store = Some(store.to_string_lossy().into_owned());
        let source = TokenSource::open(Config { store, ..Config::new("https://id.test/token", "my-client") })?;
        source.get_token()?;

        println!("{:<28} {:>8} {:>9}", "ns per call and core", "1 thread", "8 threads");
        report("two clocks, coarse", clocks);
        report("two clocks, precise", precise_clocks);
        report("one token, cloned", {
            let token = source.get_token()?;
            move || drop(black_box(token.clone()))
        });
        report("get_token", || drop(black_box(source.get_token())));
        report("authorization", || drop(black_box(source.authorization())));
        Ok(())
    }

    fn report(name: &str, call: impl Fn() + Sync) {
        println!("{name:<28} {:>8.1} {:>9.1}", nanos(1, &call), nanos(8, &call));
    }

    /// Returns the best of seven rounds: the one that was disturbed least.
    fn nanos(threads: u32, call: &(impl Fn() + Sync)) -> f64 {
        const CALLS: u32 = 1_000_000;
        let cores = thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1));
        let round = |_| {
            let start = Instant::now();
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| (0..CALLS).for_each(|_| call()));
                }
            });
            start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS) / f64::from(threads) * f64::from(threads.min(cores))
        };
        (0..7).map(round).fold(f64::INFINITY, f64::min)
    }

    #[cfg(target_os = "linux")]
    fn clocks() {
        use rustix::time::{ClockId, clock_gettime};
        black_box((clock_gettime(ClockId::RealtimeCoarse), clock_gettime(ClockId::MonotonicCoarse)));
    }

    #[cfg(not(target_os = "linux"))]
    fn clocks() {
        precise_clocks();
    }

    fn precise_clocks() {
        black_box((std::time::SystemTime::now(), Instant::now()));
    }
}
