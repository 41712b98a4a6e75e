//! The system calls that block, by their numbers on this machine.

use ::core::ffi::c_long;
use ::core::iter::Iterator;
use ::core::option::Option;

/// What a thread waits for in a system call.
#[derive(
    ::core::clone::Clone, ::core::marker::Copy, ::core::cmp::PartialEq, ::core::fmt::Debug,
)]
pub(in crate::kill_path) enum Sort {
    Lock,
    /// To read from the descriptor in its first argument.
    Read,
    /// To write to the descriptor in its first argument.
    Write,
    Sleep,
    Child,
    Signal,
    /// One of several descriptors.
    Poll,
    /// Something that the descriptor in its first argument is about.
    On,
    /// Something else.
    Other,
    /// Whatever it waited for before it was stopped and went on: the kernel
    /// puts this call in the place of the first.
    Resumed,
}

/// The name and sort of a system call that is known to block.
pub(in crate::kill_path) fn call(number: c_long) -> Option<(&'static str, Sort)> {
    CALLS
        .iter()
        .find(|(known, ..)| *known == number)
        .map(|(_, name, sort)| (*name, *sort))
}

/// Numbers differ between machines, and only on these have the calls been
/// looked through. Elsewhere the kernel's function says what a thread does.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const CALLS: &[(c_long, &str, Sort)] = &[];

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! calls {
    ($($(#[$only:meta])* $number:ident $name:ident $sort:ident,)*) => {
        const CALLS: &[(c_long, &str, Sort)] = &[$(
            $(#[$only])*
            (::libc::$number, ::core::stringify!($name), Sort::$sort),
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
    SYS_accept accept On,
    SYS_accept4 accept4 On,
    SYS_close close On,
    SYS_connect connect On,
    SYS_copy_file_range copy_file_range On,
    SYS_faccessat faccessat On,
    SYS_faccessat2 faccessat2 On,
    SYS_fallocate fallocate On,
    SYS_fchmod fchmod On,
    SYS_fchown fchown On,
    SYS_fcntl fcntl On,
    SYS_fdatasync fdatasync On,
    SYS_fgetxattr fgetxattr On,
    SYS_flock flock On,
    SYS_fsetxattr fsetxattr On,
    SYS_fstat fstat On,
    SYS_fstatfs fstatfs On,
    SYS_fsync fsync On,
    SYS_ftruncate ftruncate On,
    #[cfg(target_arch = "x86_64")]
    SYS_getdents getdents On,
    SYS_getdents64 getdents64 On,
    SYS_io_uring_enter io_uring_enter On,
    SYS_ioctl ioctl On,
    SYS_linkat linkat On,
    SYS_lseek lseek On,
    SYS_mkdirat mkdirat On,
    SYS_mq_timedreceive mq_timedreceive On,
    SYS_mq_timedsend mq_timedsend On,
    SYS_newfstatat newfstatat On,
    SYS_openat openat On,
    SYS_openat2 openat2 On,
    SYS_readahead readahead On,
    SYS_readlinkat readlinkat On,
    #[cfg(target_arch = "x86_64")]
    SYS_renameat renameat On,
    SYS_renameat2 renameat2 On,
    SYS_sendfile sendfile On,
    SYS_shutdown shutdown On,
    SYS_splice splice On,
    SYS_statx statx On,
    SYS_symlinkat symlinkat On,
    #[cfg(target_arch = "x86_64")]
    SYS_sync_file_range sync_file_range On,
    SYS_syncfs syncfs On,
    SYS_tee tee On,
    SYS_unlinkat unlinkat On,
    SYS_vmsplice vmsplice On,
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
    SYS_restart_syscall restart_syscall Resumed,
}
