import deadstop.Deadstop;
import java.time.Duration;

/** Hooks that return: the JVM's status stays, 143 after SIGTERM, and nothing is printed. */
public class Clean {
    public static void main(String[] arguments) throws Exception {
        Deadstop.builder().grace(Duration.ofSeconds(20)).install();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> { }, "flush-hook"));
        System.out.println("ready");
        Thread.sleep(100_000);
    }
}
