//! Many clients at once on one server: `load udp|tcp PORT CLIENTS MESSAGES SERVER LOG`, where SERVER is the
//! server's process and LOG what it prints. `scripts/load.sh` starts both.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use socket2::{Domain, Socket, Type};
use testing::NI_HAO;

/// How long a client waits for a reply.
const TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let [_, kind, port, clients, messages, server, log] = &arguments[..] else {
        panic!("scripts/load.sh starts this program");
    };
    let port: u16 = port.parse().expect("a port");
    let [clients, messages] = [clients, messages].map(|text| text.parse().expect("a number"));
    let total: usize = clients * messages;

    let connected: io::Result<Vec<_>> = (0..clients).map(|_| connect(kind, port)).collect();
    let sockets = connected.expect("the clients can connect");
    let start = Instant::now();
    let answered: usize = thread::scope(|scope| {
        let talk = |socket| scope.spawn(move || talk(socket, messages));
        let threads: Vec<_> = sockets.iter().map(talk).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).sum()
    });
    let per_second = answered as f64 / start.elapsed().as_secs_f64();
    let text = fs::read_to_string(log).expect("what the server prints");
    let printed = text.lines().filter(|line| line.starts_with("receive messages:")).count();

    println!("{:<34} {clients:>9}", format!("{kind} clients at once"));
    println!("{:<34} {total:>9}", "messages to send");
    println!("{:<34} {printed:>9}", "printed by the server");
    println!("{:<34} {answered:>9}", "answered");
    println!("{:<34} {per_second:>9.0}", "answered per second");
    println!("{:<34} {:>9}", "threads of the server", figure(server, "Threads:"));
    println!("{:<34} {:>9}", "its peak memory, kB", figure(server, "VmHWM:"));
    println!("{:<34} {:>9}", "its CPU per message, microseconds", cpu(server, answered));
    if printed == total && answered == total {
        return ExitCode::SUCCESS;
    }
    let (unprinted, unanswered) = (total.saturating_sub(printed), total - answered);
    eprintln!("load.sh: {unprinted} messages not printed, {unanswered} not answered");
    ExitCode::FAILURE
}

/// The socket of a client.
fn connect(kind: &str, port: u16) -> io::Result<Socket> {
    let kind = if kind == "udp" { Type::DGRAM } else { Type::STREAM };
    let socket = Socket::new(Domain::IPV4, kind, None)?;
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

/// Sends messages and waits for each reply: how many came. After two failures in a row it gives up.
fn talk(mut socket: &Socket, messages: usize) -> usize {
    let (mut answered, mut failures) = (0, 0);
    for _ in 0..messages {
        if socket.send(NI_HAO).is_ok() && socket.read(&mut [0; 1024]).is_ok_and(|size| size > 0) {
            (answered, failures) = (answered + 1, 0);
        } else {
            failures += 1;
        }
        if failures == 2 {
            break;
        }
    }
    answered
}

/// A figure that Linux keeps of a process (proc(5)).
fn figure(process: &str, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let figure = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("unknown");
    figure.trim().trim_end_matches(" kB").to_owned()
}

/// The CPU time of a process per message, in microseconds. Linux counts it in ticks of 10,000.
fn cpu(process: &str, messages: usize) -> String {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |field: usize| fields.get(field)?.parse::<usize>().ok();
    match (ticks(11), ticks(12)) {
        (Some(user), Some(kernel)) => ((user + kernel) * 10_000 / messages.max(1)).to_string(),
        _ => "unknown".to_owned(),
    }
}
