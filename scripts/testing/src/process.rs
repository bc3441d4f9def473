//! The processes that tests have started: each is killed with all that it has started itself.

use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, ThreadId};
use std::{io, process};

use process_wrap::std::{StdChildWrapper, StdCommandWrap};

use crate::failure::say;

/// A process of a test. Dropping it kills it, and what it has started.
pub(crate) struct Process(Mutex<Box<dyn StdChildWrapper>>);

/// All processes, and the test (that is, the thread) that has started each.
static ALL: Mutex<Vec<(ThreadId, Weak<Process>)>> = Mutex::new(Vec::new());

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
        let process = Arc::new(Process(Mutex::new(wrapped.spawn()?)));
        locked(&ALL).push((thread::current().id(), Arc::downgrade(&process)));
        Ok(process)
    }

    pub(crate) fn child(&self) -> MutexGuard<'_, Box<dyn StdChildWrapper>> {
        locked(&self.0)
    }

    /// How it has ended, if it has. This asks for the process alone: ProcessGroup's own `try_wait` loses
    /// the status when other processes of the group have become this process's children.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        self.child().inner_mut().try_wait().expect("the program can be waited for")
    }

    fn kill(&self) {
        let _ = self.child().start_kill();
        let _ = self.child().wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How the last program of this test has ended, when none of them is running any more.
pub(crate) fn last_end() -> Option<String> {
    let this_test = thread::current().id();
    let mut last = None;
    for (_, process) in locked(&ALL).iter().filter(|(test, _)| *test == this_test) {
        if let Some(process) = process.upgrade() {
            last = Some(process.status()?);
        }
    }
    last.map(|status| say("the program has ended: {}", &[&status]))
}

/// Lets Ctrl-C kill what the tests have started, as it does not reach other process groups.
pub(crate) fn kill_all_on_interrupt() {
    let _ = ctrlc::set_handler(|| {
        locked(&ALL).iter().filter_map(|(_, process)| process.upgrade()).for_each(|one| one.kill());
        process::exit(130);
    });
}
