//! The binary: reads the command line and does what it says.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use model::env::Env;
use server::cli::{self, Command, exit};
use server::config::{self, Config, Environment, Flags};
use server::env::RealEnv;
use server::{demo, offline, output, serve};

/// Small blocks that one thread takes and another gives back are most of what we ask for: 0.95 of the processor time an
/// event that the system's allocator takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = Environment::of_process();
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(help) => {
            let code = if help.use_stderr() { exit::WRONG_WORDS } else { exit::DONE };
            // clap colours it where the terminal can show that; a closed pipe is nobody's error.
            let _ = help.print();
            return ExitCode::from(code);
        }
    };
    match command {
        Command::Serve(flags) => configured(&flags, &environment, |config| run(serve::serve(config))),
        Command::Demo(args) => run(demo::demo(args, &environment)),
        Command::Migrate(flags) => {
            configured(&flags, &environment, |config| run(async move { offline::migrate(&config).await }))
        }
        Command::RotateMasterKey(args) => {
            let env = RealEnv::new();
            configured(&args.flags, &environment, |config| {
                run(offline::rotate_master_key(&config, args.new_key_file.as_deref(), &environment, &env))
            })
        }
        Command::OpenApi => offline::openapi(),
        Command::Config(args) => cli::run_config(&args, &environment),
        Command::Dialects(command) => run(async { cli::run_dialects(&command, &environment).await }),
        Command::Doctor(command) => run(async { cli::run_doctor(&command, &environment).await }),
        Command::Client(command) => {
            let now = Arc::new(RealEnv::new()).now();
            run(async { cli::run_client(&command, &environment, now).await })
        }
    }
}

fn configured(flags: &Flags, environment: &Environment, run: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match config::load(flags, environment) {
        Ok(config) => run(config),
        Err(diagnostics) => cli::bad_configuration(&diagnostics),
    }
}

fn run(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // What the work did not wait for is not waited for here: a call into a file or a database that hangs may never
            // return.
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            output::print_error(&format!("error: no threads to run on: {error}"));
            ExitCode::from(exit::FAILED)
        }
    }
}
