//! Other tools refresh the same login: their locks keep one request per refresh token (promise P1), and nothing of
//! theirs is lost (promise P8). The tools are stand-ins in Node that take the locks with npm's proper-lockfile.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokenward::Fingerprint;
use tokenward_tests::real::{Call, Command, Point, Process, Scene, Stats, When, Worker, clock};

// -- Claude Code ----------------------------------------------------------------------------------------------------

#[test]
fn eight_processes_and_two_of_claude_code_share_a_login_over_thirty_rotations() {
    share_a_login(&["--write-lock", ".storage-write"]);
}

#[test]
fn they_do_so_too_where_the_lock_around_a_write_has_its_other_name() {
    share_a_login(&["--write-lock", ".storage-write.lock"]);
}

#[test]
fn claude_code_waits_for_our_request_and_adopts_what_it_brings() {
    let Some(claude) = Claude::beside_a_login() else { return };
    let mut worker = claude.scene.worker();
    let mut tool = claude.tool(&[]);

    claude.scene.provider.hold_answers();
    let call = worker.order(Command::Refresh);
    claude.scene.provider.wait("held", 1);
    let held = claude.lock_directories();
    tool.process.tell("refresh");
    tool.says("busy");
    claude.scene.provider.release();

    let current = worker.answer(call);
    let adopted = tool.done();
    worker.close();
    assert_eq!(held, [REFRESH, FOLDER]);
    assert_eq!(current, claude.scene.provider.access_token());
    assert_eq!(adopted, json!({"outcome": "adopted", "token": current.unwrap_or_default()}));
    assert_eq!(claude.scene.provider.stats(), Stats::rotations(1));
    assert_eq!(claude.lock_directories(), NOTHING);
}

#[test]
fn we_wait_for_the_request_of_claude_code_and_adopt_what_it_brings() {
    let Some(claude) = Claude::beside_a_login() else { return };
    let mut worker = claude.scene.worker();
    let mut tool = claude.tool(&[]);

    claude.scene.provider.hold_answers();
    tool.process.tell("refresh");
    claude.scene.provider.wait("held", 1);
    let call = worker.start_get();
    worker.tells("lock_busy");
    claude.scene.provider.release();

    let (adopted, refreshed) = (worker.answer(call), tool.done());
    worker.close();
    assert_eq!(refreshed["outcome"], "refreshed");
    assert_eq!(adopted.as_deref().ok(), refreshed["token"].as_str());
    assert_eq!(claude.scene.provider.stats(), Stats::rotations(1));
    assert_eq!(claude.lock_directories(), NOTHING);
}

/// The check of the checks: one side without locks, and the server sees a spent refresh token.
#[test]
fn without_its_locks_claude_code_sends_a_spent_refresh_token() {
    let Some(claude) = Claude::beside_a_login() else { return };
    let mut worker = claude.scene.worker();
    let mut tool = claude.tool(&["--no-locks"]);

    claude.scene.provider.hold_requests();
    let call = worker.order(Command::Refresh);
    claude.scene.provider.wait("held", 1);
    tool.process.tell("refresh");
    tool.says("posting");
    claude.scene.provider.wait("held", 2);
    claude.scene.provider.release();

    let _either = (worker.answer(call), tool.done());
    let stats = claude.scene.provider.stats();
    assert_eq!((stats.replays, stats.families_revoked), (1, 1));
}

#[test]
fn locks_of_a_process_of_ours_that_was_killed_stand_in_nobodys_way() {
    let Some(claude) = Claude::beside_a_login() else { return };
    let mut killed = claude.scene.gated();
    killed.stop_at(Point::Stage, When::After);
    let _never = killed.order(Command::Refresh);
    killed.stands();
    killed.kill();
    assert_eq!(claude.lock_directories(), [REFRESH, FOLDER]);

    // Far sooner than a directory that stands still counts as abandoned: nobody waits that long here.
    let mut next = claude.scene.worker();
    let got = next.get();
    next.tells("rolled_forward");
    next.close();

    assert_eq!(got, claude.scene.provider.access_token());
    let mut tool = claude.tool(&[]);
    tool.process.tell("refresh");
    assert_eq!(tool.done()["outcome"], "refreshed");
    assert_eq!(claude.scene.provider.stats(), Stats::rotations(2));
    assert_eq!(claude.lock_directories(), NOTHING);
}

