//! A line between donor and distributor that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Forwards connections to a distributor.
pub struct Wire {
    pub address: String,
    state: Arc<State>,
}

struct State {
    target: String,
    down: AtomicBool,
    /// Connections that carry more than this many bytes upwards are cut; 0 for none.
    cut_after: AtomicU64,
    cuts: AtomicU64,
}

impl Wire {
    pub fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address_here = format!("http://{}", listener.local_addr().unwrap());
        let target = address.trim_start_matches("http://").to_owned();
        let state = Arc::new(State {
            target,
            down: AtomicBool::new(false),
            cut_after: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for donor in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || state.carry(donor));
            }
        });
        Self { address: address_here, state }
    }

    /// Takes the line down, or up again.
    pub fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// Cuts each connection that carries more than so many bytes to the distributor; 0 stops that.
    pub fn cut_after(&self, bytes: u64) {
        self.state.cut_after.store(bytes, Ordering::SeqCst);
    }

    /// Connections that were cut.
    pub fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

impl State {
    fn carry(self: Arc<Self>, donor: TcpStream) {
        if self.down.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect(&self.target) else { return };
        let (mut back, mut to_donor) = (server.try_clone().unwrap(), donor.try_clone().unwrap());
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut back, &mut to_donor);
            let _ = to_donor.shutdown(Shutdown::Both);
        });
        let (mut donor, mut server) = (donor, server);
        let (mut buffer, mut carried) = ([0; 4096], 0);
        while let Ok(count @ 1..) = donor.read(&mut buffer) {
            carried += count as u64;
            let most = self.cut_after.load(Ordering::SeqCst);
            if self.down.load(Ordering::SeqCst) || (most > 0 && carried > most) {
                self.cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
            if server.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = donor.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    }
}
