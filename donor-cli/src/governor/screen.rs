//! What an X server tells: whether a window fills the screen, and how long nobody has pressed a key or moved the mouse.
//!
//! Under Wayland no program is told either of another's windows or of input; full-screen windows of X programs are still
//! seen there (through Xwayland). A thread asks: a server that does not answer must not hold up the donor.

use std::env;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::screensaver::ConnectionExt as _;
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _, Window};
use x11rb::rust_connection::RustConnection;

/// Between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_secs(3);

/// An answer that is older says nothing any more.
const STALE: Duration = Duration::from_secs(15);

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Whether the active window fills the screen.
    pub fullscreen: bool,
    /// Since when nobody has used keyboard and mouse. Not told under Wayland.
    pub idle: Option<Duration>,
}

type Latest = Mutex<Option<(Instant, Result<Seen, String>)>>;

/// Watches the screen from a thread that ends with it.
#[derive(Debug)]
pub struct Screen {
    latest: Arc<Latest>,
}

impl Screen {
    /// Begins to watch. Waits a moment for the first answer, so that what cannot be seen can be told at the start.
    pub fn watch() -> Self {
        let latest = Arc::new(Latest::default());
        let weak = Arc::downgrade(&latest);
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("screen".to_owned());
        if thread.spawn(move || watch(&weak, &tell)).is_ok() {
            // A server that takes longer is asked again later.
            let _ = told.recv_timeout(Duration::from_secs(1));
        }
        Self { latest }
    }

    /// What was seen last.
    ///
    /// # Errors
    /// Says why nothing can be seen.
    pub fn look(&self) -> Result<Seen, String> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some((at, seen)) if at.elapsed() < STALE => seen.clone(),
            _ => Err("the X server does not answer".to_owned()),
        }
    }
}

fn watch(latest: &Weak<Latest>, tell: &std::sync::mpsc::Sender<()>) {
    let mut server = None;
    loop {
        let seen = look(&mut server);
        let Some(latest) = latest.upgrade() else { return };
        *latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), seen));
        drop(latest);
        // Only the first answer is waited for.
        let _ = tell.send(());
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Whether the session is one of Wayland.
fn is_wayland() -> bool {
    env::var_os("WAYLAND_DISPLAY").is_some() || env::var_os("XDG_SESSION_TYPE").is_some_and(|kind| kind == "wayland")
}

fn look(server: &mut Option<Server>) -> Result<Seen, String> {
    if env::var_os("DISPLAY").is_none() {
        return Err(if is_wayland() {
            "Wayland tells no program of other programs' windows".to_owned()
        } else {
            "there is no DISPLAY: the donor does not run in a graphical session".to_owned()
        });
    }
    let current = match server.take() {
        Some(server) => server,
        None => Server::connect()?,
    };
    let seen = current.look(is_wayland()).map_err(|error| format!("the X server cannot be asked: {error}"))?;
    *server = Some(current);
    Ok(seen)
}

/// A connection to an X server.
struct Server {
    connection: RustConnection,
    root: Window,
    active: Atom,
    state: Atom,
    fullscreen: Atom,
}

impl Server {
    fn connect() -> Result<Self, String> {
        let wrong = |error: String| format!("the X server cannot be reached: {error}");
        let (connection, screen) = x11rb::connect(None).map_err(|error| wrong(error.to_string()))?;
        let root = connection.setup().roots.get(screen).ok_or_else(|| wrong("it has no screen".to_owned()))?.root;
        let atom = |name: &str| -> Result<Atom, ReplyError> {
            Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
        };
        let atoms = atom("_NET_ACTIVE_WINDOW")
            .and_then(|active| Ok((active, atom("_NET_WM_STATE")?, atom("_NET_WM_STATE_FULLSCREEN")?)));
        let (active, state, fullscreen) = atoms.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { connection, root, active, state, fullscreen })
    }

    fn look(&self, wayland: bool) -> Result<Seen, ReplyError> {
        let active = self.numbers(self.root, self.active, AtomEnum::ANY)?.first().copied().unwrap_or(0);
        let fullscreen = active != 0
            && match self.numbers(active, self.state, AtomEnum::ATOM) {
                Ok(states) => states.contains(&self.fullscreen),
                // The window has been closed meanwhile.
                Err(ReplyError::X11Error(_)) => false,
                Err(error) => return Err(error),
            };
        let idle = if wayland { None } else { self.idle()? };
        Ok(Seen { fullscreen, idle })
    }

    fn numbers(&self, window: Window, property: Atom, kind: AtomEnum) -> Result<Vec<u32>, ReplyError> {
        let reply = self.connection.get_property(false, window, property, kind, 0, 64)?.reply()?;
        Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
    }

    /// `None` if the server does not have the extension.
    fn idle(&self) -> Result<Option<Duration>, ReplyError> {
        let Ok(cookie) = self.connection.screensaver_query_info(self.root) else { return Ok(None) };
        match cookie.reply() {
            Ok(info) => Ok(Some(Duration::from_millis(info.ms_since_user_input.into()))),
            Err(ReplyError::X11Error(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