#[test]
fn process_whose_locks_were_taken_over_while_it_stood_still_sends_nothing() {
    let Some(claude) = Claude::beside_a_login() else { return };
    let mut frozen = claude.scene.gated();
    frozen.stop_at(Point::Prepare, When::Before);
    let call = frozen.order(Command::Refresh);
    frozen.stands();
    frozen.process().freeze();
    for lock in [REFRESH, FOLDER] {
        let two_minutes_ago = UNIX_EPOCH + Duration::from_millis(clock::now() - 120_000);
        let folder = fs::File::open(claude.path(lock)).expect("the lock is held");
        folder.set_modified(two_minutes_ago).expect("the folder is ours");
    }

    let mut tool = claude.tool(&[]);
    tool.process.tell("refresh");
    let refreshed = tool.done();
    frozen.process().thaw();
    frozen.go_on();
    let told = frozen.answer(call);

    assert_eq!(refreshed["outcome"], "refreshed");
    assert!(told.as_ref().is_err_and(|error| error.contains(".oauth_refresh.lock")), "{told:?}");
    assert_eq!(frozen.get().as_deref().ok(), refreshed["token"].as_str());
    frozen.close();
    assert_eq!(claude.scene.provider.stats(), Stats::rotations(1));
    assert_eq!(claude.lock_directories(), NOTHING);
}

// -- pi, and whoever else locks a file by a directory ------------------------------------------------------------------

#[test]
fn lock_of_pi_works_beside_our_companions_and_ours_beside_it() {
    let Some(node) = node() else { return };
    let scene = Scene::empty(&[], "agent", "auth.json", "tokenward");
    scene.write_store(&json!({"version": 1, "refresh_token": scene.provider.refresh_token()}));
    let mut command = node.command("proper-lockfile.mjs");
    command.arg(scene.store());
    let mut pi = Tool { process: scene.tool(command) };
    let mut worker = scene.worker();

    scene.provider.hold_answers();
    let call = worker.order(Command::Refresh);
    scene.provider.wait("held", 1);
    pi.process.tell("lock");
    let beside_ours = pi.says("locked");
    scene.provider.release();
    let first = worker.answer(call);
    let second = worker.refresh();
    pi.process.tell("unlock");
    let given_back = pi.says("unlocked");
    worker.close();

    assert_eq!((beside_ours, given_back), (json!(true), json!(true)));
    assert!(first.is_ok());
    assert_eq!(second, scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(2));
    let folder = scene.store().parent().map(Path::to_path_buf).unwrap_or_default();
    assert_eq!(names(&folder), [".auth.json.tokenward.journal", ".auth.json.tokenward.lock", "auth.json"]);
}

// -- Helpers --------------------------------------------------------------------------------------------------------

const REFRESH: &str = ".claude/.oauth_refresh.lock";
const FOLDER: &str = ".claude.lock";
const LOCKS: [&str; 4] = [REFRESH, FOLDER, ".claude/.storage-write", ".claude/.storage-write.lock"];
const NOTHING: [&str; 0] = [];

/// The end of the store, as Node writes it.
const SIBLINGS: &str =
    r#""organizationUuid":"ü-1","pluginSecrets":{"a/b":{"key":"va\\lue\n","n":1.5,"none":null,"list":[1,"2"]}}}"#;

