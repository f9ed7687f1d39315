//! The demo: our package, a real OAuth server beside it, and what to look at.

use crate::{package, python, sh};
use anyhow::{Context, Result, bail};
use std::net::TcpListener;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Port on localhost; by default 4400, or a free one when that is taken
    #[arg(long)]
    port: Option<u16>,
    /// Serve pkg/ as it is
    #[arg(long)]
    no_build: bool,
}

const PORT: u16 = 4400;

const LOOK_AT: &str = "
Open the address below in a browser and press \"Give it a bad day\"; or sign in with one click, then look at
  - the countdown: tokens live 20 seconds, and a new one is there before the old one ends
  - the timeline: calls go on answering 200 across every rotation, one token request each
  - \"50 calls at once\" after \"Expire the token now\": one refresh serves them all
  - a reload: the session is still there
  - \"Other backends\", at the foot: Sapphire, the snippet, Authgear, Baserow, Django, Appsmith
Ctrl-C stops it.
";

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.no_build {
        crate::node::ensure()?;
    } else {
        package::run()?;
    }
    let port = match args.port {
        Some(port) => {
            TcpListener::bind(("127.0.0.1", port))
                .with_context(|| format!("port {port} cannot be used; try another --port"))?;
            port
        }
        None => match TcpListener::bind(("127.0.0.1", PORT)) {
            Ok(_) => PORT,
            Err(_) => TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port(),
        },
    };
    let main = sh::root().join("www/server/main.mjs");
    if !main.is_file() {
        bail!("the demo's server is missing: {}", main.display());
    }
    println!("{LOOK_AT}");
    let mut node = std::process::Command::new("node");
    node.arg(main).args(["--port", &port.to_string()]).current_dir(sh::root());
    // For three of the other backends; without it, they say on the page what they want.
    match python::ensure() {
        Ok(python) => drop(node.env(python::VARIABLE, python)),
        Err(error) => println!("Django will not be among the backends: {error:#}"),
    }
    become_it(&mut node)
}

/// The server takes this process's place: Ctrl-C and the exit status are its own.
#[cfg(unix)]
fn become_it(command: &mut std::process::Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec()).context("node cannot be started")
}

#[cfg(not(unix))]
fn become_it(command: &mut std::process::Command) -> Result<()> {
    sh::run(command)
}
