//! Credential helpers, asked by the tools they are for.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};
use tokenward_tests::real::{Scene, Stats, binary};

use crate::run::{ACCESS, Said, on, run, say, stored};

#[test]
fn git_clones_from_a_server_that_wants_a_bearer_token() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let server = GitServer::start(scene.store().parent().unwrap(), "Bearer access-token-1");

    let cloned = clone(&scene, &server, &format!("git-credential --host {}", server.host));

    assert_eq!(cloned.code, 0, "{}", cloned.stderr);
    assert_eq!(fs::read_to_string(server.folder.join("clone/README")).unwrap(), "hello\n");
    let seen = server.seen.lock().unwrap();
    // The presence first: git asked without a token and was refused, then came with it.
    assert!(seen.contains(&String::new()) && seen.contains(&"Bearer access-token-1".to_string()), "{seen:?}");
    assert_eq!(scene.provider.stats(), Stats::default());
}

#[test]
fn git_goes_on_without_a_token_for_a_host_that_was_not_named() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let server = GitServer::start(scene.store().parent().unwrap(), "Bearer access-token-1");

    let refused = clone(&scene, &server, "git-credential --host git.example.com");

    assert_ne!(refused.code, 0);
    assert!(server.seen.lock().unwrap().iter().all(String::is_empty));
}

#[test]
fn refused_token_is_replaced_before_git_asks_again() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let server = GitServer::start(scene.store().parent().unwrap(), "Bearer another-token");

    let refused = clone(&scene, &server, &format!("git-credential --host {}", server.host));

    assert_ne!(refused.code, 0);
    assert!(server.seen.lock().unwrap().contains(&"Bearer access-token-1".to_string()));
    // git told the helper (`erase`), and the helper had the token replaced.
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
    assert_eq!(scene.stored().0, scene.provider.access_token().ok());
}

#[test]
fn older_git_gets_a_password_and_a_dead_login_makes_git_quit() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let get = |input: &str| say(on(&scene, &["git-credential", "--host", "git.test", "get"]), input);

    let old = get("protocol=https\nhost=git.test\n\n");
    scene.write_store(&json!({}));
    let dead = get("protocol=https\nhost=git.test\n\n");
    let format = run(&scene, &["token", "--format", "git"]);

    assert!(old.stdout.starts_with("username=oauth2\npassword=access-token-1\npassword_expiry_utc="), "{}", old.stdout);
    assert_eq!((dead.code, dead.stdout.as_str()), (3, "quit=1\n"));
    assert_eq!(format.code, 3);
}

#[test]
fn store_and_another_tokens_erase_change_nothing() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let before = fs::read(scene.store()).unwrap();
    let told = |act: &str, token: &str| {
        let input = format!("protocol=https\nhost=git.test\nusername=oauth2\npassword={token}\n\n");
        say(on(&scene, &["git-credential", "--host", "git.test", act]), &input)
    };

    let said = [told("store", ACCESS), told("erase", "another-token")];

    assert!(said.iter().all(|said| said.code == 0 && said.stdout.is_empty()), "{said:?}");
    assert_eq!(fs::read(scene.store()).unwrap(), before);
    assert_eq!(scene.provider.stats(), Stats::default());
}

#[test]
fn docker_is_answered_in_its_own_protocol() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let docker = |act: &str, input: &str| say(on(&scene, &["docker", "--host", "registry.test", act]), input);

    let [got, list] = [docker("get", "registry.test\n"), docker("list", "")].map(|said| {
        assert_eq!(said.code, 0, "{}", said.stderr);
        serde_json::from_str::<Value>(&said.stdout).unwrap()
    });
    let other = docker("get", "https://index.docker.io/v1/");
    let store = docker("store", r#"{"ServerURL":"registry.test","Username":"x","Secret":"y"}"#);
    let erase = docker("erase", "registry.test");

    assert_eq!(got, json!({"ServerURL": "registry.test", "Username": "oauth2accesstoken", "Secret": ACCESS}));
    assert_eq!(list, json!({"https://registry.test": "oauth2accesstoken"}));
    assert_eq!((other.code, other.stdout.as_str()), (1, "credentials not found in native keychain\n"));
    assert_eq!(store.code, 1);
    assert!(erase.code == 0 && erase.stderr.contains("the login stays"), "{erase:?}");
    assert_eq!(scene.stored().0, Some(tokenward::Fingerprint::of(ACCESS.as_bytes()).to_string()));
}

fn clone(scene: &Scene, server: &GitServer, helper: &str) -> Said {
    let told = on(scene, &[]);
    let mut git = Command::new("git");
    for (name, value) in told.get_envs() {
        if let Some(value) = value {
            git.env(name, value);
        }
    }
    git.env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("NO_PROXY", "127.0.0.1")
        .arg("-c")
        .arg(format!("credential.helper=!'{}' {helper}", binary().display()))
        .args(["clone", "--quiet"])
        .arg(format!("http://{}/repository.git", server.host))
        .arg(server.folder.join("clone"));
    say(git, "")
}

/// A git server on loopback that wants a token: git's own http-backend behind a small door.
struct GitServer {
    host: String,
    folder: PathBuf,
    /// The Authorization headers that came.
    seen: Arc<Mutex<Vec<String>>>,
}

impl GitServer {
    fn start(folder: &Path, wanted: &'static str) -> Self {
        let git = |args: &[&str]| {
            let mut git = Command::new("git");
            git.args(args).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
            for role in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{role}_NAME"), "test").env(format!("GIT_{role}_EMAIL"), "test@id.test");
            }
            assert!(git.output().expect("git is there").status.success(), "git {args:?}");
        };
        git(&["init", "--quiet", "work"]);
        fs::write(folder.join("work/README"), "hello\n").unwrap();
        git(&["-C", "work", "add", "README"]);
        git(&["-C", "work", "commit", "--quiet", "-m", "hello"]);
        git(&["clone", "--quiet", "--bare", "work", "repository.git"]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (root, noted) = (folder.to_path_buf(), Arc::clone(&seen));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                serve(stream, &root, wanted, &noted);
            }
        });
        Self { host, folder: folder.to_path_buf(), seen }
    }
}

fn serve(stream: TcpStream, root: &Path, wanted: &str, seen: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) <= 2 {
            break;
        }
        lines.push(line.trim_end().to_string());
    }
    let header = |name: &str| {
        let line = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
        line.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_string()).next()
    };
    let authorization = header("authorization").unwrap_or_default();
    seen.lock().unwrap().push(authorization.clone());
    let mut body = vec![0; header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let stream = reader.get_mut();
    if authorization != wanted {
        let refused = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"git\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        let _ = stream.write_all(refused.as_bytes());
        return;
    }
    let mut words = lines[0].split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut backend = Command::new("git");
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("REMOTE_USER", "test")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for (name, variable) in [("content-encoding", "HTTP_CONTENT_ENCODING"), ("git-protocol", "GIT_PROTOCOL")] {
        if let Some(value) = header(name) {
            backend.env(variable, value);
        }
    }
    let mut child = backend.spawn().expect("git is there");
    child.stdin.take().unwrap().write_all(&body).unwrap();
    let answer = child.wait_with_output().unwrap().stdout;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n");
    let _ = stream.write_all(&answer);
}
