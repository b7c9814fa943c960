//! A worker process as a test sees it.

use super::{Child, Command, Got, Line, Open, Point, Process, When, clock, logs::Logs, script::Order};

pub struct Worker {
    pub name: String,
    process: Process,
    orders: u64,
    logs: Logs,
}

/// An order that is not answered yet.
#[derive(Debug)]
#[must_use = "nobody looks at the answer"]
pub struct Call(u64);

const OPEN: Call = Call(1);

impl Worker {
    pub(super) fn new(name: String, process: Process, logs: Logs) -> Self {
        Self { name, process, orders: 0, logs }
    }

    pub(super) fn open(&mut self, open: Open) {
        // Not waited for: the worker takes its orders one after the other.
        let call = self.order(Command::Open(open));
        debug_assert_eq!(call.0, OPEN.0, "a source is opened first");
    }

    /// Waits until its source is open.
    pub fn is_open(&self) {
        self.answers(OPEN);
    }

    /// Gives an order.
    pub fn order(&mut self, command: Command) -> Call {
        self.orders += 1;
        let order = Order { id: self.orders, command };
        self.process.tell(&serde_json::to_string(&order).expect("an order is plain data"));
        Call(order.id)
    }

    /// Waits for the answers to an order.
    pub fn answers(&self, call: Call) -> Vec<Got> {
        self.wait_for(&format!("answer to order {}", call.0), |line| match line {
            Line::Reply { id, got } if id == call.0 => Some(got),
            _ => None,
        })
    }

    /// Waits for the one answer to an order: a token's name, or an error's kind and reason.
    pub fn answer(&self, call: Call) -> Result<String, String> {
        let got = self.answers(call);
        match <[Got; 1]>::try_from(got) {
            Ok([got]) => got.outcome,
            Err(got) => self.logs.fail(&format!("{} gave {} answers for one", self.name, got.len())),
        }
    }

    /// Asks for a token and waits for it.
    pub fn get(&mut self) -> Result<String, String> {
        let call = self.start_get();
        self.answer(call)
    }

    /// Asks for a token.
    pub fn start_get(&mut self) -> Call {
        self.order(Command::Get { at: 0, threads: 1 })
    }

    /// Asks for a new token and waits for it.
    pub fn refresh(&mut self) -> Result<String, String> {
        let call = self.order(Command::Refresh);
        self.answer(call)
    }

    /// Closes its source: what it has begun is in the store then.
    pub fn close(&mut self) {
        self.run(Command::Close).expect("a source can always be closed");
    }

    /// Does as told and waits until it is done.
    pub fn run(&mut self, command: Command) -> Result<String, String> {
        let call = self.order(command);
        self.answer(call)
    }

    /// Has it stop at the next effect of a kind.
    pub fn stop_at(&mut self, point: Point, when: When) {
        self.stop_at_nth(point, 1, when);
    }

    pub fn stop_at_nth(&mut self, point: Point, nth: u32, when: When) {
        self.run(Command::StopAt { point, nth, when }).expect("a stop can always be set");
    }

    /// Waits until it stands at a point it was told to stop at, and returns which.
    pub fn stands(&self) -> Point {
        self.wait_for("stop", |line| match line {
            Line::At { point, .. } => Some(point),
            _ => None,
        })
    }

    /// Waits until it stands at the point it was told to stop at, `None` if its order is answered first.
    pub fn stands_unless_done(&self, call: &Call) -> Option<Point> {
        self.wait_for("stop or answer", |line| match line {
            Line::At { point, .. } => Some(Some(point)),
            Line::Reply { id, .. } if id == call.0 => Some(None),
            _ => None,
        })
    }

    /// Lets it go on.
    pub fn go_on(&mut self) {
        self.run(Command::GoOn).expect("it can always go on");
        // It may have come to its stop after its answer: nobody may take that for the next stop.
        self.process.forget(|line| matches!(serde_json::from_str(line), Ok(Line::At { .. })));
    }

    /// Waits until its end has begun.
    pub fn is_exiting(&self) {
        self.wait_for("exit", |line| matches!(line, Line::Exiting).then_some(()));
    }

    /// Waits for something that its source told.
    pub fn tells(&self, news: &str) {
        self.wait_for(&format!("news {news}"), |line| match line {
            Line::News { kind } if kind == news => Some(()),
            _ => None,
        });
    }

    /// Forks, and returns the child's number once it lives.
    pub fn fork(&mut self, child: Child, raw: bool) -> u32 {
        self.run(Command::Fork { child, raw }).expect("the system has room for a child");
        self.wait_for("child", |line| match line {
            Line::Child { pid, got: None } => Some(pid),
            _ => None,
        })
    }

    /// Waits for the token of a forked child.
    pub fn child_got(&self) -> Result<String, String> {
        self.wait_for("child's token", |line| match line {
            Line::Child { got: Some(got), .. } => Some(got.outcome),
            _ => None,
        })
    }

    /// Returns the process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    pub fn kill(&self) {
        self.process.kill();
    }

    /// Lets its forked children end, by closing the standard input that they share.
    pub fn end_children(&mut self) {
        self.process.close_stdin();
    }

    fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(Line) -> Option<T>) -> T {
        self.process.wait_for(what, |line| pick(serde_json::from_str(line).ok()?))
    }
}

impl Command {
    /// Stores a login that the provider gave just now.
    pub fn save(login: &serde_json::Value, replace: bool) -> Self {
        let text = |name: &str| login[name].as_str().unwrap_or_default().to_string();
        let lifetime_ms = login["expires_in"].as_f64().map_or(0, |secs| (secs * 1000.0) as u64);
        Self::Save { access_token: text("access_token"), refresh_token: text("refresh_token"), lifetime_ms, replace }
    }
}

impl Got {
    /// Returns an answer that is given now.
    pub fn now(outcome: Result<String, String>, ends_at: u64) -> Self {
        Self { outcome, ends_at, done_at: clock::now() }
    }
}
