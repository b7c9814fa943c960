//! Runs one vector: steps its machines, lets the disk carry out what they ask for, compares what they say.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::Value;
use tokenward::{
    AccessToken, Account, Adopt, Config, Effect, Event, FetchFault, Grant, Guard, Holder, Input, Machine, Now,
    Response, Secret, SecretBytes, Waiter, Want,
};

use super::{
    disk::{Disk, kind_of, text_of},
    format::{self, Answer, Fetched, Kind, Settings, Step, Vector},
    show::{Names, START, at, millis, moment, tokens},
    shown::{Current, Shown},
};

/// How often each arm of the transition table was used.
pub type Arms = BTreeMap<(&'static str, &'static str), u32>;

/// How a vector is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As it is written.
    Written,
    /// With a tick before every answer, which must change nothing.
    Ticked,
    /// What is found is written into the vector, for a person to read.
    Record,
}

/// Runs a vector and counts the arms it uses.
///
/// # Errors
/// What differs, for a person to read.
pub fn run(vector: &mut Vector, mode: Mode, arms: &mut Arms) -> Result<(), String> {
    let mut runner = Runner {
        names: Names::new(),
        disk: Disk::default(),
        settings: vector.machines.clone(),
        actors: BTreeMap::new(),
        wall_offset: 0,
        now: Now::default(),
        mode,
        arms,
    };
    if let Some(edit) = &vector.disk {
        runner.disk.edit(edit)?;
    }
    for (number, step) in vector.steps.iter_mut().enumerate() {
        runner.step(step).map_err(|error| format!("step {} at {} ms: {error}", number + 1, step.at_ms))?;
    }
    runner.check_served()?;
    match &vector.disk_after {
        Some(after) => runner.disk.check(after, &tokens()).map_err(|error| format!("disk_after: {error}")),
        None => Ok(()),
    }
}

struct Runner<'a> {
    names: Names,
    disk: Disk,
    settings: BTreeMap<String, Settings>,
    actors: BTreeMap<String, Actor>,
    wall_offset: i64,
    now: Now,
    mode: Mode,
    arms: &'a mut Arms,
}

/// A machine, the effect that it waits for, and its callers.
struct Actor {
    machine: Machine,
    open: Option<Effect>,
    callers: BTreeSet<u64>,
}

