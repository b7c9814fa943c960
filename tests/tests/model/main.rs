//! The promises against a model: a user's belief of who is signed in, beside everything that can happen to a login.
//!
//! The worlds are those of the race simulation, with its rules. Here a failure shrinks to the few happenings that matter,
//! and what callers get is compared with what a user believes. A failure is written to `model.regressions`, which is tried
//! first; `TOKENWARD_SEED` and `TOKENWARD_CASES` choose others, and `TOKENWARD_TRACE` prints the story of each failure.

mod belief;

use std::{
    collections::BTreeMap,
    env,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use belief::{Belief, Happening, Login, Possible};
use proptest::test_runner::{Config, FileFailurePersistence, RngAlgorithm, TestRng, TestRunner};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest};
use tokenward::{Machine, TokenError};
use tokenward_tests::{Dice, Outcome, Setup, Sim};

#[test]
fn what_callers_get_is_what_a_user_believes() {
    let cases = number("TOKENWARD_CASES", 1000);
    let seed = number("TOKENWARD_SEED", 20_260_714);
    let config = Config {
        cases: u32::try_from(cases).expect("fewer cases"),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/model/model.regressions"))),
        ..Config::default()
    };
    let mut dice = Dice::new(seed);
    let seeds: Vec<u8> = (0..4).flat_map(|_| dice.roll().to_le_bytes()).collect();
    let mut runner = TestRunner::new_with_rng(config.clone(), TestRng::from_seed(RngAlgorithm::ChaCha, &seeds));

    let outcome = runner.run(&Belief::sequential_strategy(1..80), |(belief, happenings, seen)| {
        Model::test_sequential(config.clone(), belief, happenings, seen);
        Ok(())
    });

    if let Err(error) = outcome {
        panic!("{error}\nTOKENWARD_SEED={seed} shows it again");
    }
    let [tokens, refused, sure] = [&TOKENS, &REFUSED, &SURE].map(|count| count.load(Relaxed));
    println!(
        "seed {seed}: {cases} cases, {tokens} tokens told, {refused} believed refusals, {sure} sure logins at rest"
    );
    assert!(tokens > cases && refused > cases / 200 && sure > cases / 2, "the model saw too little");
}

/// What was seen, so that a model that sees nothing is noticed.
static TOKENS: AtomicU64 = AtomicU64::new(0);
static REFUSED: AtomicU64 = AtomicU64::new(0);
static SURE: AtomicU64 = AtomicU64::new(0);

/// The simulation, and what its callers know.
struct Model {
    sim: Sim,
    /// The process of each caller, and the refusals it had reported when the caller came.
    callers: BTreeMap<u64, (usize, usize)>,
    /// The believed refusals of each process, in their order.
    refusals: Vec<Vec<usize>>,
    /// Who could be signed in before the last happening.
    before: Possible,
}

impl StateMachineTest for Model {
    type SystemUnderTest = Self;
    type Reference = Belief;

    fn init_test(belief: &Belief) -> Self {
        let trace = env::var_os("TOKENWARD_TRACE").is_some();
        let sim = Sim::new(Setup { trace, ..belief.setup.clone() });
        let refusals = vec![Vec::new(); belief.setup.processes];
        Self { sim, callers: BTreeMap::new(), refusals, before: belief.possible.clone() }
    }

    fn apply(mut model: Self, belief: &Belief, happening: Happening) -> Self {
        model.happens(happening, belief);
        model.compare(&belief.possible);
        model.before.clone_from(&belief.possible);
        model
    }

    fn teardown(mut model: Self, belief: Belief) {
        let belief = Belief::apply(belief, &Happening::Rest);
        model.happens(Happening::Rest, &belief);
        model.compare(&belief.possible);
    }
}

impl Model {
    fn happens(&mut self, happening: Happening, belief: &Belief) {
        let sim = &mut self.sim;
        match happening {
            Happening::Want { process, explicit, min_ttl, deadline } => {
                let waiter = sim.want_with(process, |want| {
                    (want.explicit, want.min_ttl, want.deadline) = (explicit, min_ttl, deadline);
                });
                self.callers.insert(waiter, (process, self.refusals[process].len()));
            }
            Happening::Forget(process) => {
                if let Some(waiter) = sim.processes[process].callers.keys().next().copied() {
                    sim.forget(process, waiter);
                }
            }
            Happening::Refuse(process) => self.refuse(process, belief),
            Happening::Hint(process) => sim.hint(process),
            Happening::Work(process, steps) => work(sim, process, steps),
            Happening::Run(span) => sim.run_for(span),
            Happening::Pass(span) => pass(sim, |sim| sim.pass(span)),
            Happening::Suspend(span) => pass(sim, |sim| sim.suspend(span)),
            Happening::Jump(millis) => sim.jump_wall(millis),
            Happening::Meets(fate) => sim.world.fates.push(fate),
            Happening::Break(names) => sim.world.failing = names,
            Happening::Kill(process, crash) => {
                sim.kill(process, crash);
                self.refusals[process].clear();
            }
            Happening::Restart(process) => sim.restart(process),
            Happening::LosePower(loss, seed) => {
                sim.lose_power(loss, &mut Dice::new(seed));
                self.refusals.iter_mut().for_each(Vec::clear);
            }
            Happening::SignIn(process, account, guard) => _ = sim.sign_in(process, account, guard),
            Happening::SignOut(process) => _ = sim.sign_out(process),
            Happening::OwnerSignsIn(account) => {
                let number = sim.world.provider.log_in(account, sim.world.time);
                let bytes = sim.world.stored_bytes(number, sim.world.time);
                sim.world.write_as_owner(Some(bytes));
            }
            Happening::OwnerRotates => sim.world.rotate_as_owner(),
            Happening::OwnerSignsOut => sim.world.sign_out_as_owner(),
            Happening::Rest => {
                sim.recover();
                // Who was told before all was quiet may have been told of any.
                let before = std::mem::take(&mut self.before);
                self.compare(&before);
                self.rests(belief);
            }
        }
    }

