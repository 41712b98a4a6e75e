//! One thread that waits: what every thread costs that std starts.

use std::thread;

pub fn install() -> thread::JoinHandle<()> {
    thread::spawn(thread::park)
}

pub fn finish(thread: thread::JoinHandle<()>) {
    thread.thread().unpark();
    thread.join().unwrap();
}