impl Runner<'_> {
    fn step(&mut self, step: &mut Step) -> Result<(), String> {
        self.move_clocks(step)?;
        let name = step.machine.clone().unwrap_or_else(|| "a".into());
        let input = match (&step.input, &step.answer, &step.edit, &step.crash) {
            (Some(input), None, None, None) => self.input(input, &name)?,
            (None, Some(answer), None, None) => self.answer(answer, &name, step.of.as_deref().unwrap_or(&name))?,
            (None, None, Some(edit), None) => return self.disk.edit(edit),
            (None, None, None, Some(crashed)) => return self.crash(crashed),
            _ => return Err("a step has exactly one of input, answer, edit and crash".into()),
        };
        let mut shown = Vec::new();
        let wake_in = self.drive(&name, input, step.stop_at, &mut shown)?;
        let wake_in = wake_in.map(millis);
        let (must_stay, current) = {
            let machine = &self.actor(&name)?.machine;
            (machine.must_stay(), machine.current().map(show_current))
        };
        if self.mode == Mode::Record {
            step.effects = Some(shown);
            step.wake_in_ms = Some(wake_in);
            step.must_stay = step.must_stay.map(|_| must_stay);
            step.current = step.current.as_ref().map(|_| current);
            return Ok(());
        }
        compare_effects(step.effects.as_deref().ok_or("effects are missing")?, &shown)?;
        compare("wake_in_ms", &step.wake_in_ms.ok_or("wake_in_ms is missing")?, &wake_in)?;
        compare("must_stay", &step.must_stay.unwrap_or(must_stay), &must_stay)?;
        compare("current", step.current.as_ref().unwrap_or(&current), &current)
    }

    fn move_clocks(&mut self, step: &Step) -> Result<(), String> {
        let mono = Duration::from_millis(step.at_ms);
        if mono < self.now.mono {
            return Err("time goes back".into());
        }
        self.wall_offset += step.wall_jump_ms.unwrap_or_default();
        let wall = START.saturating_add(step.at_ms).saturating_add_signed(self.wall_offset);
        self.now = Now { wall: tokenward::UnixTime::from_millis(wall), mono };
        Ok(())
    }

    /// Feeds an input and lets the disk answer until the server is asked, nothing is left, or it is told to stop.
    fn drive(
        &mut self,
        name: &str,
        input: Input,
        stop_at: Option<Kind>,
        shown: &mut Vec<Shown>,
    ) -> Result<Option<Duration>, String> {
        let mut input = input;
        // What an earlier step left open stays open until a step answers it.
        let waits = !matches!(input, Input::Answer(_)) && self.actor(name)?.open.is_some();
        loop {
            let is_answer = matches!(input, Input::Answer(_));
            if self.mode == Mode::Ticked && is_answer {
                self.feed(name, Input::Tick, shown)?;
            }
            let wake_in = self.feed(name, input, shown)?;
            input = match self.actor(name)?.open.take() {
                Some(Effect::Store(op)) if !waits && stop_at != Some(kind_of(&op)) => self.disk.perform(op, name)?,
                open => {
                    self.actor(name)?.open = open;
                    return Ok(wake_in);
                }
            };
        }
    }

    fn feed(&mut self, name: &str, input: Input, shown: &mut Vec<Shown>) -> Result<Option<Duration>, String> {
        let now = self.now;
        let step = self.actor(name)?.machine.step(now, input);
        for effect in step.effects {
            if let Effect::Emit(Event::Transition { state, on }) = &effect {
                *self.arms.entry((state, on)).or_default() += 1;
            }
            shown.extend(self.names.show(&effect));
            match effect {
                Effect::Deliver(deliver) => self.served(name, deliver.waiter.0)?,
                Effect::Store(_) | Effect::Fetch(_) => {
                    if matches!(effect, Effect::Fetch(_)) && !self.disk.is_locked_by(name) {
                        return Err("a fetch without the lock".into());
                    }
                    if self.actor(name)?.open.replace(effect).is_some() {
                        return Err("a second effect is open".into());
                    }
                }
                _ => {}
            }
        }
        Ok(step.wake_in)
    }

    fn served(&mut self, name: &str, waiter: u64) -> Result<(), String> {
        let is_known = self.actor(name)?.callers.remove(&waiter);
        is_known.then_some(()).ok_or_else(|| format!("waiter {waiter} is answered twice, or has gone"))
    }

    fn actor(&mut self, name: &str) -> Result<&mut Actor, String> {
        if !self.actors.contains_key(name) {
            let settings = self.settings.get(name).ok_or_else(|| format!("machine {name} is not declared"))?;
            let actor = Actor { machine: Machine::new(config(settings)?), open: None, callers: BTreeSet::new() };
            self.actors.insert(name.into(), actor);
        }
        self.actors.get_mut(name).ok_or_else(|| "no such machine".into())
    }

    fn crash(&mut self, name: &str) -> Result<(), String> {
        self.disk.free(name);
        self.actors.remove(name).map(|_| ()).ok_or_else(|| format!("machine {name} has not begun"))
    }

    fn input(&mut self, input: &format::Input, name: &str) -> Result<Input, String> {
        let callers = &mut self.actor(name)?.callers;
        let mut join = |waiter: u64| {
            callers.insert(waiter);
            Waiter(waiter)
        };
        Ok(match input {
            format::Input::Want(want) => {
                let usual = Want::new(join(want.waiter));
                Input::Want(Want {
                    min_ttl: want.min_ttl_ms.map_or(usual.min_ttl, Duration::from_millis),
                    deadline: want.deadline_ms.map_or(usual.deadline, Duration::from_millis),
                    explicit: want.explicit.unwrap_or(usual.explicit),
                    ..usual
                })
            }
            format::Input::Adopt(adopt) => Input::Adopt(Adopt {
                waiter: join(adopt.waiter),
                grant: grant(&adopt.grant),
                guard: match adopt.guard {
                    Some(format::Guard::Replace) => Guard::Replace,
                    Some(format::Guard::SameAccount) | None => Guard::SameAccount,
                },
            }),
            format::Input::SignOut(caller) => Input::SignOut(join(caller.waiter)),
            format::Input::Look(caller) => Input::Look(join(caller.waiter)),
            format::Input::Forget(caller) => {
                callers.remove(&caller.waiter);
                Input::Forget(Waiter(caller.waiter))
            }
            format::Input::Refused(refused) => Input::Refused(AccessToken::new(refused.token.as_str(), None)),
            format::Input::Changed(_) => Input::Changed,
            format::Input::Tick(_) => Input::Tick,
        })
    }

    fn answer(&mut self, answer: &Answer, name: &str, of: &str) -> Result<Input, String> {
        match (self.actor(of)?.open.take(), answer) {
            (Some(Effect::Fetch(fetch)), Answer::Fetch(fetched)) => Ok(fetch.answer(response(fetched)?)),
            (Some(Effect::Store(op)), answer) => self.disk.answer(op, answer, name),
            (_, _) => Err("no such effect is open".into()),
        }
    }

    /// Every caller of a machine that lives is answered by the end of the vector.
    fn check_served(&self) -> Result<(), String> {
        for (name, actor) in &self.actors {
            if let Some(waiter) = actor.callers.first() {
                return Err(format!("waiter {waiter} of machine {name} is never answered"));
            }
        }
        Ok(())
    }
}

