//! Tests that have an English sentence as their name, and the steps that they belong to.

/// A test: the rule that it checks, in a sentence, and how it does that.
pub struct Test {
    pub(crate) name: &'static str,
    pub(crate) needs: &'static [&'static str],
    pub(crate) body: Box<dyn Fn() + Send + Sync>,
}

/// A step of an exercise.
pub struct Step {
    pub(crate) title: &'static str,
    pub(crate) tests: Vec<Test>,
}

/// What an exercise is tested for, in the order of its sheet.
#[derive(Default)]
pub struct Sheet {
    /// The steps so far.
    pub steps: Vec<Step>,
}

impl Sheet {
    /// Begins a step of that title.
    pub fn step(&mut self, title: &'static str) {
        self.steps.push(Step { title, tests: Vec::new() });
    }

    /// Adds a test of that name to the step.
    pub fn test(&mut self, name: &'static str, body: impl Fn() + Send + Sync + 'static) {
        let test = Test { name, needs: &[], body: Box::new(body) };
        self.steps.last_mut().expect("a step has begun").tests.push(test);
    }

    /// What the machine has to have for the last test, as [`has`](crate::has) knows it. Otherwise the
    /// test is skipped; in CI, where nothing may be skipped, it fails.
    pub fn needs(&mut self, needs: &'static [&'static str]) {
        let step = self.steps.last_mut().expect("a step has begun");
        step.tests.last_mut().expect("it has a test").needs = needs;
    }
}
