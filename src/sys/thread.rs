//! The calling thread's name, as the system shows it, and the kernel's id of others.

use std::os::unix::thread::JoinHandleExt;
use std::thread::JoinHandle;

/// Names the calling thread, one of deadstop's own, for `ps`, `top` and `/proc`, which show up to
/// 15 bytes. `name` is ASCII.
pub(crate) fn set_name(name: &'static str) {
    let mut bytes = [0; 16];
    for (to, from) in bytes[..15].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    // SAFETY: `PR_SET_NAME` reads up to 16 bytes of a text that ends with zero,
    // and changes the calling thread only. The last of these is zero.
    unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) };
}

/// Names the thread `tid` of this process in the same way, by any text: bytes of zero are left
/// out, and a character is not cut in two. Does nothing if the thread has ended, or if `/proc`
/// cannot be written.
pub(crate) fn set_name_of(tid: i32, name: &str) {
    let (bytes, len) = short(name);
    let _ = std::fs::write(format!("/proc/self/task/{tid}/comm"), &bytes[..len]);
}

/// The name as the system keeps it, and its length.
fn short(name: &str) -> ([u8; 16], usize) {
    let mut bytes = [0; 16];
    let mut len = 0;
    for c in name.chars().filter(|c| *c != '\0') {
        if len + c.len_utf8() > 15 {
            break;
        }
        c.encode_utf8(&mut bytes[len..]);
        len += c.len_utf8();
    }
    (bytes, len)
}

/// Returns the kernel's id of the thread of `handle`.
///
/// Neither POSIX nor libc says it. The clock of a thread's processor time is named by its
/// id, in glibc and in musl alike: `clockid = (!tid << 3) | 6` (`CPUCLOCK_PERTHREAD` in
/// the kernel's `posix-timers.h`).
pub(crate) fn tid_of<T>(handle: &JoinHandle<T>) -> Option<i32> {
    let mut clock: libc::clockid_t = 0;
    // An integer in std, and a pointer in musl.
    let thread = handle.as_pthread_t() as libc::pthread_t;
    // SAFETY: the handle is not joined, so its thread's descriptor is valid; the pointer is
    // valid for writes.
    let result = unsafe { libc::pthread_getcpuclockid(thread, &raw mut clock) };
    if result != 0 || clock & 7 != 6 {
        return None;
    }
    let tid = !(clock >> 3);
    (tid > 0).then_some(tid)
}

#[cfg(test)]
mod tests {
    use super::tid_of;

    #[test]
    fn id_of_a_joinable_thread_is_what_it_reads_itself() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            sender.send(deadstop_core::tid()).expect("the test waits");
            let _ = held.recv();
        });
        let tid = receiver.recv().expect("it says its id");
        assert_eq!(tid_of(&thread), Some(tid));
        drop(release);
        thread.join().expect("it ends");
    }
}
