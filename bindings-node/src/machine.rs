//! The machine, for those who bring their own files, sockets or event loop.

use std::collections::BTreeMap;

use napi::bindgen_prelude::{ClassInstance, Either11};
use napi_derive::napi;
use tokenward::{Config, Effect, StoreOp};

use crate::{
    effect::{Commit, Load, Note, Park, Prepare, Stage, TryLock, Unlock},
    event::Event,
    failure::{Failure, Holder},
    http::Fetch,
    input::Input,
    source::PLACE,
    status::Status,
    time::{invalid, millis, moment, span, span_millis},
    token::Token,
};

/// Decides when and how a credential is refreshed.
#[napi(js_name = "NativeMachine")]
pub struct Machine {
    inner: tokenward::Machine,
}

/// Both clocks, in milliseconds.
#[napi(object)]
pub struct Now {
    pub wall: f64,
    pub mono: f64,
}

type Asked = Either11<Load, TryLock, Prepare, Stage, Commit, Note, Park, Unlock, Fetch, Deliver, Emit>;

/// What is to be done, and when to come back.
#[napi(object, object_from_js = false)]
pub struct Step {
    pub effects: Vec<Asked>,
    pub wake_in: Option<f64>,
}

/// Hands a caller its result.
#[napi(object, object_from_js = false)]
pub struct Deliver {
    pub kind: String,
    pub waiter: f64,
    pub token: Option<Token>,
    pub error: Option<Failure>,
}

/// Tells what happened.
#[napi(object, object_from_js = false)]
pub struct Emit {
    pub kind: String,
    pub event: Event,
}

/// The token that may be handed out without asking.
#[napi(object, object_from_js = false)]
pub struct Current {
    pub token: Token,
    pub early_at: Option<Now>,
    pub ends_at: Option<Now>,
}

#[napi]
impl Machine {
    #[napi(constructor)]
    pub fn new(settings: BTreeMap<String, String>, seed: f64, holder: Holder) -> napi::Result<Self> {
        let mut config = Config::from_map(PLACE, &settings).map_err(|error| invalid(&error.to_string()))?;
        config.seed = seed as u64;
        config.holder = tokenward::Holder { pid: holder.pid, host: holder.host };
        Ok(Self { inner: tokenward::Machine::new(config) })
    }

    /// Takes one input and says what is to be done.
    #[napi]
    pub fn step(&mut self, now: Now, input: ClassInstance<'_, Input>) -> napi::Result<Step> {
        let now = tokenward::Now { wall: moment(now.wall), mono: span("mono", now.mono)? };
        let step = self.inner.step(now, input.take()?);
        let effects = step.effects.into_iter().map(object).collect::<napi::Result<_>>()?;
        // `setTimeout` takes no more, and a host may always come back early.
        let wake_in = step.wake_in.map(|span| span_millis(span).min(LONGEST));
        Ok(Step { effects, wake_in })
    }

    #[napi]
    pub fn current(&self) -> Option<Current> {
        let current = self.inner.current()?;
        let now = |now: tokenward::Now| Now { wall: millis(now.wall), mono: span_millis(now.mono) };
        Some(Current {
            token: Token { inner: current.token },
            early_at: current.early_at.map(now),
            ends_at: current.ends_at.map(now),
        })
    }

    #[napi]
    pub fn must_stay(&self) -> bool {
        self.inner.must_stay()
    }

    #[napi]
    pub fn status(&self) -> Status {
        self.inner.status().into()
    }
}

/// Returns the object of an effect.
fn object(effect: Effect) -> napi::Result<Asked> {
    Ok(match effect {
        Effect::Store(op) => store(op)?,
        Effect::Fetch(fetch) => Either11::I(Fetch::of(fetch)),
        Effect::Deliver(tokenward::Deliver { waiter, outcome }) => {
            let (token, error) = match outcome {
                Ok(token) => (token.map(|inner| Token { inner }), None),
                Err(error) => (None, Some(Failure::from(&error))),
            };
            Either11::J(Deliver { kind: "deliver".into(), waiter: waiter.0 as f64, token, error })
        }
        Effect::Emit(event) => Either11::K(Emit { kind: "emit".into(), event: Event::from(&event) }),
        other => return Err(unknown(&other)),
    })
}

fn store(op: StoreOp) -> napi::Result<Asked> {
    Ok(match op {
        StoreOp::Load(op) => Either11::A(Load::of(op)),
        StoreOp::TryLock(op) => Either11::B(TryLock::of(op)),
        StoreOp::Prepare(op) => Either11::C(Prepare::of(op)),
        StoreOp::Stage(op) => Either11::D(Stage::of(op)),
        StoreOp::Commit(op) => Either11::E(Commit::of(op)),
        StoreOp::Note(op) => Either11::F(Note::of(op)),
        StoreOp::Park(op) => Either11::G(Park::of(op)),
        StoreOp::Unlock(op) => Either11::H(Unlock::of(op)),
        other => return Err(unknown(&other)),
    })
}

fn unknown(effect: &dyn std::fmt::Debug) -> napi::Error {
    invalid(&format!("an effect that this version does not know: {effect:?}"))
}

/// The longest timer of Node, in milliseconds.
const LONGEST: f64 = 2_147_483_647.0;
