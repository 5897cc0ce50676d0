//! Owners who are signed in on the site. A session is a random token in a cookie; what it stands for is in memory, so a
//! restart ends all.

use protocol::{Digest, UploaderKeyId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// How long a session lasts without a request, and altogether.
const IDLE: Duration = Duration::from_secs(3600);
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// Most sessions: whoever was away longest is signed out.
const MOST: usize = 4096;

/// Random bytes of a token.
const TOKEN: usize = 32;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// With which key.
    pub key: UploaderKeyId,
    /// What each form of the session must bring.
    pub form_token: String,
    began: Duration,
    seen: Duration,
}

/// All sessions, by the digests of their tokens: who reads the memory of another process of ours finds no token.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<Digest, Session>>);

fn token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; TOKEN];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Sessions {
    /// Begins one; returns the token for the cookie.
    ///
    /// # Errors
    /// If the operating system gives no random bytes.
    pub fn begin(&self, key: UploaderKeyId, now: Duration) -> Result<String, getrandom::Error> {
        let (cookie, form_token) = (token()?, token()?);
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_live(now));
        if sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.seen).map(|(id, _)| *id);
            oldest.and_then(|oldest| sessions.remove(&oldest));
        }
        let session = Session { key, form_token, began: now, seen: now };
        sessions.insert(Digest::of(cookie.as_bytes()), session);
        Ok(cookie)
    }

    /// The session of a cookie, which is seen now.
    pub fn get(&self, cookie: &str, now: Duration) -> Option<Session> {
        let mut sessions = self.lock();
        let session = sessions.get_mut(&Digest::of(cookie.as_bytes())).filter(|session| session.is_live(now))?;
        session.seen = now;
        Some(session.clone())
    }

    /// Ends one.
    pub fn end(&self, cookie: &str) {
        self.lock().remove(&Digest::of(cookie.as_bytes()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Session>> {
        // Each change is one call of the map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_live(&self, now: Duration) -> bool {
        now.saturating_sub(self.seen) < IDLE && now.saturating_sub(self.began) < LONGEST
    }

    /// Whether a form is one of this session's own pages.
    pub fn allows(&self, form_token: &str) -> bool {
        self.form_token.as_bytes().ct_eq(form_token.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const KEY: UploaderKeyId = UploaderKeyId::from_bytes([1; 6]);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_session_ends_by_itself_and_when_it_is_ended() {
        let sessions = Sessions::default();
        let one = sessions.begin(KEY, at(0)).unwrap();
        let two = sessions.begin(KEY, at(0)).unwrap();
        assert!(one != two && one.len() == 64);
        assert_eq!(sessions.get(&one, at(3000)).unwrap().key, KEY);
        assert!(sessions.get(&one, at(6000)).is_some(), "it was seen meanwhile");
        assert!(sessions.get(&two, at(3600)).is_none(), "it was not");
        for time in (6000..12 * 3600).step_by(3000) {
            assert!(sessions.get(&one, at(time)).is_some());
        }
        assert!(sessions.get(&one, at(12 * 3600)).is_none(), "nobody is signed in for ever");
        let three = sessions.begin(KEY, at(0)).unwrap();
        sessions.end(&three);
        assert!(sessions.get(&three, at(1)).is_none() && sessions.get("", at(1)).is_none());
    }

    #[test]
    fn sessions_are_bounded_and_forms_belong_to_one() {
        let sessions = Sessions::default();
        let first = sessions.begin(KEY, at(0)).unwrap();
        for _ in 0..MOST {
            sessions.begin(KEY, at(1)).unwrap();
        }
        assert!(sessions.get(&first, at(2)).is_none());
        assert_eq!(sessions.lock().len(), MOST);
        let (one, two) = (sessions.begin(KEY, at(2)).unwrap(), sessions.begin(KEY, at(2)).unwrap());
        let (one, two) = (sessions.get(&one, at(3)).unwrap(), sessions.get(&two, at(3)).unwrap());
        assert!(one.allows(&one.form_token) && !one.allows(&two.form_token) && !one.allows(""));
    }
}
