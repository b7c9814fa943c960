//! The real kubectl asks the command for its token.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use tokenward_tests::real::{Scene, binary};

use crate::run::{on, run, say, stored};

#[test]
fn kubectl_sends_the_token_that_it_asked_for() {
    if let Some(missing) = ["kubectl", "openssl"].into_iter().find(|program| is_missing(program)) {
        println!("SKIPPED command: {missing} is missing: kubectl itself is not asked");
        return;
    }
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let folder = scene.store().parent().unwrap().to_path_buf();
    let mut server = Server::start(&folder);
    let kubeconfig = folder.join("kubeconfig");
    // The very lines of docs/helpers.md, with this server and this command.
    fs::write(
        &kubeconfig,
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
             clusters:\n- name: test\n  cluster:\n    server: https://127.0.0.1:{}\n    insecure-skip-tls-verify: true\n\
             contexts:\n- name: test\n  context: {{cluster: test, user: test}}\n\
             users:\n- name: test\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n\
             \x20     command: {}\n      args: [token, --format, kubectl-exec]\n      interactiveMode: Never\n",
            server.port,
            binary().display()
        ),
    )
    .unwrap();
    let told = on(&scene, &[]);
    let mut kubectl = Command::new("kubectl");
    for (name, value) in told.get_envs() {
        if let Some(value) = value {
            kubectl.env(name, value);
        }
    }
    kubectl.arg("--kubeconfig").arg(&kubeconfig).args(["get", "--raw", "/healthz"]).env("NO_PROXY", "127.0.0.1");

    let said = say(kubectl, "");

    assert_eq!((said.code, said.stdout.trim()), (0, "ok"), "{}", said.stderr);
    assert_eq!(server.lines.next().unwrap().unwrap(), "Bearer access-token-1");
}

#[test]
fn credential_process_refuses_a_token_that_is_no_aws_key() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let said = run(&scene, &["token", "--format", "credential-process"]);

    assert_eq!((said.code, said.stdout.as_str()), (2, ""));
    assert!(said.stderr.contains("assume-role-with-web-identity"), "{}", said.stderr);
}

/// Answers every request with `ok` and prints its Authorization header. kubectl shows no token to a server without TLS.
const SERVER: &str = r#"
import http.server, ssl, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print(self.headers.get("Authorization", "none"), flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.pem", "server.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

struct Server {
    port: String,
    lines: Lines<BufReader<ChildStdout>>,
    process: Child,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let certificate = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
            .args(["-subj", "/CN=127.0.0.1", "-keyout", "server.key", "-out", "server.pem"])
            .current_dir(folder)
            .output();
        assert!(certificate.is_ok_and(|made| made.status.success()), "openssl makes no certificate");
        let mut python = Command::new("python3");
        python.args(["-c", SERVER]).current_dir(folder).stdout(Stdio::piped());
        let mut process = python.spawn().expect("python3 is there");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let port = lines.next().expect("it tells its port").expect("it speaks UTF-8");
        Self { port, lines, process }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_missing(program: &str) -> bool {
    Command::new(program).arg("--help").output().is_err()
}
