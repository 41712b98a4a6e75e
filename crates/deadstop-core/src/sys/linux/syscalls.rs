//! The system calls that can block, by their numbers on this machine.

use core::ffi::c_long;

use crate::sys::{RevealingCall, WaitKind};

/// Returns the name and kind of a system call that is known to block.
#[inline(never)] // A loop over all calls.
pub fn blocking_call(number: c_long) -> Option<(&'static str, WaitKind)> {
    let index = CALLS
        .iter()
        .position(|call| c_long::from(call.number) == number)?;
    let (before, rest) = CALLS.split_at_checked(index)?;
    let call = rest.first()?;
    let start: usize = before.iter().map(|call| usize::from(call.name_len)).sum();
    let end = start.saturating_add(usize::from(call.name_len));
    Some((NAMES.get(start..end)?, call.kind))
}

/// A system call. Its name is in `NAMES`: the loader adds the program's address to each
/// reference in a table, by 24 bytes in the file.
struct Call {
    number: i32,
    name_len: u8,
    kind: WaitKind,
}

/// Returns the call, if its arguments tell what a thread waits for.
pub fn revealing_call(number: c_long) -> Option<RevealingCall> {
    match number {
        libc::SYS_fcntl => Some(RevealingCall::Fcntl),
        libc::SYS_flock => Some(RevealingCall::Flock),
        libc::SYS_futex => Some(RevealingCall::Futex),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open => Some(RevealingCall::Open),
        libc::SYS_openat => Some(RevealingCall::Openat),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => Some(RevealingCall::Poll),
        libc::SYS_ppoll => Some(RevealingCall::Poll),
        libc::SYS_wait4 => Some(RevealingCall::Wait4),
        libc::SYS_waitid => Some(RevealingCall::Waitid),
        _ => None,
    }
}

