import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;

/**
 * Java with the C interface, by JNA: a shutdown hook that loops. The jar `deadstop` has this
 * and more.
 *
 *   javac -cp jna.jar Service.java
 *   DEADSTOP=/usr/local/lib/libdeadstop.so java -cp jna.jar:. Service, then kill -TERM it
 *
 * Without the variable, it stays.
 */
public class Service {
    @FieldOrder({"size", "grace_ms", "exit_status", "failure_status", "signal_mode", "second_signal", "when_done",
        "progress", "stderr_format", "require_backup_timer", "signals", "status_signals", "stack_dump_signal", "reserved",
        "report_file", "message_file"})
    public static class Options extends Structure {
        public long size;
        public long grace_ms;
        public byte exit_status, failure_status, signal_mode, second_signal;
        public byte when_done, progress, stderr_format, require_backup_timer;
        public long signals, status_signals;
        public int stack_dump_signal, reserved;
        public String report_file, message_file;
    }

    public interface Deadstop extends Library {
        int deadstop_install(Options options);

        String deadstop_last_error();
    }

    public static void main(String[] arguments) throws Exception {
        String library = System.getenv("DEADSTOP");
        if (library != null) {
            Deadstop deadstop = Native.load(library, Deadstop.class);
            Options options = new Options();
            options.size = options.size();
            options.grace_ms = 2000;
            options.stack_dump_signal = 3; // SIGQUIT: the JVM prints the stacks of its threads.
            if (deadstop.deadstop_install(options) != 0) {
                throw new IllegalStateException(deadstop.deadstop_last_error());
            }
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            long n = 0;
            while (true) {
                n++;
            }
        }, "flush-hook"));
        System.out.println("ready");
        Thread.sleep(100_000);
    }
}
