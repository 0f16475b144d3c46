//! Over a tap: `parhelion serve --app bench` beside nginx, with wrk and curl as clients.
//!
//! Everything happens in network namespaces of our own, which go away with us. The client has the
//! first processor, the server the second. nginx is reached over a veth pair, which is the kernel's
//! cheapest link between two hosts; we over a tap.

use core::time::Duration;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

/// A program, and Debian's package with it.
const PROGRAMS: [(&str, &str); 7] = [
    ("unshare", "util-linux"),
    ("mount", "mount"),
    ("taskset", "util-linux"),
    ("ip", "iproute2"),
    ("nginx", "nginx-light"),
    ("wrk", "wrk"),
    ("curl", "curl"),
];

/// Serves what the application `bench` serves: 13 bytes, and more than anybody waits for.
const NGINX: &str =
    "user root root; worker_processes 1; daemon off; master_process off; pid nginx.pid;
error_log nginx.err;
events { worker_connections 8192; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;
  keepalive_requests 100000000; keepalive_timeout 65;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp;
  uwsgi_temp_path temp; scgi_temp_path temp;
  server { listen 80 backlog=4096; root www;
    location = / { default_type text/plain; return 200 \"Hello, world!\"; } } }
";

/// How long a server may take to start.
const STARTING: Duration = Duration::from_secs(5);

/// Whom a client talks to: its name, the client's namespace, the server's address.
const SERVERS: [(&str, &str, &str); 2] = [
    ("parhelion", "tap", "10.0.0.2"),
    ("nginx", "client", "10.9.0.1"),
];

/// What was reached over the wire by one server.
pub(crate) struct Reached {
    pub(crate) server: &'static str,
    /// Thousands of requests a second, of each run.
    pub(crate) requests: Vec<f64>,
    /// Gbit/s from the server, of each run.
    pub(crate) bulk: Vec<f64>,
}

/// Whether all that is needed is there.
pub(crate) fn look() -> Result<(), String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .collect();
    let exists = |program: &str| folders.iter().any(|folder| folder.join(program).is_file());
    let missing = PROGRAMS.iter().filter(|(program, _)| !exists(program));
    let packages: Vec<&str> = missing.map(|(_, package)| *package).collect();
    if !packages.is_empty() {
        let list = packages.join(" ");
        return Err(format!(
            "--tap needs what is not here: apt-get install {list}"
        ));
    }
    if thread::available_parallelism().map_or(1, usize::from) < 2 {
        return Err("--tap needs two processors: one for the client".to_owned());
    }
    server().map(|_| ())
}

/// The command, built beside us.
fn server() -> Result<PathBuf, String> {
    let own = env::current_exe().map_err(|error| format!("cannot find itself: {error}"))?;
    let server = own.with_file_name("parhelion");
    match server.is_file() {
        true => Ok(server),
        false => Err("--tap needs the command: cargo build --release -p parhelion".to_owned()),
    }
}

/// Starts over in namespaces of our own, and reads what that run prints: a line for each server and
/// round.
pub(crate) fn apart(rounds: usize, time: Duration) -> Result<Vec<Reached>, String> {
    let own = env::current_exe().map_err(|error| format!("cannot find itself: {error}"))?;
    // A /run of its own is where `ip netns` keeps names, and we our files.
    let script = "mount -t tmpfs tmpfs /run && cd /run && exec \"$0\" \"$@\"";
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "--mount", "--pid"]);
    unshare
        .args(["--fork", "--kill-child", "sh", "-c", script])
        .arg(own);
    unshare.args(["wire", &rounds.to_string(), &time.as_secs_f64().to_string()]);
    let output = unshare.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run unshare: {error}"))?;
    if !output.status.success() {
        return Err("the run over a tap failed: see above".to_owned());
    }
    let mut reached = SERVERS.map(|(server, _, _)| Reached {
        server,
        requests: Vec::new(),
        bulk: Vec::new(),
    });
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [server, requests, bulk] = words[..]
            && let Some(of) = reached.iter_mut().find(|of| of.server == server)
        {
            of.requests.extend(requests.parse::<f64>());
            of.bulk.extend(bulk.parse::<f64>());
        }
    }
    Ok(reached.into())
}

