//! Stores of other tools as files: what a save leaves as it was, and what is never written over.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokenward::{
    Config, ErrorKind, Fetch, FileStore, Guard, Reply, Response, Secret, SecretBytes, StoreFormat, TokenError,
    TokenSource, Transport,
};

const ENDED: &str = r#"{ "n":1.0e2, "claudeAiOauth": { "accessToken":"access-token-1", "refreshToken":"refresh-token-1", "expiresAt":1000, "subscriptionType":"max" } }"#;

#[test]
fn a_refresh_keeps_mode_and_every_byte_that_is_not_the_logins() {
    for mode in [0o600, 0o640, 0o644] {
        let world = World::with(ENDED.as_bytes());
        fs::set_permissions(&world.path, fs::Permissions::from_mode(mode)).unwrap();

        let source = world.source(StoreFormat::ClaudeCode);
        let token = source.get_token().unwrap();
        // The token is handed out when its answer is safe in the journal; the store follows.
        source.close();

        let end = token.expires_at().unwrap().as_millis();
        let expected = ENDED.replace("-token-1", "-token-2").replace("1000", &end.to_string());
        assert_eq!(world.content(), expected.as_bytes());
        assert_eq!(fs::metadata(&world.path).unwrap().permissions().mode() & 0o7777, mode);
        assert_eq!(world.names(), [".auth.json.tokenward.journal", ".auth.json.tokenward.lock", "auth.json"]);
    }
}

#[test]
fn a_refresh_through_a_link_keeps_the_link() {
    let world = World::with(ENDED.as_bytes());
    let link = world.folder.path().join("link.json");
    symlink("auth.json", &link).unwrap();

    let source = World::source_at(&link, StoreFormat::ClaudeCode, &world.asked);
    source.get_token().unwrap();
    source.close();

    assert_eq!(fs::read_link(&link).unwrap(), Path::new("auth.json"));
    assert!(String::from_utf8(world.content()).unwrap().contains("refresh-token-2"));
}

#[test]
fn a_sign_out_keeps_the_file_its_mode_and_its_other_sections() {
    let world = World::with(ENDED.as_bytes());

    world.source(StoreFormat::ClaudeCode).clear().unwrap();

    let expected = ENDED.replace("access-token-1", "").replace("refresh-token-1", "").replace("1000", "0");
    assert_eq!(world.content(), expected.as_bytes());
    assert_eq!(fs::metadata(&world.path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(world.source(StoreFormat::ClaudeCode).get_token().unwrap_err().kind(), ErrorKind::SignedOut);
}

#[test]
fn what_is_damaged_is_told_without_its_content_and_stays_as_it_is() {
    let whole = ENDED.as_bytes();
    let damaged: [Vec<u8>; 6] = [
        whole[..whole.len() - 1].to_vec(),
        [whole, whole].concat(),
        [&whole[..40], &[0; 64]].concat(),
        [&whole[..60], b"\xff", &whole[60..]].concat(),
        [b"[", whole, b"]"].concat(),
        Vec::new(),
    ];

    for content in damaged {
        let world = World::with(&content);
        let source = world.source(StoreFormat::ClaudeCode);

        let errors = [source.get_token().unwrap_err(), save(&source).unwrap_err(), source.clear().unwrap_err()];

        for error in errors {
            assert_eq!(error.kind(), ErrorKind::StoreUnreadable);
            assert!(!error.to_string().contains("token-1"), "{error}");
        }
        assert_eq!(world.content(), content);
        assert_eq!(world.asked(), 0);
    }
}

#[test]
fn what_is_no_file_is_neither_waited_for_nor_replaced() {
    type Make = fn(&Path);
    let makes: [Make; 3] = [
        |path| fs::create_dir(path).unwrap(),
        |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        |path| fs::write(path, vec![b' '; 9 << 20]).unwrap(),
    ];

    for make in makes {
        let world = World::empty();
        make(&world.path);
        let before = fs::symlink_metadata(&world.path).unwrap();
        let source = world.source(StoreFormat::ClaudeCode);

        let errors = [source.get_token().unwrap_err(), save(&source).unwrap_err()];

        let after = fs::symlink_metadata(&world.path).unwrap();
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::StoreUnreadable), "{errors:?}");
        assert_eq!(before.file_type().is_fifo(), after.file_type().is_fifo());
        assert_eq!((before.is_dir(), before.len()), (after.is_dir(), after.len()));
        assert_eq!(world.asked(), 0);
    }
}

#[test]
fn a_store_that_is_only_read_gets_no_neighbours_and_its_server_no_request() {
    // {"exp": 1000}
    let content = br#"{"tokens":{"access_token":"e30.eyJleHAiOiAxMDAwfQ.c2ln","refresh_token":"refresh-token-1"}}"#;
    let world = World::with(content);
    let source = world.source(StoreFormat::Codex);

    let errors = [source.get_token().unwrap_err(), save(&source).unwrap_err(), source.clear().unwrap_err()];

    assert!(errors.iter().all(|error| error.kind() == ErrorKind::StoreUnwritable), "{errors:?}");
    assert_eq!(world.content(), content);
    assert_eq!(world.names(), ["auth.json"]);
    assert_eq!(world.asked(), 0);
}

/// A folder with a store, and a server that counts what it is asked.
struct World {
    folder: tempfile::TempDir,
    path: PathBuf,
    asked: Arc<AtomicUsize>,
}

impl World {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("auth.json");
        Self { folder, path, asked: Arc::default() }
    }

    fn with(content: &[u8]) -> Self {
        let world = Self::empty();
        fs::write(&world.path, content).unwrap();
        fs::set_permissions(&world.path, fs::Permissions::from_mode(0o600)).unwrap();
        world
    }

    fn source(&self, format: StoreFormat) -> TokenSource {
        Self::source_at(&self.path, format, &self.asked)
    }

    fn source_at(path: &Path, format: StoreFormat, asked: &Arc<AtomicUsize>) -> TokenSource {
        let mut config = Config::new("https://id.test/token", "client-1");
        (config.format, config.resident) = (format, false);
        let store = FileStore::open(path, false).unwrap();
        TokenSource::with(config, Arc::new(store), Arc::new(Server(Arc::clone(asked))))
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn content(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

struct Server(Arc<AtomicUsize>);

impl Transport for Server {
    fn start(&self, fetch: Fetch, reply: Reply) {
        self.0.fetch_add(1, Ordering::SeqCst);
        let body = br#"{"access_token":"access-token-2","refresh_token":"refresh-token-2","expires_in":3600}"#;
        let body = SecretBytes::new(body.to_vec());
        reply(fetch.answer(Ok(Response { status: 200, headers: Vec::new(), body })));
    }
}

fn save(source: &TokenSource) -> Result<(), TokenError> {
    let grant = tokenward::Grant { refresh_token: Some(Secret::new("refresh-token-9")), ..Default::default() };
    source.save(grant, Guard::Replace)
}
