//! Worker processes against a certified OAuth server (npm oidc-provider), over TLS with a CA of its own: one request per
//! rotation, and every mishap ends as the promises say (P1, P2, P3).

use std::{path::PathBuf, process::Command as Program};

use serde::Deserialize;
use serde_json::{Value, json};
use tokenward_tests::real::{Call, Command, Got, Open, Process, Scene, Worker, clock};

#[test]
fn six_processes_make_one_request_per_rotation_over_tls() {
    let Some(mut oidc) = Oidc::start(&["--ttl", "2"], true) else { return };
    let mut workers: Vec<Worker> = (0..6).map(|_| oidc.worker()).collect();
    let mut begin = clock::now();

    for rotation in 1..=3 {
        let calls: Vec<Call> =
            workers.iter_mut().map(|worker| worker.order(Command::Get { at: begin, threads: 1 })).collect();
        let got: Vec<Got> = workers.iter().zip(calls).flat_map(|(worker, call)| worker.answers(call)).collect();

        let first = got.first().map(|got| got.outcome.clone());
        assert!(got.iter().all(|got| got.outcome.is_ok() && Some(&got.outcome) == first.as_ref()), "{got:?}");
        assert_eq!(oidc.stats(), Stats::rotations(rotation));
        begin = got.iter().map(|got| got.ends_at).max().unwrap_or_default();
    }
}

#[test]
fn a_certificate_of_a_ca_that_nobody_named_blocks_the_way_and_costs_nothing() {
    let Some(mut oidc) = Oidc::start(&[], true) else { return };

    let refused = oidc.worker_with(Open { ca_file: String::new(), ..oidc.open() }).refresh();
    let missing = oidc.worker_with(Open { ca_file: "/no-such-folder/ca.pem".into(), ..oidc.open() }).refresh();

    assert_eq!((refused, missing), (Err("blocked".into()), Err("misconfigured".into())));
    assert_eq!(oidc.stats(), Stats::default());
    assert!(oidc.worker().refresh().is_ok());
    assert_eq!(oidc.stats(), Stats::rotations(1));
}

#[test]
fn a_refresh_token_that_somebody_else_spent_ends_the_login_and_is_sent_once() {
    let Some(oidc) = Oidc::start(&[], false) else { return };
    let backup = oidc.scene.read_store();
    oidc.worker().get().expect("the login works");
    // A copy of the login in another folder knows nothing of the first one's journal.
    let mut copy = Oidc { scene: Scene::strict(), ..oidc };
    copy.scene.write_store(&backup);
    let mut workers: Vec<Worker> = (0..4).map(|_| copy.worker()).collect();

    let calls: Vec<Call> = workers.iter_mut().map(Worker::start_get).collect();
    let got: Vec<_> = workers.iter().zip(calls).map(|(worker, call)| worker.answer(call)).collect();

    assert!(got.iter().all(|got| *got == Err("reauth_required revoked".into())), "{got:?}");
    assert_eq!(copy.stats(), Stats { requests: 2, rotations: 1, refusals: 1, logins_revoked: 1 });
}

#[test]
fn a_request_that_is_lost_is_repeated_and_served() {
    let Some(mut oidc) = Oidc::start(&[], false) else { return };
    oidc.fault(&json!("drop before"));

    let got = oidc.worker().get();

    assert!(got.is_ok(), "{got:?}");
    assert_eq!(oidc.stats(), Stats { requests: 2, ..Stats::rotations(1) });
}

#[test]
fn an_answer_that_is_lost_without_grace_is_a_lost_rotation() {
    let Some(mut oidc) = Oidc::start(&[], false) else { return };
    oidc.fault(&json!("drop after"));

    let got = oidc.worker().get();

    assert_eq!(got, Err("reauth_required rotation_lost".into()));
    assert_eq!(oidc.stats(), Stats { requests: 2, rotations: 1, refusals: 1, logins_revoked: 1 });
    assert_eq!(oidc.worker().get(), Err("reauth_required rotation_lost".into()));
    assert_eq!(oidc.stats().requests, 2, "a dead token was sent again");
}

