import deadstop.Deadstop;
import java.time.Duration;

/** The calls, their results and their errors. */
public class Api {
    public static void main(String[] arguments) {
        refused(IllegalArgumentException.class, () -> Deadstop.builder().exitStatus(0).install());
        refused(IllegalArgumentException.class, () -> Deadstop.builder().grace(Duration.ofSeconds(-1)).install());
        refused(IllegalArgumentException.class, () -> Deadstop.builder().signals("KILL").install());
        Deadstop deadstop = Deadstop.builder().grace(Duration.ofSeconds(60)).install();
        refused(IllegalStateException.class, () -> Deadstop.builder().install());
        check(deadstop.remaining().isEmpty());
        check(!deadstop.isRequested());
        check(deadstop.request("a test"));
        check(!deadstop.request("a test"));
        check(deadstop.isRequested());
        check(deadstop.remaining().get().compareTo(Duration.ofSeconds(30)) > 0);
        deadstop.chainSignals();
        System.out.println("ready");
        System.exit(5);
    }

    private static void check(boolean holds) {
        if (!holds) {
            throw new AssertionError();
        }
    }

    private static void refused(Class<? extends Exception> by, Runnable call) {
        try {
            call.run();
        } catch (RuntimeException error) {
            check(by.isInstance(error));
            return;
        }
        throw new AssertionError("not refused");
    }
}