/// All rounds, in the namespaces and the folder that [`apart`] made.
pub(crate) fn here(rounds: usize, time: Duration) -> Result<(), String> {
    for command in [
        "ip netns add tap",
        "ip netns add server",
        "ip netns add client",
        "ip -n tap link set lo up",
        "ip link add vs netns server type veth peer name vc netns client",
        "ip -n server addr add 10.9.0.1/24 dev vs",
        "ip -n client addr add 10.9.0.2/24 dev vc",
        "ip -n server link set vs up",
        "ip -n client link set vc up",
    ] {
        run(command)?;
    }
    let _servers = [parhelion()?, nginx()?];
    for _ in 0..rounds {
        for (name, namespace, address) in SERVERS {
            let requests = requests(namespace, address, time)?;
            let bulk = bulk(namespace, address, time)?;
            println!("{name} {} {}", requests / 1e3, bulk / 1e9);
        }
    }
    Ok(())
}

/// A process that ends with us.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn parhelion() -> Result<Server, String> {
    let server = server()?.display().to_string();
    let arguments = "serve --app bench -q --link tap:tap0 --address 10.0.0.2/24 \
                     --host-address 10.0.0.1/24 --ready-file ready";
    let mut command = inside("tap", "1", &server);
    let server = start(command.args(arguments.split_whitespace()))?;
    until_there(Path::new("ready"))?;
    Ok(server)
}

fn nginx() -> Result<Server, String> {
    let wrote = fs::create_dir_all("www")
        .and_then(|()| fs::write("nginx.conf", NGINX))
        .and_then(|()| fs::File::create("www/big"))
        // Holes in a file in memory: no disk is measured, as with our own.
        .and_then(|file| file.set_len(1_000_000_000_000));
    wrote.map_err(|error| format!("cannot prepare nginx: {error}"))?;
    let mut command = inside("server", "1", "nginx");
    let server = start(command.args(["-p", "/run", "-e", "nginx.err", "-c", "/run/nginx.conf"]))?;
    until_there(Path::new("nginx.pid"))?;
    Ok(server)
}

/// A program in a namespace and on a processor.
fn inside(namespace: &str, processor: &str, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", processor, "ip", "netns", "exec", namespace, program]);
    command
}

fn start(command: &mut Command) -> Result<Server, String> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    child
        .map(Server)
        .map_err(|error| format!("cannot start a server: {error}"))
}

/// Waits for a file that a server makes when it is ready.
fn until_there(file: &Path) -> Result<(), String> {
    const STEP: Duration = Duration::from_millis(20);
    for _ in 0..STARTING.as_millis() / STEP.as_millis() {
        if file.exists() {
            return Ok(());
        }
        thread::sleep(STEP);
    }
    Err("a server did not start".to_owned())
}

/// Requests a second on 64 kept connections.
fn requests(namespace: &str, address: &str, time: Duration) -> Result<f64, String> {
    let mut wrk = inside(namespace, "0", "wrk");
    wrk.args(["-t1", "-c64", &format!("-d{}", time.as_secs().max(1))]);
    let said = output(wrk.arg(format!("http://{address}/")))?;
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"));
    let number = line.and_then(|number| number.trim().parse().ok());
    number.ok_or_else(|| format!("wrk has no figure: {said}"))
}

/// Bits a second on one connection.
fn bulk(namespace: &str, address: &str, time: Duration) -> Result<f64, String> {
    let mut curl = inside(namespace, "0", "curl");
    curl.args(["--silent", "--output", "/dev/null", "--max-time"]);
    curl.arg(time.as_secs().max(1).to_string());
    curl.args(["--write-out", "%{speed_download}"]);
    let said = output(curl.arg(format!("http://{address}/big")))?;
    let bytes: Option<f64> = said.trim().parse().ok();
    bytes
        .map(|bytes| bytes * 8.0)
        .ok_or_else(|| format!("curl has no figure: {said}"))
}

/// What a client prints; that curl is cut short is no failure.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start a client: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(words: &str) -> Result<(), String> {
    let mut words_of = words.split_whitespace();
    let mut command = Command::new(words_of.next().unwrap_or_default());
    let status = command.args(words_of).status();
    match status.is_ok_and(|status| status.success()) {
        true => Ok(()),
        false => Err(format!("this failed: {words}")),
    }
}
