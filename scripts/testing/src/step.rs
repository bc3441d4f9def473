//! Tests that have an English sentence as their name, and the steps that they belong to.

/// A test: the rule that it checks, in a sentence, and how it does that.
pub struct Test {
    pub(crate) name: &'static str,
    pub(crate) needs: Vec<&'static str>,
    /// What prepares a network of its own for the test.
    pub(crate) network: Option<&'static str>,
    pub(crate) body: Box<dyn Fn() + Send + Sync>,
}

/// A test of that name.
pub fn test(name: &'static str, body: impl Fn() + Send + Sync + 'static) -> Test {
    Test { name, needs: Vec::new(), network: None, body: Box::new(body) }
}

impl Test {
    /// What the machine has to have for it, as [`has`](crate::has) knows it. Otherwise the test is skipped; in CI,
    /// where nothing may be skipped, it fails.
    pub fn needs(mut self, needs: &[&'static str]) -> Test {
        self.needs.extend(needs);
        self
    }

    /// Runs it in a process that has a network to itself, in a shell that runs `first` as root there.
    pub fn on_own_network(mut self, first: &'static str) -> Test {
        self.network = Some(first);
        self.needs(&["a network of its own"])
    }
}

/// A step of an exercise.
pub struct Step {
    pub(crate) title: &'static str,
    pub(crate) tests: Vec<Test>,
}

/// A step of that title, to which its tests are added.
pub fn step(title: &'static str) -> Step {
    Step { title, tests: Vec::new() }
}

impl Step {
    /// Adds a test, see [`test()`].
    pub fn test(mut self, name: &'static str, body: impl Fn() + Send + Sync + 'static) -> Step {
        self.tests.push(test(name, body));
        self
    }

    /// What the last test needs, see [`Test::needs`].
    pub fn needs(self, needs: &[&'static str]) -> Step {
        self.change_last(|test| test.needs(needs))
    }

    /// The last test has a network to itself, see [`Test::on_own_network`].
    pub fn on_own_network(self, first: &'static str) -> Step {
        self.change_last(|test| test.on_own_network(first))
    }

    fn change_last(mut self, change: impl FnOnce(Test) -> Test) -> Step {
        let last = self.tests.pop().map(change);
        self.tests.extend(last);
        self
    }
}
