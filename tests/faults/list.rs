// Each fault, and how a watched process ends that is stuck in it.
//
// The faults are grouped by what they attack. Behind a group is where it comes
// from: N are cases that no other library for this tries, K the sections of what
// was measured of the kernel. K20 is what tests must run with, at the least:
//
//     a full pipe            stderr_full
//     a stopped terminal     stderr_stopped
//     the allocator's lock   allocator_lock_held
//     an exit handler        atexit_never_returns
//     a thread's destructor  thread_local_drop_never_returns
//     a loop on `SIGABRT`    sigabrt_handler_never_returns
//     all signals blocked    signals_blocked
//     64 threads that spin   sixty_four_threads_spin
//     pid 1                  pid_1
//     a child of `fork`      fork_then_hang
//     a core                 core_takes_too_long
//     no privileges          unprivileged
//     a filter of calls      every_call_refused
//
// What is promised beside, and is no way to be stuck, is tested elsewhere; the
// table at the head of `main.rs` says where.

faults! {
    // What waits for ever, in the plainest ways. N1
    channel_never_sent_to => OURS,
    child_never_exits => OURS,
    condition_never_met => OURS,
    deadlock => OURS,
    deadlock_rearmed => OURS,
    file_lock_held => OURS,
    joins_a_parked_thread => OURS,
    parking_lot_deadlock => OURS,
    reads_from_silence => OURS,
    sleeps => OURS,
    socket_never_answers => OURS,
    spins => OURS,
    writes_to_a_full_pipe => OURS,

    // The watchdog's start. N14 N17 N20 N27, K2 K6
    executed_again => OURS,
    executed_by_another_thread => OURS,
    fork_then_hang => OURS,
    forked_allocator_dead => OURS,
    finishing_cores_no_signal_is_free => OURS,
    finishing_cores_one_signal_is_free => AS_IF_KILLED,
    finishing_cores_watchdog_frozen => AS_IF_KILLED,
    forked_before_arm => OURS,
    forked_before_install => OURS,
    forked_twice => OURS,
    installed_among_spinning_threads => OURS,
    installed_by_a_thread_that_ends => OURS,
    installed_in_the_idle_class => OURS,
    no_timer => OURS,
    pid_1 => OURS,
    pid_1_watchdog_frozen => AS_IF_KILLED,
    pid_1_with_zombies => OURS,
    two_copies_ours_is_first => OURS,
    two_copies_the_other_is_first => OURS,
    vforked_before_arm => OURS,
    vforked_child_never_execs => OURS,

    // Its wait. N12 N15 N22, K1 K2 K12
    cgroup_frozen => KILLED,
    continued_after_the_deadline => OURS,
    every_core_spins => OURS,
    every_thread_frozen => KILLED,
    leader_exits => OURS,
    many_threads_exit => OURS,
    no_one_can_be_woken => KILLED,
    sixty_four_threads_spin => OURS,
    stopped => KILLED,
    stopped_again_and_again => OURS,
    traced => OURS,
    unprivileged => OURS,
    unprivileged_sixty_four_threads_spin => OURS,
    watchdog_frozen => KILLED,

    // Time. N16 N18
    clock_ahead => OURS,
    clock_behind => OURS,
    clock_stands_still => KILLED,
    wall_clock_jumps => OURS,

    // Memory. N7 N21, K3b
    allocator_lock_held => OURS,
    dead_allocator => OURS,
    memory_cgroup_full => OURS,
    memory_refused => OURS,
    memory_refused_abort_never_returns => OURS,
    memory_to_give_back => OURS,
    stack_overflow_handler_never_returns => OURS,

    // Locks, and what is written to. N4 N5 N6 N8, K3
    atfork_handler_never_returns => OURS,
    c_stdout_lock_held => OURS,
    loader_lock_held => OURS,
    logger_lock_held => OURS,
    stderr_full => OURS,
    stderr_lock_held => OURS,
    stderr_stopped => OURS,
    stderr_without_reader => OURS,
    stdio_closed => OURS,
    stdout_lock_held => OURS,

    // The exit path. N9 N10 N11, K3d K11
    atexit_never_returns => OURS,
    atexit_would_never_return => OURS,
    core_takes_too_long => KILLED,
    double_panic_abort_never_returns => OURS,
    every_call_refused => FAULT,
    every_call_refused_frozen => KILLED,
    exit_called_twice => OURS,
    exit_group_kills_its_caller => KILLED,
    exit_group_refused => KILLED,
    exit_never_returns => OURS,
    library_destructor_never_returns => OURS,
    panic_hook_never_returns => OURS,
    quick_exit_never_returns => OURS,
    static_destructor_never_returns => OURS,
    stdout_never_flushed => OURS,
    thread_local_drop_never_returns => OURS,

    // Signals. N13 N14, K4
    armed_by_a_storm => OURS,
    handler_never_returns => OURS,
    sigabrt_handler_never_returns => OURS,
    signals_blocked => OURS,
    signals_blocked_frozen => KILLED,
    signals_ignored => OURS,
    storm_of_signals => OURS,

    // Resources. N20, K1g K5
    files_to_close => OURS,
    limited_as => OURS,
    limited_core => OURS,
    limited_cpu => OURS,
    limited_data => OURS,
    limited_fsize => OURS,
    limited_in_everything => OURS,
    limited_in_everything_frozen => KILLED,
    limited_memlock => OURS,
    limited_nice => OURS,
    limited_nofile => OURS,
    limited_nproc => OURS,
    limited_rtprio => OURS,
    limited_rttime => OURS,
    limited_sigpending => OURS,
    limited_stack => OURS,
    threads_refused => OURS,
    threads_to_end => OURS,
    user_changed => OURS,
    user_changed_frozen => KILLED,

    // What is around the process. N20, K10
    chrooted => OURS,
    file_system_read_only => OURS,
    preloaded_exit_never_returns => OURS,
    preloaded_syscall_does_nothing => KILLED,
    preloaded_syscall_does_nothing_early => KILLED,
    preloaded_syscall_never_returns => KILLED,
    preloaded_timer_is_never_set => OURS,

    // The shutdown itself. N3
    all_but_the_watchdog_frozen => OURS,
    coordinator_frozen => OURS,
    files_refused => OURS,
    log_thread_frozen => OURS,
    reporter_frozen => OURS,
    signal_thread_frozen => OURS,
    task_thread_frozen => OURS,
    wait_is_never_reached => OURS,
}
