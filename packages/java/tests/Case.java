import deadstop.Deadstop;
import java.time.Duration;

/** What the cases share. */
final class Case {
    private Case() {}

    /** Installs deadstop, except in the control. */
    static void install(boolean whenMainEnds) {
        if (!"1".equals(System.getenv("CONTROL"))) {
            double seconds = Double.parseDouble(System.getenv("GRACE"));
            Deadstop.builder()
                .grace(Duration.ofMillis((long) (seconds * 1000)))
                .whenMainEnds(whenMainEnds)
                .install();
        }
    }
}
