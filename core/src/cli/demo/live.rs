//! The demo on a terminal: one table, drawn over and over.

use core::cell::Cell;
use std::{
    collections::BTreeMap,
    env, format,
    io::{self, IsTerminal, Write},
    string::String,
    vec::Vec,
};

use super::{Demo, ledger::Ledger};
use crate::cli::colour::Paint;

pub(super) struct Live {
    /// The lines of the table that stands there now.
    height: Cell<usize>,
    paint: Paint,
}

/// Workers in a row.
const COLUMNS: usize = 3;
/// More rows than a small terminal shows could not be drawn over.
const MOST_WORKERS: usize = 48;

impl Live {
    /// Returns a table where somebody would see it.
    pub(super) fn on_terminal() -> Option<Self> {
        let stdout = io::stdout();
        let can_move = env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        (stdout.is_terminal() && can_move).then(|| Self { height: Cell::new(0), paint: Paint::on(&stdout) })
    }

    /// Draws the table over the one before.
    pub(super) fn draw(&self, demo: &Demo, ledger: &Ledger) -> io::Result<()> {
        let table = self.table(demo, ledger);
        let mut stdout = io::stdout().lock();
        if self.height.get() > 0 {
            write!(stdout, "\x1b[{}A\x1b[J", self.height.get())?;
        }
        self.height.set(table.lines().count());
        stdout.write_all(table.as_bytes())?;
        stdout.flush()
    }

    fn table(&self, demo: &Demo, ledger: &Ledger) -> String {
        let rotations = ledger.rotations();
        let mut workers: BTreeMap<u32, (usize, bool)> = (1..=demo.workers).map(|number| (number, (0, false))).collect();
        let number = |name: &str| name.strip_prefix("worker-").and_then(|number| number.parse::<u32>().ok());
        for name in rotations.iter().flat_map(|rotation| &rotation.served) {
            if let Some((served, _)) = number(name).and_then(|number| workers.get_mut(&number)) {
                *served = served.saturating_add(1);
            }
        }
        let last = rotations.last().map(|rotation| (rotation.winner.as_str(), rotation.killed));
        if let Some((_, refreshed)) = last.and_then(|(name, _)| workers.get_mut(&number(name)?)) {
            *refreshed = true;
        }
        let done = rotations.iter().filter(|rotation| !rotation.lost).count();
        let killed = rotations.iter().filter(|rotation| rotation.killed).count();
        let mut text = format!("\nrotation {done} of {}", demo.rotations);
        if killed > 0 {
            text.push_str(&self.paint.red(&format!(", {killed} killed")));
        }
        let errors = ledger.failures().len();
        if errors > 0 {
            text.push_str(&self.paint.yellow(&format!(", {errors} errors met")));
        }
        text.push('\n');
        if workers.len() > MOST_WORKERS {
            return text;
        }
        let cells: Vec<_> = workers.iter().map(|(number, state)| self.cell(*number, *state, last)).collect();
        for row in cells.chunks(COLUMNS) {
            text.push_str(&row.concat());
            text.push('\n');
        }
        text
    }

    fn cell(&self, number: u32, (served, refreshed): (usize, bool), last: Option<(&str, bool)>) -> String {
        let mark = match (refreshed, last) {
            (true, Some((_, true))) => self.paint.red("killed   "),
            (true, _) => self.paint.green("refreshed"),
            (false, _) => "         ".into(),
        };
        format!("worker-{number:<3} {served:>4} {mark} ")
    }
}
