//! Panics at the place that its argument names, holding a token, a client secret and everything that knows them. The
//! secret comes on standard input.

use std::{
    env, fs,
    io::{self, Read},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tokenward::{
    AccessToken, Config, Fetch, FileStore, Grant, Guard, Machine, Reply, Secret, Status, TokenSource, Transport,
    UreqTransport,
};

fn main() {
    let place = env::args().nth(1).unwrap_or_default();
    let mut secret = String::new();
    io::stdin().read_to_string(&mut secret).expect("standard input can be read");
    if place == "tells" {
        panic!("{secret}");
    }
    let setting = |name| env::var(name).expect("the settings are in the environment");
    let config = Config {
        store: Some(setting("TOKENWARD_STORE")),
        client_secret: Some(Secret::new(secret.as_str())),
        ..Config::new(setting("TOKENWARD_TOKEN_URL"), setting("TOKENWARD_CLIENT_ID"))
    };
    let source = TokenSource::open(config.clone()).expect("the store has a path");
    let token = source.refresh(Duration::from_secs(20)).expect("the server grants one");
    let hands = Hands {
        status: source.status().expect("the source is open"),
        grant: Grant { access_token: Some(token.clone()), ..Grant::default() },
        machine: Machine::new(config.clone()),
        header: token.authorization(),
        config: config.clone(),
        source,
        token,
    };
    match place.as_str() {
        "values" => panic!("{hands:#?}"),
        "error" => {
            let login =
                Grant { refresh_token: Some(hands.header.clone()), issued_at: Some(Default::default()), ..hands.grant };
            hands.source.save(login, Guard::SameAccount).expect("an older login is refused");
        }
        "thread" => {
            let ended = thread::spawn(move || panic!("{hands:?}")).join();
            ended.expect("the thread has panicked");
        }
        "lock" => {
            let hands = Mutex::new(hands);
            thread::scope(|scope| scope.spawn(|| panic!("{:?}", hands.lock())).join())
                .expect("the thread has panicked");
        }
        "transport" => {
            // A login of its own, which must be refreshed before anybody is served.
            let path = format!("{}.other", setting("TOKENWARD_STORE"));
            fs::write(&path, serde_json::json!({"refresh_token": secret}).to_string()).expect("the folder is ours");
            let store = FileStore::open(path, false).expect("the store has a path");
            let transport = Panicking(UreqTransport::new(&config), hands);
            let source = TokenSource::with(config, Arc::new(store), Arc::new(transport));
            source.refresh(Duration::from_millis(50)).expect("the request is never sent");
        }
        other => panic!("no such place: {other}"),
    }
}

#[derive(Debug)]
#[expect(dead_code, reason = "printed")]
struct Hands {
    source: TokenSource,
    token: AccessToken,
    header: Secret,
    grant: Grant,
    config: Config,
    machine: Machine,
    status: Status,
}

struct Panicking(UreqTransport, Hands);

impl Transport for Panicking {
    fn start(&self, fetch: Fetch, _: Reply) {
        panic!("{fetch:?} {:?} {:?}", self.0, self.1);
    }
}