    /// A token that is a minute old and refused is never given again.
    fn refuse(&mut self, process: usize, belief: &Belief) {
        let this = &self.sim.processes[process];
        let current = this.machine.as_ref().and_then(Machine::current);
        let held = this.last.as_ref().filter(|(last, _)| current.is_some_and(|current| current.token == *last));
        let held = held.map(|(_, number)| *number);
        self.sim.refuse(process);
        let Some(number) = held else { return };
        let issued = self.sim.world.provider.pairs[number].ends.saturating_sub(belief.setup.life);
        let old = self.sim.world.time.saturating_sub(issued) >= Duration::from_secs(61);
        // A clock that was set makes an old token look young; a grace window gives the same token again.
        if old && !belief.jumped && !belief.setup.grace {
            self.refusals[process].push(number);
            REFUSED.fetch_add(1, Relaxed);
        }
    }

    /// Compares what callers were told since the last time with what a user believes.
    fn compare(&mut self, possible: &Possible) {
        assert_eq!(self.sim.world.rules.broken, None, "\n{}", self.sim.story());
        let told: Vec<_> = self.callers.keys().filter_map(|waiter| Some((*waiter, self.sim.told(*waiter)?))).collect();
        for (waiter, outcome) in told {
            let Some((process, known)) = self.callers.remove(&waiter) else { continue };
            self.compare_one(&outcome, possible);
            let refused = self.refusals[process].iter().take(known).any(|number| outcome == Ok(Some(*number)));
            assert!(!refused, "P2: process {process} gives a refused token again: {outcome:?}");
        }
    }

    fn compare_one(&self, outcome: &Outcome, possible: &Possible) {
        match outcome {
            Ok(Some(number)) => {
                TOKENS.fetch_add(1, Relaxed);
                let login = self.login(*number);
                assert!(
                    possible.contains(&Some(login)),
                    "P4: a token of {login:?}; possible: {possible:?}\n{}",
                    self.sim.story()
                );
            }
            Err(TokenError::SignedOut) => {
                assert!(possible.contains(&None), "P4: signed out; possible: {possible:?}");
            }
            Ok(None) | Err(_) => {}
        }
    }

    /// All is quiet: the store holds a login that the user believes in, and everybody is served from it.
    fn rests(&mut self, belief: &Belief) {
        // A host sees within a second that the store was written.
        for process in 0..self.sim.processes.len() {
            self.sim.hint(process);
        }
        self.sim.run();
        for process in 0..self.sim.processes.len() {
            let waiter = self.sim.want(process);
            self.callers.insert(waiter, (process, self.refusals[process].len()));
        }
        self.sim.run();
        let stored = self.sim.world.stored().refresh.map(|number| self.login(number));
        let (possible, story) = (&belief.possible, self.sim.story());
        assert!(possible.contains(&stored), "P4: {stored:?} is stored; possible: {possible:?}\n{story}");
        SURE.fetch_add(u64::from(belief.sure().is_some()), Relaxed);
    }

    fn login(&self, number: usize) -> Login {
        let pair = &self.sim.world.provider.pairs[number];
        Login { family: pair.family, account: pair.account }
    }
}

/// A process gets the processor for so many steps.
fn work(sim: &mut Sim, process: usize, steps: u32) {
    for _ in 0..steps {
        if sim.processes[process].is_busy(sim.world.time) {
            sim.go(process);
        } else if sim.is_due(process) {
            sim.tick(process);
        } else {
            return;
        }
    }
}

/// Time passes, and wakes whoever asked for it.
fn pass(sim: &mut Sim, how: impl FnOnce(&mut Sim)) {
    how(sim);
    for process in 0..sim.processes.len() {
        if sim.is_due(process) {
            sim.tick(process);
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}
