//! Ways out of the sandbox, for tests: a unit's process tries the one that the variable [`ATTEMPT`](super::ATTEMPT) names,
//! when all walls stand, as a stranger's program would that has taken it over. Not in release builds.
//!
//! The variable holds the way's name, and after a colon what it is about. With a name that begins with `free-`, no walls are
//! built: the test must see that the way is one. The way `work` is that of every unit.

use super::files::Files;
use super::messages::{Event, Job};
use std::io::{self, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::Path;

fn wanted() -> Option<(bool, String, String)> {
    let text = std::env::var(super::ATTEMPT).ok()?;
    let (name, about) = text.split_once(':').unwrap_or((&text, ""));
    let free = name.strip_prefix("free-");
    Some((free.is_some(), free.unwrap_or(name).to_owned(), about.to_owned()))
}

/// Whether a test wants no walls.
pub fn without_walls() -> bool {
    wanted().is_some_and(|(free, ..)| free)
}

/// Tries the way out that is asked for, if any, says how it went, and ends the process.
pub fn run(job: &Job, files: &mut Files) {
    let Some((_, name, about)) = wanted() else { return };
    if name == "work" {
        return;
    }
    let outcome = attempt(&name, &about, job, files);
    let why = match outcome {
        Ok(()) => "out".to_owned(),
        Err(error) => format!("in: {error}"),
    };
    say(&Event::Waiting { why });
    std::process::exit(0);
}

fn say(event: &Event) {
    let line = serde_json::to_string(event).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{line}");
}

fn attempt(name: &str, about: &str, job: &Job, files: &mut Files) -> io::Result<()> {
    let parent = i32::try_from(job.parent).map_err(io::Error::other)?;
    match name {
        "nothing" => Ok(()),
        "read" => std::fs::read(about).map(drop),
        "list" => std::fs::read_dir(about).map(drop),
        "stat" => std::fs::metadata(about).map(drop),
        "write" => std::fs::write(about, "by a stranger"),
        "remove" => std::fs::remove_file(about),
        "rename" => std::fs::rename(about, format!("{about}.gone")),
        "link" => std::os::unix::fs::symlink("/etc/passwd", format!("{about}.link")),
        "chmod" => std::fs::set_permissions(about, std::os::unix::fs::PermissionsExt::from_mode(0o777)),
        "chown" => std::os::unix::fs::chown(about, None, Some(0)),
        "tcp" => TcpStream::connect(about).map(drop),
        "udp" => UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", about)).map(drop),
        "unix" => UnixStream::connect(about).map(drop),
        "pair" => UnixStream::pair().map(drop),
        "thread" => std::thread::Builder::new().spawn(|| ()).map(drop),
        "exec" => std::process::Command::new(about).spawn()?.wait().map(drop),
        "become" => Err(std::os::unix::process::CommandExt::exec(&mut std::process::Command::new(about))),
        "environment" => about.split(',').try_for_each(|name| std::env::var(name).map(drop).map_err(io::Error::other)),
        "descriptors" => inherited(),
        "output" => flood(),
        "lie" => lie(about),
        "crowd" => crowd(),
        "allocate" => allocate(),
        "fill" => fill(files),
        "spin" => spin(),
        "raise" => raise(),
        "renice" => rustix::process::setpriority_process(None, 0).map_err(io::Error::from),
        _ => system(name, about, parent),
    }
}

/// What only Linux has.
#[cfg(target_os = "linux")]
fn system(name: &str, about: &str, parent: i32) -> io::Result<()> {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    use nix::sys::uio::{RemoteIoVec, process_vm_readv};
    use nix::unistd::Pid;
    let pid = Pid::from_raw(parent);
    let done = match name {
        "signal" => nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGWINCH),
        "ptrace" => nix::sys::ptrace::seize(pid, nix::sys::ptrace::Options::empty())
            .and_then(|()| nix::sys::ptrace::detach(pid, None).or(Ok(()))),
        "peek" => {
            let mut byte = [0];
            let from = usize::from_str_radix(about.trim_start_matches("0x"), 16).map_err(io::Error::other)?;
            let from = [RemoteIoVec { base: from, len: 1 }];
            process_vm_readv(pid, &mut [io::IoSliceMut::new(&mut byte)], &from).map(drop)
        }
        "memory" => {
            return std::fs::File::options().read(true).write(true).open(format!("/proc/{parent}/mem")).map(drop);
        }
        "environ" => return std::fs::read(format!("/proc/{parent}/environ")).map(drop),
        "mount" => mount(Some("none"), Path::new(about), Some("tmpfs"), MsFlags::empty(), None::<&str>),
        "unshare" => unshare(CloneFlags::CLONE_NEWUSER),
        "anonymous" => {
            return rustix::fs::memfd_create("x", rustix::fs::MemfdFlags::empty()).map(drop).map_err(io::Error::from);
        }
        "capabilities" => {
            let sets = rustix::thread::capabilities(None)?;
            if sets.effective.is_empty() && sets.permitted.is_empty() {
                return Err(io::Error::other("there are none"));
            }
            Ok(())
        }
        _ => return Err(io::Error::other(format!("there is no way {name} {about}"))),
    };
    done.map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn system(name: &str, _: &str, _: i32) -> io::Result<()> {
    Err(io::Error::other(format!("there is no way {name}")))
}

/// Finds a descriptor that somebody left open.
fn inherited() -> io::Result<()> {
    // A descriptor can be asked for its file without opening anything.
    let is_open = |number: i32| nix::unistd::close(number).is_ok();
    match (100..200).any(is_open) {
        true => Ok(()),
        false => Err(io::Error::other("nothing was left open")),
    }
}

/// Says more than anybody can take in: a line without an end.
fn flood() -> io::Result<()> {
    let mut out = io::stdout().lock();
    (0..64).try_for_each(|_| out.write_all(&[b'x'; 1 << 20]))
}

/// Says something in the words of the test.
fn lie(words: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(words.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush())?;
    drop(out);
    // The donor ends this process.
    wait_for_the_end()
}

/// Starts more threads than it needs.
fn crowd() -> io::Result<()> {
    for _ in 0..64 {
        std::thread::Builder::new().spawn(|| std::thread::sleep(std::time::Duration::from_secs(600)))?;
    }
    wait_for_the_end()
}

fn wait_for_the_end() -> io::Result<()> {
    std::thread::sleep(std::time::Duration::from_secs(60));
    Err(io::Error::other("nobody ended this process"))
}

/// Takes more memory than allowed.
fn allocate() -> io::Result<()> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for _ in 0..16 {
        let mut more = Vec::new();
        more.try_reserve_exact(64 << 20).map_err(io::Error::other)?;
        more.resize(64 << 20, 1);
        all.push(std::hint::black_box(more));
    }
    Ok(())
}

/// Writes two megabytes into its own file.
fn fill(files: &mut Files) -> io::Result<()> {
    let unit = files.units.first_mut().ok_or_else(|| io::Error::other("a job without a unit"))?;
    (0..32).try_for_each(|_| unit.execution.write_all(&[b'x'; 1 << 16]))
}

/// Uses four seconds of processor time.
fn spin() -> io::Result<()> {
    while super::gate::cpu_time().as_secs() < 4 {
        std::hint::spin_loop();
    }
    Ok(())
}

/// Raises a limit that was lowered.
fn raise() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Cpu, Rlimit { current: None, maximum: None }).map_err(io::Error::from)
}
