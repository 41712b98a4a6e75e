package deadstop;

import com.sun.jna.Native;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Ends the process at its shutdown deadline, whatever its shutdown hooks and threads are stuck
 * on, and reports what was stuck.
 *
 * <pre>{@code
 * Deadstop.builder().grace(Duration.ofSeconds(25)).install();
 * }</pre>
 *
 * <p>The clock starts at the first SIGTERM or SIGINT, by a native handler that runs before the
 * JVM's and passes the signal on; when the JVM begins its shutdown for another reason, such as
 * {@link System#exit}; and at {@link #request}. The earliest deadline stands, and there is no
 * disarm.
 */
public final class Deadstop {
    private static final Map<String, Integer> SIGNALS =
        Map.of("HUP", 1, "INT", 2, "QUIT", 3, "USR1", 10, "USR2", 12, "TERM", 15);

    private final Library library;

    private Deadstop(Library library) {
        this.library = library;
    }

    /** Starts describing what to install, with a grace of ten seconds. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Starts the clock; {@code by} is the cause in reports.
     *
     * @return whether this call began the shutdown
     */
    public boolean request(String by) {
        return check(library, library.deadstop_request(by)) == 1;
    }

    /** Starts the clock without a cause. */
    public void arm() {
        library.deadstop_arm();
    }

    /** Starts the clock without a cause, with a grace of its own. */
    public void armWithin(Duration grace) {
        library.deadstop_arm_within(Math.max(0, grace.toMillis()));
    }

    /** Returns whether the shutdown has begun. */
    public boolean isRequested() {
        return library.deadstop_is_requested() == 1;
    }

    /** Returns the time until the deadline; empty while there is none. */
    public Optional<Duration> remaining() {
        long left = library.deadstop_remaining_ms();
        return left < 0 ? Optional.empty() : Optional.of(Duration.ofMillis(left));
    }

    /** Requests a report of what every thread does, now, on standard error. */
    public void statusReport() {
        library.deadstop_status_report();
    }

    /**
     * Puts deadstop's signal handler in front again, after the application has set one by {@code
     * sun.misc.Signal.handle}.
     */
    public void chainSignals() {
        check(library, library.deadstop_chain_signals());
    }

    private static int check(Library library, int result) {
        if (result < 0) {
            throw new IllegalStateException(library.deadstop_last_error());
        }
        return result;
    }

    /** What to install. */
    public static final class Builder {
        private Duration grace = Duration.ofSeconds(10);
        private int exitStatus = 124;
        private String[] signals = {"TERM", "INT"};
        private boolean threadDump = true;
        private boolean whenMainEnds;
        private boolean progress;
        private boolean json;
        private Path reportFile;

        private Builder() {}

        /** Sets the time from the first trigger to the deadline; default 10 s. */
        public Builder grace(Duration grace) {
            this.grace = grace;
            return this;
        }

        /** Sets the exit status at the deadline, 1 to 255; default 124. */
        public Builder exitStatus(int status) {
            this.exitStatus = status;
            return this;
        }

        /** Sets the signals that start the clock, such as "TERM"; default TERM and INT. */
        public Builder signals(String... signals) {
            this.signals = signals.clone();
            return this;
        }

        /**
         * Sets whether the JVM prints the stacks of its threads to standard output with the hang
         * report (by SIGQUIT); default true.
         */
        public Builder threadDump(boolean dump) {
            this.threadDump = dump;
            return this;
        }

        /**
         * Sets whether the clock starts when the main thread ends; default false. For programs
         * that are done then, but whose libraries keep threads that are no daemons: an HTTP
         * client's pool keeps the JVM for a minute.
         */
        public Builder whenMainEnds(boolean watch) {
            this.whenMainEnds = watch;
            return this;
        }

        /** Sets whether progress lines are written to standard error; default false. */
        public Builder progress(boolean progress) {
            this.progress = progress;
            return this;
        }

        /** Sets whether reports on standard error are JSON, one line each; default false. */
        public Builder json(boolean json) {
            this.json = json;
            return this;
        }

        /** Sets a file for hang reports as JSON; default none. */
        public Builder reportFile(Path file) {
            this.reportFile = file;
            return this;
        }

        /**
         * Starts the watchdog, and returns when it watches. Once per process, early in main.
         *
         * @throws IllegalArgumentException if an option is out of its range
         * @throws IllegalStateException if libdeadstop refuses; the process goes on unprotected
         * @throws UnsatisfiedLinkError if there is no libdeadstop for this system
         */
        public Deadstop install() {
            if (exitStatus < 1 || exitStatus > 255) {
                throw new IllegalArgumentException("exitStatus is " + exitStatus + "; it must be 1 to 255");
            }
            if (grace.isNegative()) {
                throw new IllegalArgumentException("grace is " + grace + "; it must be 0 or more");
            }
            Library library = Native.load(Target.file(), Library.class);
            Library.Options options = new Library.Options();
            options.size = options.size();
            // 0 would be the library's default.
            options.grace_ms = Math.max(1, grace.toMillis());
            options.exit_status = (byte) exitStatus;
            options.progress = (byte) (progress ? 1 : 0);
            options.stderr_format = (byte) (json ? 1 : 0);
            options.stack_dump_signal = threadDump ? SIGNALS.get("QUIT") : 0;
            options.report_file = reportFile == null ? null : reportFile.toString();
            for (String signal : signals) {
                Integer number = SIGNALS.get(signal);
                if (number == null) {
                    throw new IllegalArgumentException("no signal " + signal + "; allowed are " + SIGNALS.keySet());
                }
                options.signals |= 1L << (number - 1);
            }
            if (signals.length == 0) {
                options.signal_mode = 1;
            }
            check(library, library.deadstop_install(options));
            Deadstop deadstop = new Deadstop(library);
            // Hooks run side by side: one that hangs does not keep this one from running.
            Runtime.getRuntime()
                .addShutdownHook(new Thread(() -> library.deadstop_request("the JVM shuts down"), "deadstop-hook"));
            if (whenMainEnds) {
                deadstop.watch(mainThread());
            }
            return deadstop;
        }
    }

    private void watch(Thread main) {
        Thread watcher = new Thread(() -> {
            try {
                main.join();
            } catch (InterruptedException interrupted) {
                return;
            }
            library.deadstop_request("the main thread has ended");
        }, "deadstop-main");
        watcher.setDaemon(true);
        watcher.start();
    }

    /** Returns the thread that runs main: the first of the JVM, or the caller's. */
    private static Thread mainThread() {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getId() == 1) {
                return thread;
            }
        }
        return Thread.currentThread();
    }
}
