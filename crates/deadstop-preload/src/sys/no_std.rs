//! The parts of a program that `std` would provide.

/// No code here panics. If some did, the thread must not run on.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    deadstop_core::sys::terminate(134)
}

// The unwinder calls this function for each Rust frame that it comes to. Nothing unwinds
// here, but the program does: `pthread_exit`, a canceled thread or a C++ exception passes
// through our `main`, our signal handler and our `read`. Those frames have nothing to clean
// up, so the answer is always 8: go on with the next frame (`_URC_CONTINUE_UNWIND`). A
// hidden symbol is not seen by the program.
#[cfg(target_arch = "x86_64")]
core::arch::global_asm!(
    ".pushsection .text.rust_eh_personality, \"ax\", @progbits",
    ".hidden rust_eh_personality",
    ".globl rust_eh_personality",
    ".type rust_eh_personality, @function",
    "rust_eh_personality:",
    "  mov eax, 8",
    "  ret",
    ".size rust_eh_personality, . - rust_eh_personality",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
core::arch::global_asm!(
    ".pushsection .text.rust_eh_personality, \"ax\", @progbits",
    ".hidden rust_eh_personality",
    ".globl rust_eh_personality",
    ".type rust_eh_personality, @function",
    "rust_eh_personality:",
    "  mov w0, #8",
    "  ret",
    ".size rust_eh_personality, . - rust_eh_personality",
    ".popsection",
);

/// The same for other processors, seen by the program.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> core::ffi::c_int {
    8
}