/// Numbers differ between machines, and the list was checked only for two.
/// Elsewhere the kernel's function says what a thread does.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const CALLS: &[Call] = &[];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const NAMES: &str = "";

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! calls {
    ($($(#[$only:meta])* $number:ident $name:ident $kind:ident,)*) => {
        const CALLS: &[Call] = &[$(
            $(#[$only])*
            Call {
                number: libc::$number as i32,
                name_len: core::stringify!($name).len() as u8,
                kind: WaitKind::$kind,
            },
        )*];

        const EACH_NAME: &[&str] = &[$(
            $(#[$only])*
            core::stringify!($name),
        )*];
    };
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
calls! {
    SYS_futex futex Lock,
    SYS_futex_waitv futex_waitv Lock,
    SYS_pread64 pread64 Read,
    SYS_preadv preadv Read,
    SYS_preadv2 preadv2 Read,
    SYS_read read Read,
    SYS_readv readv Read,
    SYS_recvfrom recvfrom Read,
    SYS_recvmmsg recvmmsg Read,
    SYS_recvmsg recvmsg Read,
    SYS_pwrite64 pwrite64 Write,
    SYS_pwritev pwritev Write,
    SYS_pwritev2 pwritev2 Write,
    SYS_sendmmsg sendmmsg Write,
    SYS_sendmsg sendmsg Write,
    SYS_sendto sendto Write,
    SYS_write write Write,
    SYS_writev writev Write,
    SYS_clock_nanosleep clock_nanosleep Sleep,
    SYS_nanosleep nanosleep Sleep,
    SYS_wait4 wait4 Child,
    SYS_waitid waitid Child,
    #[cfg(target_arch = "x86_64")]
    SYS_pause pause Signal,
    SYS_rt_sigsuspend rt_sigsuspend Signal,
    SYS_rt_sigtimedwait rt_sigtimedwait Signal,
    SYS_epoll_pwait epoll_pwait Poll,
    SYS_epoll_pwait2 epoll_pwait2 Poll,
    #[cfg(target_arch = "x86_64")]
    SYS_epoll_wait epoll_wait Poll,
    #[cfg(target_arch = "x86_64")]
    SYS_poll poll Poll,
    SYS_ppoll ppoll Poll,
    SYS_pselect6 pselect6 Poll,
    #[cfg(target_arch = "x86_64")]
    SYS_select select Poll,
    SYS_accept accept Descriptor,
    SYS_accept4 accept4 Descriptor,
    SYS_close close Descriptor,
    SYS_connect connect Descriptor,
    SYS_copy_file_range copy_file_range Descriptor,
    SYS_faccessat faccessat Descriptor,
    SYS_faccessat2 faccessat2 Descriptor,
    SYS_fallocate fallocate Descriptor,
    SYS_fchmod fchmod Descriptor,
    SYS_fchown fchown Descriptor,
    SYS_fcntl fcntl Descriptor,
    SYS_fdatasync fdatasync Descriptor,
    SYS_fgetxattr fgetxattr Descriptor,
    SYS_flock flock Descriptor,
    SYS_fsetxattr fsetxattr Descriptor,
    SYS_fstat fstat Descriptor,
    SYS_fstatfs fstatfs Descriptor,
    SYS_fsync fsync Descriptor,
    SYS_ftruncate ftruncate Descriptor,
    #[cfg(target_arch = "x86_64")]
    SYS_getdents getdents Descriptor,
    SYS_getdents64 getdents64 Descriptor,
    SYS_io_uring_enter io_uring_enter Descriptor,
    SYS_ioctl ioctl Descriptor,
    SYS_linkat linkat Descriptor,
    SYS_lseek lseek Descriptor,
    SYS_mkdirat mkdirat Descriptor,
    SYS_mq_timedreceive mq_timedreceive Descriptor,
    SYS_mq_timedsend mq_timedsend Descriptor,
    SYS_newfstatat newfstatat Descriptor,
    SYS_openat openat Descriptor,
    SYS_openat2 openat2 Descriptor,
    SYS_readahead readahead Descriptor,
    SYS_readlinkat readlinkat Descriptor,
    #[cfg(target_arch = "x86_64")]
    SYS_renameat renameat Descriptor,
    SYS_renameat2 renameat2 Descriptor,
    SYS_sendfile sendfile Descriptor,
    SYS_shutdown shutdown Descriptor,
    SYS_splice splice Descriptor,
    SYS_statx statx Descriptor,
    SYS_symlinkat symlinkat Descriptor,
    #[cfg(target_arch = "x86_64")]
    SYS_sync_file_range sync_file_range Descriptor,
    SYS_syncfs syncfs Descriptor,
    SYS_tee tee Descriptor,
    SYS_unlinkat unlinkat Descriptor,
    SYS_vmsplice vmsplice Descriptor,
    #[cfg(target_arch = "x86_64")]
    SYS_access access Other,
    SYS_brk brk Other,
    SYS_chdir chdir Other,
    #[cfg(target_arch = "x86_64")]
    SYS_chmod chmod Other,
    #[cfg(target_arch = "x86_64")]
    SYS_chown chown Other,
    SYS_clone clone Other,
    SYS_clone3 clone3 Other,
    #[cfg(target_arch = "x86_64")]
    SYS_creat creat Other,
    SYS_delete_module delete_module Other,
    SYS_execve execve Other,
    SYS_execveat execveat Other,
    SYS_exit exit Other,
    SYS_exit_group exit_group Other,
    SYS_finit_module finit_module Other,
    #[cfg(target_arch = "x86_64")]
    SYS_fork fork Other,
    SYS_getrandom getrandom Other,
    SYS_io_getevents io_getevents Other,
    #[cfg(target_arch = "x86_64")]
    SYS_link link Other,
    #[cfg(target_arch = "x86_64")]
    SYS_lstat lstat Other,
    SYS_madvise madvise Other,
    SYS_membarrier membarrier Other,
    #[cfg(target_arch = "x86_64")]
    SYS_mkdir mkdir Other,
    SYS_mlock mlock Other,
    SYS_mlock2 mlock2 Other,
    SYS_mlockall mlockall Other,
    SYS_mmap mmap Other,
    SYS_mount mount Other,
    SYS_move_pages move_pages Other,
    SYS_mprotect mprotect Other,
    SYS_mremap mremap Other,
    SYS_msgrcv msgrcv Other,
    SYS_msgsnd msgsnd Other,
    SYS_msync msync Other,
    SYS_munlock munlock Other,
    SYS_munmap munmap Other,
    #[cfg(target_arch = "x86_64")]
    SYS_open open Other,
    SYS_pivot_root pivot_root Other,
    SYS_prctl prctl Other,
    SYS_process_madvise process_madvise Other,
    SYS_process_vm_readv process_vm_readv Other,
    SYS_process_vm_writev process_vm_writev Other,
    SYS_ptrace ptrace Other,
    #[cfg(target_arch = "x86_64")]
    SYS_readlink readlink Other,
    SYS_reboot reboot Other,
    #[cfg(target_arch = "x86_64")]
    SYS_rename rename Other,
    #[cfg(target_arch = "x86_64")]
    SYS_rmdir rmdir Other,
    SYS_sched_yield sched_yield Other,
    SYS_seccomp seccomp Other,
    SYS_semop semop Other,
    SYS_semtimedop semtimedop Other,
    SYS_setns setns Other,
    #[cfg(target_arch = "x86_64")]
    SYS_stat stat Other,
    SYS_statfs statfs Other,
    SYS_swapoff swapoff Other,
    SYS_swapon swapon Other,
    #[cfg(target_arch = "x86_64")]
    SYS_symlink symlink Other,
    SYS_sync sync Other,
    SYS_truncate truncate Other,
    SYS_umount2 umount2 Other,
    #[cfg(target_arch = "x86_64")]
    SYS_unlink unlink Other,
    SYS_unshare unshare Other,
    SYS_utimensat utimensat Other,
    #[cfg(target_arch = "x86_64")]
    SYS_vfork vfork Other,
    SYS_restart_syscall restart_syscall Restarted,
}

/// The names of `CALLS`, one after another.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const NAMES: &str = match core::str::from_utf8(&JOINED) {
    Ok(names) => names,
    Err(_) => "",
};

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const JOINED: [u8; len(EACH_NAME)] = join(EACH_NAME);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const fn len(mut texts: &[&str]) -> usize {
    let mut len = 0_usize;
    while let Some((text, rest)) = texts.split_first() {
        len = len.wrapping_add(text.len());
        texts = rest;
    }
    len
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const fn join<const LEN: usize>(mut texts: &[&str]) -> [u8; LEN] {
    let mut joined = [0; LEN];
    let mut free: &mut [u8] = &mut joined;
    'full: while let Some((text, rest)) = texts.split_first() {
        let mut bytes = text.as_bytes();
        while let Some((byte, others)) = bytes.split_first() {
            let Some((first, behind)) = free.split_first_mut() else {
                break 'full;
            };
            *first = *byte;
            free = behind;
            bytes = others;
        }
        texts = rest;
    }
    joined
}