#[test]
fn an_answer_that_is_lost_within_grace_is_had_by_the_replay() {
    let Some(mut oidc) = Oidc::start(&["--grace", "60"], false) else { return };
    oidc.fault(&json!("drop after"));

    let got = oidc.worker().get();
    let next = oidc.worker().refresh();

    assert!(got.is_ok() && next.is_ok() && got != next, "{got:?}, {next:?}");
    assert_eq!(oidc.stats(), Stats::rotations(3));
}

#[test]
fn a_server_that_is_busy_or_slow_costs_nobody_the_login() {
    let Some(mut oidc) = Oidc::start(&[], false) else { return };
    oidc.fault(&json!("503"));
    oidc.fault(&json!({"delay": 300}));
    let mut workers: Vec<Worker> = (0..4).map(|_| oidc.worker()).collect();

    let calls: Vec<Call> = workers.iter_mut().map(Worker::start_get).collect();
    let got: Vec<_> = workers.iter().zip(calls).map(|(worker, call)| worker.answer(call)).collect();

    assert!(got.iter().all(|one| one.is_ok() && got.first() == Some(one)), "{got:?}");
    assert_eq!(oidc.stats(), Stats { requests: 2, ..Stats::rotations(1) });
}

// -- Helpers ------------------------------------------------------------------------------------------------------

/// A certified server and a store with a login to it.
struct Oidc {
    server: Process,
    ready: Ready,
    ca_file: String,
    scene: Scene,
}

#[derive(Deserialize)]
struct Ready {
    token_url: String,
    client_id: String,
    refresh_token: String,
}

/// What the server has counted.
#[derive(Debug, Default, Deserialize, Eq, PartialEq)]
struct Stats {
    requests: u64,
    rotations: u64,
    refusals: u64,
    logins_revoked: u64,
}

impl Stats {
    fn rotations(count: u64) -> Self {
        Self { requests: count, rotations: count, ..Self::default() }
    }
}

impl Oidc {
    /// Starts a server; `None` where this machine cannot, and then the test has said so.
    fn start(options: &[&str], tls: bool) -> Option<Self> {
        let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        if !runs("node") || !tests.join("node/node_modules/oidc-provider").is_dir() {
            println!("SKIPPED oidc: node or its packages are missing: run `tests/run tools`");
            return None;
        }
        if tls && !runs("openssl") {
            println!("SKIPPED oidc: openssl is missing");
            return None;
        }
        let scene = Scene::strict();
        let certificates = scene.folder().join("certificates");
        let mut command = Program::new("node");
        command.arg(tests.join("node/oidc.mjs")).args(options);
        if tls {
            let script = tests.join("providers/make-certs.sh");
            let made = Program::new("sh").arg(script).arg(&certificates).output().expect("there is a shell");
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
            command.arg("--tls").args(["good.pem", "good.key"].map(|file| certificates.join(file)));
        }
        let server = scene.run(command, "oidc");
        let ready: Ready = server.wait_for("ready line", |line| serde_json::from_str(line).ok());
        scene.write_store(&json!({"version": 1, "refresh_token": ready.refresh_token}));
        let ca_file = if tls { certificates.join("ca.pem").display().to_string() } else { String::new() };
        Some(Self { server, ready, ca_file, scene })
    }

    fn open(&self) -> Open {
        let (token_url, client_id) = (self.ready.token_url.clone(), self.ready.client_id.clone());
        Open { token_url, client_id, ca_file: self.ca_file.clone(), ..Open::default() }
    }

    fn worker(&self) -> Worker {
        self.worker_with(self.open())
    }

    fn worker_with(&self, open: Open) -> Worker {
        self.scene.worker_with(open)
    }

    fn fault(&mut self, fault: &Value) {
        self.order(&json!({"fault": fault}));
    }

    fn stats(&mut self) -> Stats {
        serde_json::from_value(self.order(&json!({"stats": true}))).expect("the counters are all there")
    }

    fn order(&mut self, order: &Value) -> Value {
        self.server.tell(&order.to_string());
        self.server.wait_for("answer", |line| serde_json::from_str(line).ok())
    }
}

fn runs(program: &str) -> bool {
    let version = if program == "node" { "--version" } else { "version" };
    Program::new(program).arg(version).output().is_ok_and(|ran| ran.status.success())
}