fn config(settings: &Settings) -> Result<Config, String> {
    let mut named = BTreeMap::from([
        ("token_url".to_owned(), "https://id.test/token".to_owned()),
        ("client_id".to_owned(), "client-1".to_owned()),
    ]);
    for (name, value) in &settings.named {
        named.insert(name.clone(), text_of(value).unwrap_or_default());
    }
    let holder = settings.holder.clone().unwrap_or(format::Holder { pid: 4711, host: "laptop".into() });
    Ok(Config {
        seed: settings.seed.unwrap_or(1),
        holder: Holder { pid: holder.pid, host: holder.host },
        ..Config::from_map("vector", &named).map_err(|error| error.to_string())?
    })
}

fn grant(grant: &format::Grant) -> Grant {
    Grant {
        access_token: grant
            .access_token
            .as_ref()
            .map(|token| AccessToken::new(token.as_str(), grant.expires_at_ms.map(at))),
        refresh_token: grant.refresh_token.as_ref().map(|token| Secret::new(token.as_str())),
        refresh_token_expires_at: None,
        scope: grant.scope.clone(),
        issued_at: grant.issued_at_ms.map(at),
        account: grant.account.as_ref().map(Account::new),
    }
}

fn response(fetched: &Fetched) -> Result<Result<Response, FetchFault>, String> {
    let faults = [&fetched.not_sent, &fetched.blocked, &fetched.misconfigured, &fetched.maybe_sent];
    match (fetched, faults.map(Option::as_deref)) {
        (Fetched { status: Some(status), headers, body, pad, .. }, [None, None, None, None]) => {
            let is_json = !matches!(body, Value::String(_) | Value::Null);
            let mut headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            if is_json && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".into(), "application/json".into()));
            }
            let body = text_of(body).unwrap_or_default() + &" ".repeat(pad.unwrap_or_default());
            let body = SecretBytes::new(body.into_bytes());
            Ok(Ok(Response { status: *status, headers, body }))
        }
        (Fetched { status: None, .. }, [Some(detail), None, None, None]) => {
            Ok(Err(FetchFault::NotSent { detail: detail.into() }))
        }
        (Fetched { status: None, .. }, [None, Some(detail), None, None]) => {
            Ok(Err(FetchFault::Blocked { detail: detail.into() }))
        }
        (Fetched { status: None, .. }, [None, None, Some(fault), None]) => {
            let (setting, detail) =
                fault.split_once(": ").ok_or("misconfigured names a setting, a colon and its fault")?;
            Ok(Err(FetchFault::Misconfigured { setting: setting.into(), detail: detail.into() }))
        }
        (Fetched { status: None, .. }, [None, None, None, Some(detail)]) => {
            Ok(Err(FetchFault::MaybeSent { detail: detail.into() }))
        }
        _ => Err("a fetch is answered by a status or by one fault".into()),
    }
}

fn show_current(current: tokenward::Current) -> Current {
    Current {
        token: current.token.expose().into(),
        early_at_ms: current.early_at.map(|now| moment(now.wall)),
        ends_at_ms: current.ends_at.map(|now| moment(now.wall)),
    }
}

/// Compares effects whole and in order.
fn compare_effects(expected: &[Shown], found: &[Shown]) -> Result<(), String> {
    for number in 0..expected.len().max(found.len()) {
        let (expected, found) = (expected.get(number), found.get(number));
        if expected != found {
            let show = |shown: Option<&Shown>| shown.map_or("nothing".into(), super::write::line);
            return Err(format!("effect {}\n  expected {}\n  found    {}", number + 1, show(expected), show(found)));
        }
    }
    Ok(())
}

fn compare<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}
