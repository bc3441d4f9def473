//! Many clients at once on one server: `load udp|tcp PORT CLIENTS MESSAGES SERVER FILE`, where SERVER is the
//! server's process and FILE what it has printed. `scripts/load.sh` starts both.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{ExitCode, exit};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use socket2::{Domain, Socket, Type};
use testing::NI_HAO;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    let [_, kind, port, clients, messages, server, file] = &arguments[..] else {
        panic!("scripts/load.sh starts this program");
    };
    let port: u16 = port.parse().expect("a port");
    let [clients, messages] = [clients, messages].map(|text| text.parse().expect("a number"));
    let total: usize = clients * messages;

    let connected: io::Result<Vec<_>> = (0..clients).map(|_| connect(kind, port)).collect();
    let sockets = connected.unwrap_or_else(|error| {
        eprintln!("load.sh: a client cannot connect: {error}");
        exit(1)
    });
    let start = Instant::now();
    let answered: usize = thread::scope(|scope| {
        let talk = |socket| scope.spawn(move || talk(socket, messages));
        let threads: Vec<_> = sockets.iter().map(talk).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).sum()
    });
    let per_second = answered as f64 / start.elapsed().as_secs_f64();
    let text = fs::read_to_string(file).expect("what the server has printed");
    let printed = text.lines().filter(|line| line.starts_with("receive messages:")).count();

    println!("{kind} clients at once              {clients:>9}");
    println!("messages to send                  {total:>9}");
    println!("printed by the server             {printed:>9}");
    println!("answered                          {answered:>9}");
    println!("answered per second               {per_second:>9.0}");
    // What Linux keeps of a process while it runs (proc(5)).
    if let Ok(status) = fs::read_to_string(format!("/proc/{server}/status")) {
        let find = |name| status.lines().find_map(|line| line.strip_prefix(name));
        println!("threads of the server             {:>9}", find("Threads:").unwrap_or("").trim());
        println!("its peak memory                   {:>9}", find("VmHWM:").unwrap_or("").trim());
    }
    ExitCode::from(u8::from(printed != total || answered != total))
}

/// The socket of a client, which waits two seconds for a reply.
fn connect(kind: &str, port: u16) -> io::Result<Socket> {
    let kind = if kind == "udp" { Type::DGRAM } else { Type::STREAM };
    let socket = Socket::new(Domain::IPV4, kind, None)?;
    socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
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
