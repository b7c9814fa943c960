//! What the lives are made of: settings, callers, stores and answers.

use tokenward::{
    AccessToken, Adopt, ClientAuth, Config, Effect, Grant, Guard, Input, Secret, StoreOp, UnixTime, Waiter, Want,
};

use crate::{ACCESS, CLIENT_SECRET, Process, REFRESH, World, unwatched, watch};

pub const JSON: &str = "application/json";

/// Lives a life with everything armed, its end included.
pub fn live(store: Option<&str>, config: impl FnOnce() -> Config, life: impl FnOnce(&mut World, &mut Process)) {
    let ((), report) = watch(|| {
        let mut world = World::new(store);
        let mut process = Process::new(config());
        life(&mut world, &mut process);
    });
    report.assert_clean();
}

pub fn is_fetch(effect: &Effect) -> bool {
    matches!(effect, Effect::Fetch(_))
}

pub fn is_commit(effect: &Effect) -> bool {
    matches!(effect, Effect::Store(StoreOp::Commit(_)))
}

pub fn public() -> Config {
    Config::new("https://id.test/token", "my client")
}

pub fn confidential(client_auth: ClientAuth) -> Config {
    Config { client_secret: Some(Secret::new(CLIENT_SECRET)), client_auth, ..public() }
}

pub fn want() -> Input {
    Input::Want(Want::new(Waiter(1)))
}

pub fn refresh() -> Input {
    Input::Want(Want { explicit: true, ..Want::new(Waiter(2)) })
}

pub fn login(pair: usize, guard: Guard) -> Input {
    let grant = Grant {
        access_token: Some(AccessToken::new(ACCESS[pair], Some(UnixTime::from_secs(1_900_000_000)))),
        refresh_token: Some(Secret::new(REFRESH[pair])),
        issued_at: Some(UnixTime::from_secs(1_800_000_000)),
        ..Grant::default()
    };
    Input::Adopt(Adopt { waiter: Waiter(7), grant, guard })
}

pub fn older() -> Grant {
    Grant {
        refresh_token: Some(Secret::new(REFRESH[2])),
        issued_at: Some(UnixTime::from_secs(1_000)),
        ..Grant::default()
    }
}

/// Returns a store with one pair of tokens.
pub fn stored(pair: usize, expires_at: &str) -> &'static str {
    text(|| {
        let (access, refresh) = (ACCESS[pair], REFRESH[pair]);
        format!(r#"{{"version":1,"access_token":"{access}","refresh_token":"{refresh}","expires_at":"{expires_at}"}}"#)
    })
}

pub fn expired() -> &'static str {
    stored(0, "2020-01-01T00:00:00Z")
}

/// Returns an answer that grants a pair of tokens.
pub fn granted(pair: usize) -> &'static str {
    text(|| {
        let (access, refresh) = (ACCESS[pair], REFRESH[pair]);
        format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":3600,"refresh_token":"{refresh}"}}"#)
    })
}

/// Returns an answer with an error code.
pub fn coded(code: &str) -> &'static str {
    text(|| format!(r#"{{"error":"{code}"}}"#))
}

/// Makes a text of the test's own, which is not watched and never freed.
pub fn text(make: impl FnOnce() -> String) -> &'static str {
    unwatched(|| make().leak())
}
