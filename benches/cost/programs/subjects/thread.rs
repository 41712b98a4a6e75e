//! A program with one thread that waits: the cost of a thread that std starts.

use std::thread;

pub fn install() -> thread::JoinHandle<()> {
    thread::spawn(thread::park)
}

pub fn finish(thread: thread::JoinHandle<()>) {
    thread.thread().unpark();
    thread.join().unwrap();
}
