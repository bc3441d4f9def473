//! The processes that tests have started: each is killed with all that it has started itself.

use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use std::{io, process};

use process_wrap::std::{StdChildWrapper, StdCommandWrap};

use crate::failure::say;

/// A process, and the test (that is, the thread) that has started it.
pub(crate) struct Process {
    child: Mutex<Box<dyn StdChildWrapper>>,
    test: ThreadId,
}

static ALL: Mutex<Vec<Arc<Process>>> = Mutex::new(Vec::new());

/// A test that has failed meanwhile is no reason for another one to fail.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Process {
    /// Starts `command` in a process group of its own, which is a job object on Windows.
    pub(crate) fn start(command: Command) -> io::Result<Arc<Process>> {
        let mut wrapped = StdCommandWrap::from(command);
        #[cfg(unix)]
        wrapped.wrap(process_wrap::std::ProcessGroup::leader());
        #[cfg(windows)]
        wrapped.wrap(process_wrap::std::JobObject);
        let child = Mutex::new(wrapped.spawn()?);
        let process = Arc::new(Process { child, test: thread::current().id() });
        locked(&ALL).push(Arc::clone(&process));
        Ok(process)
    }

    pub(crate) fn child(&self) -> MutexGuard<'_, Box<dyn StdChildWrapper>> {
        locked(&self.child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child().id()
    }

    /// How it has ended, if it has. This asks for the process alone: ProcessGroup's own `try_wait` loses
    /// the status when other processes of the group have become this process's children.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.child().inner_mut().try_wait().expect("the program can be waited for")
    }

    /// How it ends, if it does within that time.
    pub(crate) fn status_within(&self, time: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + time;
        loop {
            let status = self.status();
            if status.is_some() || Instant::now() > until {
                return status;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Kills it and what it has started.
    pub(crate) fn kill(&self) {
        let _ = self.child().start_kill();
        let _ = self.child().wait();
    }
}

/// How the last program of this test has ended, when none of them is running any more.
pub(crate) fn last_end() -> Option<String> {
    let mut last = None;
    for process in locked(&ALL).iter().filter(|one| one.test == thread::current().id()) {
        last = Some(process.status()?);
    }
    last.map(|status| say("the program has ended: {}", &[&status]))
}

/// Forgets the processes of this test.
pub(crate) fn forget_processes() {
    locked(&ALL).retain(|process| process.test != thread::current().id());
}

/// Lets Ctrl-C kill what the tests have started, as it does not reach other process groups.
pub(crate) fn kill_all_on_interrupt() {
    let _ = ctrlc::set_handler(|| {
        locked(&ALL).iter().for_each(|process| process.kill());
        process::exit(130);
    });
}

/// On Linux, what a program has left running comes to this process: their subreaper (prctl(2)).
pub fn take_orphans() {
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_child_subreaper(true);
    let _ = ctrlc::set_handler(|| {
        kill_orphans();
        process::exit(130);
    });
}

/// Kills the processes that a program has left behind, and theirs.
pub fn kill_orphans() {
    #[cfg(target_os = "linux")]
    for _ in 0..200 {
        use nix::sys::signal::{Signal, kill};
        use nix::sys::wait::{WaitPidFlag, waitpid};
        let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let lists = threads.map(|thread| std::fs::read_to_string(thread.path().join("children")));
        let children = lists.flatten().collect::<Vec<_>>().join(" ");
        if children.trim().is_empty() {
            return;
        }
        for id in children.split_whitespace().filter_map(|id| id.parse().ok()) {
            let _ = kill(nix::unistd::Pid::from_raw(id), Signal::SIGKILL);
        }
        while waitpid(None, Some(WaitPidFlag::WNOHANG)).is_ok_and(|one| one.pid().is_some()) {}
        thread::sleep(Duration::from_millis(10));
    }
}