/// Has eight processes of ours and two of Claude Code ask for a new token at once, again and again.
fn share_a_login(options: &[&str]) {
    let Some(claude) = Claude::beside_a_login() else { return };
    let mut workers = claude.scene.workers(8);
    let (mut first, mut second) = (claude.tool(options), claude.tool(options));
    let (begin, mut rounds, mut writes) = (clock::now(), 0, 0);

    while claude.scene.provider.stats().rotations < 30 || rounds < 16 {
        rounds += 1;
        if rounds % 4 == 0 {
            // Alone it knows the newest token after one refresh, and gets another by the next: it is the first this time.
            first.process.tell("refresh");
            first.done();
            first.process.forget(|line| line.contains("posting"));
            first.process.tell("refresh");
            first.says("posting");
        } else {
            first.process.tell("refresh");
        }
        let calls: Vec<Call> = workers.iter_mut().map(|worker| worker.order(Command::Refresh)).collect();
        second.process.tell("refresh");
        second.process.tell("write");
        writes += 1;
        for (worker, call) in workers.iter().zip(calls) {
            let got = worker.answer(call);
            assert!(got.is_ok(), "{} got {got:?} in round {rounds}", worker.name);
        }
        for outcome in [first.done(), second.done()] {
            let served = ["refreshed", "adopted"].contains(&outcome["outcome"].as_str().unwrap_or_default());
            assert!(served, "Claude Code got {outcome} in round {rounds}");
        }
        second.says("wrote");
    }

    let took = clock::now() - begin;
    workers.iter_mut().for_each(Worker::close);
    let stats = claude.scene.provider.stats();
    assert_eq!(stats, Stats::rotations(stats.rotations));
    assert!(claude.rotations_by("claude") >= 4 && claude.rotations_by("worker") >= 4, "both sides are first at times");
    let stored = claude.scene.read_store();
    assert_eq!(stored["mcpOAuth"]["written"], writes);
    let refresh_token = stored["claudeAiOauth"]["refreshToken"].as_str().unwrap_or_default();
    assert_eq!(Some(name_of(refresh_token)), claude.scene.provider.newest_refresh_token());
    assert!(claude.content().ends_with(SIBLINGS), "a sibling changed: {}", claude.content());
    assert_eq!(claude.lock_directories(), NOTHING);
    println!(
        "{} rotations in {rounds} rounds and {took} ms: {} by us, {} by Claude Code; {writes} writes of its own",
        stats.rotations,
        claude.rotations_by("worker"),
        claude.rotations_by("claude"),
    );
}

/// A scene with a login of Claude Code in a home of its own.
struct Claude {
    node: Node,
    scene: Scene,
    home: PathBuf,
}

impl Claude {
    /// `None` where there is no Node; that is said.
    fn beside_a_login() -> Option<Self> {
        let node = node()?;
        let scene = Scene::empty(&[], "home/.claude", ".credentials.json", "claude-code");
        let login = json!({
            "accessToken": "at-of-yesterday",
            "refreshToken": scene.provider.refresh_token(),
            "expiresAt": 1_000_000_000_000_u64,
            "scopes": ["user:inference"],
            "subscriptionType": "max",
        });
        let store = scene.store();
        fs::write(&store, format!(r#"{{"claudeAiOauth":{login},"mcpOAuth":{{}},{SIBLINGS}"#))
            .expect("the folder is ours");
        let home = store.ancestors().nth(2).map(Path::to_path_buf).unwrap_or_default();
        Some(Self { node, scene, home })
    }

    /// Starts a process of Claude Code.
    fn tool(&self, options: &[&str]) -> Tool {
        let mut command = self.node.command("claude-code.mjs");
        command.arg(self.path(".claude")).arg(self.scene.provider.token_url());
        command.arg(self.scene.provider.client_id()).arg("claude").args(options);
        let tool = Tool { process: self.scene.tool(command) };
        tool.says("ready");
        tool
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    fn content(&self) -> String {
        fs::read_to_string(self.scene.store()).unwrap_or_else(|error| self.scene.fail(&format!("no store: {error}")))
    }

    fn lock_directories(&self) -> Vec<&'static str> {
        LOCKS.into_iter().filter(|name| self.path(name).exists()).collect()
    }

    /// Returns how many rotations the server counted for callers whose name begins like this.
    fn rotations_by(&self, agent: &str) -> usize {
        let by = |line: &&Value| line["agent"].as_str().is_some_and(|name| name.starts_with(agent));
        self.scene.provider.log().iter().filter(|line| line["kind"] == "rotation").filter(by).count()
    }
}

/// A process of another tool: says lines with one member each.
struct Tool {
    process: Process,
}

impl Tool {
    /// Waits for a line with this member and returns its value.
    fn says(&self, member: &str) -> Value {
        self.process.wait_for(member, |line| serde_json::from_str::<Value>(line).ok()?.get(member).cloned())
    }

    /// Waits for the outcome of a refresh.
    fn done(&self) -> Value {
        self.says("done")
    }
}

/// Node and what npm installed for it.
struct Node(PathBuf);

impl Node {
    fn command(&self, script: &str) -> process::Command {
        let mut command = process::Command::new("node");
        command.arg(self.0.join(script));
        command
    }
}

/// Returns Node, or says why these tests cannot run.
fn node() -> Option<Node> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    let version = process::Command::new("node").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED owners: node is missing: install Node 20 or later");
        return None;
    }
    if !folder.join("node_modules/proper-lockfile").is_dir() {
        println!("SKIPPED owners: proper-lockfile is missing: tests/run tools");
        return None;
    }
    Some(Node(folder))
}

fn name_of(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).to_string()
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is ours");
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
