//! What a user believes, and what may happen to it. Knows nothing of machines, locks or journals.

use std::{collections::BTreeSet, time::Duration};

use proptest::{prelude::*, sample::select};
use proptest_state_machine::ReferenceStateMachine;
use tokenward::{Guard, UnknownOutcome};
use tokenward_tests::{Crash, Fate, Loss, Setup};

/// One login of the server, by its number; its account by the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Login {
    pub family: u32,
    pub account: &'static str,
}

/// Who may be signed in. `None`: nobody.
pub type Possible = BTreeSet<Option<Login>>;

/// What a user believes.
#[derive(Clone, Debug)]
pub struct Belief {
    pub setup: Setup,
    pub alive: Vec<bool>,
    pub possible: Possible,
    /// What happened to the login since everything came to rest.
    acts: Vec<Act>,
    /// Whether since then something may have undone an act, or hidden it.
    doubtful: bool,
    /// Whether since then another tool wrote what none of ours may have seen.
    unseen: bool,
    pub jumped: bool,
    families: u32,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    SignIn(Login, Guard),
    SignOut,
    /// Another tool wrote the store.
    Owner(Option<Login>),
}

/// What may happen.
#[derive(Clone, Debug)]
pub enum Happening {
    Want {
        process: usize,
        explicit: bool,
        min_ttl: Duration,
        deadline: Duration,
    },
    Forget(usize),
    Refuse(usize),
    Hint(usize),
    /// A process gets the processor for so many steps.
    Work(usize, u32),
    Run(Duration),
    Pass(Duration),
    /// The computer sleeps.
    Suspend(Duration),
    /// The wall clock is set, forwards or backwards.
    Jump(i64),
    /// The next request meets this.
    Meets(Fate),
    Break(BTreeSet<&'static str>),
    Kill(usize, Crash),
    Restart(usize),
    LosePower(Loss, u64),
    SignIn(usize, &'static str, Guard),
    SignOut(usize),
    OwnerSignsIn(&'static str),
    OwnerRotates,
    OwnerSignsOut,
    /// All trouble ends, and everybody works until nobody has anything to do.
    Rest,
}

impl Belief {
    /// Returns the login that everybody has to end up with, where there is only one.
    pub fn sure(&self) -> Option<Option<Login>> {
        self.possible.first().copied().filter(|_| self.possible.len() == 1)
    }

    fn of(setup: Setup) -> Self {
        let families = u32::from(setup.signed_in);
        let first = setup.signed_in.then_some(Login { family: 1, account: "alice" });
        Self {
            alive: vec![true; setup.processes],
            setup,
            possible: BTreeSet::from([first]),
            acts: Vec::new(),
            doubtful: false,
            unseen: false,
            jumped: false,
            families,
        }
    }

    fn act(&mut self, act: Act) {
        self.acts.push(act);
        self.possible.insert(match act {
            Act::SignIn(login, _) => Some(login),
            Act::SignOut => None,
            Act::Owner(login) => login,
        });
    }

    fn new_login(&mut self, account: &'static str) -> Login {
        self.families += 1;
        Login { family: self.families, account }
    }

    /// One act that nothing came between has had its effect. Of more than one, either may have been the last.
    fn rest(&mut self) {
        let before = self.possible.clone();
        if let ([act], false) = (self.acts.as_slice(), self.doubtful) {
            self.possible = match *act {
                Act::SignIn(login, Guard::Replace) => BTreeSet::from([Some(login)]),
                // A wall clock that went back makes the new login look old, and so does a refresh of what another tool
                // had put into the store unseen.
                Act::SignIn(..) if self.jumped || self.unseen => before,
                // Not over another account.
                Act::SignIn(login, _) => {
                    let stays = |old: &Option<Login>| old.is_some_and(|old| old.account != login.account);
                    let taken = before.iter().any(|old| *old != Some(login) && !stays(old));
                    before.into_iter().filter(stays).chain(taken.then_some(Some(login))).collect()
                }
                Act::SignOut => BTreeSet::from([None]),
                Act::Owner(login) => BTreeSet::from([login]),
            };
        }
        self.acts.clear();
        (self.doubtful, self.unseen) = (false, false);
        self.alive.fill(true);
    }
}

impl ReferenceStateMachine for Belief {
    type State = Self;
    type Transition = Happening;

    fn init_state() -> BoxedStrategy<Self> {
        let life = select(vec![3, 10, 60, 60, 600, 3600]).prop_map(Duration::from_secs);
        let latency = select(vec![0, 1, 10, 50, 400]).prop_map(Duration::from_millis);
        let unknown = prop_oneof![9 => Just(UnknownOutcome::Replay), 1 => Just(UnknownOutcome::Reauth)];
        let [grace, signed_in, expired, resident] =
            [50, 90, 75, 80].map(|percent| prop::bool::weighted(f64::from(percent) / 100.0));
        (1..5_usize, life, latency, unknown, grace, signed_in, expired, resident, any::<u64>())
            .prop_map(|(processes, life, latency, unknown_outcome, grace, signed_in, expired, resident, seed)| {
                let (trace, panics) = (false, false);
                Self::of(Setup {
                    processes,
                    grace,
                    life,
                    signed_in,
                    expired,
                    latency,
                    unknown_outcome,
                    resident,
                    seed,
                    trace,
                    panics,
                })
            })
            .boxed()
    }

    fn transitions(belief: &Self) -> BoxedStrategy<Happening> {
        let process = || 0..belief.setup.processes;
        let secs = |choices: &[u64]| select(choices.to_vec()).prop_map(Duration::from_secs);
        let millis = |choices: &[u64]| select(choices.to_vec()).prop_map(Duration::from_millis);
        let min_ttl = secs(&[0, 0, 0, 1, 30, 400]);
        let deadline = secs(&[40, 40, 5, 1, 0]);
        let want = (process(), prop::bool::weighted(0.08), min_ttl, deadline).prop_map(
            |(process, explicit, min_ttl, deadline)| Happening::Want { process, explicit, min_ttl, deadline },
        );
        let guard = prop_oneof![2 => Just(Guard::SameAccount), 1 => Just(Guard::Replace)];
        let account = || prop_oneof![3 => Just("alice"), 1 => Just("bob")];
        let broken = prop::collection::btree_set(select(vec!["prepare", "stage", "commit", "note", "read"]), 0..4);
        let crash = select(vec![Crash::Seen, Crash::Unseen]);
        let loss = select(vec![Loss::Nothing, Loss::Everything, Loss::Torn]);
        let jump = select(vec![-3_600_000, -20_000, -1500, 1500, 20_000, 3_600_000]);
        prop_oneof![
            36 => (process(), select(vec![1, 1, 2, 3, 5, 8, 20, 60])).prop_map(|(process, steps)| Happening::Work(process, steps)),
            14 => want,
            6 => millis(&[1, 5, 50, 500, 2000]).prop_map(Happening::Pass),
            3 => secs(&[2, 30, 61, 400, 4000]).prop_map(Happening::Pass),
            4 => millis(&[10, 300, 3000]).prop_map(Happening::Run),
            2 => secs(&[1, 50, 4000, 90_000]).prop_map(Happening::Suspend),
            1 => jump.prop_map(Happening::Jump),
            6 => fate().prop_map(Happening::Meets),
            2 => broken.prop_map(Happening::Break),
            4 => (process(), crash).prop_map(|(process, crash)| Happening::Kill(process, crash)),
            4 => process().prop_map(Happening::Restart),
            1 => (loss, any::<u64>()).prop_map(|(loss, seed)| Happening::LosePower(loss, seed)),
            2 => (process(), account(), guard).prop_map(|(process, account, guard)| Happening::SignIn(process, account, guard)),
            1 => process().prop_map(Happening::SignOut),
            1 => account().prop_map(Happening::OwnerSignsIn),
            1 => Just(Happening::OwnerRotates),
            1 => Just(Happening::OwnerSignsOut),
            3 => process().prop_map(Happening::Refuse),
            1 => process().prop_map(Happening::Forget),
            1 => process().prop_map(Happening::Hint),
            3 => Just(Happening::Rest),
        ]
        .boxed()
    }

    fn preconditions(belief: &Self, happening: &Happening) -> bool {
        let is_alive = |process: &usize| belief.alive.get(*process) == Some(&true);
        match happening {
            Happening::Want { process, .. }
            | Happening::Forget(process)
            | Happening::Refuse(process)
            | Happening::Hint(process)
            | Happening::Work(process, _)
            | Happening::Kill(process, _)
            | Happening::SignIn(process, ..)
            | Happening::SignOut(process) => is_alive(process),
            Happening::Restart(process) => belief.alive.get(*process) == Some(&false),
            Happening::Run(_)
            | Happening::Pass(_)
            | Happening::Suspend(_)
            | Happening::Jump(_)
            | Happening::Meets(_)
            | Happening::Break(_)
            | Happening::LosePower(..)
            | Happening::OwnerSignsIn(_)
            | Happening::OwnerRotates
            | Happening::OwnerSignsOut
            | Happening::Rest => true,
        }
    }

    fn apply(mut belief: Self, happening: &Happening) -> Self {
        match *happening {
            Happening::SignIn(_, account, guard) => {
                let login = belief.new_login(account);
                belief.act(Act::SignIn(login, guard));
            }
            Happening::SignOut(_) => belief.act(Act::SignOut),
            Happening::OwnerSignsIn(account) => {
                let login = belief.new_login(account);
                belief.act(Act::Owner(Some(login)));
            }
            Happening::OwnerSignsOut => belief.act(Act::Owner(None)),
            Happening::Kill(process, _) => {
                belief.alive[process] = false;
                belief.doubtful = true;
            }
            Happening::LosePower(..) => {
                belief.alive.fill(false);
                belief.doubtful = true;
            }
            Happening::Restart(process) => belief.alive[process] = true,
            Happening::Break(_) => belief.doubtful = true,
            Happening::OwnerRotates => belief.unseen = true,
            Happening::Jump(_) => belief.jumped = true,
            Happening::Rest => belief.rest(),
            Happening::Want { .. }
            | Happening::Forget(_)
            | Happening::Refuse(_)
            | Happening::Hint(_)
            | Happening::Work(..)
            | Happening::Run(_)
            | Happening::Pass(_)
            | Happening::Suspend(_)
            | Happening::Meets(_) => {}
        }
        belief
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    let wait = select(vec![None, Some(1), Some(20), Some(300)]);
    prop_oneof![
        (select(vec![503, 429]), wait).prop_map(|(status, wait)| Fate::Status(status, wait)),
        select(vec![
            Fate::NotSent,
            Fate::LostBefore,
            Fate::LostAfter,
            Fate::Page,
            Fate::Torn,
            Fate::NoAccessToken,
            Fate::WrongClient
        ]),
    ]
}
