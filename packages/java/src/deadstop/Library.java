package deadstop;

import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;

/** libdeadstop. */
interface Library extends com.sun.jna.Library {
    /** deadstop_options of deadstop.h. */
    @FieldOrder({
        "size", "grace_ms", "exit_status", "failure_status", "signal_mode", "second_signal",
        "when_done", "progress", "stderr_format", "require_backup_timer", "signals",
        "status_signals", "stack_dump_signal", "reserved", "report_file", "message_file"
    })
    final class Options extends Structure {
        public long size;
        public long grace_ms;
        public byte exit_status;
        public byte failure_status;
        public byte signal_mode;
        public byte second_signal;
        public byte when_done;
        public byte progress;
        public byte stderr_format;
        public byte require_backup_timer;
        public long signals;
        public long status_signals;
        public int stack_dump_signal;
        public int reserved;
        public String report_file;
        public String message_file;
    }

    int deadstop_install(Options options);

    int deadstop_chain_signals();

    void deadstop_arm();

    void deadstop_arm_within(long graceMs);

    int deadstop_request(String by);

    int deadstop_is_requested();

    long deadstop_remaining_ms();

    int deadstop_status_report();

    String deadstop_last_error();
}
