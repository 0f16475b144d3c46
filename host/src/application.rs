//! An application that has not been started: one of ours, or somebody's own.

use core::pin::Pin;

use runtime::Env;

use crate::cli::App;

/// What an application is: a name, and its first task.
pub(crate) struct Application {
    pub(crate) name: &'static str,
    main: Box<dyn FnOnce(Env) -> Main>,
}

pub(crate) type Main = Pin<Box<dyn Future<Output = Result<(), runtime::Failure>>>>;

impl Application {
    pub(crate) fn new<F>(name: &'static str, main: impl FnOnce(Env) -> F + 'static) -> Self
    where
        F: Future<Output = Result<(), runtime::Failure>> + 'static,
    {
        Self {
            name,
            main: Box::new(|env| Box::pin(main(env))),
        }
    }

    pub(crate) fn start(self, env: Env) -> Main {
        (self.main)(env)
    }
}

impl From<App> for Application {
    fn from(app: App) -> Self {
        let name = app.name();
        match app {
            App::Hello => Self::new(name, hello::main),
            App::Site => Self::new(name, site::main),
            App::Bench => Self::new(name, bench::main),
        }
    }
}
