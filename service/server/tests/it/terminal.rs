//! A command at a terminal: what it asks, and what a person types.

use crate::yard::PATIENCE;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// A program that thinks a person is there.
pub struct Terminal {
    hand: File,
    child: Child,
    heard: Receiver<Vec<u8>>,
    /// What was shown behind what was waited for last.
    rest: String,
}

impl Terminal {
    /// Starts a command at a pseudo-terminal of its own.
    pub fn start(mut command: Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let side = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
        let child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        // What the command holds of the other side is closed with it.
        drop(command);
        let hand = File::from(master);
        let mut eye = hand.try_clone().unwrap();
        let (shown, heard) = channel();
        std::thread::spawn(move || {
            let mut some = [0; 4096];
            // When nobody has the other side any more this fails.
            while let Ok(length @ 1..) = eye.read(&mut some) {
                if shown.send(some[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            hand,
            child,
            heard,
            rest: String::new(),
        }
    }

    /// Waits until this is shown; what was shown before it.
    pub fn shows(&mut self, text: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some((before, behind)) = self.rest.split_once(text) {
                let before = before.to_owned();
                self.rest = behind.to_owned();
                return before;
            }
            let left = until.saturating_duration_since(Instant::now());
            let more = self.heard.recv_timeout(left);
            let more = more.unwrap_or_else(|_| panic!("'{text}' is not shown: {}", self.rest));
            self.rest.push_str(&String::from_utf8_lossy(&more).replace('\r', ""));
        }
    }

    /// Types a line.
    pub fn types(&mut self, line: &str) {
        self.hand.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits for its end: the code, and what else was shown.
    pub fn end(mut self) -> (Option<i32>, String) {
        let mut rest = self.rest.clone();
        while let Ok(more) = self.heard.recv_timeout(PATIENCE) {
            rest.push_str(&String::from_utf8_lossy(&more).replace('\r', ""));
        }
        (self.child.wait().unwrap().code(), rest)
    }
}
